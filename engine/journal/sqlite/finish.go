package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
)

type finishTask struct {
	ticket
	grasp
	state    int64
	executed int64
	problem  []byte
	follow   []arrival
}

// Finish implements journal.Store.
func (s *Store) Finish(ctx context.Context, h journal.Holder, outcome journal.Outcome) error {
	if err := s.finish(ctx, h, outcome); err != nil {
		return fmt.Errorf("finish run %q: %w", h.Run, err)
	}
	return nil
}

func (s *Store) finish(ctx context.Context, h journal.Holder, outcome journal.Outcome) (err error) {
	if !outcome.State.Ended() {
		return fmt.Errorf("%q is not how a run ends", outcome.State)
	}
	t := &finishTask{ticket: newTicket(), state: code(states, outcome.State), executed: int64(outcome.Executed)}
	if t.follow, err = fillAll(outcome.Follow); err != nil {
		return err
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
	if err := w.know(t.run); err != nil {
		return err
	}
	bound, resolved, err := w.bound(&t.grasp)
	if err != nil {
		return err
	}
	if _, err := w.sql.end.run(t.run.seq, t.state, t.epoch, bound, resolved, micro(t.started), int64(t.run.kept.steps),
		w.time.UnixMicro(), blob(t.problem), t.executed); err != nil {
		return err
	}
	w.live--
	w.remove(t.run)
	return w.settleAll(t.run.seq)
}

type releaseTask struct {
	ticket
	grasp
}

// Release implements journal.Store.
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
	k := w.change(t.run)
	if k.written {
		if _, err := w.sql.requeue.run(t.run.seq); err != nil {
			return err
		}
	}
	k.written, k.fence = false, t.epoch
	w.moves = append(w.moves, move{t.run, giveBack})
	return nil
}
