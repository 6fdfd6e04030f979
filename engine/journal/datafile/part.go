package datafile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidewire/tidewire/engine/filelock"
)

// partSuffix ends the name of a folder with a copy that is not complete.
const partSuffix = ".tidewire-part"

// Make calls write with the name of an empty file, and rename when the file is
// complete and durable. The file is in a folder of its own beside the final one,
// which is removed in the end. Make also removes such folders of processes that were
// killed.
func Make(final string, write, rename func(part string) error) (err error) {
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
	part := filepath.Join(parts, filepath.Base(final))
	for _, step := range []func(string) error{makeEmpty, write, syncFile, rename} {
		if err := step(part); err != nil {
			return err
		}
	}
	return nil
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
