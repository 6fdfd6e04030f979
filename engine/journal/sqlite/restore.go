package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// SchemaVersion returns the version of the files that this program writes. It reads
// files of this version and older ones.
func SchemaVersion() (int, error) {
	texts, err := migrations()
	return len(texts), err
}

// Restore prepares a copy of a journal, which no process has open, to be used in
// place of the journal from which the copy was made. It checks the file, brings it to
// the newest version, and pauses all runs that have not ended, with the reason
// journal.Restored; so will be those that Accept makes of events from before at. It
// returns how many runs are paused. The error for a copy that cannot be used is
// journal.ErrDamaged or journal.ErrNewer; the file may be changed then.
func Restore(ctx context.Context, path string, at time.Time) (paused int, err error) {
	texts, err := migrations()
	if err != nil {
		return 0, err
	}
	if err := check(ctx, path, len(texts)); err != nil {
		return 0, fmt.Errorf("check the copy of the journal: %w", err)
	}
	c, err := connect(path, "journal_mode(DELETE)", "synchronous(FULL)", "temp_store(MEMORY)")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	have, err := versionOf(c)
	if err != nil {
		return 0, err
	}
	if err := bringUp(c, have, texts); err != nil {
		return 0, err
	}
	err = c.transaction(func() error {
		paused, err = pauseAll(c, at.UnixMicro())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("pause the runs: %w", err)
	}
	return paused, nil
}

// check returns an error if a file is no journal, is damaged, or is newer than known.
func check(ctx context.Context, path string, known int) error {
	db, err := openDB(path, immutable)
	if err != nil {
		return err
	}
	defer db.Close()
	r := &Reader{view: view{db: db}, path: path}
	var version int
	if err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return errors.Join(journal.ErrDamaged, err)
	}
	if version > known {
		return newer(int64(version), known)
	}
	problems, err := r.QuickCheck(ctx)
	switch {
	case err != nil:
		return errors.Join(journal.ErrDamaged, err)
	case len(problems) > 0:
		return fmt.Errorf("%w: %s", journal.ErrDamaged, strings.Join(problems, "; "))
	case version == 0:
		return fmt.Errorf("%w: it is no journal of Tidewire", journal.ErrDamaged)
	}
	return nil
}

// pauseAll pauses all live runs. A run that is to be queued later becomes the last of
// its lane. What a waiting run waits for is in its column park; what happens until it
// is released is found then.
func pauseAll(c *conn, at int64) (int, error) {
	var last, pause, dropAwaits, restored *stmt
	err := c.prepare(map[**stmt]string{
		&last: `SELECT coalesce(max(max(seq), max(place)), 0) FROM run`,
		&pause: `UPDATE run SET pause = 2, parked = ?1, wake = NULL, merging = 0, place = iif(state = 6, ?2, place),
			park = CASE WHEN state IN (2, 3, 4, 5, 7)
				THEN CAST(json_set(coalesce(CAST(park AS TEXT), '{}'), '$.then', state, '$.wake', coalesce(wake, 0)) AS BLOB)
				WHEN state < 0 THEN park END,
			state = iif(state IN (7, -2), -2, -1) WHERE ` + everyHook + ` AND state < 8`,
		&dropAwaits: `DELETE FROM await`,
		&restored:   `UPDATE store SET restored = max(coalesce(restored, 0), ?)`,
	})
	if err != nil {
		return 0, err
	}
	newest, err := last.one()
	if err != nil {
		return 0, err
	}
	paused, err := pause.run(at, max(at, newest.(int64)+1))
	if err == nil {
		_, err = dropAwaits.run()
	}
	if err == nil {
		_, err = restored.run(at)
	}
	return int(paused), err
}
