package sqlite

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
)

// changed keeps what an event says of the field that a hook watches, and
// reports whether that differs from what the last one said.
func (w *writer) changed(hook int64, e *journal.Event, path string) (bool, error) {
	var before []byte
	known := false
	err := w.sql.getChanged.each(func(row []driver.Value) error {
		known = true
		before, _ = row[0].([]byte)
		return nil
	}, hook, e.Connection, e.Record)
	if err != nil {
		return false, err
	}
	now, _ := journal.Lookup(e.Data, path)
	if string(now) == "null" {
		now = nil
	}
	if known && journal.Same(before, now) {
		return false, nil
	}
	_, err = w.sql.putChanged.run(hook, e.Connection, e.Record, blob(now))
	return true, err
}

const replacedText = "a newer event took its place"

// overlap applies what a hook says of runs that meet a live one of their lane:
// skip gives the live run that makes a new one needless, replace cancels those
// that may be replaced.
func (w *writer) overlap(how journal.Overlap, hook int64, lane string, self int64) (skip int64, replaced []int64, err error) {
	type one struct{ seq, state int64 }
	var all []one
	err = w.sql.findLane.each(func(row []driver.Value) error {
		all = append(all, one{row[0].(int64), row[1].(int64)})
		return nil
	}, hook, lane, self)
	if err != nil {
		return 0, nil, err
	}
	for _, o := range all {
		if how == journal.OverlapSkip {
			return o.seq, nil, nil
		}
		switch o.state {
		case queued:
			if r, _ := w.find(o.seq); r != nil && !w.pull(r) {
				continue // handed out: it first ends
			}
		case waiting, retrying, paused:
		default:
			continue
		}
		s, err := w.standing(o.seq)
		if err != nil {
			return 0, nil, err
		}
		if err := w.endNow(s, cancelled, &journal.Problem{Message: replacedText}); err != nil {
			return 0, nil, err
		}
		replaced = append(replaced, o.seq)
	}
	return 0, replaced, nil
}

// replaced cancels a run that has just been parked if a newer one of its lane
// is to replace it: one that executed when that was accepted.
func (w *writer) replaced(r *run, state int64) (bool, error) {
	if r.lane == "" || state != waiting && state != retrying {
		return false, nil
	}
	newer, err := w.sql.findReplacer.one(r.hook, r.lane, r.seq)
	if err != nil || newer == nil {
		return false, err
	}
	s, err := w.standing(r.seq)
	if err != nil {
		return false, err
	}
	return true, w.endNow(s, cancelled, &journal.Problem{Message: replacedText})
}

// endNow ends a live run, whoever holds it.
func (w *writer) endNow(s *standing, state int64, problem *journal.Problem) error {
	var text []byte
	if problem != nil {
		var err error
		if text, err = json.Marshal(problem); err != nil {
			return err
		}
	}
	r, _ := w.find(s.seq)
	epoch := s.epoch
	if r != nil {
		epoch = max(epoch, r.epoch.Load())
	}
	if _, err := w.sql.endNow.run(s.seq, state, epoch+1, w.time.UnixMicro(), blob(text)); err != nil {
		return err
	}
	if err := errors.Join(w.stopWaiting(s), w.settleAll(s.seq)); err != nil {
		return err
	}
	w.live--
	if r != nil {
		w.remove(r)
	}
	return nil
}

// maxDebounce is how often the length of a debounce its start moves on at most.
const maxDebounce = 10

// debounce merges an event into the run that is to start later, or makes it.
func (w *writer) debounce(receipt *journal.Receipt, n birth, hook *journal.Hook) error {
	n.overlap = max(code(overlaps, hook.Overlap), 0)
	length := hook.Debounce.Microseconds()
	now := w.time.UnixMicro()
	n.wake = now + max(length, 1)
	var seq, state, event, created int64
	err := w.sql.findMerging.each(func(row []driver.Value) error {
		seq, state, event, created = row[0].(int64), row[1].(int64), row[2].(int64), row[3].(int64)
		return nil
	}, n.hook, n.lane)
	if err != nil {
		return err
	}
	if seq != 0 && state == queued {
		if r, _ := w.find(seq); r != nil && !w.pull(r) {
			seq = 0 // its first activation has begun
		}
	}
	if seq == 0 {
		seq, err = w.addRun(n)
		receipt.Runs = append(receipt.Runs, journal.RunID(seq, w.salt))
		return err
	}
	wake := any(nil)
	if state == later {
		at := min(n.wake, created+maxDebounce*length)
		w.alarm.before(at)
		wake = at
	}
	if _, err := w.sql.merge.run(seq, n.event, n.version, n.overlap, wake); err != nil {
		return err
	}
	if _, err := w.sql.addMerged.run(event, seq); err != nil {
		return err
	}
	receipt.Merged = append(receipt.Merged, journal.RunID(seq, w.salt))
	return nil
}

// queueNow gives a run its place whose start is due.
func (w *writer) queueNow(s *standing) error {
	high, err := w.floods(s.event)
	switch {
	case err != nil:
		return err
	case high:
		return w.hold(s)
	}
	lane := s.lane
	switch how := overlaps[s.overlap]; how {
	case journal.OverlapParallel:
		lane = ""
	case journal.OverlapSkip, journal.OverlapReplace:
		skip, _, err := w.overlap(how, s.hook, s.lane, s.seq)
		if err != nil {
			return err
		}
		if skip != 0 {
			return w.endNow(s, skipped, &journal.Problem{
				Message: fmt.Sprintf("run %s of its lane was not over", journal.RunID(skip, w.salt))})
		}
	}
	return w.queueAgain(s, lane)
}
