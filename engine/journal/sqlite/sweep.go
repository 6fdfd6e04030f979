package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
)

type sweepTask struct {
	acceptTask
	sweep journal.Sweep
	told  [][]byte // of the sightings
}

// Sweep implements journal.Store.
func (s *Store) Sweep(ctx context.Context, sweep journal.Sweep) ([]journal.Receipt, error) {
	t := &sweepTask{sweep: sweep, told: make([][]byte, len(sweep.Sightings))}
	t.ticket, t.receipts = newTicket(), make([]journal.Receipt, len(sweep.Arrivals))
	var err error
	if t.arrivals, err = fillAll(sweep.Arrivals); err == nil {
		err = t.check()
	}
	if err == nil {
		err = s.writer.queue.do(ctx, t)
	}
	if err != nil {
		return nil, fmt.Errorf("keep a page of poll %q of %q: %w", sweep.Poll, sweep.Connection, err)
	}
	return t.receipts, nil
}

func (t *sweepTask) check() (err error) {
	if t.sweep.Connection == "" || t.sweep.Poll == "" {
		return errors.New("a sweep needs a connection and a poll")
	}
	for _, c := range t.sweep.Cursors {
		if !journal.ValidJSON(c.Value) {
			return fmt.Errorf("cursor %q of item %q: the value is not JSON", c.Name, c.Item)
		}
	}
	for i := range t.sweep.Sightings {
		s := &t.sweep.Sightings[i]
		if s.Record == "" || len(s.Record) > maxID {
			return fmt.Errorf("record %.60q: expected an id of at most %d bytes", s.Record, maxID)
		}
		if t.told[i], err = s.MarshalBinary(); err != nil {
			return err
		}
	}
	return nil
}

func (t *sweepTask) apply(w *writer) error {
	if room, err := t.room(w); err != nil || !room {
		return err
	}
	poll, err := findOrAdd(w.sql.findPoll, w.sql.addPoll, t.sweep.Connection, t.sweep.Poll)
	if err != nil {
		return err
	}
	for i := range t.sweep.Sightings {
		s := &t.sweep.Sightings[i]
		stands, err := w.sighting(poll, s.Record)
		if err != nil {
			return err
		}
		if stands.Row != s.Row || stands.Version != s.Version {
			t.refused = journal.ErrStale
			return nil
		}
	}
	for i := range t.sweep.Sightings {
		if err := w.putSighting(poll, &t.sweep.Sightings[i], t.told[i]); err != nil {
			return err
		}
	}
	for _, c := range t.sweep.Cursors {
		if _, err := w.sql.putCursor.run(poll, c.Name, c.Item, []byte(c.Value)); err != nil {
			return err
		}
	}
	return t.write(w)
}

// push takes what a webhook says of a record that is polled too, and reports
// whether a list told it already.
func (w *writer) push(m *journal.Mark) (duplicate bool, err error) {
	poll, err := findOrAdd(w.sql.findPoll, w.sql.addPoll, m.Connection, m.Poll)
	if err != nil {
		return false, err
	}
	s, err := w.sighting(poll, m.Record)
	if err != nil {
		return false, err
	}
	duplicate = s.Push(m)
	told, err := s.MarshalBinary()
	if err == nil {
		err = w.putSighting(poll, &s, told)
	}
	return duplicate, err
}

// show takes what a call of ours made as known to a poll that does not know the
// record.
func (w *writer) show(m *journal.Mark) error {
	poll, err := findOrAdd(w.sql.findPoll, w.sql.addPoll, m.Connection, m.Poll)
	if err != nil {
		return err
	}
	s, err := w.sighting(poll, m.Record)
	if err != nil || s.Row != 0 {
		return err
	}
	for _, t := range append([]journal.Telling{m.Telling}, m.Shows...) {
		t.By = journal.Found
		s.Tell(t)
	}
	told, err := s.MarshalBinary()
	if err != nil {
		return err
	}
	return w.putSighting(poll, &s, told)
}

