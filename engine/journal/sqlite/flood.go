package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// tides count the events of each trigger, minute by minute.
type tides map[string]*tide

type tide struct {
	since time.Time // when the minute began
	count int       // the events in it
	high  bool      // runs are paused
	let   bool      // a person let the flood through
}

const minute = time.Minute

// rise counts an event and reports whether it is one of a flood, and whether
// it is the first. A flood ends with a whole minute that brought no more than
// the bound.
func (t tides) rise(trigger string, bound int, now time.Time) (high, first bool) {
	one := t[trigger]
	if one == nil {
		one = &tide{since: now}
		t[trigger] = one
	}
	if one.since.IsZero() { // it was high when the file was opened
		one.since = now
	}
	if passed := now.Sub(one.since); passed >= minute || passed < 0 {
		if one.count <= bound || passed >= 2*minute {
			one.high, one.let = false, false
		}
		one.since, one.count = now, 0
	}
	one.count++
	if one.count > bound && !one.high && !one.let {
		one.high, first = true, true
	}
	return one.high, first
}

// let has the rest of a flood pass; an empty trigger means all floods.
func (t tides) let(trigger string) {
	for name, one := range t {
		if one.high && (trigger == "" || trigger == name) {
			one.high, one.let = false, true
		}
	}
}

// floods reports whether an event is of a trigger that floods now.
func (w *writer) floods(event int64) (bool, error) {
	for _, one := range w.tides {
		if one.high {
			name, err := w.sql.eventType.one(event)
			if err != nil {
				return false, err
			}
			text, _ := name.(string)
			found := w.tides[text]
			return found != nil && found.high, nil
		}
	}
	return false, nil
}

// hold gives a run that was to be queued later its place, paused.
func (w *writer) hold(s *standing) error {
	if _, err := w.sql.queueRun.run(s.seq, w.seq(), s.lane); err != nil {
		return err
	}
	if _, err := w.sql.pauseRun.run(s.seq, w.time.UnixMicro()); err != nil {
		return err
	}
	w.enter(&run{seq: s.seq, hook: s.hook, lane: s.lane, last: s.epoch + 1, paused: true})
	return nil
}

// floodTask decides about some of the paused runs of a trigger.
type floodTask struct {
	ticket
	trigger string
	drop    bool
	done    int
}

// maxReleased bounds the runs of one transaction.
const maxReleased = 256

// ReleaseFlood implements journal.Store.
func (s *Store) ReleaseFlood(ctx context.Context, trigger string, drop bool) (int, error) {
	all := 0
	for {
		t := &floodTask{ticket: newTicket(), trigger: trigger, drop: drop}
		if err := s.writer.queue.do(ctx, t); err != nil {
			return all, fmt.Errorf("decide about the flood of %q: %w", trigger, err)
		}
		all += t.done
		if t.done < maxReleased {
			return all, nil
		}
	}
}

func (t *floodTask) apply(w *writer) error {
	t.done = 0
	w.tides.let(t.trigger)
	var seqs []int64
	err := w.sql.findPaused.each(func(row []driver.Value) error {
		seqs = append(seqs, row[0].(int64))
		return nil
	}, t.trigger, int64(maxReleased))
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		if t.drop {
			err = w.dropPaused(seq)
		} else {
			err = w.unpause(seq)
		}
		if err != nil {
			return err
		}
	}
	t.done = len(seqs)
	return nil
}

func (w *writer) dropPaused(seq int64) error {
	s, err := w.standing(seq)
	if err != nil {
		return err
	}
	return w.endNow(s, cancelled, &journal.Problem{Message: "its event was one of a flood that was dropped"})
}

func (w *writer) unpause(seq int64) error {
	if _, err := w.sql.unpauseRun.run(seq); err != nil {
		return err
	}
	r, _ := w.find(seq)
	if r == nil {
		return fmt.Errorf("run %d is paused in its row but not in memory", seq)
	}
	w.moves = append(w.moves, move{r, unpause})
	return nil
}

// Floods implements journal.Reader.
func (r *Reader) Floods(ctx context.Context) (all []journal.Flood, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT e.type, count(*), min(r.created) FROM run r JOIN event e ON e.seq = r.event
		WHERE r.state = -1 GROUP BY e.type ORDER BY e.type`)
	if err != nil {
		return nil, r.fail("list floods", err)
	}
	defer rows.Close()
	for rows.Next() {
		var f journal.Flood
		var since int64
		if err := rows.Scan(&f.Trigger, &f.Runs, &since); err != nil {
			return nil, r.fail("list floods", err)
		}
		f.Since = time.UnixMicro(since).UTC()
		all = append(all, f)
	}
	if err := rows.Err(); err != nil {
		return nil, r.fail("list floods", err)
	}
	return all, nil
}
