package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// grasp is what a holder's write goes by: the run and what only memory knows
// of it until the row is written.
type grasp struct {
	run *run
	live
}

// lost refuses a task whose run has another holder by now, or none.
func (g *grasp) lost(t *ticket) bool {
	if g.epoch <= g.run.kept.fence || g.run.epoch.Load() != g.epoch {
		t.refused = journal.ErrFenced
		return true
	}
	return false
}

// record is a step on its way into its row.
type record struct {
	step               journal.Step
	args, result, sent value
	failure            []byte          // its error, as JSON
	problem            *bindings.Error // that it ends with instead of what was asked
}

// fill checks a step and prepares its values. What is too large makes it fail.
func (r *record) fill(step journal.Step) (err error) {
	if code(stepStates, step.State) < 0 {
		return fmt.Errorf("there is no step state %q", step.State)
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
	r.step, r.args, r.result, r.sent = step, pack(step.Args), pack(step.Result), pack(step.Sent)
	if step.Error != nil {
		r.failure, err = json.Marshal(step.Error)
	}
	return err
}

type stepTask struct {
	ticket
	grasp
	record
	effect journal.Effect
	emit   arrival
	result json.RawMessage
	failed *bindings.Error // what the step ended with although it was to be done
}

// Record implements journal.Store. An effect that cannot be had, such as an
// addition to text, is recorded as the step's error and returned as a
// *bindings.Error.
func (s *Store) Record(ctx context.Context, h journal.Holder, step journal.Step, effect journal.Effect) (json.RawMessage, error) {
	result, err := s.record(ctx, h, step, effect)
	var problem *bindings.Error
	if err != nil && !errors.As(err, &problem) {
		err = fmt.Errorf("record step %d (%s) of run %q: %w", step.Number, step.Name, h.Run, err)
	}
	return result, err
}

func (s *Store) record(ctx context.Context, h journal.Holder, step journal.Step, effect journal.Effect) (json.RawMessage, error) {
	t := &stepTask{ticket: newTicket(), effect: effect}
	if step.Started.IsZero() {
		step.Started = s.now()
	}
	if err := t.check(step); err != nil {
		return nil, err
	}
	var err error
	if t.run, t.live, err = s.holding(ctx, h); err != nil {
		return nil, err
	}
	if err := s.writer.queue.do(ctx, t); err != nil {
		return nil, err
	}
	if t.failed != nil {
		return nil, t.failed
	}
	return t.result, nil
}

// check refuses what could not be read back, before anything waits.
func (t *stepTask) check(step journal.Step) (err error) {
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
	case effect.Written != nil && (count > 0 || step.State == journal.Erred):
		return errors.New("what was written comes with a call that is begun or done, alone")
	case count > 0 && step.State != journal.Done:
		return fmt.Errorf("a step in state %q has no effect", step.State)
	}
	if err := t.fill(step); err != nil {
		return err
	}
	if t.problem != nil {
		*effect = journal.Effect{}
	}
	if made := effect.Written; made != nil {
		return errors.Join(checkJSON("what was written", made.Data))
	}
	if op := effect.State; op != nil {
		return errors.Join(checkJSON("value", op.Value), checkJSON("expected value", op.Expected))
	}
	if effect.Approval != nil {
		return checkApproval(effect.Approval)
	}
	if effect.Emit != nil {
		return t.emit.fill(effect.Emit)
	}
	return nil
}

func checkJSON(what string, text []byte) error {
	if len(text) > 0 && !journal.ValidJSON(text) {
		return fmt.Errorf("%s: not JSON", what)
	}
	return nil
}

func (t *stepTask) apply(w *writer) error {
	t.result, t.failed = t.step.Result, t.problem
	if t.lost(&t.ticket) {
		return nil
	}
	if err := w.know(t.run); err != nil {
		return err
	}
	if t.refused = t.run.kept.admits(t.step.Number); t.refused != nil {
		return nil
	}
	done := t.record
	if err := w.effect(t); err != nil {
		return err
	}
	if t.failed != nil && t.problem == nil {
		var err error
		if done.failure, err = json.Marshal(t.failed); err != nil {
			return err
		}
		done.step.State, t.result = journal.Erred, nil
	}
	if e := &t.effect; e.State != nil || e.Link != nil || e.Emit != nil || e.Approval != nil {
		done.result = pack(t.result)
	}
	if err := w.written(t.run.seq, &t.step, done.step.State, t.effect.Written); err != nil {
		return err
	}
	if err := w.begin(&t.grasp); err != nil {
		return err
	}
	return w.write(t.run, &done)
}

// admits says why a step of that number cannot be recorded now.
func (k *kept) admits(number int) error {
	if number == k.steps+1 || k.begun && number == k.steps {
		return nil
	}
	return fmt.Errorf("the next step to record is number %d", k.steps+1)
}

// know reads which steps a run has, where memory does not say.
func (w *writer) know(r *run) error {
	if r.kept.known {
		return nil
	}
	k := w.change(r)
	k.steps, k.begun, k.known = 0, false, true
	return w.sql.lastStep.each(func(row []driver.Value) error {
		k.steps, k.begun = int(row[0].(int64)), row[1].(int64) == 0
		return nil
	}, r.seq)
}

