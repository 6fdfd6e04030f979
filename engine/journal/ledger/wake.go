package ledger

import (
	"encoding/json"
	"fmt"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// waitResult is the result of a wait.
type waitResult struct {
	result json.RawMessage
	err    *bindings.Error
	event  string
}

// eventResult returns the result of a wait for an event.
func eventResult(e *journal.Event) waitResult {
	table, err := e.Table()
	switch {
	case err != nil:
		return waitResult{err: &bindings.Error{Kind: bindings.Invalid, Message: fmt.Sprintf("event %q cannot be shown: %v", e.ID, err)}, event: e.ID}
	case len(table) > journal.MaxValue:
		return waitResult{err: tooLarge("event", len(table)), event: e.ID}
	}
	return waitResult{result: table, event: e.ID}
}

// timeoutResult returns the result of a wait whose time came before an event.
func timeoutResult(a *journal.Await) waitResult {
	if a == nil {
		return waitResult{}
	}
	return waitResult{err: a.Timeout}
}

// wake ends a wait: it writes the result of the wait's step, and queues the run as
// the last of its lane.
func (b *batch) wake(r *Run, w waitResult) error {
	state, failure := journal.Done, []byte(nil)
	if w.err != nil {
		var err error
		if failure, err = json.Marshal(w.err); err != nil {
			return err
		}
		state = journal.Erred
	}
	park, err := r.park()
	if err != nil {
		return err
	}
	b.endStep(EndStep{StepKey: StepKey{r.Seq, park.Step}, State: state, Result: b.value(w.result), Failure: failure, Event: w.event,
		Answered: true, At: b.now.UnixMicro()})
	if r.State == Waiting {
		b.stopWaiting(r.Seq)
	}
	b.queueAgain(r, r.Lane)
	return nil
}

// endStep sets the result of a begun record, in the store or of this batch.
func (b *batch) endStep(e EndStep) {
	b.changeCount++
	if last := b.lastStep(e.Run); last.Number == e.Number {
		b.setLast(e.Run, e.Number, false)
	}
	staged, isNew := b.newSteps.staged[e.StepKey]
	if !isNew {
		b.endSteps.set(e.StepKey, e)
		return
	}
	s := *staged
	s.State, s.ResultValue, s.Failure, s.Event = e.State, e.Result, e.Failure, e.Event
	if e.Answered {
		s.Duration = max(Time(e.At).Sub(Truncate(s.Started)), 0)
	} else {
		s.SentValue, s.RetainSent = Value{}, false
	}
	b.newSteps.set(e.StepKey, &s)
}

// queueAgain queues a run that has no place in a lane, as the last of a lane.
func (b *batch) queueAgain(r *Run, lane string) {
	n := b.edit(r)
	n.State, n.Epoch, n.Place = Queued, n.Epoch+1, b.seq()
	n.Parked, n.Wake, n.Park, n.Problem, n.Finished = 0, 0, nil, nil, 0
	if n.Lane != lane {
		n.Lane = lane
		b.inLane(n)
	}
	b.enter(n, nil)
}

// resume queues a parked run that owns its lane, before the lane's other runs. One
// that has released its lane is queued as the last of it.
func (b *batch) resume(r *Run) error {
	park, err := r.park()
	if err != nil {
		return err
	}
	if park.Lane != "" {
		b.move(Remove, r.Seq)
		b.queueAgain(r, park.Lane)
		return nil
	}
	n := b.edit(r)
	n.State, n.Epoch = Queued, n.Epoch+1
	n.Parked, n.Wake, n.Park, n.Problem = 0, 0, nil, nil
	b.move(Resume, r.Seq)
	return nil
}
