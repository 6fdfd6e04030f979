package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// Config makes a Runner. Store, Machine, Scripts, Calls and Connections are
// required.
type Config struct {
	Store       journal.Store
	Machine     *vm.Machine
	Scripts     *script.Set
	Calls       *call.Client
	Connections *connection.Set
	Apps        []*bindings.App
	// Secret opens a secret by name.
	Secret func(name string) (string, error)
	// InFlight bounds the runs between their first line and their end; zero
	// means 256. Most of them wait for an app, which costs a goroutine each.
	InFlight int
	// Grace is how long a shutdown waits for runs in flight; zero means 20 s.
	Grace time.Duration
	Zone  *time.Location
	Now   func() time.Time
	Log   *slog.Logger
	// Finished is told of every run that ended, after it was recorded.
	Finished func(journal.Run, []journal.Step)
}

// Runner executes runs. Make one with New.
type Runner struct {
	Config
	apps     map[string]*bindings.App
	inFlight atomic.Int64
}

// New makes a runner; it starts nothing.
func New(c Config) *Runner {
	if c.InFlight <= 0 {
		c.InFlight = 256
	}
	if c.Grace <= 0 {
		c.Grace = 20 * time.Second
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	r := &Runner{Config: c, apps: make(map[string]*bindings.App, len(c.Apps))}
	for _, app := range c.Apps {
		r.apps[app.Name] = app
	}
	return r
}

// errShutdown ends activations that outlast the grace of a shutdown.
var errShutdown = errors.New("tidewire is shutting down")

// Run hands out activations until ctx is done, then waits for those in flight,
// no longer than the grace. A run that is cut off then is given back to the
// journal, which queues it again if it had recorded nothing.
func (r *Runner) Run(ctx context.Context) error {
	work, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	var flights sync.WaitGroup
	places := make(chan struct{}, r.InFlight)
	err := r.dispatch(ctx, places, func(a journal.Activation) {
		flights.Go(func() {
			defer func() { <-places }()
			r.inFlight.Add(1)
			defer r.inFlight.Add(-1)
			r.activate(work, a)
		})
	})
	landed := make(chan struct{})
	go func() {
		flights.Wait()
		close(landed)
	}()
	r.land(landed, func() { cut(errShutdown) })
	return err
}

// land waits until all runs have landed, and cuts off those that outlast the
// grace.
func (r *Runner) land(landed <-chan struct{}, cut func()) {
	patience, grace := time.NewTimer(time.Second), time.NewTimer(r.Grace)
	defer patience.Stop()
	defer grace.Stop()
	for {
		select {
		case <-landed:
			return
		case <-patience.C:
			r.Log.Info("waiting for runs in flight", "runs", r.inFlight.Load(), "at_most", r.Grace)
		case <-grace.C:
			cut()
			<-landed
			return
		}
	}
}

func (r *Runner) dispatch(ctx context.Context, places chan struct{}, fly func(journal.Activation)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case places <- struct{}{}:
		}
		a, err := r.Store.Next(ctx)
		switch {
		case err == nil:
			fly(a)
			continue
		case ctx.Err() != nil:
			return nil
		}
		return fmt.Errorf("take the next run: %w", err)
	}
}

// activate executes one activation to its end and records how it ended.
func (r *Runner) activate(ctx context.Context, a journal.Activation) {
	log := r.Log.With("run", a.Run.ID, "script", a.Run.Script, "hook", a.Run.Hook, "event", a.Event.ID)
	holder := journal.Holder{Run: a.Run.ID, Epoch: a.Epoch}
	outcome, err := r.execute(ctx, log, holder, a)
	if err != nil { // ended from outside: nothing to record
		log.Warn("run given back", "reason", err)
		if err := r.Store.Release(holder); err != nil {
			log.Error("run could not be given back", "error", err)
		}
		return
	}
	if a.Run.Hook != failedTrigger && outcome.State == journal.Failed {
		outcome.Follow = r.failure(a, outcome.Problem)
	}
	// The end must be kept although the shutdown may have begun meanwhile.
	if err := r.Store.Finish(context.WithoutCancel(ctx), holder, outcome); err != nil {
		log.Error("the end of the run could not be recorded", "state", outcome.State, "error", err)
		return
	}
	r.report(ctx, log, a, outcome)
}