// write keeps a step, in place of a begun mark of its number if there is one.
func (w *writer) write(r *run, step *record) error {
	k := w.change(r)
	s := &step.step
	var before driver.Value // what was first sent
	if k.begun && s.Number == k.steps {
		err := w.takeStep(r.seq, s.Number, func(sent driver.Value) bool {
			if s.State == journal.Begun {
				before = sent
			}
			return before != nil
		})
		if err != nil {
			return err
		}
	}
	args, argsErr := w.put(step.args)
	result, resultErr := w.put(step.result)
	if before == nil {
		var err error
		if before, err = w.put(step.sent); err != nil {
			return err
		}
	}
	if err := errors.Join(argsErr, resultErr); err != nil {
		return err
	}
	if _, err := w.sql.putStep.run(r.seq, int64(s.Number), s.Name, code(stepStates, s.State), args, s.Hash, result,
		blob(step.failure), before, event(s.Event), s.Position, micro(s.Started), int64(s.Took), int64(s.Attempts)); err != nil {
		return err
	}
	k.steps, k.begun = s.Number, s.State == journal.Begun
	return nil
}

func event(id string) any {
	if id == "" {
		return nil
	}
	return id
}

// takeStep lets go of the large values of a step. keep is asked whether what
// was sent stays.
func (w *writer) takeStep(run int64, number int, keep func(sent driver.Value) bool) error {
	var all [3]driver.Value
	err := w.sql.stepValues.each(func(row []driver.Value) error {
		copy(all[:], row)
		return nil
	}, run, int64(number))
	if err != nil {
		return err
	}
	if keep(all[2]) {
		all[2] = nil
	}
	for _, v := range all {
		if err := w.forget(v); err != nil {
			return err
		}
	}
	return nil
}

// drop takes the last step of a run away, and what it was to write.
func (w *writer) drop(run int64, number int) error {
	if err := w.takeStep(run, number, func(driver.Value) bool { return false }); err != nil {
		return err
	}
	if _, err := w.sql.dropStep.run(run, int64(number)); err != nil {
		return err
	}
	return w.settle(run, number)
}

// begin writes to the row of a run what its hand-out meant.
func (w *writer) begin(g *grasp) error {
	if g.run.kept.written {
		return nil
	}
	bound, resolved, err := w.bound(g)
	if err != nil {
		return err
	}
	w.change(g.run).written = true
	_, err = w.sql.begin.run(g.run.seq, g.epoch, bound, resolved, micro(g.started))
	return err
}

// bound gives what the row of a run says of what it is bound to, nil for what
// is not known here: then the row knows it.
func (w *writer) bound(g *grasp) (version, resolved any, err error) {
	if g.live.bound.resolved != "" {
		resolved = g.live.bound.resolved
	}
	if g.live.bound.version != "" {
		version, err = w.versionID(g.live.bound.version)
	}
	return version, resolved, err
}

// Bind implements journal.Store.
func (s *Store) Bind(h journal.Holder, b journal.Binding) error {
	seq, salt, ok := journal.ParseRunID(h.Run)
	if !ok || salt != s.salt {
		return fmt.Errorf("bind run %q: %w", h.Run, journal.ErrNotFound)
	}
	to := bound{version: b.Version}
	if b.Zone != "" || len(b.Connections) > 0 {
		text, err := json.Marshal(b.Resolved)
		if err != nil {
			return fmt.Errorf("bind run %q: %w", h.Run, err)
		}
		to.resolved = string(text)
	}
	switch before, ok := s.dispatch.bind(seq, h.Epoch, to); {
	case !ok:
		return fmt.Errorf("bind run %q: %w", h.Run, journal.ErrFenced)
	case before != "" && before != b.Version:
		return fmt.Errorf("bind run %q to version %q: it is bound to %q", h.Run, b.Version, before)
	}
	return nil
}

type withdrawTask struct {
	ticket
	grasp
	number int
}

// Withdraw implements journal.Store.
func (s *Store) Withdraw(ctx context.Context, h journal.Holder, number int) error {
	t := &withdrawTask{ticket: newTicket(), number: number}
	var err error
	if t.run, t.live, err = s.holding(ctx, h); err == nil {
		err = s.writer.queue.do(ctx, t)
	}
	if err != nil {
		return fmt.Errorf("withdraw step %d of run %q: %w", number, h.Run, err)
	}
	return nil
}

func (t *withdrawTask) apply(w *writer) error {
	if t.lost(&t.ticket) {
		return nil
	}
	if err := w.know(t.run); err != nil {
		return err
	}
	k := w.change(t.run)
	if !k.begun || k.steps != t.number {
		t.refused = errors.New("it is not the last and begun")
		return nil
	}
	if err := w.drop(t.run.seq, t.number); err != nil {
		return err
	}
	k.steps, k.begun = k.steps-1, false
	return nil
}
