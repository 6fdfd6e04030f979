// Package engine wires the parts of an installation: it opens the journal,
// loads the scripts, starts what executes runs and receives webhooks and
// commands, and closes all of it in the right order. It has none of their rules.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/connect"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/dashboard"
	"github.com/tidewire/tidewire/engine/file"
	"github.com/tidewire/tidewire/engine/ingest"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/datafile"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
	"github.com/tidewire/tidewire/engine/ownership"
	"github.com/tidewire/tidewire/engine/poll"
	"github.com/tidewire/tidewire/engine/retention"
	"github.com/tidewire/tidewire/engine/run"
	"github.com/tidewire/tidewire/engine/schedule"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/subscription"
	"github.com/tidewire/tidewire/engine/vm"
)

// Engine is one installation. Make one with New, then call Run.
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
	polls       *poll.Index
	poller      *poll.Poller
	registrar   *subscription.Registrar
	control     *control.Server
	dashboard   *dashboard.Dashboard
	pruner      *retention.Pruner
	service     connect.Service
	webhooks    net.Listener
	commands    net.Listener
	started     time.Time
	ready       chan struct{}
}

// New opens everything that an engine needs and loads the scripts. It listens
// once all of it is open, so that no event is acknowledged that cannot be
// stored. The caller calls Run or Close.
func New(ctx context.Context, c Config) (_ *Engine, err error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Clock = clock.OrSystem(c.Clock)
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Grace <= 0 {
		c.Grace = config.DefaultGrace
	}
	if c.Listen == "" {
		c.Listen = config.DefaultListen
	}
	if err := vm.CheckLibraries(c.Libraries, c.Apps); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		if strings.TrimSpace(c.Secrets[name]) == "" {
			return nil, fmt.Errorf("secrets.%s is empty; a secret needs a value", name)
		}
	}
	if aside := datafile.UnfinishedRestore(c.Data); aside != "" {
		return nil, fmt.Errorf("there is no data folder %s, and a restore has moved the one from before to %s: it was cut off, or the folder was removed since; "+
			"restore again (tidewire restore FILE), or put that folder back (mv %[2]s %[1]s), or rename it to begin with an empty one", c.Data, aside)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	if err := ownership.CheckFolder("the data folder", c.Data); err != nil {
		return nil, err
	}
	for _, warning := range c.Warnings {
		c.Log.Warn(warning)
	}
	e := &Engine{config: c, started: c.Clock.Now(), ready: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if e.store, err = sqlite.Open(ctx, sqlite.Config{Path: StorePath(c.Data), Clock: c.Clock, Log: c.Log}); err != nil {
		if errors.Is(err, journal.ErrLocked) {
			return nil, errDataFolderInUse(c.Data, err)
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

// errDataFolderInUse is the error for a data folder that another engine has
// locked. Its text has what to do, without that of err.
func errDataFolderInUse(data string, err error) error {
	process := ""
	if pid, found, _ := sqlite.LockedBy(StorePath(data)); found && pid != 0 {
		process = fmt.Sprintf(" (process %d)", pid)
	}
	return &inUseError{fmt.Sprintf("another engine%s runs on the data folder %s; stop it, or name another folder with --data-dir", process, data), err}
}

type inUseError struct {
	text string
	err  error
}

func (e *inUseError) Error() string { return e.text }
func (e *inUseError) Unwrap() error { return e.err }

// connect makes the connections and the client that calls their apps.
func (e *Engine) connect() (err error) {
	c := e.config
	e.connections, err = connection.New(connection.Config{
		Apps: c.Apps, Settings: c.Connections, KnownProblems: c.ConnectionProblems, Accounts: c.Accounts, Folder: c.Data, VaultKey: c.VaultKey, Keyring: c.Keyring,
		Check: e.store.Check, HTTP: call.NewTokenHTTPClient(e.store.Check), AddedHTTP: call.NewAddedTokenHTTPClient(e.store.Check, c.HTTP.AllowPrivate, c.HTTP.Allow),
		Clock: c.Clock, Log: c.Log,
	})
	if err != nil {
		return fmt.Errorf("the connections cannot be used:\n%w", err)
	}
	e.files = file.New(filepath.Join(c.Data, "files"), 0)
	e.calls = call.New(call.Config{
		Files: e.files, Connections: e.connections, MaySend: e.store.MaySend, Clock: c.Clock, Log: c.Log,
		AllowPrivate: c.HTTP.AllowPrivate, AllowHosts: c.HTTP.Allow,
	})
	return nil
}

// load compiles the scripts and prepares what executes them.
func (e *Engine) load(ctx context.Context) (err error) {
	c := e.config
	machine := vm.New(vm.Config{Apps: c.Apps, Libraries: c.Libraries})
	e.scripts, err = script.Open(ctx, script.Config{
		Dir: c.Scripts, Machine: machine, Params: c.Params, Zone: c.Zone, Apps: c.Apps, Limits: c.Limits, Log: c.Log, Clock: c.Clock,
		Connections: func(name string) bool { _, found := e.connections.Get(name); return found },
		Versions:    e.store,
		CountRuns:   e.store.Live,
	})
	if err != nil {
		return fmt.Errorf("load the scripts: %w", err)
	}
	e.service = connect.Service{Apps: c.Apps, Set: e.connections, Calls: e.calls, Generation: e.scripts.Generation, Clock: c.Clock}
	if err := e.loadLiveVersions(ctx); err != nil {
		return err
	}
	e.polls = poll.NewIndex(poll.IndexConfig{Connections: e.connections.All, Generation: e.scripts.Generation, Clock: c.Clock})
	key, err := dashboard.Key(c.Data)
	if err != nil {
		return err
	}
	e.dashboard = dashboard.New(dashboard.Config{Store: e.store, Key: key, BaseURL: e.publicURL, Zone: c.Zone, Clock: c.Clock, Log: c.Log})
	counts, err := e.store.Counts(ctx)
	if err != nil {
		return fmt.Errorf("count the runs that wait: %w", err)
	}
	if err := e.warnRestored(ctx); err != nil {
		return err
	}
	e.runner = run.New(run.Config{
		QueuedAtStart: counts[journal.Queued],
		Store:         e.store, Machine: machine, Scripts: e.scripts, Calls: e.calls, Files: e.files, Connections: e.connections,
		Apps: c.Apps, Secret: e.secret, Secrets: e.secrets, MaxInFlight: c.InFlight, Flood: c.Flood, Grace: c.Grace, Zone: c.Zone,
		Clock: c.Clock, Log: c.Log, Finished: c.Finished, ApprovalLink: e.dashboard.Link,
		Fingerprint: e.polls.Fingerprint, WrittenFingerprint: e.polls.WrittenFingerprint,
	})
	e.schedule = schedule.New(schedule.Config{
		Generation: e.scripts.Generation, Accept: e.runner.AcceptTick, Last: e.store.Tick, Clock: c.Clock, Log: c.Log,
	})
	if e.registrar, err = e.subscriptions(ctx); err != nil {
		return err
	}
	e.ingest = ingest.New(ingest.Config{
		Apps: c.Apps, Connections: e.connections, Generation: e.scripts.Generation, Unloaded: e.scripts.Unloaded, Subscriptions: e.registrar,
		Accept: e.runner.AcceptAll, Check: e.store.Check, Unready: func() string { return string(e.store.Health().Reason) }, PutFile: e.files.Put,
		Secret: e.secret, Answers: e.runner, PublicURL: c.PublicURL, InstallChanged: e.installed, TrustedProxies: c.TrustedProxies, Clock: c.Clock, Log: c.Log,
		Pages: map[string]http.Handler{dashboard.Prefix: e.dashboard.Handler()},
	})
	restored, err := e.store.Restored(ctx)
	if err != nil {
		return err
	}
	e.poller = poll.New(poll.Config{
		Restored: restored, Index: e.polls, Calls: e.calls, Store: e.store, Accept: e.runner.AcceptPage, Read: e.ingest.Read, Log: c.Log,
	})
	e.pruner = retention.New(retention.Config{Store: e.store, Files: e.files, Retention: c.Retention, Clock: c.Clock, Log: c.Log})
	e.control = control.New(control.Config{Reader: e.store, Send: e.Send, Status: e.status, Current: e.runner.Current, Commands: e, Connections: e, Log: c.Log})
	return nil
}

// loadLiveVersions loads the versions that live runs are bound to, so that the
// events which these runs wait for are stored.
func (e *Engine) loadLiveVersions(ctx context.Context) error {
	hashes, err := e.store.LiveVersions(ctx)
	if err != nil {
		return fmt.Errorf("find the versions of live runs: %w", err)
	}
	older := 0
	for _, hash := range hashes {
		version, err := e.store.Version(ctx, hash)
		if err == nil {
			err = e.scripts.PinAwaits(ctx, version)
		}
		if err == nil && version.Format < vm.ReplayFormat {
			older++
		}
		if err != nil {
			e.config.Log.Warn("a version of live runs cannot be loaded; see tidewire doctor", "version", hash, "error", err)
		}
	}
	if older > 0 {
		e.config.Log.Warn("live runs began before the language was corrected; tidewire doctor lists them", "versions", older)
	}
	return nil
}

// publicURL returns the address of the pages for people.
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
	if e.config.Mounted {
		return nil
	}
	if e.webhooks, err = net.Listen("tcp", e.config.Listen); err != nil {
		return fmt.Errorf("listen for webhooks: %w; --listen or listen: in tidewire.yaml names another address", err)
	}
	return nil
}

// URL returns the address that receives webhooks: the one that the engine
// listens on, or Config.PublicURL where the caller serves Handler.
func (e *Engine) URL() string {
	if e.webhooks == nil {
		return e.config.PublicURL
	}
	return "http://" + e.webhooks.Addr().String()
}

// Ready is closed when the engine receives events.
func (e *Engine) Ready() <-chan struct{} { return e.ready }

// Run works until ctx is done. Then it stops accepting, waits for the runs in
// flight as long as Config.Grace, and closes everything. It returns nil after
// such a shutdown.
func (e *Engine) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	work, receiving := errgroup.WithContext(ctx)
	// What changes something here or at vendors ends with the journal's files;
	// webhooks and commands are answered until the shutdown.
	working, stopWorking := context.WithCancel(receiving)
	defer stopWorking()
	start := func(group *errgroup.Group, what string, f func() error) {
		group.Go(func() error {
			if err := f(); err != nil && !errors.Is(err, context.Canceled) {
				stop()
				return fmt.Errorf("%s: %w", what, err)
			}
			return nil
		})
	}
	start(work, "watch the journal", func() error {
		select {
		case <-e.store.Lost():
			stopWorking()
		case <-receiving.Done():
		}
		return nil
	})
	start(work, "watch the scripts", func() error { return e.scripts.Watch(working) })
	if e.webhooks != nil {
		start(work, "receive webhooks", func() error { return e.ingest.Serve(receiving, e.webhooks, e.config.Grace) })
	}
	start(work, "fire schedules", func() error { return e.schedule.Run(working) })
	start(work, "poll", func() error { return e.poller.Run(working) })
	start(work, "register webhooks", func() error { return e.registrar.Run(working) })
	start(work, "execute runs", func() error { return e.runner.Run(working) })
	start(work, "find accounts", func() error { return e.findAccounts(working) })
	start(work, "delete old runs", func() error { return e.pruner.Run(working) })
	// Commands are answered until the last run of the shutdown has ended.
	var answers errgroup.Group
	answering, stopAnswering := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAnswering()
	start(&answers, "answer commands", func() error { return e.control.Serve(answering, e.commands) })
	e.config.Log.Info("tidewire is ready", "webhooks", e.URL()+"/hooks/<app>", "scripts", len(e.scripts.Generation().Scripts),
		"hooks", len(e.scripts.Generation().Hooks()), "connections", len(e.connections.All()), "data", e.config.Data)
	if len(e.scripts.Generation().Scripts) == 0 && len(e.scripts.Problems()) == 0 {
		e.config.Log.Warn("there is no script yet; one that is saved in the folder is live at once", "folder", e.config.Scripts)
	}
	e.connections.ResumeRefreshes()
	close(e.ready)
	<-receiving.Done()
	e.config.Log.Info("tidewire is stopping")
	failure := work.Wait()
	stopAnswering()
	failure = errors.Join(failure, answers.Wait(), e.Close())
	e.config.Log.Info("tidewire has stopped")
	return failure
}

// Close closes what New opened. Run calls it.
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

// warnRestored logs how many runs wait for a person since a restore.
func (e *Engine) warnRestored(ctx context.Context) error {
	pending, err := e.store.Pending(ctx)
	if n := pending.Paused[journal.Restored]; n > 0 {
		e.config.Log.Warn("the data folder was restored: runs are paused until somebody decides, as their work may have been done since the backup", "runs", n,
			"do", "tidewire runs release|cancel --reason restored")
	}
	return err
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

// InFlight counts the runs that workers execute at this moment, until their
// ends are recorded.
func (e *Engine) InFlight() int { return e.runner.InFlight() }

// secret returns a secret of the configuration.
func (e *Engine) secret(name string) (string, error) {
	if value, found := e.config.Secrets[name]; found {
		return value, nil // New has checked that it is not empty
	}
	return "", fmt.Errorf("there is no secret %q; add secrets.%s to the configuration", name, name)
}

// secrets returns the values of all secrets of the configuration.
func (e *Engine) secrets() []string { return slices.Collect(maps.Values(e.config.Secrets)) }

// StorePath returns the journal's file in a data folder.
func StorePath(data string) string { return filepath.Join(data, sqlite.FileName) }
