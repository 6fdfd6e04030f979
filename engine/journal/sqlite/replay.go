package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
)

type replayTask struct {
	ticket
	from   int64
	hook   *journal.Hook
	lane   string
	keep   int
	result int64
}

// Replay implements journal.Store.
func (s *Store) Replay(ctx context.Context, run string, hook *journal.Hook, keep int) (string, error) {
	id, err := s.replay(ctx, run, hook, keep)
	if err != nil {
		return "", fmt.Errorf("replay run %q: %w", run, err)
	}
	return id, nil
}

func (s *Store) replay(ctx context.Context, run string, hook *journal.Hook, keep int) (string, error) {
	if hook == nil {
		return "", errors.New("no hook is given")
	}
	old, _, err := s.Run(ctx, run)
	if err != nil {
		return "", err
	}
	event, _, err := s.Event(ctx, old.Event)
	if err != nil {
		return "", err
	}
	t := &replayTask{ticket: newTicket(), from: old.Seq, hook: hook, keep: max(keep, 0), lane: hook.LaneKey(&event)}
	if hook.Overlap == journal.OverlapParallel {
		t.lane = ""
	}
	if err := s.writer.queue.do(ctx, t); err != nil {
		return "", err
	}
	return journal.RunID(t.result, s.salt), nil
}

func (t *replayTask) apply(w *writer) error {
	old, err := w.standing(t.from)
	if err != nil {
		return err
	}
	if old == nil {
		t.refused = journal.ErrNotFound
		return nil
	}
	var have, begun int64
	err = w.sql.keptSteps.each(func(row []driver.Value) error {
		have, begun = row[0].(int64), row[1].(int64)
		return nil
	}, t.from, int64(t.keep))
	switch {
	case err != nil:
		return err
	case have < int64(t.keep):
		t.refused = fmt.Errorf("it has %d steps, %d cannot be kept", have, t.keep)
		return nil
	case begun > 0:
		t.refused = fmt.Errorf("step %d has no result that could be kept; keep the %d before it", have, have-1)
		return nil
	}
	hook, hookErr := w.hookID(t.hook.Script, t.hook.Name)
	version, versionErr := w.versionID(t.hook.Version)
	if err := errors.Join(hookErr, versionErr); err != nil {
		return err
	}
	if t.result, err = w.addRun(birth{event: old.event, hook: hook, version: version, lane: t.lane, rule: t.hook.Lane.Rule()}); err != nil || t.keep == 0 {
		return err
	}
	w.entered[t.result].kept.known = false
	if _, err := w.sql.copySteps.run(t.result, t.from, int64(t.keep)); err != nil {
		return err
	}
	if _, err := w.sql.copyFiles.run(t.result, t.from); err != nil {
		return err
	}
	return w.copyLarge(t.result)
}

// copyLarge gives copied steps large values of their own.
func (w *writer) copyLarge(run int64) error {
	type one struct {
		number, id int64
		set        *stmt
	}
	var all []one
	err := w.sql.largeSteps.each(func(row []driver.Value) error {
		for i, set := range []*stmt{w.sql.setArgs, w.sql.setResult} {
			if id, large := row[i+1].(int64); large {
				all = append(all, one{row[0].(int64), id, set})
			}
		}
		return nil
	}, run)
	if err != nil {
		return err
	}
	for _, o := range all {
		id, err := w.sql.copyLarge.one(o.id)
		if err != nil {
			return err
		}
		if _, err := o.set.run(run, o.number, id); err != nil {
			return err
		}
	}
	return nil
}
