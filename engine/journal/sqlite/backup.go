package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tidewire/tidewire/engine/journal/datafile"
)

// Backup implements journal.Store. It reads on a connection of its own while the
// store works.
func (s *Store) Backup(ctx context.Context, file string) error {
	err := s.Check() // the path may be that of another journal now
	if err == nil {
		err = datafile.MakeNew(file, func(part string) error { return copyInto(ctx, s.path, part) })
	}
	if err != nil {
		return fmt.Errorf("back up %q: %w", s.path, explain(err))
	}
	return nil
}

// replaceBackup writes a copy, and replaces an older one.
func replaceBackup(ctx context.Context, path, file string) error {
	return datafile.Make(file, func(part string) error { return copyInto(ctx, path, part) },
		func(part string) error { return os.Rename(part, file) })
}

func copyInto(ctx context.Context, path, file string) error {
	r, err := openDB(path, "rw", "busy_timeout(10000)")
	if err != nil {
		return err
	}
	_, err = r.ExecContext(ctx, `VACUUM INTO ?`, file)
	return errors.Join(err, r.Close())
}
