package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tidewire/tidewire/engine/journal"
)

// Backup implements journal.Store. It reads beside the writer.
func (s *Store) Backup(ctx context.Context, file string) error {
	if err := backup(ctx, s.path, file); err != nil {
		return fmt.Errorf("back up %q: %w", s.path, explain(err))
	}
	return nil
}

// backup writes a copy, under another name until it is whole and on the disk.
func backup(ctx context.Context, path, file string) (err error) {
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("%q: %w", file, journal.ErrPresent)
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*") // for its owner alone
	if err != nil {
		return err
	}
	if err := part.Close(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part.Name()))
		}
	}()
	if err := copyInto(ctx, path, part.Name()); err != nil {
		return err
	}
	if err := syncFile(part.Name()); err != nil {
		return err
	}
	if err := os.Link(part.Name(), file); err == nil { // unlike a rename it overwrites nothing
		return os.Remove(part.Name())
	} else if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%q: %w", file, journal.ErrPresent)
	}
	return os.Rename(part.Name(), file) // where there are no links
}

func copyInto(ctx context.Context, path, file string) error {
	r, err := openDB(path, "rw", "busy_timeout(10000)")
	if err != nil {
		return err
	}
	_, err = r.ExecContext(ctx, `VACUUM INTO ?`, file)
	return errors.Join(err, r.Close())
}

func syncFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
