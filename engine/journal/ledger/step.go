package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// stepRecord is a step to write.
type stepRecord struct {
	step               journal.Step
	args, result, sent Value
	failure            []byte          // the step's error, as JSON
	problem            *bindings.Error // that the step is recorded with instead of its result
}

// value returns a value to write.
func (l *Ledger) value(text []byte) Value { return Value{text, l.store.Pack(text)} }

// fill checks a step and prepares its values. A step with a value that is too
// large gets a problem.
func (r *stepRecord) fill(l *Ledger, step journal.Step) (err error) {
	switch step.State {
	case journal.Begun, journal.Done, journal.Erred:
	default:
		return fmt.Errorf("there is no step state %q", step.State)
	}
	if step.Started.IsZero() {
		step.Started = l.clock.Now()
	}
	if err := errors.Join(checkJSON("arguments", step.Args), checkJSON("result", step.Result), checkJSON("what was sent", step.Sent)); err != nil {
		return err
	}
	if step.State != journal.Begun {
		step.Sent = nil
	}
	if len(step.Sent) > journal.MaxValue {
		r.problem, step.Sent = tooLarge("request", len(step.Sent)), nil
	}
	if len(step.Result) > journal.MaxValue {
		r.problem = tooLarge("result", len(step.Result))
	}
	if len(step.Args) > journal.MaxValue {
		r.problem, step.Args = tooLarge("arguments", len(step.Args)), nil
	}
	if r.problem != nil {
		step.State, step.Result, step.Sent, step.Error = journal.Erred, nil, nil, r.problem
	}
	r.step, r.args, r.result, r.sent = step, l.value(step.Args), l.value(step.Result), l.value(step.Sent)
	if step.Error != nil {
		r.failure, err = json.Marshal(step.Error)
	}
	return err
}

func checkJSON(what string, text []byte) error {
	if len(text) > 0 && !journal.ValidJSON(text) {
		return fmt.Errorf("%s: not JSON", what)
	}
	return nil
}

// tooLarge returns the error of a step with a value that is too large to store.
func tooLarge(what string, size int) *bindings.Error {
	return &bindings.Error{Kind: bindings.TooLarge,
		Message: fmt.Sprintf("the %s of this step would be %d bytes, at most %d can be stored", what, size, journal.MaxValue)}
}

type stepTask struct {
	waiter
	leaseKey
	stepRecord
	effect journal.Effect
	emit   *arrival
	result json.RawMessage
	failed *bindings.Error // the error that the step is recorded with instead of its result
}

// Record implements journal.Store. An effect that is not possible, such as an
// addition to text, is recorded as the step's error and returned as a
// *bindings.Error.
func (l *Ledger) Record(ctx context.Context, h journal.Lease, step journal.Step, effect journal.Effect) (json.RawMessage, error) {
	result, err := l.record(ctx, h, step, effect)
	var problem *bindings.Error
	if err != nil && !errors.As(err, &problem) {
		err = fmt.Errorf("record step %d (%s) of run %q: %w", step.Number, step.Name, h.Run, err)
	}
	return result, err
}

func (l *Ledger) record(ctx context.Context, h journal.Lease, step journal.Step, effect journal.Effect) (json.RawMessage, error) {
	t := &stepTask{waiter: newWaiter(), effect: effect}
	if err := t.check(l, step); err != nil {
		return nil, err
	}
	var err error
	if t.leaseKey, err = l.parseLease(h); err != nil {
		return nil, err
	}
	if err := l.queue.do(ctx, t); err != nil {
		return nil, err
	}
	if t.failed != nil {
		return nil, t.failed
	}
	return t.result, nil
}

// check refuses what is invalid whatever the rows are.
func (t *stepTask) check(l *Ledger, step journal.Step) error {
	effect := &t.effect
	count := 0
	for _, has := range []bool{effect.State != nil, effect.Link != nil, effect.Emit != nil, effect.Approval != nil, effect.File != ""} {
		if has {
			count++
		}
	}
	switch {
	case count > 1:
		return errors.New("a step has one effect at most")
	case effect.Decision != nil && (count > 0 || step.State != journal.Done):
		return errors.New("a decision comes with a call that is done")
	case len(effect.Deliveries) > 0 && step.State == journal.Erred:
		return errors.New("deliveries come with a call that is begun or done")
	case effect.Written != nil && (count > 0 || step.State == journal.Erred):
		return errors.New("what was written comes with a call that is begun or done, alone")
	case count > 0 && step.State != journal.Done:
		return fmt.Errorf("a step in state %q has no effect", step.State)
	}
	if err := t.fill(l, step); err != nil {
		return err
	}
	if t.problem != nil {
		*effect = journal.Effect{}
	}
	switch {
	case effect.Written != nil:
		return checkJSON("what was written", effect.Written.Data)
	case effect.State != nil:
		return errors.Join(checkJSON("value", effect.State.Value), checkJSON("expected value", effect.State.Expected))
	case effect.Approval != nil:
		return checkApproval(effect.Approval)
	case effect.Emit != nil:
		t.emit = new(arrival)
		return t.emit.fill(effect.Emit)
	}
	return nil
}

