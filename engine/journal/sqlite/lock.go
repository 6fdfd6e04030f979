package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tidewire/tidewire/engine/filelock"
	"github.com/tidewire/tidewire/engine/journal"
)

// LockPath names the lock file that belongs to a journal.
func LockPath(path string) string { return filepath.Join(filepath.Dir(path), "lock") }

// LockedBy reports whether an engine holds the journal at path, and its process id
// where it is known.
func LockedBy(path string) (pid int, held bool, err error) {
	if pid, held, err = filelock.Holder(LockPath(path)); err != nil {
		err = fmt.Errorf("ask who holds %q: %w", path, err)
	}
	return pid, held, err
}

// lock takes the lock of a journal for as long as the file stays open.
func lock(path string) (*os.File, error) {
	f, err := filelock.Take(LockPath(path))
	var other *filelock.HeldError
	switch {
	case errors.As(err, &other) && other.PID != 0:
		err = fmt.Errorf("%w (process %d)", journal.ErrLocked, other.PID)
	case errors.As(err, &other):
		err = journal.ErrLocked
	}
	if err != nil {
		return nil, fmt.Errorf("lock %q: %w", path, err)
	}
	return f, nil
}
