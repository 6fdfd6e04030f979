package sqlite

import "context"

// NeedsFile implements journal.Store.
func (r *Reader) NeedsFile(ctx context.Context, hash string) (needed bool, err error) {
	err = r.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM file WHERE hash = ?1) OR EXISTS (SELECT 1 FROM event_file WHERE hash = ?1)`, hash).Scan(&needed)
	if err != nil {
		return false, r.fail("search the runs and events that need a file", err)
	}
	return needed, nil
}
