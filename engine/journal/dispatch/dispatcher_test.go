package dispatch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/dispatch"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// with gives a dispatcher with runs of these numbers that have no lane.
func with(seqs ...int64) *dispatch.Dispatcher {
	d := dispatch.New(1, 1<<20, time.Now)
	for _, seq := range seqs {
		d.Apply([]ledger.Move{enter(&ledger.Run{Seq: seq, Created: seq})})
	}
	return d
}

func enter(r *ledger.Run) ledger.Move {
	return ledger.Move{Kind: ledger.Enter, Seq: r.Seq, Run: r, Cached: &ledger.CachedRun{Event: &journal.Event{}, Hook: &journal.Hook{}}}
}

// next takes a run, and gives 0 if there is none within a second.
func next(t *testing.T, d *dispatch.Dispatcher) dispatch.LeasedRun {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	h, err := d.Next(ctx)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	return h
}

func TestReservedRunsAreNotHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := with(1, 2)
		for _, seq := range []int64{1, 1, 7} { // 7 is of the batch that reserves it
			if !d.Reserve(seq) {
				t.Errorf("run %d is not handed out, and was not reserved", seq)
			}
		}
		if h := next(t, d); h.Seq != 2 {
			t.Errorf("found run %d, expected 2: 1 is reserved", h.Seq)
		}
		if d.Reserve(2) {
			t.Error("a run that is handed out was reserved")
		}
		if h := next(t, d); h.Seq != 0 {
			t.Errorf("found run %d, expected none", h.Seq)
		}
		d.Abort()
		if h := next(t, d); h.Seq != 1 {
			t.Errorf("found run %d, expected 1: the batch has ended", h.Seq)
		}
	})
}

func TestTheEndOfABatchHandsReservedRunsOut(t *testing.T) {
	for name, end := range map[string]func(*dispatch.Dispatcher){
		"committed": func(d *dispatch.Dispatcher) { d.Apply(nil) },
		"failed":    (*dispatch.Dispatcher).Abort,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := with(1)
				d.Reserve(1)
				given := make(chan int64, 1)
				go func() { given <- next(t, d).Seq }()
				synctest.Wait()
				end(d)
				if seq := <-given; seq != 1 {
					t.Errorf("found run %d, expected 1", seq)
				}
			})
		})
	}
}

func TestAReservedRunMayBeRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := with(1)
		d.Reserve(1)
		d.Apply([]ledger.Move{{Kind: ledger.Remove, Seq: 1}})
		if h := next(t, d); h.Seq != 0 {
			t.Errorf("found run %d, expected none", h.Seq)
		}
	})
}

// What is changed after a run was handed out changes the row that is kept, and
// not what its holder reads at the same time.
func TestAHandoutStaysAsItIs(t *testing.T) {
	d := with(1)
	h := next(t, d)
	row, _ := d.Row(1)
	changed := *row.Run
	changed.Created = 9
	d.CacheRows(nil, &ledger.Changes{Runs: []ledger.RunChange{{Before: row.Run, After: &changed}}})
	if kept, _ := d.Row(1); kept.Run != &changed {
		t.Error("the row that is kept has not changed")
	}
	if h.Created != 1 {
		t.Errorf("the hand-out was created at %d, expected 1", h.Created)
	}
}
