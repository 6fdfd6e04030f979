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

// LiveScripts implements journal.Store.
func (r *Reader) LiveScripts(ctx context.Context) (map[string]string, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT live.script, version.hash FROM live JOIN version ON version.id = live.version`)
	if err != nil {
		return nil, r.fail("list the live versions", err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var script, hash string
		if err := rows.Scan(&script, &hash); err != nil {
			return nil, r.fail("list the live versions", err)
		}
		all[script] = hash
	}
	if err := rows.Err(); err != nil {
		return nil, r.fail("list the live versions", err)
	}
	return all, nil
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

// Live implements journal.Reader.
func (r *Reader) Live(ctx context.Context, version string) (bound, matched int, err error) {
	err = r.db.QueryRowContext(ctx, `SELECT
  count(CASE WHEN run.bound = version.id THEN 1 END),
  count(CASE WHEN run.bound IS NULL AND run.matched = version.id THEN 1 END)
FROM version, run WHERE version.hash = ? AND `+everyHook+` AND run.state < 8`, version).Scan(&bound, &matched)
	if err != nil {
		return 0, 0, fmt.Errorf("count the live runs of version %q: %w", version, err)
	}
	return bound, matched, nil
}

// LiveVersions implements journal.Reader.
func (r *Reader) LiveVersions(ctx context.Context) ([]string, error) {
	all, err := r.texts(ctx, `SELECT hash FROM version WHERE id IN (SELECT coalesce(bound, matched) FROM run WHERE `+everyHook+` AND state < 8) ORDER BY hash`)
	if err != nil {
		return nil, fmt.Errorf("list the versions of live runs: %w", err)
	}
	return all, nil
}
