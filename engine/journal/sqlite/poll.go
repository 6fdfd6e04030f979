package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
)

// Cursors implements journal.Store.
func (r *Reader) Cursors(ctx context.Context, key change.PollKey) ([]journal.Cursor, error) {
	all, err := list(ctx, r.db, func(row *sql.Rows) (c journal.Cursor, err error) {
		var value []byte
		err = row.Scan(&c.Name, &c.Item, &value)
		c.Value = value
		return c, err
	}, `SELECT c.name, c.item, c.value FROM cursor c JOIN poll p ON p.id = c.poll
		WHERE p.connection = ? AND p.name = ? ORDER BY c.name, c.item`, key.Connection, key.Poll)
	if err != nil {
		return nil, r.fail("read the cursors of a poll", err)
	}
	return all, nil
}

// Sightings implements journal.Store.
func (r *Reader) Sightings(ctx context.Context, key change.PollKey, records ...string) (map[string]change.Sighting, error) {
	wanted, err := json.Marshal(records)
	if err != nil {
		return nil, err
	}
	all, err := r.sightings(ctx, key, `s.record IN (SELECT value FROM json_each(?))`, string(wanted))
	found := make(map[string]change.Sighting, len(all))
	for _, s := range all {
		found[s.Record] = s
	}
	return found, err
}

// SightingsOf implements journal.Store.
func (r *Reader) SightingsOf(ctx context.Context, key change.PollKey, item string, after int64, limit int) ([]change.Sighting, error) {
	return r.sightings(ctx, key, `s.item = ? AND s.id > ? ORDER BY s.id LIMIT ?`, item, after, limit)
}

func (r *Reader) sightings(ctx context.Context, key change.PollKey, condition string, args ...any) ([]change.Sighting, error) {
	all, err := list(ctx, r.db, func(row *sql.Rows) (change.Sighting, error) {
		s := change.Sighting{PollKey: key}
		var history []byte
		err := row.Scan(&s.Row, &s.Record, &s.Item, &s.Version, &s.Missed, &history)
		if err == nil {
			err = s.UnmarshalBinary(history)
		}
		return s, err
	}, `SELECT s.id, s.record, s.item, s.version, s.missed, s.told FROM sighting s JOIN poll p ON p.id = s.poll
		WHERE p.connection = ? AND p.name = ? AND `+condition, append([]any{key.Connection, key.Poll}, args...)...)
	if err != nil {
		return nil, r.fail("read the sightings of a poll", err)
	}
	return all, nil
}
