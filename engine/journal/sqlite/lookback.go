package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// errFound ends a walk of rows.
var errFound = errors.New("found")

// maxSeq is greater than any number of a row.
const maxSeq = math.MaxInt64

// since finds the oldest event that a run waits for and has not had.
func (t *tx) since(w ledger.Since) (found ledger.Found, err error) {
	own, err := t.sql.eventOfRun.one(w.Run)
	if err != nil {
		return found, err
	}
	before := int64(maxSeq)
	fits := func(row []driver.Value) error {
		seq, e := row[0].(int64), eventOf(row[1:])
		if seq == own || !w.Fits(e) {
			return nil
		}
		if had, err := t.sql.hadEvent.one(w.Run, e.ID, seq); err != nil || had != nil {
			return err
		}
		found.Event, before = e, seq
		return errFound
	}
	after := w.After
	if w.Found != 0 {
		if err := t.sql.eventAt.each(fits, w.Found); err != nil {
			if errors.Is(err, errFound) {
				err = nil
			}
			return found, err
		}
		after = w.Run // it was pruned meanwhile
	}
	types, err := typesOf(w.Triggers, func(after string) (string, error) {
		next, err := t.sql.nextType.one(after)
		name, _ := next.(string)
		return name, err
	})
	if err != nil {
		return found, err
	}
	looked := 0
	for _, name := range types {
		err := t.sql.eventsSince.each(func(row []driver.Value) error {
			if looked++; w.Limit > 0 && looked > w.Limit {
				found = ledger.Found{More: true}
				return errFound
			}
			return fits(row)
		}, name, after, before)
		if err != nil && !errors.Is(err, errFound) || found.More {
			if found.More {
				err = nil
			}
			return found, err
		}
	}
	return found, nil
}

// typesOf gives the types of events that triggers name; of a wildcard, those
// that are kept. next gives the first type after one, empty after the last.
func typesOf(triggers []string, next func(after string) (string, error)) (types []string, err error) {
	for _, trigger := range triggers {
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

// Search implements ledger.Store.
func (t *tx) Search(ctx context.Context, since ledger.Since) (upto, found int64, err error) {
	upto, found, err = t.reader.search(ctx, since)
	if err != nil {
		err = t.reader.fail("read the events since the run was accepted", err)
	}
	return upto, found, err
}

func (r *Reader) search(ctx context.Context, since ledger.Since) (upto, found int64, err error) {
	// What is accepted from here on has a greater number.
	if err := r.db.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM event`).Scan(&upto); err != nil {
		return 0, 0, err
	}
	had, err := r.seqs(ctx, `SELECT event FROM run WHERE seq = ?1 UNION SELECT event FROM merged WHERE run = ?1
		ORDER BY 1`, since.Run)
	if err != nil {
		return 0, 0, err
	}
	ids, err := r.texts(ctx, `SELECT event FROM step WHERE run = ? AND event IS NOT NULL`, since.Run)
	if err != nil {
		return 0, 0, err
	}
	fits := func(seq int64, e *journal.Event) bool {
		return since.Fits(e) && !slices.Contains(had, seq) && !slices.Contains(ids, e.ID)
	}
	types, err := typesOf(since.Triggers, func(after string) (name string, err error) {
		err = r.db.QueryRowContext(ctx, `SELECT type FROM event WHERE type > ? ORDER BY type LIMIT 1`, after).Scan(&name)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return name, err
	})
	if err != nil {
		return 0, 0, err
	}
	for _, t := range types {
		if err := r.firstOf(ctx, t, since.After, fits, &found); err != nil {
			return 0, 0, err
		}
	}
	return upto, found, nil
}

// firstOf puts the first event of a type behind a row into found that fits, if
// it is older than the one there.
func (r *Reader) firstOf(ctx context.Context, eventType string, after int64, fits func(int64, *journal.Event) bool, found *int64) error {
	before := *found
	if before == 0 {
		before = maxSeq
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
		e.Time = ledger.Time(at)
	}
	return e
}
