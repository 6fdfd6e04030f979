package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
)

type finishTask struct {
	ticket
	grasp
	state   journal.State
	problem []byte
	follow  []arrival
}

// Finish implements journal.Store.
func (s *Store) Finish(ctx context.Context, h journal.Holder, outcome journal.Outcome) error {
	if err := s.finish(ctx, h, outcome); err != nil {
		return fmt.Errorf("finish run %q: %w", h.Run, err)
	}
	return nil
}

func (s *Store) finish(ctx context.Context, h journal.Holder, outcome journal.Outcome) (err error) {
	if code(states, outcome.State) < 0 || !outcome.State.Ended() {
		return fmt.Errorf("%q is not how a run ends", outcome.State)
	}
	t := &finishTask{ticket: newTicket(), state: outcome.State, follow: make([]arrival, len(outcome.Follow))}
	for i := range outcome.Follow {
		if err := t.follow[i].fill(&outcome.Follow[i]); err != nil {
			return err
		}
	}
	if outcome.Problem != nil {
		if t.problem, err = json.Marshal(outcome.Problem); err != nil {
			return err
		}
	}
	if t.run, t.live, err = s.holding(ctx, h); err != nil {
		return err
	}
	return s.writer.queue.do(ctx, t)
}

func (t *finishTask) apply(w *writer) error {
	if t.lost(&t.ticket) {
		return nil
	}
	for i := range t.follow {
		if _, err := w.accept(&t.follow[i]); err != nil {
			return err
		}
	}
	return w.end(&t.grasp, t.state, t.problem)
}

// end writes how a run ended.
func (w *writer) end(g *grasp, state journal.State, problem []byte) error {
	bound, err := w.boundID(g)
	if err != nil {
		return err
	}
	k := w.change(g.run)
	if _, err := w.sql.end.run(g.run.seq, code(states, state), g.epoch, bound, micro(g.started), int64(k.steps),
		w.time.UnixMicro(), blob(problem)); err != nil {
		return err
	}
	k.ended = true
	w.live--
	w.ended = append(w.ended, g.run)
	return nil
}

type releaseTask struct {
	ticket
	grasp
}

// Release implements journal.Store. A run that has recorded a step ends as
// interrupted, as it would after a crash.
func (s *Store) Release(h journal.Holder) error {
	t := &releaseTask{ticket: newTicket()}
	var err error
	if t.run, t.live, err = s.holding(context.Background(), h); err == nil {
		err = s.writer.queue.do(context.Background(), t)
	}
	if err != nil {
		return fmt.Errorf("release run %q: %w", h.Run, err)
	}
	return nil
}

func (t *releaseTask) apply(w *writer) error {
	if t.lost(&t.ticket) {
		return nil
	}
	have := t.run.kept
	if have.steps == 0 {
		w.change(t.run).released = true
		w.released = append(w.released, t.run)
		return nil
	}
	var name, position string
	err := w.sql.lastStep.each(func(row []driver.Value) error {
		name, position = row[0].(string), row[1].(string)
		return nil
	}, t.run.seq, int64(have.steps))
	if err != nil {
		return err
	}
	problem, err := json.Marshal(interrupted(have.steps, name, position, have.begun))
	if err != nil {
		return err
	}
	return w.end(&t.grasp, journal.Interrupted, problem)
}
