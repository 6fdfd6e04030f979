package sqlite

import (
	"context"
	"fmt"
)

// Live implements journal.Reader.
func (r *Reader) Live(ctx context.Context, version string) (bound, matched int, err error) {
	err = r.db.QueryRowContext(ctx, `SELECT
  count(CASE WHEN run.bound = version.id THEN 1 END),
  count(CASE WHEN run.bound IS NULL AND run.matched = version.id THEN 1 END)
FROM version, run WHERE version.hash = ? AND run.state < 8`, version).Scan(&bound, &matched)
	if err != nil {
		return 0, 0, fmt.Errorf("count the live runs of version %q: %w", version, err)
	}
	return bound, matched, nil
}

// LiveVersions implements journal.Reader.
func (r *Reader) LiveVersions(ctx context.Context) (all []string, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT hash FROM version WHERE id IN
  (SELECT coalesce(bound, matched) FROM run WHERE state < 8) ORDER BY hash`)
	if err != nil {
		return nil, fmt.Errorf("list the versions of live runs: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var hash string
		if err := rows.Scan(&hash); err != nil {
			return nil, fmt.Errorf("list the versions of live runs: %w", err)
		}
		all = append(all, hash)
	}
	return all, rows.Err()
}
