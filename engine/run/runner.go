package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/file"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// Store keeps what runs do; a journal.Store is one.
type Store interface {
	journal.Intake
	journal.Execution
	journal.Commands
	Version(ctx context.Context, hash string) (journal.Version, error)
	Run(ctx context.Context, id string) (journal.Run, []journal.Step, error)
	Event(ctx context.Context, id string) (journal.Event, []journal.Run, error)
	Runs(ctx context.Context, q journal.RunQuery) ([]journal.Run, error)
}

// Config makes a Runner. Store, Machine, Scripts, Calls and Connections are
// required.
type Config struct {
	Store   Store
	Machine *vm.Machine
	Scripts *script.Set
	Calls   *call.Client
	// Files are those that scripts hold; nil: there are none.
	Files       *file.Store
	Connections *connection.Set
	Apps        []*bindings.App
	// Secret opens a secret by name.
	Secret func(name string) (string, error)
	// MaxInFlight bounds the runs between their first line and their end; zero
	// means 256. Most of them wait for an app, which costs a goroutine each.
	MaxInFlight int
	// Flood is how many events of one trigger may come in a minute; the runs of
	// more are paused. Zero means no bound.
	Flood int
	// Grace is how long a shutdown waits for runs in flight; zero means 20 s.
	Grace time.Duration
	Zone  *time.Location
	Clock clock.Clock // nil means the machine's
	Log   *slog.Logger
	// Finished is told of every run that ended, after it was recorded.
	Finished func(journal.Run, []journal.Step)
	// Fingerprint says what an event tells of a record that is polled too; nil: none is.
	Fingerprint func(*journal.Event) *change.Fingerprint
	// ApprovalLink gives the address of the page of an approval.
	ApprovalLink func(id string, expires time.Time) string
}

// Runner executes runs. Make one with New.
type Runner struct {
	config   Config
	apps     map[string]*bindings.App
	inFlight atomic.Int64

	mu      sync.Mutex
	cancels map[string]context.CancelCauseFunc // of the runs in flight
}

// New makes a runner; it starts nothing.
func New(c Config) *Runner {
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = 256
	}
	if c.Grace <= 0 {
		c.Grace = 20 * time.Second
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	c.Clock = clock.OrSystem(c.Clock)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	r := &Runner{config: c, apps: make(map[string]*bindings.App, len(c.Apps)), cancels: map[string]context.CancelCauseFunc{}}
	for _, app := range c.Apps {
		r.apps[app.Name] = app
	}
	return r
}

// Why activations end from outside.
var (
	errShutdown  = errors.New("tidewire is shutting down")
	errCancelled = errors.New("the run was cancelled")
)

// InFlight counts the activations that are not over: their runs may have ended,
// and Finished not have returned.
func (r *Runner) InFlight() int { return int(r.inFlight.Load()) }

// Run hands out activations until ctx is done, then waits for those in flight,
// no longer than the grace. A run that is cut off then is given back to the
// journal, and goes on from its last record when the engine starts again.
func (r *Runner) Run(ctx context.Context) error {
	// Whoever starts the engine again may have mended a connection.
	if err := r.WakeBlocked(ctx, r.workingConnections()...); err != nil {
		return err
	}
	work, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	var flights sync.WaitGroup
	places := make(chan struct{}, r.config.MaxInFlight)
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
	r.drain(landed, func() { cut(errShutdown) })
	return err
}

// drain waits until all runs have landed, and cuts off those that outlast the
// grace.
func (r *Runner) drain(landed <-chan struct{}, cut func()) {
	patience, grace := time.NewTimer(time.Second), time.NewTimer(r.config.Grace)
	defer patience.Stop()
	defer grace.Stop()
	for {
		select {
		case <-landed:
			return
		case <-patience.C:
			r.config.Log.Info("waiting for runs in flight", "runs", r.inFlight.Load(), "at_most", r.config.Grace)
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
		a, err := r.config.Store.Next(ctx)
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
