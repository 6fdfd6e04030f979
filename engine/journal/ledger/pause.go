package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
)

// pauseOf returns why a new run of an event is paused, zero if it is not.
func (b *batch) pauseOf(e *journal.Event, flooding bool) Pause {
	switch at := Micro(e.Time); {
	case at != 0 && at < b.restored:
		return PauseRestored
	case flooding:
		return PauseFlood
	}
	return 0
}

// pauseOfLater returns why a run that was Later and is due is paused, zero if it is
// not.
func (b *batch) pauseOfLater(r *Run) (Pause, error) {
	flooding, err := b.isFlooding(r.Event)
	if err != nil {
		return 0, err
	}
	var e *journal.Event
	if b.restored != 0 {
		if e, err = b.event(r.Event); err != nil {
			return 0, err
		}
	}
	if e == nil {
		e = &journal.Event{}
	}
	return b.pauseOf(e, flooding), nil
}

// pauseNow makes a run that was Later the last of its lane, paused. Events that
// happen after a restore are not merged into a run that the restore paused.
func (b *batch) pauseNow(r *Run, why Pause) {
	n := b.edit(r)
	n.State, n.Pause, n.Epoch, n.Place = Paused, why, n.Epoch+1, b.seq()
	n.Parked, n.Wake, n.Park, n.Problem, n.Finished = b.now.UnixMicro(), 0, nil, nil, 0
	n.Merging = n.Merging && why != PauseRestored
	b.enter(n, nil)
}

// unpauseTask lets a paused run go on.
type unpauseTask struct {
	waiter
	run         int64
	await       *journal.Await // what the run waits for, once decide has read it
	scan        missedScan
	missedIndex int // of the answer to the query for its missed event; -1: not queried
}

// Unpause implements journal.Store.
func (l *Ledger) Unpause(ctx context.Context, run string) error {
	seq, err := l.parse(run)
	if err == nil {
		t := &unpauseTask{waiter: newWaiter(), run: seq}
		err = l.scanAndDo(ctx, t, seq, &t.scan, &t.await)
	}
	if err != nil {
		return fmt.Errorf("release run %q: %w", run, err)
	}
	return nil
}

func (t *unpauseTask) collect(b *batch) {
	b.runs.want(t.run, &b.want.Runs)
	t.missedIndex = -1
}

func (t *unpauseTask) decide(b *batch) error {
	r, err := b.run(t.run)
	if err != nil {
		return err
	}
	switch {
	case r == nil:
		return refuse(journal.ErrNotFound)
	case r.State != Paused && r.State != PausedWait:
		return refusef("%w: it is %s, and would have to be %s", journal.ErrState, b.journalState(r), journal.Paused)
	}
	park, err := r.park()
	if err != nil {
		return err
	}
	missed, err := t.missed(b, r, park.Await)
	if err != nil {
		return err
	}
	then, wake, lane := park.Then, park.Wake, park.Lane
	park.Then, park.Wake = 0, 0
	n := b.edit(r)
	n.State, n.Pause, n.Parked, n.Park = then, 0, 0, nil
	if then == Queued {
		b.move(Unpause, r.Seq)
		return nil
	}
	if n.Park, err = json.Marshal(park); err != nil {
		return err
	}
	n.Parked, n.Wake = b.now.UnixMicro(), wake
	b.wakeAt(wake)
	switch {
	case then == Waiting:
		return b.wait(n, park.Await, missed)
	case lane != "":
		b.move(Remove, r.Seq)
	default:
		b.move(Repark, r.Seq)
	}
	return nil
}

// missed returns the oldest event that a paused run waits for and has not had, nil
// for none.
func (t *unpauseTask) missed(b *batch, r *Run, a *journal.Await) (*journal.Event, error) {
	if a == nil || a.Approval != "" {
		return nil, nil
	}
	if t.await = a; t.missedIndex < 0 {
		t.missedIndex = b.wantMissed(t.run, a, &t.scan)
		return nil, errMore
	}
	return b.missedEvent(r, a, t.missedIndex)
}

// scanAndDo does a task that reads the missed event of a run. It scans outside of the
// batches first if too many events came since the run was accepted.
func (l *Ledger) scanAndDo(ctx context.Context, t task, run int64, scan *missedScan, await **journal.Await) error {
	for try := 0; ; try++ {
		if scan.limit = maxScanInBatch; try == maxScans {
			scan.limit = 0 // the batch reads all that is left
		}
		err := l.queue.do(ctx, t)
		if !errors.Is(err, errManyEvents) {
			return err
		}
		if *scan, err = l.scanMissed(ctx, run, *await, *scan); err != nil {
			return fmt.Errorf("search the events since the run was accepted: %w", err)
		}
	}
}
