package sqlite_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/ledger"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// watched is a store whose transactions are counted, can be held back, and can
// fail.
type watched struct {
	ledger.Store
	ledger *ledger.Ledger
	gate   chan struct{} // of the next transaction, nil for none

	trips  []int  // round trips of each transaction; BEGIN and COMMIT are two
	events []int  // that each wrote
	writes func() // is called before the next Write, nil for nothing
	fails  func(trip int, what string) bool
	before string // the memory when a transaction that failed began
	after  string // the memory when the one after it began
}

var errBroken = errors.New("broken for the test")

func (w *watched) Transact(ctx context.Context, f func(ledger.Tx) error) error {
	if gate := w.gate; gate != nil {
		w.gate = nil
		<-gate
	}
	memory := ""
	if w.fails != nil {
		memory = sqlite.Memory(w.Store, w.ledger)
		if w.before != "" && w.after == "" {
			w.after = memory
		}
	}
	w.trips, w.events = append(w.trips, 2), append(w.events, 0)
	mend := func() {}
	err := w.Store.Transact(ctx, func(tx ledger.Tx) error {
		if err := f(&watchedTx{tx, w}); err != nil || !w.failing("COMMIT") {
			return err
		}
		var err error
		mend, err = sqlite.FailCommit(tx)
		return err
	})
	mend()
	if err != nil && w.before == "" {
		w.before = memory
	}
	return err
}

// failing reports whether a round trip of the second transaction is to fail.
func (w *watched) failing(what string) bool {
	return w.fails != nil && len(w.trips) == 2 && w.fails(w.trips[1], what)
}

type watchedTx struct {
	ledger.Tx
	*watched
}

func (t *watchedTx) trip(what string) error {
	t.trips[len(t.trips)-1]++
	if t.failing(what) {
		return errBroken
	}
	return nil
}

func (t *watchedTx) Load(ctx context.Context, want *ledger.Want, rows *ledger.Rows) error {
	if err := t.trip("Load"); err != nil {
		return err
	}
	return t.Tx.Load(ctx, want, rows)
}

func (t *watchedTx) Write(ctx context.Context, c *ledger.Changes) error {
	t.events[len(t.events)-1] = len(c.Events)
	if writes := t.writes; writes != nil {
		t.writes = nil
		writes()
	}
	if err := t.trip("Write"); err != nil {
		return err
	}
	return t.Tx.Write(ctx, c)
}

// groupCommit makes one batch of n callers that each bring an event: runs in n
// lanes, one run that waits for one of the events, and one that is replaced.
func groupCommit(t *testing.T, n int, fails func(trip int, what string) bool) *watched {
	w := &watched{}
	s := open(t, sqlite.Config{}.Wrap(func(s ledger.Store) ledger.Store {
		w.Store = s
		return w
	}))
	defer s.Close()
	w.ledger = s.Ledger
	hook := contactHook()
	hook.Overlap = journal.OverlapReplace
	accept := func(e journal.Event) error {
		hook := *hook
		if e.ID == contactEvent(2).ID { // names that are not known yet
			hook.Name, hook.Version = "another", "another"
		}
		_, err := s.Accept(t.Context(), journal.Arrival{Event: e, Hooks: []*journal.Hook{&hook}, Flood: 5})
		return err
	}
	first := contactEvent(1_000_000)
	if err := accept(first); err != nil {
		t.Fatal(err)
	}
	_, h := next(t, s)
	waits := journal.Step{Number: 1, Name: "wait_for", State: journal.Begun}
	await := &journal.Await{Triggers: hook.Triggers, Where: map[string][]string{"id": {`"c_1"`}}}
	if err := s.Park(t.Context(), h, journal.Park{State: journal.Waiting, Step: &waits, Await: await}); err != nil {
		t.Fatal(err)
	}
	replaced := contactEvent(2_000_000)
	replaced.Data, replaced.Record = nil, contactEvent(1).Record
	if err := accept(replaced); err != nil {
		t.Fatal(err)
	}

	gate := make(chan struct{})
	w.gate = gate
	var all sync.WaitGroup
	all.Go(func() { // the batch before holds the others back
		if err := accept(contactEvent(3_000_000)); err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	for i := range n {
		e := contactEvent(i)
		if i > 0 {
			e.Data = []byte(`{"id":"another"}`)
		}
		all.Go(func() {
			if err := accept(e); err != nil {
				t.Error(err)
			}
		})
	}
	synctest.Wait()
	w.trips, w.events, w.fails = nil, nil, fails
	close(gate)
	synctest.Wait()
	w.fails = nil
	all.Wait()
	for i := range n {
		e, runs, err := s.Event(t.Context(), contactEvent(i).ID)
		if err != nil || len(runs) != 1 {
			t.Errorf("event %q has %d runs, %v", e.ID, len(runs), err)
		}
	}
	for state, id := range map[journal.State]string{journal.Queued: first.ID, journal.Cancelled: replaced.ID} {
		if _, runs, err := s.Event(t.Context(), id); err != nil || len(runs) != 1 || runs[0].State != state {
			t.Errorf("event %q: %+v, %v; expected one run that is %s", id, runs, err, state)
		}
	}
	return w
}

func TestAGroupCommitTakesFewRoundTrips(t *testing.T) {
	trips := map[int]int{}
	for _, n := range []int{64, 512} {
		synctest.Test(t, func(t *testing.T) {
			w := groupCommit(t, n, nil)
			last := len(w.trips) - 1
			if w.events[last] != n {
				t.Fatalf("the batches wrote %v events, expected %d in the last", w.events, n)
			}
			trips[n] = w.trips[last]
		})
	}
	t.Logf("round trips: %v", trips)
	if trips[64] > 12 || trips[512] != trips[64] {
		t.Errorf("found %v round trips, expected at most 12, and as many for each", trips)
	}
}

// TestAFailedBatchLeavesMemoryAsItWas breaks each round trip of a batch once.
// What memory holds afterwards is what it held before, and the tasks are then
// committed one by one.
func TestAFailedBatchLeavesMemoryAsItWas(t *testing.T) {
	broken := map[string]int{}
	for at := 3; ; at++ { // BEGIN is not broken, and COMMIT is counted first
		name := ""
		synctest.Test(t, func(t *testing.T) {
			w := groupCommit(t, 16, func(trip int, what string) bool {
				if name != "" || trip != at || (what == "COMMIT") != (broken["Write"] > 0) {
					return false
				}
				name = what
				return true
			})
			if name != "" && (w.before == "" || w.before != w.after) {
				t.Errorf("after a broken %s, round trip %d, memory has changed:\n%s", name, at, difference(w.before, w.after))
			}
		})
		if broken[name]++; name == "Write" {
			at-- // the same transaction once more, to its end
		}
		if name == "COMMIT" || name == "" {
			break
		}
	}
	t.Logf("broken: %v", broken)
	if broken["Load"] < 2 || broken["Write"] != 1 || broken["COMMIT"] != 1 {
		t.Errorf("broken were %v, expected each Load, Write and COMMIT", broken)
	}
}

// difference gives the lines in which two texts differ.
func difference(a, b string) (lines string) {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			lines += "- " + x[i] + "\n+ " + y[i] + "\n"
		}
	}
	return lines
}
