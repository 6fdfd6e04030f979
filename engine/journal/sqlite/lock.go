package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tidewire/tidewire/engine/filelock"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/datafile"
)

// FileName is the name of a journal's file in a data folder.
const FileName = "tidewire.db"

// LockPath returns the path of a journal's lock file.
func LockPath(path string) string { return filepath.Join(filepath.Dir(path), "lock") }

// ErrReadOnly: the files of a journal cannot be written by this user.
var ErrReadOnly = errors.New("the data folder cannot be written")

// isReadOnly reports whether an error means that a file cannot be written, as it is on a
// read-only file system or another user's.
func isReadOnly(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// CheckWritable returns an ErrReadOnly if the journal at path, or its lock, cannot be
// written. It changes nothing.
func CheckWritable(path string) error {
	for _, file := range []string{path, LockPath(path)} {
		if err := checkWritable(file); isReadOnly(err) {
			return fmt.Errorf("%w: %w", ErrReadOnly, err)
		}
	}
	return nil
}

// LockedBy reports whether an engine has the lock of the journal at path, and the
// process id of the engine, zero if it is not known.
func LockedBy(path string) (pid int, locked bool, err error) {
	if pid, locked, err = filelock.LockedBy(LockPath(path)); err != nil {
		err = fmt.Errorf("find the process that has locked %q: %w", path, err)
	}
	return pid, locked, err
}

// lock locks a journal until the returned file is closed. It also returns what the
// last engine has recorded.
func lock(path string) (*os.File, datafile.Record, error) {
	last := datafile.ReadRecord(LockPath(path))
	f, err := filelock.Acquire(LockPath(path))
	var other *filelock.LockedError
	switch {
	case errors.As(err, &other) && other.PID != 0:
		err = fmt.Errorf("%w (process %d)", journal.ErrLocked, other.PID)
	case errors.As(err, &other):
		err = journal.ErrLocked
	case isReadOnly(err):
		err = fmt.Errorf("%w: make the data folder writable for you, or copy it to one that is: %w", ErrReadOnly, err)
	}
	if err != nil {
		return nil, last, fmt.Errorf("lock %q: %w", path, err)
	}
	return f, last, nil
}
