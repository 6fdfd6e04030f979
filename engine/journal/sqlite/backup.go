package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/datafile"
)

// Backup implements journal.Store. It reads on a connection of its own while the
// store works.
func (s *Store) Backup(ctx context.Context, file string) error {
	err := s.Check() // the path may be that of another journal now
	if err == nil {
		err = backup(ctx, s.path, file)
	}
	if err != nil {
		return fmt.Errorf("back up %q: %w", s.path, explain(err))
	}
	return nil
}

// backup writes a copy to a file that must not exist.
func backup(ctx context.Context, path, file string) error {
	present := fmt.Errorf("%q: %w", file, journal.ErrExists)
	if _, err := os.Lstat(file); err == nil {
		return present
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return copyTo(ctx, path, file, func(part string) error {
		err := os.Link(part, file) // unlike a rename it overwrites nothing
		switch {
		case err == nil:
			return nil
		case errors.Is(err, os.ErrExist):
			return present
		}
		return os.Rename(part, file) // for file systems without links
	})
}

// replaceBackup writes a copy, and replaces an older one.
func replaceBackup(ctx context.Context, path, file string) error {
	return copyTo(ctx, path, file, func(part string) error { return os.Rename(part, file) })
}

// copyTo writes a copy under a temporary name, syncs it, and calls rename.
func copyTo(ctx context.Context, path, file string, rename func(part string) error) error {
	return datafile.Make(file, func(part string) error { return copyInto(ctx, path, part) }, rename)
}

func copyInto(ctx context.Context, path, file string) error {
	r, err := openDB(path, "rw", "busy_timeout(10000)")
	if err != nil {
		return err
	}
	_, err = r.ExecContext(ctx, `VACUUM INTO ?`, file)
	return errors.Join(err, r.Close())
}
