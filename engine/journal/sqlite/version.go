package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

type versionTask struct {
	ticket
	versions []journal.Version
	sources  [][]byte
}

// PutVersions implements journal.Store.
func (s *Store) PutVersions(ctx context.Context, versions ...journal.Version) error {
	if len(versions) == 0 {
		return nil
	}
	t := &versionTask{ticket: newTicket(), versions: versions, sources: make([][]byte, len(versions))}
	for i, v := range versions {
		if v.Hash == "" {
			return fmt.Errorf("keep the sources of script %q: the version has no hash", v.Script)
		}
		files := v.Sources
		if files == nil {
			files = map[string]string{}
		}
		var err error
		if t.sources[i], err = json.Marshal(files); err != nil {
			return fmt.Errorf("keep the sources of script %q: %w", v.Script, err)
		}
	}
	if err := s.writer.queue.do(ctx, t); err != nil {
		return fmt.Errorf("keep the sources of %d scripts: %w", len(versions), err)
	}
	return nil
}

func (t *versionTask) apply(w *writer) error {
	for i, v := range t.versions {
		id, err := w.versionID(v.Hash)
		if err != nil {
			return err
		}
		created := v.Created
		if created.IsZero() {
			created = w.time
		}
		var awaits any
		if len(v.Awaits) > 0 {
			if awaits, err = json.Marshal(v.Awaits); err != nil {
				return err
			}
		}
		if _, err := w.sql.putVersion.run(id, v.Script, v.Main, t.sources[i], blob(v.Params), awaits, created.UnixMicro(), int64(v.Format)); err != nil {
			return err
		}
	}
	return nil
}

// Version implements journal.Store.
func (r *Reader) Version(ctx context.Context, hash string) (v journal.Version, err error) {
	var sources, params, awaits []byte
	var created int64
	err = r.db.QueryRowContext(ctx, `SELECT hash, script, main, sources, params, awaits, created, format FROM version
		WHERE hash = ? AND sources IS NOT NULL`, hash).Scan(&v.Hash, &v.Script, &v.Main, &sources, &params, &awaits, &created, &v.Format)
	if err == nil {
		err = json.Unmarshal(sources, &v.Sources)
	}
	if err == nil && awaits != nil {
		err = json.Unmarshal(awaits, &v.Awaits)
	}
	if err != nil {
		return journal.Version{}, r.fail(fmt.Sprintf("read version %q", hash), err)
	}
	v.Params, v.Created = params, time.UnixMicro(created).UTC()
	return v, nil
}

// Tick implements journal.Store.
func (r *Reader) Tick(ctx context.Context, script, hook string) (time.Time, error) {
	var tick sql.NullInt64
	err := r.db.QueryRowContext(ctx, `SELECT tick FROM hook WHERE script = ? AND name = ?`, script, hook).Scan(&tick)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, r.fail(fmt.Sprintf("read the last tick of %q %q", script, hook), err)
	}
	return moment(tick), nil
}
