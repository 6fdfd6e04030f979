package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
	"github.com/tidewire/tidewire/engine/run"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// jumper is a clock on which every wait is over at once: whoever waits moves
// it on.
type jumper struct {
	mu  sync.Mutex
	now time.Time
	// turns are what the clock is set on or back, beside the time that passes,
	// at the timers to come.
	turns  []time.Duration
	timers int
}

func newJumper() *jumper { return &jumper{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)} }

func (j *jumper) Now() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.now
}

func (j *jumper) move(d time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.now = j.now.Add(d)
}

// Timer is over at once.
func (j *jumper) Timer(d time.Duration) (<-chan time.Time, func()) {
	j.move(d + j.turn())
	over := make(chan time.Time, 1)
	over <- j.Now()
	return over, func() {}
}

func (j *jumper) turn() (d time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.timers++
	if len(j.turns) > 0 {
		d, j.turns = j.turns[0], j.turns[1:]
	}
	return d
}

// Sleep is over at once.
func (j *jumper) Sleep(ctx context.Context, d time.Duration) error {
	j.move(d)
	return ctx.Err()
}

// mortal is a store that dies at one of its durable writes, as if the process
// had been killed: just before it, or when it is done and nobody has heard of
// it. From then on it refuses everything.
type mortal struct {
	journal.Store
	at    int  // the write, from 1; 0: it lives
	after bool // it is done

	mu      sync.Mutex
	writes  int
	what    []string // the writes by name
	died    chan struct{}
	settled chan struct{} // gets a word when a run has ended, or stands until somebody acts
}

func newMortal(store journal.Store, at int, after bool) *mortal {
	return &mortal{Store: store, at: at, after: after, died: make(chan struct{}), settled: make(chan struct{}, 1)}
}

// write does one, one at a time, so that they have an order.
func (m *mortal) write(what string, do func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead() {
		return journal.ErrClosed
	}
	m.writes++
	m.what = append(m.what, what)
	if m.writes != m.at {
		return do()
	}
	if m.after {
		_ = do()
	}
	close(m.died)
	return journal.ErrClosed
}

func (m *mortal) dead() bool {
	select {
	case <-m.died:
		return true
	default:
		return false
	}
}

func (m *mortal) settle() {
	select {
	case m.settled <- struct{}{}:
	default:
	}
}

func (m *mortal) Accept(ctx context.Context, arrivals ...journal.Arrival) (receipts []journal.Receipt, err error) {
	err = m.write("accept", func() (err error) {
		receipts, err = m.Store.Accept(ctx, arrivals...)
		return err
	})
	return receipts, err
}

func (m *mortal) Next(ctx context.Context) (journal.Activation, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-m.died:
			cancel()
		case <-over:
		}
	}()
	a, err := m.Store.Next(ctx)
	if m.dead() {
		return journal.Activation{}, journal.ErrClosed
	}
	return a, err
}

func (m *mortal) Record(ctx context.Context, h journal.Lease, step journal.Step, effect journal.Effect) (result json.RawMessage, err error) {
	err = m.write("record "+step.Name+" "+string(step.State), func() (err error) {
		result, err = m.Store.Record(ctx, h, step, effect)
		return err
	})
	return result, err
}

func (m *mortal) Withdraw(ctx context.Context, h journal.Lease, number int) error {
	return m.write("withdraw", func() error { return m.Store.Withdraw(ctx, h, number) })
}

func (m *mortal) Park(ctx context.Context, h journal.Lease, park journal.Park) error {
	err := m.write("park "+string(park.State), func() error { return m.Store.Park(ctx, h, park) })
	if err == nil && (park.State == journal.Held || park.State == journal.Blocked) {
		m.settle()
	}
	return err
}

func (m *mortal) Finish(ctx context.Context, h journal.Lease, o journal.Finish) error {
	err := m.write("finish", func() error { return m.Store.Finish(ctx, h, o) })
	if err == nil {
		m.settle()
	}
	return err
}

func (m *mortal) Bind(h journal.Lease, to journal.Binding) error {
	if m.dead() {
		return journal.ErrClosed
	}
	return m.Store.Bind(h, to)
}

func (m *mortal) Release(h journal.Lease) error {
	if m.dead() {
		return journal.ErrClosed
	}
	return m.Store.Release(h)
}

// rig is what executes runs, without the doors of an engine, on a folder that
// outlives it.
type rig struct {
	testing.TB
	folder  string
	app     *bindings.App
	machine *vm.Machine
	set     *connection.Set
	vendor  *httptest.Server
	*jumper
}

// newRig writes the script; handler is the shop.
func newRig(t testing.TB, source string, handler http.Handler) *rig {
	t.Helper()
	r := &rig{TB: t, folder: journaltest.Folder(t), app: newShopApp(), vendor: httptest.NewServer(handler), jumper: newJumper()}
	t.Cleanup(r.vendor.Close)
	apps := []*bindings.App{r.app}
	r.machine = vm.New(vm.Config{Apps: apps})
	must(t, os.Mkdir(filepath.Join(r.folder, "scripts"), 0o700))
	must(t, os.WriteFile(filepath.Join(r.folder, "scripts", "orders.lua"), []byte(source), 0o600))
	var err error
	r.set, err = connection.New(connection.Config{Apps: apps, Settings: atShop(r.vendor.URL).Connections, Folder: r.folder, Now: r.Now})
	must(t, err)
	return r
}

func (r *rig) storePath() string { return filepath.Join(r.folder, "tidewire.db") }

// live is one life of the process: it opens the journal, hands in the event as
// a vendor does that sends again, and works until the run has ended or stands,
// or the process dies. It gives the run as it is then, and what was written.
func (r *rig) live(event journal.Event, at int, after bool) (journal.Run, []journal.Step, *mortal) {
	r.Helper()
	store, err := sqlite.Open(r.Context(), sqlite.Config{Path: r.storePath(), Now: r.Now, Timer: r.Timer})
	must(r.TB, err)
	m := newMortal(store, at, after)
	client := call.New(call.Config{Connections: r.set, Now: r.Now, Sleep: r.Sleep, MaxSendings: 2, Random: func() float64 { return 0.5 }})
	defer client.Close()
	scripts, err := script.Open(r.Context(), script.Config{
		Dir: filepath.Join(r.folder, "scripts"), Machine: r.machine, Apps: []*bindings.App{r.app}, SaveVersions: store.PutVersions, Clock: r,
	})
	must(r.TB, err)
	runner := run.New(run.Config{
		Store: m, Machine: r.machine, Scripts: scripts, Calls: client, Connections: r.set, Apps: []*bindings.App{r.app},
		Clock: r, Grace: patience, Secret: func(string) (string, error) { return "", errors.New("there is no secret") },
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
		case <-m.settled:
		case <-m.died:
		case <-time.After(patience):
			one, steps := r.find(store, event)
			r.Fatalf("the run did not settle in %s: %s with %d steps, %+v", patience, one.State, len(steps), one.Park)
		}
	}
	stop()
	if err := <-ended; err != nil && !errors.Is(err, journal.ErrClosed) && !errors.Is(err, context.Canceled) {
		r.Fatal(err)
	}
	one, steps := r.find(store, event)
	must(r.TB, store.Close())
	return one, steps, m
}

func settled(one journal.Run) bool {
	return one.State.Ended() || one.State == journal.Held || one.State == journal.Blocked
}

// find gives the event's only run; an empty one if it was not accepted.
func (r *rig) find(store journal.Store, event journal.Event) (journal.Run, []journal.Step) {
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
