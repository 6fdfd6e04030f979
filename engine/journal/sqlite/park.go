package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/tidewire/tidewire/engine/journal"
)

type parkTask struct {
	ticket
	grasp
	record
	park    journal.Park
	state   int64
	problem []byte
	looked  looked
	most    int // events to look back at
}

// Park implements journal.Store.
func (s *Store) Park(ctx context.Context, h journal.Holder, park journal.Park) error {
	if err := s.park(ctx, h, park); err != nil {
		return fmt.Errorf("park run %q: %w", h.Run, err)
	}
	return nil
}

func (s *Store) park(ctx context.Context, h journal.Holder, park journal.Park) (err error) {
	t := &parkTask{ticket: newTicket(), park: park, state: code(states, park.State)}
	if err := t.check(); err != nil {
		return err
	}
	if park.Step != nil {
		step := *park.Step
		if step.Started.IsZero() {
			step.Started = s.now()
		}
		if err := t.fill(step); err != nil {
			return err
		}
		if t.record.problem != nil {
			return t.record.problem
		}
	}
	if park.Problem != nil {
		if t.problem, err = json.Marshal(park.Problem); err != nil {
			return err
		}
	}
	if t.run, t.live, err = s.holding(ctx, h); err != nil {
		return err
	}
	for try := 0; ; try++ {
		if t.most = lookBackMost; try == lookBackTries {
			t.most = math.MaxInt
		}
		if err = s.writer.queue.do(ctx, t); !errors.Is(err, errLookBack) {
			return err
		}
		if t.looked.found != 0 {
			t.looked = looked{} // it was forgotten meanwhile
		}
		if t.looked, err = s.lookBack(ctx, t.run.seq, park.Await, t.looked); err != nil {
			return s.fail("look back", err)
		}
	}
}

func (t *parkTask) check() error {
	p := &t.park
	switch {
	case !p.State.Parked():
		return fmt.Errorf("%q is not how a run stands", p.State)
	case p.State != journal.Waiting && p.Await != nil:
		return fmt.Errorf("a run that is %s awaits nothing", p.State)
	case p.State != journal.Waiting:
		return nil
	case p.Await == nil && p.Until.IsZero():
		return errors.New("nothing would ever wake it")
	case p.Await != nil && (p.Await.Approval == "") == (len(p.Await.Triggers) == 0):
		return errors.New("a wait is for triggers or for an approval")
	}
	return nil
}

func (t *parkTask) apply(w *writer) error {
	if t.lost(&t.ticket) {
		return nil
	}
	if err := w.know(t.run); err != nil {
		return err
	}
	if t.refused = t.admit(t.run.kept); t.refused != nil {
		return nil
	}
	var missed *journal.Event
	if a := t.park.Await; a != nil && a.Approval == "" {
		var err error
		missed, err = w.lookBack(t.run.seq, a, t.looked, t.most)
		if errors.Is(err, errLookBack) {
			t.refused = err
			return nil
		}
		if err != nil {
			return err
		}
	}
	k := w.change(t.run)
	if t.park.Drop > 0 {
		if err := w.drop(t.run.seq, t.park.Drop); err != nil {
			return err
		}
		k.steps, k.begun = k.steps-1, false
	}
	if t.park.Step != nil {
		if err := w.write(t.run, &t.record); err != nil {
			return err
		}
	}
	k = w.change(t.run)
	if k.begun { // who knows how long
		if err := w.settle(t.run.seq, k.steps); err != nil {
			return err
		}
	}
	k.written, k.fence = false, t.epoch
	body, err := json.Marshal(parkBody{t.park.Await, k.steps})
	if err != nil {
		return err
	}
	bound, resolved, err := w.bound(&t.grasp)
	if err != nil {
		return err
	}
	attempt := int64(0)
	if t.park.Attempt {
		attempt = 1
	}
	if _, err := w.sql.park.run(t.run.seq, t.state, t.epoch, bound, resolved, micro(t.started), attempt, int64(t.park.Executed),
		w.time.UnixMicro(), micro(t.park.Until), body, blob(t.problem)); err != nil {
		return err
	}
	if replaced, err := w.replaced(t.run, t.state); err != nil || replaced {
		t.refused = journal.ErrFenced
		return err
	}
	if !t.park.Until.IsZero() {
		w.alarm.before(t.park.Until.UnixMicro())
	}
	if t.state != waiting {
		w.moves = append(w.moves, move{t.run, park})
		return nil
	}
	w.remove(t.run)
	return w.wait(t.run.seq, t.park.Await, missed)
}

// admit says why the run cannot be parked so.
func (t *parkTask) admit(have kept) error {
	if d := t.park.Drop; d > 0 {
		if d != have.steps {
			return fmt.Errorf("step %d cannot be dropped, the last is %d", d, have.steps)
		}
		have.steps, have.begun = have.steps-1, false
	}
	if t.park.Step != nil {
		if err := have.admits(t.step.Number); err != nil {
			return err
		}
		have.begun = t.step.State == journal.Begun
	}
	if t.state == waiting && !have.begun {
		return errors.New("a waiting run needs a begun step, for what it waits for")
	}
	return nil
}

// wait wakes a run by what it missed, or makes it found by what is to come.
func (w *writer) wait(run int64, a *journal.Await, missed *journal.Event) error {
	if a == nil {
		return nil
	}
	s, err := w.standing(run)
	if err != nil {
		return err
	}
	if a.Approval != "" {
		made, err := w.decision(a.Approval)
		if err != nil {
			return err
		}
		if made != nil {
			return w.wake(s, outcome{result: made})
		}
		return w.await(run, a)
	}
	if missed != nil {
		return w.wake(s, happened(missed))
	}
	return w.await(run, a)
}
