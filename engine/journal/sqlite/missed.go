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

// errStop is returned by callbacks that need no further rows.
var errStop = errors.New("no further rows are needed")

// maxSeq is greater than any number of a row.
const maxSeq = math.MaxInt64

func (t *tx) missed(q ledger.MissedQuery) (ledger.MissedEvent, error) {
	own, err := t.sql.eventOfRun.one(q.Run)
	if err != nil {
		return ledger.MissedEvent{}, err
	}
	s := missedScan{tx: t, MissedQuery: q, own: own, before: maxSeq}
	if q.Candidate != 0 {
		if err := s.scan(t.sql.eventAt, q.Candidate); err != nil || s.found.Event != nil {
			return s.found, err
		}
		s.After, s.Candidate = q.Run, 0 // the candidate was pruned meanwhile
	}
	types, err := typesOf(q.Triggers, func(after string) (string, error) {
		next, err := t.sql.nextType.one(after)
		name, _ := next.(string)
		return name, err
	})
	for i := 0; err == nil && i < len(types) && !s.found.More; i++ {
		err = s.scan(t.sql.eventsSince, types[i], s.After, s.before)
	}
	return s.found, err
}

// missedScan is the state of a query.
type missedScan struct {
	*tx
	ledger.MissedQuery
	own     driver.Value // the number of the run's own event
	before  int64        // only events before this one are read
	scanned int
	found   ledger.MissedEvent
}

// scan reads the events that a statement selects, up to the first missed one.
func (s *missedScan) scan(from *stmt, values ...any) error {
	err := from.each(func(row []driver.Value) error {
		if s.scanned++; s.Limit > 0 && s.scanned > s.Limit && s.Candidate == 0 {
			s.found = ledger.MissedEvent{More: true}
			return errStop
		}
		seq, e := row[0].(int64), eventOf(row[1:])
		if seq == s.own || !s.Matches(e) {
			return nil
		}
		if had, err := s.sql.hadEvent.one(s.Run, e.ID, seq); err != nil || had != nil {
			return err
		}
		s.found.Event, s.before = e, seq
		return errStop
	}, values...)
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// typesOf returns the types of events that match triggers. For a trigger with a
// wildcard it reads the types of stored events with next, which returns the first
// type after another, empty after the last.
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
func (t *tx) ScanMissed(ctx context.Context, q ledger.MissedQuery) (upto, found int64, err error) {
	upto, found, err = t.reader.scanMissed(ctx, q)
	if err != nil {
		err = t.reader.fail("read the events since the run was accepted", err)
	}
	return upto, found, err
}

func (r *Reader) scanMissed(ctx context.Context, q ledger.MissedQuery) (upto, found int64, err error) {
	// Events that are accepted from here on have greater numbers.
	if err := r.db.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM event`).Scan(&upto); err != nil {
		return 0, 0, err
	}
	had, err := r.seqs(ctx, `SELECT event FROM run WHERE seq = ?1 UNION SELECT event FROM merged WHERE run = ?1
		ORDER BY 1`, q.Run)
	if err != nil {
		return 0, 0, err
	}
	ids, err := r.texts(ctx, `SELECT event FROM step WHERE run = ? AND event IS NOT NULL`, q.Run)
	if err != nil {
		return 0, 0, err
	}
	matches := func(seq int64, e *journal.Event) bool {
		return q.Matches(e) && !slices.Contains(had, seq) && !slices.Contains(ids, e.ID)
	}
	types, err := typesOf(q.Triggers, func(after string) (name string, err error) {
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
		if err := r.firstOf(ctx, t, q.After, matches, &found); err != nil {
			return 0, 0, err
		}
	}
	return upto, found, nil
}

// firstOf sets found to the first event of a type after a row that matches, if that
// is older than the event in found.
func (r *Reader) firstOf(ctx context.Context, eventType string, after int64, matches func(int64, *journal.Event) bool, found *int64) error {
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
		if matches(seq, &e) {
			*found = seq
			return nil
		}
	}
	return rows.Err()
}

// eventOf returns the event of a row that eventsSince selects, without its first
// column.
func eventOf(row []driver.Value) *journal.Event {
	text := func(i int) string { s, _ := row[i].(string); return s }
	data, _ := row[8].([]byte)
	request, _ := row[9].([]byte)
	e := &journal.Event{ID: text(0), Type: text(1), Connection: text(2), Account: text(3), Source: journal.Source(text(4)),
		Record: text(5), Echo: row[6].(int64) != 0, Data: slices.Clone(data), Request: readRequest(request)}
	if at, ok := row[7].(int64); ok {
		e.Time = ledger.Time(at)
	}
	return e
}