// sighting reads what is known of a record, as the transaction leaves it.
func (w *writer) sighting(poll int64, record string) (s journal.Sighting, err error) {
	s.Record = record
	err = w.sql.findSighting.each(func(row []driver.Value) error {
		s.Row, s.Version, s.Missed = row[0].(int64), row[2].(int64), row[3].(int64) != 0
		s.Item, _ = row[1].(string)
		told, _ := row[4].([]byte)
		return s.UnmarshalBinary(told)
	}, poll, record)
	return s, err
}

func (w *writer) putSighting(poll int64, s *journal.Sighting, told []byte) (err error) {
	missed, gone := int64(0), any(nil)
	if s.Missed {
		missed = 1
	}
	if s.Gone() {
		gone = w.time.UnixMicro()
	}
	if s.Row == 0 {
		_, err = w.sql.addSighting.run(poll, s.Record, s.Item, missed, gone, told)
	} else {
		_, err = w.sql.putSighting.run(poll, s.Record, s.Item, missed, gone, told)
	}
	return err
}

// Cursors implements journal.Store.
func (r *Reader) Cursors(ctx context.Context, key journal.PollKey) (all []journal.Cursor, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT c.name, c.item, c.value FROM cursor c JOIN poll p ON p.id = c.poll
		WHERE p.connection = ? AND p.name = ? ORDER BY c.name, c.item`, key.Connection, key.Poll)
	if err != nil {
		return nil, r.fail("read the cursors of a poll", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c journal.Cursor
		var value []byte
		if err := rows.Scan(&c.Name, &c.Item, &value); err != nil {
			return nil, r.fail("read the cursors of a poll", err)
		}
		c.Value = value
		all = append(all, c)
	}
	if err := rows.Err(); err != nil {
		return nil, r.fail("read the cursors of a poll", err)
	}
	return all, nil
}

const selectSighting = `SELECT s.id, s.record, s.item, s.version, s.missed, s.told FROM sighting s JOIN poll p ON p.id = s.poll
	WHERE p.connection = ? AND p.name = ?`

// Sightings implements journal.Store.
func (r *Reader) Sightings(ctx context.Context, key journal.PollKey, records ...string) (map[string]journal.Sighting, error) {
	wanted, err := json.Marshal(records)
	if err != nil {
		return nil, err
	}
	found := make(map[string]journal.Sighting, len(records))
	err = r.sightings(ctx, key, func(s journal.Sighting) { found[s.Record] = s },
		selectSighting+` AND s.record IN (SELECT value FROM json_each(?))`, key.Connection, key.Poll, string(wanted))
	return found, err
}

// SightingsOf implements journal.Store.
func (r *Reader) SightingsOf(ctx context.Context, key journal.PollKey, item string, after int64, limit int) (all []journal.Sighting, err error) {
	err = r.sightings(ctx, key, func(s journal.Sighting) { all = append(all, s) },
		selectSighting+` AND s.item = ? AND s.id > ? ORDER BY s.id LIMIT ?`, key.Connection, key.Poll, item, after, limit)
	return all, err
}

func (r *Reader) sightings(ctx context.Context, key journal.PollKey, take func(journal.Sighting), query string, args ...any) error {
	rows, err := r.db.QueryContext(ctx, query, args...)
	if err != nil {
		return r.fail("read what is known of records", err)
	}
	defer rows.Close()
	for rows.Next() {
		s := journal.Sighting{PollKey: key}
		var told []byte
		err := rows.Scan(&s.Row, &s.Record, &s.Item, &s.Version, &s.Missed, &told)
		if err == nil {
			err = s.UnmarshalBinary(told)
		}
		if err != nil {
			return r.fail("read what is known of records", err)
		}
		take(s)
	}
	if err := rows.Err(); err != nil {
		return r.fail("read what is known of records", err)
	}
	return nil
}
