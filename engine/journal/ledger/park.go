package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
)

type parkTask struct {
	waiter
	leaseKey
	stepRecord
	park        journal.Park
	state       State
	problem     []byte
	scan        missedScan
	missedIndex int  // of the answer to the query for its missed event
	replaced    bool // the run was cancelled instead, for a newer run
}

// Park implements journal.Store.
func (l *Ledger) Park(ctx context.Context, h journal.Lease, park journal.Park) error {
	if err := l.park(ctx, h, park); err != nil {
		return fmt.Errorf("park run %q: %w", h.Run, err)
	}
	return nil
}

func (l *Ledger) park(ctx context.Context, h journal.Lease, park journal.Park) error {
	t := &parkTask{waiter: newWaiter(), park: park}
	if err := t.check(l); err != nil {
		return err
	}
	var err error
	if t.leaseKey, err = l.parseLease(h); err != nil {
		return err
	}
	err = l.scanAndDo(ctx, t, t.run, &t.scan, &t.park.Await)
	if err == nil && t.replaced {
		return journal.ErrFenced
	}
	return err
}

// check refuses what is invalid whatever the rows are.
func (t *parkTask) check(l *Ledger) (err error) {
	p := &t.park
	switch {
	case !p.State.Parked():
		return fmt.Errorf("a run cannot be parked as %q", p.State)
	case p.FreeLane && p.State != journal.Held:
		return fmt.Errorf("only a held run can release its lane, not one that is %s", p.State)
	case p.State != journal.Waiting && p.Await != nil:
		return fmt.Errorf("a run that is %s awaits nothing", p.State)
	case p.State != journal.Waiting:
	case p.Await == nil && p.Until.IsZero():
		return errors.New("nothing would ever wake it")
	case p.Await != nil && (p.Await.Approval == "") == (len(p.Await.Triggers) == 0):
		return errors.New("a wait is for triggers or for an approval")
	}
	t.state, _ = StateOf(p.State)
	if p.Step != nil {
		if err := t.stepRecord.fill(l, *p.Step); err != nil {
			return err
		}
		if t.stepRecord.problem != nil {
			return t.stepRecord.problem
		}
	}
	if p.Problem != nil {
		t.problem, err = json.Marshal(p.Problem)
	}
	return err
}

func (t *parkTask) collect(b *batch) {
	t.leaseKey.collect(b)
	switch a := t.park.Await; {
	case a == nil:
	case a.Approval != "":
		b.approvals.want(a.Approval, &b.want.Approvals)
	default:
		t.missedIndex = b.wantMissed(t.run, a, &t.scan)
	}
}

func (t *parkTask) decide(b *batch) error {
	t.replaced = false
	lease, r, err := b.lease(t.run, t.epoch)
	if err != nil {
		return err
	}
	if err := t.checkSteps(b.lastStep(t.run)); err != nil {
		return refuse(err)
	}
	var missed *journal.Event
	if a := t.park.Await; a != nil && a.Approval == "" {
		if missed, err = b.missedEvent(r, a, t.missedIndex); err != nil {
			return err
		}
	}
	if t.park.Drop > 0 {
		if err := b.dropStep(t.run, t.park.Drop); err != nil {
			return err
		}
	}
	if t.park.Step != nil {
		b.putStep(t.run, &t.stepRecord)
	}
	last := b.lastStep(t.run)
	if last.Begun { // events must not be deferred for as long as the run is parked
		if err := b.closeStep(StepKey{t.run, last.Number}); err != nil {
			return err
		}
	}
	n, err := t.write(b, r, lease, last.Number)
	if err != nil {
		return err
	}
	b.endLease(t.run)
	if t.replaced, err = b.replaced(n); err != nil || t.replaced {
		return err
	}
	b.wakeAt(n.Wake)
	if t.state != Waiting && n.Lane == r.Lane {
		b.move(Park, t.run)
		return nil
	}
	b.move(Remove, t.run)
	return b.wait(n, t.park.Await, missed)
}

// write changes the row of the run to that of a parked run.
func (t *parkTask) write(b *batch, r *Run, lease Lease, step int) (*Run, error) {
	n, err := b.activate(r, lease)
	if err != nil {
		return nil, err
	}
	n.State, n.Parked, n.Wake, n.Problem = t.state, b.now.UnixMicro(), Micro(t.park.Until), t.problem
	n.Executed += int64(t.park.Executed)
	if t.park.Attempt {
		n.Attempts++
	}
	body := ParkBody{Await: t.park.Await, Step: step}
	if t.park.FreeLane {
		body.Lane, n.Lane = n.Lane, ""
	}
	n.Park, err = json.Marshal(body)
	return n, err
}

// checkSteps returns an error if a run with this last step cannot be parked as
// asked.
func (t *parkTask) checkSteps(have Last) error {
	if d := t.park.Drop; d > 0 {
		if d != have.Number {
			return fmt.Errorf("step %d cannot be dropped, the last is %d", d, have.Number)
		}
		have = Last{have.Number - 1, false}
	}
	if t.park.Step != nil {
		if err := have.checkNext(t.step.Number); err != nil {
			return err
		}
		have.Begun = t.step.State == journal.Begun
	}
	if t.state == Waiting && !have.Begun {
		return errors.New("a waiting run needs a begun step, for what it waits for")
	}
	return nil
}

// wait wakes a run if its missed event or its decision is there already; if not, it
// adds the keys by which the run is found.
func (b *batch) wait(r *Run, a *journal.Await, missed *journal.Event) error {
	switch {
	case a == nil:
		return nil
	case missed != nil:
		return b.wake(r, eventResult(missed))
	case a.Approval != "":
		made, err := b.decision(a.Approval)
		if err != nil {
			return err
		}
		if made != nil {
			return b.wake(r, waitResult{result: made})
		}
	}
	b.await(r.Seq, a)
	return nil
}
