package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/engine/journal"
)

// lookBackMost is how many events a park looks at in the writer. Where more
// came since the run began it looks through them beside the writer first, so
// that no other write waits for that.
const lookBackMost = 200

// lookBackTries bounds how often it does so: events may come more quickly than
// they can be looked at.
const lookBackTries = 5

var errLookBack = errors.New("too many events to look back at")

// looked is what is known of the events that a run may have missed: none up to
// a row is what it waits for, or that one is the oldest.
type looked struct {
	upto, found int64
}

// errFound ends a walk of rows.
var errFound = errors.New("found")

// lookBack finds the oldest event since the run was created that it waits for
// and has not had. It fails with errLookBack where it would look at more than
// most of them.
func (w *writer) lookBack(run int64, a *journal.Await, known looked, most int) (found *journal.Event, err error) {
	s, err := w.standing(run)
	if err != nil {
		return nil, err
	}
	fits := func(row []driver.Value) error {
		seq, e := row[0].(int64), eventOf(row[1:])
		if seq == s.event || !a.Matches(e) {
			return nil
		}
		if had, err := w.sql.hadEvent.one(run, e.ID, seq); err != nil || had != nil {
			return err
		}
		found = e
		return errFound
	}
	if known.found != 0 {
		switch err := w.sql.eventAt.each(fits, known.found); {
		case errors.Is(err, errFound):
			return found, nil
		case err != nil:
			return nil, err
		}
		known.upto = 0
	}
	types, err := typesOf(a, func(after string) (string, error) {
		next, err := w.sql.nextType.one(after)
		name, _ := next.(string)
		return name, err
	})
	if err != nil {
		return nil, err
	}
	before := int64(over)
	for _, t := range types {
		err := w.sql.eventsSince.each(func(row []driver.Value) error {
			if most--; most < 0 {
				return errLookBack
			}
			err := fits(row)
			if errors.Is(err, errFound) {
				before = row[0].(int64)
			}
			return err
		}, t, max(run, known.upto), before)
		if err != nil && !errors.Is(err, errFound) {
			return nil, err
		}
	}
	return found, nil
}

// typesOf gives the types of events that an await names; of a wildcard, those
// that are kept. next gives the first type after one, empty after the last.
func typesOf(a *journal.Await, next func(after string) (string, error)) (types []string, err error) {
	for _, trigger := range a.Triggers {
		prefix, _, wild := strings.Cut(trigger, "*")
		if !wild {
			types = append(types, trigger)
			continue
		}
		for last := prefix; ; {
			if last, err = next(last); err != nil {
				return nil, err
			}
			if !strings.HasPrefix(last, prefix) || last == "" {
				break
			}
			if journal.MatchTrigger(trigger, last) {
				types = append(types, last)
			}
		}
	}
	slices.Sort(types)
	return slices.Compact(types), nil
}

// lookBack looks, beside the writer, through the events behind those that are
// known.
func (r *Reader) lookBack(ctx context.Context, run int64, a *journal.Await, known looked) (now looked, err error) {
	// What is accepted from here on has a greater number.
	if err := r.db.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM event`).Scan(&now.upto); err != nil {
		return known, err
	}
	had, err := r.seqs(ctx, `SELECT event FROM run WHERE seq = ?1 UNION SELECT event FROM merged WHERE run = ?1
		ORDER BY 1`, run)
	if err != nil {
		return known, err
	}
	ids, err := r.texts(ctx, `SELECT event FROM step WHERE run = ? AND event IS NOT NULL`, run)
	if err != nil {
		return known, err
	}
	fits := func(seq int64, e *journal.Event) bool {
		return a.Matches(e) && !slices.Contains(had, seq) && !slices.Contains(ids, e.ID)
	}
	types, err := typesOf(a, func(after string) (name string, err error) {
		err = r.db.QueryRowContext(ctx, `SELECT type FROM event WHERE type > ? ORDER BY type LIMIT 1`, after).Scan(&name)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return name, err
	})
	if err != nil {
		return known, err
	}
	for _, t := range types {
		if err := r.firstOf(ctx, t, max(run, known.upto), fits, &now.found); err != nil {
			return known, err
		}
	}
	return now, nil
}

// firstOf puts the first event of a type behind a row into found that fits, if
// it is older than the one there.
func (r *Reader) firstOf(ctx context.Context, eventType string, after int64, fits func(int64, *journal.Event) bool, found *int64) error {
	before := *found
	if before == 0 {
		before = over
	}
	rows, err := r.db.QueryContext(ctx, `SELECT seq, id, connection, data FROM event
		WHERE type = ? AND seq > ? AND seq < ? ORDER BY seq`, eventType, after, before)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var data sql.RawBytes
		e := journal.Event{Type: eventType}
		if err := rows.Scan(&seq, &e.ID, &e.Connection, &data); err != nil {
			return err
		}
		e.Data = json.RawMessage(data)
		if fits(seq, &e) {
			*found = seq
			return nil
		}
	}
	return rows.Err()
}

// eventOf reads an event from the columns that eventsSince selects.
func eventOf(row []driver.Value) *journal.Event {
	text := func(i int) string { s, _ := row[i].(string); return s }
	data, _ := row[8].([]byte)
	e := &journal.Event{ID: text(0), Type: text(1), Connection: text(2), Account: text(3), Source: journal.Source(text(4)),
		Record: text(5), Echo: row[6].(int64) != 0, Data: slices.Clone(data)}
	if at, ok := row[7].(int64); ok {
		e.Time = fromMicro(at)
	}
	return e
}
