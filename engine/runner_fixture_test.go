package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
	"github.com/tidewire/tidewire/engine/run"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// shiftingClock is a clock whose waits are over at once and advance it, and which
// is set on or back meanwhile.
type shiftingClock struct {
	clock.Advancing
	mu sync.Mutex
	// shifts are by how much the clock is set on or back at the next timers, in
	// addition to the time that passes.
	shifts []time.Duration
	timers int
}

// Timer implements clock.Clock. The timer fires at once.
func (c *shiftingClock) Timer(d time.Duration) (<-chan time.Time, func()) {
	c.Adjust(c.nextShift())
	return c.Advancing.Timer(d)
}

func (c *shiftingClock) nextShift() (d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timers++
	if len(c.shifts) > 0 {
		d, c.shifts = c.shifts[0], c.shifts[1:]
	}
	return d
}

// crashingStore is a store that fails at one of its durable writes, as if the
// process had been killed: just before the write, or just after it, before the
// caller has its result. After that, all its methods fail.
type crashingStore struct {
	journal.Store
	crashAt    int  // the number of the write, from 1; 0 for none
	afterWrite bool // whether the write is done

	mu      sync.Mutex
	writes  int
	names   []string // the writes by name
	crashed chan struct{}
	settled chan struct{} // receives a value when a run has ended, is held or is blocked
}

func newCrashingStore(store journal.Store, at int, after bool) *crashingStore {
	return &crashingStore{Store: store, crashAt: at, afterWrite: after, crashed: make(chan struct{}), settled: make(chan struct{}, 1)}
}

// write makes one write at a time, so that writes have an order.
func (c *crashingStore) write(what string, do func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hasCrashed() {
		return journal.ErrClosed
	}
	c.writes++
	c.names = append(c.names, what)
	if c.writes != c.crashAt {
		return do()
	}
	if c.afterWrite {
		_ = do()
	}
	close(c.crashed)
	return journal.ErrClosed
}

func (c *crashingStore) hasCrashed() bool {
	select {
	case <-c.crashed:
		return true
	default:
		return false
	}
}

func (c *crashingStore) settle() {
	select {
	case c.settled <- struct{}{}:
	default:
	}
}

func (c *crashingStore) Accept(ctx context.Context, arrivals ...journal.Arrival) (receipts []journal.Receipt, err error) {
	err = c.write("accept", func() (err error) {
		receipts, err = c.Store.Accept(ctx, arrivals...)
		return err
	})
	return receipts, err
}

func (c *crashingStore) Next(ctx context.Context) (journal.Activation, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-c.crashed:
			cancel()
		case <-over:
		}
	}()
	a, err := c.Store.Next(ctx)
	if c.hasCrashed() {
		return journal.Activation{}, journal.ErrClosed
	}
	return a, err
}

func (c *crashingStore) Record(ctx context.Context, h journal.Lease, step journal.Step, effect journal.Effect) (result json.RawMessage, err error) {
	err = c.write("record "+step.Name+" "+string(step.State), func() (err error) {
		result, err = c.Store.Record(ctx, h, step, effect)
		return err
	})
	return result, err
}

func (c *crashingStore) Withdraw(ctx context.Context, h journal.Lease, number int, decided ...journal.CallDecision) error {
	return c.write("withdraw", func() error { return c.Store.Withdraw(ctx, h, number, decided...) })
}

func (c *crashingStore) Park(ctx context.Context, h journal.Lease, park journal.Park) error {
	err := c.write("park "+string(park.State), func() error { return c.Store.Park(ctx, h, park) })
	if err == nil && (park.State == journal.Held || park.State == journal.Blocked) && park.Until.IsZero() {
		c.settle()
	}
	return err
}

func (c *crashingStore) Finish(ctx context.Context, h journal.Lease, o journal.Finish) error {
	err := c.write("finish", func() error { return c.Store.Finish(ctx, h, o) })
	if err == nil {
		c.settle()
	}
	return err
}

func (c *crashingStore) Bind(h journal.Lease, to journal.Binding) error {
	if c.hasCrashed() {
		return journal.ErrClosed
	}
	return c.Store.Bind(h, to)
}

func (c *crashingStore) Release(h journal.Lease) error {
	if c.hasCrashed() {
		return journal.ErrClosed
	}
	return c.Store.Release(h)
}

