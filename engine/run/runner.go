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
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/file"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// Store is the part of a journal.Store that runs need.
type Store interface {
	journal.Intake
	journal.Execution
	journal.Commands
	Version(ctx context.Context, hash string) (journal.Version, error)
	Run(ctx context.Context, id string) (journal.Run, []journal.Step, error)
	Approval(ctx context.Context, id string) (journal.Approval, error)
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
	// Files has the files of scripts; nil: there are none.
	Files       *file.Store
	Connections *connection.Set
	Apps        []*bindings.App
	// Secret returns the value of a secret.
	Secret func(name string) (string, error)
	// Secrets returns the values of all secrets, which are removed from the candidates of
	// a look-up: they may be another run's; nil: there are none.
	Secrets func() []string
	// MaxInFlight bounds the activations that execute at the same time; zero means
	// config.DefaultInFlight. Each has a goroutine, and most of them wait for an app.
	MaxInFlight int
	// QueuedAtStart is how many runs wait from before the start.
	QueuedAtStart int
	// Flood is how many events of one trigger may come in a minute; the runs of
	// more are paused. Zero means no bound.
	Flood int
	// Grace is how long a shutdown waits for runs in flight; zero means
	// config.DefaultGrace.
	Grace time.Duration
	Zone  *time.Location
	Clock clock.Clock // nil means the machine's
	Log   *slog.Logger
	// Finished is called for every run that ended, after the end was recorded.
	Finished func(journal.Run, []journal.Step)
	// Fingerprint returns what an event reports about a record that is polled too,
	// nil for another event; a nil func means that nothing is polled.
	Fingerprint func(*journal.Event) *change.Fingerprint
	// WrittenFingerprint returns the state of a record that is polled after a call
	// that wrote it, nil for another record; a nil func means that nothing is polled.
	WrittenFingerprint func(*change.Written) *change.Fingerprint
	// ApprovalLink returns the URL of the page of an approval.
	ApprovalLink func(id string, expires time.Time) string
}

// Runner executes runs. Make one with New.
type Runner struct {
	config   Config
	apps     map[string]*bindings.App
	inFlight atomic.Int64
	bulkhead *bulkhead
	answers  answers

	mu        sync.Mutex
	executing map[string]executing // the runs in flight, by id
}

// executing is an activation in flight.
type executing struct {
	cancel context.CancelCauseFunc
	host   *host
}

// New makes a runner; it starts nothing.
func New(c Config) *Runner {
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = config.DefaultInFlight
	}
	if c.Grace <= 0 {
		c.Grace = config.DefaultGrace
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	c.Clock = clock.OrSystem(c.Clock)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	r := &Runner{config: c, apps: make(map[string]*bindings.App, len(c.Apps)), executing: map[string]executing{}}
	for _, app := range c.Apps {
		r.apps[app.Name] = app
	}
	// Its waits are those for a processor and a disk, by the machine's clock.
	r.bulkhead = newBulkhead(c.MaxInFlight, r.InFlight, clock.System)
	return r
}

// The causes of contexts that end activations.
var (
	errShutdown  = errors.New("tidewire is shutting down")
	errCancelled = errors.New("the run was cancelled")
)

// InFlight counts the activations that are not over. The run of such an
// activation may have ended already, as Finished is called after that.
func (r *Runner) InFlight() int { return int(r.inFlight.Load()) }

// Run executes activations until ctx is done, then waits for those in flight, at
// most for Config.Grace. The runs that are interrupted after that are released
// to the journal, and go on from their last record when the engine starts again.
func (r *Runner) Run(ctx context.Context) error {
	// A connection may have been repaired while no engine ran.
	if err := r.WakeBlocked(ctx, r.workingConnections()...); err != nil {
		return err
	}
	throttled, err := r.addThrottled(ctx)
	if err != nil {
		return err
	}
	work, interrupt := context.WithCancelCause(context.WithoutCancel(ctx))
	defer interrupt(nil)
	var activations sync.WaitGroup
	slots := make(chan struct{}, r.config.MaxInFlight)
	activations.Go(r.rampUp(ctx, slots, r.config.QueuedAtStart+throttled))
	activations.Go(func() { r.wakeWaiting(ctx) })
	err = r.dispatch(ctx, slots, func(a journal.Activation) {
		activations.Go(func() {
			defer func() {
				r.inFlight.Add(-1)
				<-slots
				r.bulkhead.placeFreed()
			}()
			r.inFlight.Add(1)
			r.activate(work, a)
		})
	})
	done := make(chan struct{})
	go func() {
		activations.Wait()
		close(done)
	}()
	r.drain(done, func() { interrupt(errShutdown) })
	return err
}

// drain waits until all activations are done, and interrupts those that take
// longer than the grace. It measures by the machine's clock, as a process
// manager does.
func (r *Runner) drain(done <-chan struct{}, interrupt func()) {
	notice, grace := time.NewTimer(time.Second), time.NewTimer(r.config.Grace)
	defer notice.Stop()
	defer grace.Stop()
	for {
		select {
		case <-done:
			return
		case <-notice.C:
			r.config.Log.Info("waiting for runs in flight", "runs", r.inFlight.Load(), "at_most", r.config.Grace)
		case <-grace.C:
			interrupt()
			<-done
			return
		}
	}
}

// dispatch calls start for each activation of the journal, once there is a slot
// for it, until ctx is done.
func (r *Runner) dispatch(ctx context.Context, slots chan struct{}, start func(journal.Activation)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case slots <- struct{}{}:
		}
		a, err := r.config.Store.Next(ctx)
		switch {
		case err == nil:
			start(a)
			continue
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, journal.ErrReplaced), errors.Is(err, journal.ErrFenced): // no run may be executed here any more
			return nil
		}
		return fmt.Errorf("get the next run: %w", err)
	}
}