func (r *Runner) execute(ctx context.Context, log *slog.Logger, holder journal.Holder, a journal.Activation) (journal.Outcome, error) {
	unit, hook, found := r.Scripts.Generation().Hook(a.Run.Script, a.Run.Hook)
	if !found {
		version, err := r.Store.Version(ctx, a.Run.Matched)
		if err == nil {
			unit, err = r.Scripts.Revive(ctx, version)
		}
		if err != nil {
			return failed("the version of the script that matched cannot be loaded: "+err.Error(), ""), nil
		}
		if hook, found = unit.Index(a.Run.Hook); !found {
			return failed(fmt.Sprintf("the script no longer has a hook %q", a.Run.Hook), ""), nil
		}
	}
	if err := r.Store.Bind(holder, unit.Version.Hash); err != nil {
		return journal.Outcome{}, fmt.Errorf("bind the run to version %s: %w", unit.Version.Short(), err)
	}
	log.Info("run started", "version", unit.Version.Short(), "attempt", a.Run.Attempts)
	event, err := a.Event.Table()
	if err != nil {
		return failed("the event cannot be shown to the script: "+err.Error(), ""), nil
	}
	options := unit.Hooks[hook]
	app, data := r.declared(a.Event.Type)
	if options.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, options.Timeout, fmt.Errorf("over the hook's timeout of %s", options.Timeout))
		defer cancel()
	}
	h := &host{runner: r, holder: holder, activation: a, unit: unit, log: log}
	done := r.Machine.Run(ctx, unit.Program, vm.Activation{
		Settings: vm.Settings{Params: unit.Params, Zone: r.Zone},
		Hook:     hook, Event: event, App: app, Data: data, Host: h, Limits: unit.Limits[hook],
	})
	return r.judge(ctx, done)
}

// judge tells how a run ended from how its activation went; an error means
// that the activation was ended from outside and the run has not ended.
func (r *Runner) judge(ctx context.Context, done vm.Outcome) (journal.Outcome, error) {
	var wrong *vm.ScriptError
	var limit *vm.LimitError
	var end *vm.End
	switch {
	case done.Err == nil && done.Skipped:
		return journal.Outcome{State: journal.Skipped}, nil
	case done.Err == nil:
		return journal.Outcome{State: journal.Succeeded}, nil
	case errors.As(done.Err, &wrong):
		o := failed(wrong.Message, wrong.Position)
		o.Problem.App = wrong.App
		return o, nil
	case errors.As(done.Err, &limit):
		o := failed("over the limit of "+limit.Bound, limit.Position)
		o.Problem.Limit = limit.Limit
		return o, nil
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded), ctx.Err() != nil && !errors.Is(context.Cause(ctx), errShutdown):
		o := failed(context.Cause(ctx).Error(), "")
		o.Problem.Limit = "timeout"
		return o, nil
	case errors.As(done.Err, &end), ctx.Err() != nil:
		return journal.Outcome{}, done.Err
	}
	return failed(done.Err.Error(), ""), nil
}

func failed(message, position string) journal.Outcome {
	return journal.Outcome{State: journal.Failed, Problem: &journal.Problem{Message: message, Position: position}}
}

func (r *Runner) report(ctx context.Context, log *slog.Logger, a journal.Activation, outcome journal.Outcome) {
	took := r.Now().Sub(a.Run.Started)
	if a.Run.Started.IsZero() {
		took = r.Now().Sub(a.Run.Created)
	}
	switch {
	case outcome.Problem == nil:
		log.Info("run "+string(outcome.State), "took", took.Round(time.Microsecond))
	default:
		log.Error("run "+string(outcome.State), "took", took.Round(time.Microsecond),
			"at", outcome.Problem.Position, "error", outcome.Problem.Message)
	}
	if r.Finished == nil {
		return
	}
	if run, steps, err := r.Store.Run(context.WithoutCancel(ctx), a.Run.ID); err != nil {
		log.Error("the finished run could not be read back", "error", err)
	} else {
		r.Finished(run, steps)
	}
}

// declared finds how the data of an event is typed in its app's catalogue.
func (r *Runner) declared(trigger string) (*bindings.App, *bindings.Type) {
	name, _, _ := strings.Cut(trigger, ".")
	app := r.apps[name]
	if app == nil || app.Catalogue == nil {
		return nil, nil
	}
	t, found := app.Catalogue.Trigger(trigger)
	if !found {
		return nil, nil
	}
	return app, t.Data
}

// accountOf gives the account that a link's kind ("qonto.client") belongs to
// within a run, empty where its app has no connection of its own.
func (r *Runner) accountOf(kind string, run journal.Run) string {
	app, _, _ := strings.Cut(kind, ".")
	c, err := r.Connections.Resolve(app, "", run.Connection)
	if err != nil {
		return ""
	}
	return c.Account()
}
