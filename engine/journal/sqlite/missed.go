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

// errStop ends a walk of rows.
var errStop = errors.New("found")

// maxSeq is greater than any number of a row.
const maxSeq = math.MaxInt64

// missed finds the oldest event that a run waits for and has not had.
func (t *tx) missed(w ledger.MissedQuery) (ledger.MissedEvent, error) {
	own, err := t.sql.eventOfRun.one(w.Run)
	if err != nil {
		return ledger.MissedEvent{}, err
	}
	l := missedScan{tx: t, MissedQuery: w, own: own, before: maxSeq}
	if w.Candidate != 0 {
		if err := l.walk(t.sql.eventAt, w.Candidate); err != nil || l.found.Event != nil {
			return l.found, err
		}
		l.After, l.Candidate = w.Run, 0 // it was pruned meanwhile
	}
	types, err := typesOf(w.Triggers, func(after string) (string, error) {
		next, err := t.sql.nextType.one(after)
		name, _ := next.(string)
		return name, err
	})
	for i := 0; err == nil && i < len(types) && !l.found.More; i++ {
		err = l.walk(t.sql.eventsSince, types[i], l.After, l.before)
	}
	return l.found, err
}

// missedScan is the search for an event in the file.
type missedScan struct {
	*tx
	ledger.MissedQuery
	own     driver.Value // the number of the run's own event
	before  int64        // only an older event is of interest
	scanned int
	found   ledger.MissedEvent
}

// walk looks at the events that a statement selects, up to one that fits.
func (l *missedScan) walk(s *stmt, values ...any) error {
	err := s.each(func(row []driver.Value) error {
		if l.scanned++; l.Limit > 0 && l.scanned > l.Limit && l.Candidate == 0 {
			l.found = ledger.MissedEvent{More: true}
			return errStop
		}
		seq, e := row[0].(int64), eventOf(row[1:])
		if seq == l.own || !l.Matches(e) {
			return nil
		}
		if had, err := l.sql.hadEvent.one(l.Run, e.ID, seq); err != nil || had != nil {
			return err
		}
		l.found.Event, l.before = e, seq
		return errStop
	}, values...)
	if errors.Is(err, errStop) {
		return nil
	}
	return err
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

// ScanMissed implements ledger.Store.
func (t *tx) ScanMissed(ctx context.Context, since ledger.MissedQuery) (upto, found int64, err error) {
	upto, found, err = t.reader.scanMissed(ctx, since)
	if err != nil {
		err = t.reader.fail("read the events since the run was accepted", err)
	}
	return upto, found, err
}

func (r *Reader) scanMissed(ctx context.Context, since ledger.MissedQuery) (upto, found int64, err error) {
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
		return since.Matches(e) && !slices.Contains(had, seq) && !slices.Contains(ids, e.ID)
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
