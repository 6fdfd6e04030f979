package sqlite

import (
	"context"
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

// lost refuses a task whose run has another holder by now, or is over.
func (g *grasp) lost(t *ticket) bool {
	if g.run.kept.ended || g.run.kept.released || g.run.epoch.Load() != g.epoch {
		t.refused = journal.ErrFenced
		return true
	}
	return false
}

type stepTask struct {
	ticket
	grasp
	step   journal.Step
	error  []byte // of the step, as JSON
	effect journal.Effect
	emit   arrival

	result  json.RawMessage
	problem *bindings.Error // of the effect
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
	t := &stepTask{ticket: newTicket(), step: step, effect: effect}
	if err := t.check(); err != nil {
		return nil, err
	}
	var err error
	if t.run, t.live, err = s.holding(ctx, h); err != nil {
		return nil, err
	}
	if step.Started.IsZero() {
		t.step.Started = s.now()
	}
	if err := s.writer.queue.do(ctx, t); err != nil {
		return nil, err
	}
	if t.problem != nil {
		return nil, t.problem
	}
	return t.result, nil
}

// check refuses what could not be read back, before anything waits.
func (t *stepTask) check() (err error) {
	step, effect := &t.step, &t.effect
	count := 0
	for _, has := range []bool{effect.State != nil, effect.Link != nil, effect.Emit != nil} {
		if has {
			count++
		}
	}
	switch {
	case code(stepStates, step.State) < 0:
		return fmt.Errorf("there is no step state %q", step.State)
	case count > 1:
		return errors.New("a step has one effect at most")
	case count > 0 && step.State != journal.Done:
		return fmt.Errorf("a step in state %q has no effect", step.State)
	}
	bad := errors.Join(checkJSON("arguments", step.Args), checkJSON("result", step.Result))
	if op := effect.State; op != nil {
		bad = errors.Join(bad, checkJSON("value", op.Value), checkJSON("expected value", op.Expected))
	}
	if bad != nil {
		return bad
	}
	if effect.Emit != nil {
		if err := t.emit.fill(effect.Emit); err != nil {
			return err
		}
	}
	if step.Error != nil {
		t.error, err = json.Marshal(step.Error)
	}
	return err
}

func checkJSON(what string, text []byte) error {
	if len(text) > 0 && !journal.ValidJSON(text) {
		return fmt.Errorf("%s: not JSON", what)
	}
	return nil
}

func (t *stepTask) apply(w *writer) error {
	t.result, t.problem = t.step.Result, nil
	if t.lost(&t.ticket) {
		return nil
	}
	have := t.run.kept
	again := have.begun && t.step.Number == have.steps
	if !again && t.step.Number != have.steps+1 {
		t.refused = fmt.Errorf("the next step to record is number %d", have.steps+1)
		return nil
	}
	state, failure := t.step.State, t.error
	if err := w.effect(t); err != nil {
		return err
	}
	if t.problem != nil {
		var err error
		if failure, err = json.Marshal(t.problem); err != nil {
			return err
		}
		state, t.result = journal.Erred, nil
	}
	k := w.change(t.run)
	if !k.written {
		if err := w.begin(&t.grasp); err != nil {
			return err
		}
		k.written = true
	}
	write := w.sql.addStep
	if again {
		write = w.sql.replaceStep
	}
	s := &t.step
	if _, err := write.run(t.run.seq, int64(s.Number), s.Name, code(stepStates, state), blob(s.Args), blob(t.result),
		blob(failure), s.Position, micro(s.Started), int64(s.Took), int64(s.Attempts)); err != nil {
		return err
	}
	k.steps, k.begun = s.Number, state == journal.Begun
	return nil
}

// begin writes to the row of a run what its hand-out meant.
func (w *writer) begin(g *grasp) error {
	bound, err := w.boundID(g)
	if err != nil {
		return err
	}
	_, err = w.sql.begin.run(g.run.seq, g.epoch, bound, micro(g.started))
	return err
}

func (w *writer) boundID(g *grasp) (any, error) {
	if g.bound == "" {
		return nil, nil
	}
	return w.versionID(g.bound)
}

// Bind implements journal.Store.
func (s *Store) Bind(h journal.Holder, version string) error {
	seq, salt, ok := journal.ParseRunID(h.Run)
	if !ok || salt != s.salt {
		return fmt.Errorf("bind run %q: %w", h.Run, journal.ErrNotFound)
	}
	switch before, ok := s.dispatch.bind(seq, h.Epoch, version); {
	case !ok:
		return fmt.Errorf("bind run %q: %w", h.Run, journal.ErrFenced)
	case before != "" && before != version:
		return fmt.Errorf("bind run %q to version %q: it is bound to %q", h.Run, version, before)
	}
	return nil
}