func (t *stepTask) collect(b *batch) {
	t.leaseKey.collect(b)
	switch e := &t.effect; {
	case e.Written != nil:
		w := e.Written
		b.known.want(RecordKey{w.Connection, w.Noun, w.Record}, &b.want.Known)
		if w.Fingerprint != nil && t.step.State != journal.Begun {
			b.sightings.want(SightingKey{w.Fingerprint.PollKey, w.Fingerprint.Record}, &b.want.Sightings)
		}
	case e.State != nil && reads(e.State):
		b.values.want(StateKey{e.State.Script, e.State.Key}, &b.want.States)
	case e.Approval != nil:
		b.approvals.want(e.Approval.ID, &b.want.Approvals)
	case e.Emit != nil:
		t.emit.collect(b)
	}
}

func (t *stepTask) decide(b *batch) error {
	t.result, t.failed = t.step.Result, t.problem
	lease, r, err := b.lease(t.run, t.epoch)
	if err != nil {
		return err
	}
	if err := b.lastStep(t.run).checkNext(t.step.Number); err != nil {
		return refuse(err)
	}
	done := t.stepRecord
	if err := b.apply(t); err != nil {
		return err
	}
	if t.failed != nil && t.problem == nil {
		if done.failure, err = json.Marshal(t.failed); err != nil {
			return err
		}
		done.step.State, t.result = journal.Erred, nil
	}
	if e := &t.effect; e.State != nil || e.Link != nil || e.Emit != nil || e.Approval != nil {
		done.result = b.value(t.result)
	}
	if err := b.written(t.run, &t.step, done.step.State, t.effect.Written); err != nil {
		return err
	}
	if d := t.effect.Decision; d != nil {
		b.addDecision(t.run, t.step.Number, *d)
	}
	for _, d := range t.effect.Deliveries {
		b.changeCount++
		b.changes.Deliveries = append(b.changes.Deliveries, Delivery{t.run, t.step.Number, d})
	}
	if r.State != Running || r.Epoch != lease.Epoch {
		n, err := b.activate(r, lease)
		if err != nil {
			return err
		}
		n.State = Running
	}
	b.putStep(t.run, &done)
	return nil
}

// checkNext returns an error unless a step of that number can be recorded: the next
// one, or the last if it is a begun record.
func (l Last) checkNext(number int) error {
	if number == l.Number+1 || l.Begun && number == l.Number {
		return nil
	}
	return fmt.Errorf("the next step to record is number %d", l.Number+1)
}

// putStep writes a step. It replaces a begun record of the same number.
func (b *batch) putStep(run int64, r *stepRecord) {
	last := b.lastStep(run)
	key := StepKey{run, r.step.Number}
	s := &Step{Run: run, Step: r.step, ArgsValue: r.args, ResultValue: r.result, SentValue: r.sent, Failure: r.failure}
	if last.Begun && last.Number == r.step.Number {
		again := r.step.State == journal.Begun
		if begun, staged := b.newSteps.staged[key]; staged {
			s.Replaces, s.RetainSent = begun.Replaces, begun.RetainSent && again
			if again && begun.SentValue.Text != nil {
				s.SentValue = begun.SentValue
			}
		} else {
			s.Replaces, s.RetainSent = true, again
		}
	}
	b.changeCount++
	b.newSteps.set(key, s)
	b.setLast(run, r.step.Number, r.step.State == journal.Begun)
}

// dropStep deletes the last step of a run, and what the step was to write.
func (b *batch) dropStep(run int64, number int) error {
	b.changeCount++
	key := StepKey{run, number}
	b.newSteps.unset(key)
	b.endSteps.unset(key)
	b.changes.DropSteps = append(b.changes.DropSteps, key)
	b.setLast(run, number-1, false)
	return b.closeStep(key)
}

// stepError returns the error of a step as JSON, nil for none.
func (b *batch) stepError(key StepKey) ([]byte, error) {
	if s, staged := b.newSteps.staged[key]; staged {
		return s.Failure, nil
	}
	if s, staged := b.endSteps.staged[key]; staged {
		return s.Failure, nil
	}
	row, err := b.steps.get(key, &b.want.Steps)
	return row.Error, err
}

type withdrawTask struct {
	waiter
	leaseKey
	number  int
	decided []journal.CallDecision
}

// Withdraw implements journal.Store.
func (l *Ledger) Withdraw(ctx context.Context, h journal.Lease, number int, decided ...journal.CallDecision) error {
	t := &withdrawTask{waiter: newWaiter(), number: number, decided: decided}
	var err error
	if t.leaseKey, err = l.parseLease(h); err == nil {
		err = l.queue.do(ctx, t)
	}
	if err != nil {
		return fmt.Errorf("withdraw step %d of run %q: %w", number, h.Run, err)
	}
	return nil
}

func (t *withdrawTask) decide(b *batch) error {
	if _, _, err := b.lease(t.run, t.epoch); err != nil {
		return err
	}
	if last := b.lastStep(t.run); !last.Begun || last.Number != t.number {
		return refusef("it is not the last and begun")
	}
	for _, d := range t.decided {
		b.addDecision(t.run, t.number, d)
	}
	return b.dropStep(t.run, t.number)
}

// addDecision records a decision about the call of a step.
func (b *batch) addDecision(run int64, step int, d journal.CallDecision) {
	d.Step, d.At = step, b.now
	b.changeCount++
	b.changes.Resolutions = append(b.changes.Resolutions, Resolution{run, d})
}