// runnerFixture has what executes runs, without the HTTP servers of an engine, and
// a folder for several processes, one after the other.
type runnerFixture struct {
	testing.TB
	folder  string
	app     *bindings.App
	machine *vm.Machine
	set     *connection.Set
	vendor  *httptest.Server
	secrets map[string]string
	*shiftingClock
}

// newRunnerFixture writes the script; handler is the shop.
func newRunnerFixture(t testing.TB, source string, handler http.Handler) *runnerFixture {
	t.Helper()
	r := &runnerFixture{
		TB: t, folder: journaltest.Folder(t), app: newShopApp(), vendor: httptest.NewServer(handler),
		shiftingClock: &shiftingClock{Advancing: clock.Advancing{Manual: clock.NewManual(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))}},
	}
	t.Cleanup(r.vendor.Close)
	apps := []*bindings.App{r.app}
	r.machine = vm.New(vm.Config{Apps: apps})
	must(t, os.Mkdir(filepath.Join(r.folder, "scripts"), 0o700))
	must(t, os.WriteFile(filepath.Join(r.folder, "scripts", "orders.lua"), []byte(source), 0o600))
	var err error
	r.set, err = connection.New(connection.Config{Apps: apps, Settings: atShop(r.vendor.URL).Connections, Folder: r.folder, Clock: r})
	must(t, err)
	return r
}

func (r *runnerFixture) storePath() string { return filepath.Join(r.folder, "tidewire.db") }

// process does the work of one process. It opens the journal, accepts the event,
// as a vendor may send it again, and executes runs until the run has ended, is held
// or is blocked, or the store fails. It returns the run at that time, and the
// store.
func (r *runnerFixture) process(event journal.Event, at int, after bool) (journal.Run, []journal.Step, *crashingStore) {
	r.Helper()
	store, err := sqlite.Open(r.Context(), sqlite.Config{Path: r.storePath(), Clock: r})
	must(r.TB, err)
	c := newCrashingStore(store, at, after)
	client := call.New(call.Config{Connections: r.set, Clock: r.Advancing, MaxSendings: 2, Random: func() float64 { return 0.5 }})
	defer client.Close()
	scripts, err := script.Open(r.Context(), script.Config{
		Dir: filepath.Join(r.folder, "scripts"), Machine: r.machine, Apps: []*bindings.App{r.app}, Versions: store, Clock: r,
	})
	must(r.TB, err)
	runner := run.New(run.Config{
		Store: c, Machine: r.machine, Scripts: scripts, Calls: client, Connections: r.set, Apps: []*bindings.App{r.app},
		Clock: r, Grace: maxWait, Secret: r.secret,
		Secrets: func() []string { return slices.Collect(maps.Values(r.secrets)) },
	})
	ctx, stop := context.WithCancel(r.Context())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	_, err = runner.Accept(ctx, event)
	if err != nil && !errors.Is(err, journal.ErrClosed) {
		r.Fatal(err)
	}
	one, _ := r.find(store, event)
	if !settled(one) {
		select {
		case <-c.settled:
		case <-c.crashed:
		case <-time.After(maxWait):
			one, steps := r.find(store, event)
			r.Fatalf("the run did not settle in %s: %s with %d steps, %+v", maxWait, one.State, len(steps), one.Park)
		}
	}
	stop()
	if err := <-ended; err != nil && !errors.Is(err, journal.ErrClosed) && !errors.Is(err, context.Canceled) {
		r.Fatal(err)
	}
	one, steps := r.find(store, event)
	must(r.TB, store.Close())
	return one, steps, c
}

func (r *runnerFixture) secret(name string) (string, error) {
	if value := r.secrets[name]; value != "" {
		return value, nil
	}
	return "", errors.New("there is no secret")
}

func settled(one journal.Run) bool {
	return one.State.Ended() || one.State == journal.Blocked || one.State == journal.Held && one.Park.Until.IsZero()
}

// find returns the event's only run; an empty one if the event was not accepted.
func (r *runnerFixture) find(store journal.Store, event journal.Event) (journal.Run, []journal.Step) {
	r.Helper()
	_, runs, err := store.Event(r.Context(), event.ID)
	if errors.Is(err, journal.ErrNotFound) {
		return journal.Run{}, nil
	}
	must(r.TB, err)
	if len(runs) != 1 {
		r.Fatalf("event %s has %d runs", event.ID, len(runs))
	}
	one, steps, err := store.Run(r.Context(), runs[0].ID)
	must(r.TB, err)
	return one, steps
}
