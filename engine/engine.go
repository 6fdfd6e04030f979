// Package engine puts the rooms together: it opens the journal, loads the
// scripts, executes runs, listens for webhooks and commands, and takes all of
// it down again in the right order. What the rooms do is in them.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/dashboard"
	"github.com/tidewire/tidewire/engine/file"
	"github.com/tidewire/tidewire/engine/ingest"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
	"github.com/tidewire/tidewire/engine/poll"
	"github.com/tidewire/tidewire/engine/run"
	"github.com/tidewire/tidewire/engine/schedule"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/subscription"
	"github.com/tidewire/tidewire/engine/vm"
)

// Engine is one installation at work. Make one with New, then Run it.
type Engine struct {
	config      Config
	store       *sqlite.Store
	connections *connection.Set
	calls       *call.Client
	files       *file.Store
	scripts     *script.Set
	runner      *run.Runner
	ingest      *ingest.Server
	schedule    *schedule.Scheduler
	polls       *poll.Poller
	hooks       *subscription.Keeper
	control     *control.Server
	dashboard   *dashboard.Dashboard
	webhooks    net.Listener
	commands    net.Listener
	started     time.Time
	ready       chan struct{}
}

// New opens everything that an engine needs and loads the scripts. Nothing
// listens before all of it is open, so that nothing is acknowledged that could
// not be kept. The caller runs the engine or closes it.
func New(ctx context.Context, c Config) (_ *Engine, err error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Grace <= 0 {
		c.Grace = config.DefaultGrace
	}
	if c.Listen == "" {
		c.Listen = config.DefaultListen
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	e := &Engine{config: c, started: c.Now(), ready: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if e.store, err = sqlite.Open(ctx, sqlite.Config{Path: StorePath(c.Data), Now: c.Now, Timer: c.Timer, Log: c.Log}); err != nil {
		if errors.Is(err, journal.ErrLocked) {
			return nil, held(c.Data, err)
		}
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	if err := e.connect(); err != nil {
		return nil, err
	}
	if err := e.load(ctx); err != nil {
		return nil, err
	}
	return e, e.listen()
}

// held says that the data folder is in use.
func held(data string, err error) error {
	process := ""
	if pid, found, _ := sqlite.Held(StorePath(data)); found && pid != 0 {
		process = fmt.Sprintf(" (process %d)", pid)
	}
	return &inUse{fmt.Sprintf("another engine%s runs on the data folder %s; stop it, or name another folder with --data-dir", process, data), err}
}

// inUse is said alone; what led to it says nothing more.
type inUse struct {
	text string
	err  error
}

func (e *inUse) Error() string { return e.text }
func (e *inUse) Unwrap() error { return e.err }

// connect makes the connections and the client that sends on them.
func (e *Engine) connect() (err error) {
	c := e.config
	e.connections, err = connection.New(connection.Config{
		Apps: c.Apps, Settings: c.Connections, Accounts: c.Accounts, Folder: c.Data, VaultKey: c.VaultKey, Keyring: c.Keyring,
		HTTP: call.TokenClient(), Now: c.Now, Log: c.Log,
	})
	if err != nil {
		return fmt.Errorf("the connections cannot be used:\n%w", err)
	}
	e.files = file.New(filepath.Join(c.Data, "files"), 0)
	e.calls = call.New(call.Config{
		Files: e.files, Connections: e.connections, Now: c.Now, Sleep: c.sleep(), Log: c.Log,
		AllowPrivate: c.HTTP.AllowPrivate, AllowHosts: c.HTTP.Allow,
	})
	return nil
}

// load compiles the scripts and prepares what executes them.
func (e *Engine) load(ctx context.Context) (err error) {
	c := e.config
	machine := vm.New(vm.Config{Apps: c.Apps})
	e.scripts, err = script.Open(ctx, script.Config{
		Dir: c.Scripts, Machine: machine, Params: c.Params, Zone: c.Zone, Apps: c.Apps, Log: c.Log, Now: c.Now,
		Connections: func(name string) bool { _, found := e.connections.Get(name); return found },
		Keep:        e.store.PutVersions,
		Live:        e.store.Live,
	})
	if err != nil {
		return fmt.Errorf("load the scripts: %w", err)
	}
	if err := e.awaitOld(ctx); err != nil {
		return err
	}
	key, err := dashboard.Key(c.Data)
	if err != nil {
		return err
	}
	e.dashboard = dashboard.New(dashboard.Config{Store: e.store, Key: key, BaseURL: e.publicURL, Zone: c.Zone, Now: c.Now, Log: c.Log})
	e.runner = run.New(run.Config{
		Store: e.store, Machine: machine, Scripts: e.scripts, Calls: e.calls, Files: e.files, Connections: e.connections,
		Apps: c.Apps, Secret: e.secret, InFlight: c.InFlight, Flood: c.Flood, Grace: c.Grace, Zone: c.Zone,
		Now: c.Now, Log: c.Log, Finished: c.Finished, ApprovalLink: e.dashboard.Link,
		Mark: func(event *journal.Event) *change.Mark { return e.polls.Mark(event) },
	})
	e.schedule = schedule.New(schedule.Config{
		Generation: e.scripts.Generation, Accept: e.runner.AcceptTick, Last: e.store.Tick, Clock: c.clock(), Log: c.Log,
	})
	if e.hooks, err = e.keeper(ctx); err != nil {
		return err
	}
	e.ingest = ingest.New(ingest.Config{
		Apps: c.Apps, Connections: e.connections, Generation: e.scripts.Generation, Subscriptions: e.hooks,
		Accept: e.runner.AcceptAll, Secret: e.secret, Life: e.life, Now: c.Now, Log: c.Log,
		Pages: map[string]http.Handler{dashboard.Prefix: e.dashboard.Handler()},
	})
	e.polls = poll.New(poll.Config{
		Connections: e.connections.All, Calls: e.calls, Store: e.store, Generation: e.scripts.Generation,
		Accept: e.runner.AcceptSweep, Read: e.ingest.Read, Now: c.Now, Timer: c.Timer, Log: c.Log,
	})
	e.control = control.New(control.Config{Reader: e.store, Send: e.send, Status: e.status, Commands: e, Connections: e, Log: c.Log})
	return nil
}

// awaitOld has events kept that runs of the last time may still wait for, on
// versions that are not the present ones.
func (e *Engine) awaitOld(ctx context.Context) error {
	hashes, err := e.store.LiveVersions(ctx)
	if err != nil {
		return fmt.Errorf("find what runs wait for: %w", err)
	}
	older := 0
	for _, hash := range hashes {
		version, err := e.store.Version(ctx, hash)
		if err == nil {
			err = e.scripts.Await(ctx, version)
		}
		if err == nil && version.Format < vm.ReplayFormat {
			older++
		}
		if err != nil {
			e.config.Log.Warn("a version that runs go on with cannot be loaded; see tidewire doctor", "version", hash, "error", err)
		}
	}
	if older > 0 {
		e.config.Log.Warn("live runs began before the language was corrected; tidewire doctor lists them", "versions", older)
	}
	return nil
}

// publicURL is where people reach the pages.
func (e *Engine) publicURL() string {
	if e.config.PublicURL != "" {
		return e.config.PublicURL
	}
	return e.URL()
}

func (e *Engine) listen() (err error) {
	if e.commands, err = control.Listen(e.config.Data); err != nil {
		return err
	}
	if e.webhooks, err = net.Listen("tcp", e.config.Listen); err != nil {
		return fmt.Errorf("listen for webhooks: %w; --listen or listen: in tidewire.yaml names another address", err)
	}
	return nil
}

// URL is where webhooks are received.
func (e *Engine) URL() string { return "http://" + e.webhooks.Addr().String() }

// Ready is closed when the engine receives events.
func (e *Engine) Ready() <-chan struct{} { return e.ready }

// Run works until ctx is done. Then it stops accepting, lets what runs finish
// within the grace, and closes everything. It returns nil after a shutdown
// that was asked for.
func (e *Engine) Run(ctx context.Context) error {
	receiving, stopReceiving := context.WithCancel(ctx)
	defer stopReceiving()
	commands, stopCommands := context.WithCancel(context.WithoutCancel(ctx))
	var doors, desk sync.WaitGroup
	failures := make(chan error, 8)
	start := func(group *sync.WaitGroup, what string, work func() error) {
		group.Go(func() {
			if err := work(); err != nil && !errors.Is(err, context.Canceled) {
				failures <- fmt.Errorf("%s: %w", what, err)
				stopReceiving()
			}
		})
	}
	start(&doors, "watch the scripts", func() error { return e.scripts.Watch(receiving) })
	start(&doors, "receive webhooks", func() error { return e.ingest.Serve(receiving, e.webhooks, e.config.Grace) })
	start(&doors, "fire schedules", func() error { return e.schedule.Run(receiving) })
	start(&doors, "poll", func() error { return e.polls.Run(receiving) })
	start(&doors, "keep webhooks registered", func() error { return e.hooks.Run(receiving) })
	start(&doors, "execute runs", func() error { return e.runner.Run(receiving) })
	start(&doors, "forget old runs", func() error { return e.prune(receiving) })
	start(&desk, "answer commands", func() error { return e.control.Serve(commands, e.commands) })
	e.config.Log.Info("tidewire is ready", "webhooks", e.URL()+"/hooks/<app>", "scripts", len(e.scripts.Generation().Scripts),
		"hooks", len(e.scripts.Generation().Hooks()), "connections", len(e.connections.All()), "data", e.config.Data)
	if len(e.scripts.Generation().Scripts) == 0 && len(e.scripts.Problems()) == 0 {
		e.config.Log.Warn("there is no script yet; one that is saved in the folder is live at once", "folder", e.config.Scripts)
	}
	e.connections.Recover()
	close(e.ready)
	<-receiving.Done()
	e.config.Log.Info("tidewire is stopping")
	doors.Wait()
	stopCommands()
	desk.Wait()
	close(failures)
	var problems []error
	for err := range failures {
		problems = append(problems, err)
	}
	problems = append(problems, e.Close())
	e.config.Log.Info("tidewire has stopped")
	return errors.Join(problems...)
}

// Close gives back what New opened. Run calls it.
func (e *Engine) Close() error {
	var problems []error
	for _, l := range []net.Listener{e.webhooks, e.commands} {
		if l != nil {
			if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				problems = append(problems, err)
			}
		}
	}
	if e.calls != nil {
		e.calls.Close()
	}
	if e.connections != nil {
		e.connections.Close()
	}
	if e.store != nil {
		problems = append(problems, e.store.Close())
	}
	return errors.Join(problems...)
}

// Live counts the runs that have not ended.
func (e *Engine) Live(ctx context.Context) (int, error) {
	live := 0
	counts, err := e.store.Counts(ctx)
	if err != nil {
		return 0, fmt.Errorf("count the live runs: %w", err)
	}
	for state, n := range counts {
		if !state.Ended() {
			live += n
		}
	}
	return live, nil
}

// InFlight counts the runs that a worker has at this moment, until their ends
// are told.
func (e *Engine) InFlight() int { return e.runner.Flying() }

// secret opens a secret of the configuration.
func (e *Engine) secret(name string) (string, error) {
	if value, found := e.config.Secrets[name]; found {
		return value, nil
	}
	return "", fmt.Errorf("there is no secret %q; add secrets.%s to the configuration", name, name)
}

// StorePath is the journal's file in a data folder.
func StorePath(data string) string { return filepath.Join(data, "tidewire.db") }
