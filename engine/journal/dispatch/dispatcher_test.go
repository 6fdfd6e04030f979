package dispatch_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/dispatch"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// withRuns returns a dispatcher with runs of these numbers that have no lane.
func withRuns(seqs ...int64) *dispatch.Dispatcher {
	d := dispatch.New(1, 1<<20, clock.System)
	for _, seq := range seqs {
		d.Apply([]ledger.Move{enter(&ledger.Run{Seq: seq, Created: seq})})
	}
	return d
}

func enter(r *ledger.Run) ledger.Move {
	return ledger.Move{Kind: ledger.Enter, Seq: r.Seq, Run: r, Cached: &ledger.CachedRun{Event: &journal.Event{}, Hook: &journal.Hook{}}}
}

// next leases a run. It returns the zero LeasedRun if none is ready within a
// second.
func next(t *testing.T, d *dispatch.Dispatcher) dispatch.LeasedRun {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	r, err := d.Next(ctx)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	return r
}

func TestReservedRunsAreNotLeased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := withRuns(1, 2)
		for _, seq := range []int64{1, 1, 7} { // 7 is new in the batch that reserves it
			if !d.Reserve(seq) {
				t.Errorf("run %d is not leased, and was not reserved", seq)
			}
		}
		if r := next(t, d); r.Seq != 2 {
			t.Errorf("found run %d, expected 2: 1 is reserved", r.Seq)
		}
		if d.Reserve(2) {
			t.Error("a leased run was reserved")
		}
		if r := next(t, d); r.Seq != 0 {
			t.Errorf("found run %d, expected none", r.Seq)
		}
		d.Abort()
		if r := next(t, d); r.Seq != 1 {
			t.Errorf("found run %d, expected 1: the batch has ended", r.Seq)
		}
	})
}

func TestEndOfBatchLeasesReservedRuns(t *testing.T) {
	for name, end := range map[string]func(*dispatch.Dispatcher){
		"committed": func(d *dispatch.Dispatcher) { d.Apply(nil) },
		"failed":    (*dispatch.Dispatcher).Abort,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := withRuns(1)
				d.Reserve(1)
				leased := make(chan int64, 1)
				go func() { leased <- next(t, d).Seq }()
				synctest.Wait()
				end(d)
				if seq := <-leased; seq != 1 {
					t.Errorf("found run %d, expected 1", seq)
				}
			})
		})
	}
}

func TestRemoveReservedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := withRuns(1)
		d.Reserve(1)
		d.Apply([]ledger.Move{{Kind: ledger.Remove, Seq: 1}})
		if r := next(t, d); r.Seq != 0 {
			t.Errorf("found run %d, expected none", r.Seq)
		}
	})
}

// A change of a leased run changes the cached row, and not the LeasedRun that a
// worker reads at the same time.
func TestLeasedRunDoesNotChange(t *testing.T) {
	d := withRuns(1)
	r := next(t, d)
	row, _ := d.Row(1)
	changed := *row.Run
	changed.Created = 9
	d.CacheRows(nil, &ledger.Changes{Runs: []ledger.RunChange{{Before: row.Run, After: &changed}}})
	if cached, _ := d.Row(1); cached.Run != &changed {
		t.Error("the cached row has not changed")
	}
	if r.Created != 1 {
		t.Errorf("the leased run was created at %d, expected 1", r.Created)
	}
}

// A run that a batch has reserved is not leased before the batch ends, when it
// goes on meanwhile.
func TestReservedRunGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := withRuns(1, 2)
		r := next(t, d)
		if !d.Suspend(r.Seq, r.Epoch) || d.Suspend(r.Seq, r.Epoch) {
			t.Error("a lease can be suspended once")
		}
		d.Reserve(1)
		if !d.Continue(1) || d.Continue(1) {
			t.Error("a suspended run can go on once")
		}
		if r := next(t, d); r.Seq != 2 {
			t.Errorf("found run %d, expected 2: 1 is reserved", r.Seq)
		}
		leased := make(chan int64, 1)
		go func() { leased <- next(t, d).Seq }()
		synctest.Wait()
		d.Apply(nil)
		if seq := <-leased; seq != 1 {
			t.Errorf("found run %d, expected 1", seq)
		}
	})
}

// TestScriptsAlternate: a script with many ready runs delays another by one run. A run that
// is ready again is the first of its script.
func TestScriptsAlternate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dispatch.New(1, 1<<20, clock.System)
		for hook, script := range map[int64]string{1: "many", 2: "many", 3: "few"} { // 4 is not known
			d.SetScript(hook, script)
		}
		add := func(seq, hook int64) {
			d.Apply([]ledger.Move{enter(&ledger.Run{Seq: seq, Hook: hook, Created: seq})})
		}
		for seq := range int64(6) {
			add(10+seq, 1+seq%2)
		}
		add(20, 3)
		add(30, 4)
		var order []int64
		lease := func() dispatch.LeasedRun {
			r := next(t, d)
			order = append(order, r.Seq)
			return r
		}
		lease()
		lease()
		add(21, 3)
		r := lease()
		lease()
		d.Requeue(r.Seq, r.Epoch)
		for range 6 {
			lease()
		}
		if want := []int64{10, 20, 30, 11, 30, 21, 12, 13, 14, 15}; !slices.Equal(order, want) {
			t.Errorf("found %v, expected %v", order, want)
		}
		if r := next(t, d); r.Seq != 0 {
			t.Errorf("found run %d, expected none", r.Seq)
		}
	})
}
