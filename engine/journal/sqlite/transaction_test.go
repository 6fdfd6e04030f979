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

// instrumentedStore is a store that counts its transactions, and can make them
// wait or fail.
type instrumentedStore struct {
	ledger.Store
	ledger *ledger.Ledger
	gate   chan struct{} // the next transaction waits until it is closed; nil: it does not wait

	roundTrips   []int  // of each transaction; BEGIN and COMMIT are two
	events       []int  // that each transaction wrote
	beforeWrite  func() // called before the next Write, nil for none
	fail         func(trip int, what string) bool
	memoryBefore string // the memory when the transaction began that failed
	memoryAfter  string // the memory when the next transaction began
}

var errByTest = errors.New("failed by the test")

func (s *instrumentedStore) Transact(ctx context.Context, f func(ledger.Tx) error) error {
	if gate := s.gate; gate != nil {
		s.gate = nil
		<-gate
	}
	memory := ""
	if s.fail != nil {
		memory = sqlite.Memory(s.Store, s.ledger)
		if s.memoryBefore != "" && s.memoryAfter == "" {
			s.memoryAfter = memory
		}
	}
	s.roundTrips, s.events = append(s.roundTrips, 2), append(s.events, 0)
	restore := func() {}
	err := s.Store.Transact(ctx, func(tx ledger.Tx) error {
		if err := f(&instrumentedTx{tx, s}); err != nil || !s.failNow("COMMIT") {
			return err
		}
		var err error
		restore, err = sqlite.FailCommit(tx)
		return err
	})
	restore()
	if err != nil && s.memoryBefore == "" {
		s.memoryBefore = memory
	}
	return err
}

// failNow reports whether a round trip of the second transaction is to fail.
func (s *instrumentedStore) failNow(what string) bool {
	return s.fail != nil && len(s.roundTrips) == 2 && s.fail(s.roundTrips[1], what)
}

type instrumentedTx struct {
	ledger.Tx
	*instrumentedStore
}

func (t *instrumentedTx) countTrip(what string) error {
	t.roundTrips[len(t.roundTrips)-1]++
	if t.failNow(what) {
		return errByTest
	}
	return nil
}

func (t *instrumentedTx) Load(ctx context.Context, want *ledger.Want, rows *ledger.Rows) error {
	if err := t.countTrip("Load"); err != nil {
		return err
	}
	return t.Tx.Load(ctx, want, rows)
}

func (t *instrumentedTx) Write(ctx context.Context, c *ledger.Changes) error {
	t.events[len(t.events)-1] = len(c.Events)
	if call := t.beforeWrite; call != nil {
		t.beforeWrite = nil
		call()
	}
	if err := t.countTrip("Write"); err != nil {
		return err
	}
	return t.Tx.Write(ctx, c)
}

// groupCommit makes one batch of n callers, each with an event: runs in n lanes,
// one run that waits for one of the events, and one run that is replaced.
func groupCommit(t *testing.T, n int, fail func(trip int, what string) bool) *instrumentedStore {
	store := &instrumentedStore{}
	s := open(t, sqlite.Config{}.Wrap(func(s ledger.Store) ledger.Store {
		store.Store = s
		return store
	}))
	defer s.Close()
	store.ledger = s.Ledger
	hook := contactHook()
	hook.Overlap = journal.OverlapReplace
	accept := func(e journal.Event) error {
		hook := *hook
		if e.ID == contactEvent(2).ID { // names that do not exist yet
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
	store.gate = gate
	var all sync.WaitGroup
	all.Go(func() { // the others wait for this batch
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
	store.roundTrips, store.events, store.fail = nil, nil, fail
	close(gate)
	synctest.Wait()
	store.fail = nil
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
	return store
}

func TestGroupCommitRoundTrips(t *testing.T) {
	trips := map[int]int{}
	for _, n := range []int{64, 512} {
		synctest.Test(t, func(t *testing.T) {
			store := groupCommit(t, n, nil)
			last := len(store.roundTrips) - 1
			if store.events[last] != n {
				t.Fatalf("the batches wrote %v events, expected %d in the last", store.events, n)
			}
			trips[n] = store.roundTrips[last]
		})
	}
	t.Logf("round trips: %v", trips)
	if trips[64] > 12 || trips[512] != trips[64] {
		t.Errorf("found %v round trips, expected at most 12, and as many for each", trips)
	}
}

// TestFailedBatchDoesNotChangeMemory makes each round trip of a batch fail once.
// Memory is the same afterwards as before, and the tasks are then committed one by
// one.
func TestFailedBatchDoesNotChangeMemory(t *testing.T) {
	failed := map[string]int{} // by round trip
	for at := 3; ; at++ {      // BEGIN and COMMIT are the first two; BEGIN does not fail
		name := ""
		synctest.Test(t, func(t *testing.T) {
			store := groupCommit(t, 16, func(trip int, what string) bool {
				if name != "" || trip != at || (what == "COMMIT") != (failed["Write"] > 0) {
					return false
				}
				name = what
				return true
			})
			if name != "" && (store.memoryBefore == "" || store.memoryBefore != store.memoryAfter) {
				t.Errorf("after a failed %s, round trip %d, memory has changed:\n%s", name, at, difference(store.memoryBefore, store.memoryAfter))
			}
		})
		if failed[name]++; name == "Write" {
			at-- // next is the COMMIT after the same round trips
		}
		if name == "COMMIT" || name == "" {
			break
		}
	}
	t.Logf("failed: %v", failed)
	if failed["Load"] < 2 || failed["Write"] != 1 || failed["COMMIT"] != 1 {
		t.Errorf("these failed: %v, expected each Load, Write and COMMIT", failed)
	}
}

// difference returns the lines in which two texts differ.
func difference(a, b string) (lines string) {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			lines += "- " + x[i] + "\n+ " + y[i] + "\n"
		}
	}
	return lines
}
