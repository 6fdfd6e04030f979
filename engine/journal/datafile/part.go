package datafile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidewire/tidewire/engine/filelock"
	"github.com/tidewire/tidewire/engine/journal"
)

// partSuffix ends the name of a folder with a copy that is not complete.
const partSuffix = ".tidewire-part"

// Make calls write with the name of an empty file, and rename when the file is
// complete and durable. The file is in a folder of WithPart.
func Make(final string, write, rename func(part string) error) error {
	return WithPart(final, func(folder string) error {
		part := filepath.Join(folder, filepath.Base(final))
		for _, step := range []func(string) error{makeEmpty, write, syncFile, rename} {
			if err := step(part); err != nil {
				return err
			}
		}
		return nil
	})
}

// MakeNew is Make for a file that must not exist; if it does the error is
// journal.ErrExists.
func MakeNew(final string, write func(part string) error) error {
	present := fmt.Errorf("%q: %w", final, journal.ErrExists)
	if _, err := os.Lstat(final); err == nil {
		return present
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return Make(final, write, func(part string) error {
		err := os.Link(part, final) // unlike a rename it overwrites nothing
		switch {
		case err == nil:
			return nil
		case errors.Is(err, os.ErrExist):
			return present
		}
		return os.Rename(part, final) // for file systems without links
	})
}

// WithPart calls do with a folder beside the final file or folder, which only its
// owner may read, and removes it afterwards. It also removes such folders of processes
// that were killed.
func WithPart(final string, do func(folder string) error) (err error) {
	folder := filepath.Dir(final)
	if err := RemoveParts(folder); err != nil {
		return err
	}
	parts, err := os.MkdirTemp(folder, "."+filepath.Base(final)+".*"+partSuffix) // only its owner may read it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(parts)) }()
	// The lock ends with the process.
	lock, err := filelock.Acquire(partLock(parts))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	return do(parts)
}

func partLock(folder string) string { return filepath.Join(folder, "lock") }

func makeEmpty(name string) error { return os.WriteFile(name, nil, 0o600) }

func syncFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// RemoveParts removes the copies in a folder that were not completed, as their
// process was killed.
func RemoveParts(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), ".") && strings.HasSuffix(e.Name(), partSuffix) {
			if err := removeUnlocked(filepath.Join(folder, e.Name())); err != nil {
				return fmt.Errorf("remove a copy that was not completed: %w", err)
			}
		}
	}
	return nil
}

// removeUnlocked removes the folder of a copy that no process makes.
func removeUnlocked(parts string) error {
	if _, err := os.Lstat(partLock(parts)); err != nil {
		_ = os.Remove(parts) // only if it is empty: a process may be about to make the lock
		return nil
	}
	if _, locked, err := filelock.LockedBy(partLock(parts)); err != nil || locked {
		return nil
	}
	return os.RemoveAll(parts)
}
