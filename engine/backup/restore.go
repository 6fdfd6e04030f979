package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/filelock"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/datafile"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// Restored is what Restore has done.
type Restored struct {
	Manifest Manifest
	Aside    string // where the data folder from before is, empty if there was none
	Paused   int    // the runs that wait for a person
}

// restore is a restore that is being made.
type restore struct {
	data  string // the data folder, without symbolic links
	clock clock.Clock

	locks   []*os.File // of the present data folder and of the new one
	made    string     // the lock file of the present data folder, if it had none
	between func()     // is called between the two renames, for tests
}

// Restore replaces a data folder by the content of an archive, and pauses all runs in
// it that have not ended. It checks the archive before it changes anything. The folder
// from before is moved aside as it is; if the new one cannot be put in its place, it is
// moved back. If an engine runs on the folder the error is journal.ErrLocked.
//
// A process that is killed between the two renames leaves no data folder:
// datafile.UnfinishedRestore then finds the one from before.
func Restore(ctx context.Context, file, data string, c clock.Clock) (Restored, error) {
	return (&restore{data: data, clock: c}).run(ctx, file)
}

func (r *restore) run(ctx context.Context, file string) (done Restored, err error) {
	archive, err := os.Open(file)
	if err != nil {
		return done, fmt.Errorf("restore: %w", err)
	}
	defer archive.Close()
	defer r.unlock()
	if err := r.lockData(); err != nil {
		return done, err
	}
	defer func() {
		if err != nil && r.made != "" {
			_ = os.Remove(r.made) // the folder is as before
		}
	}()
	if err := os.MkdirAll(filepath.Dir(r.data), 0o700); err != nil {
		return done, fmt.Errorf("restore: %w", err)
	}
	err = datafile.WithPart(r.data, func(part string) error {
		made := filepath.Join(part, "data")
		if done, err = r.build(ctx, archive, made); err != nil {
			return fmt.Errorf("the archive %s cannot be restored, and nothing was changed: %w", file, err)
		}
		// No engine starts on the new folder before the restore has ended.
		if err := r.lock(made); err != nil {
			return err
		}
		done.Aside, err = r.replace(made)
		return err
	})
	return done, err
}

// lock prevents that an engine starts on a data folder.
func (r *restore) lock(folder string) error {
	lock, err := filelock.Acquire(sqlite.LockPath(filepath.Join(folder, sqlite.FileName)))
	if err == nil {
		r.locks = append(r.locks, lock)
	}
	return err
}

func (r *restore) unlock() {
	for _, lock := range r.locks {
		_ = lock.Close() // nothing that matters was written
	}
	r.locks = nil
}

// lockData locks the present data folder, if there is one.
func (r *restore) lockData() (err error) {
	if real, err := filepath.EvalSymlinks(r.data); err == nil {
		r.data = real
	}
	if r.data, err = filepath.Abs(r.data); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	info, err := os.Stat(r.data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("restore: %w", err)
	case !info.IsDir():
		return fmt.Errorf("restore: the data folder %s is a file; --data-dir names another folder", r.data)
	}
	file := sqlite.LockPath(filepath.Join(r.data, sqlite.FileName))
	if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		r.made = file
	}
	err = r.lock(r.data)
	var other *filelock.LockedError
	switch {
	case errors.As(err, &other) && other.PID != 0:
		return fmt.Errorf("restore: %w: process %d uses the data folder %s; stop the engine, and restore again", journal.ErrLocked, other.PID, r.data)
	case errors.As(err, &other):
		return fmt.Errorf("restore: %w: it uses the data folder %s; stop it, and restore again", journal.ErrLocked, r.data)
	case err != nil:
		return fmt.Errorf("restore: lock the data folder: %w", err)
	}
	return nil
}

// build makes a data folder from an archive.
func (r *restore) build(ctx context.Context, archive *os.File, folder string) (done Restored, err error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return done, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return done, err
	}
	done.Manifest, err = extract(ctx, archive, root)
	if err = errors.Join(err, root.Close()); err != nil {
		return done, err
	}
	if done.Paused, err = sqlite.Restore(ctx, filepath.Join(folder, sqlite.FileName), r.clock.Now()); err != nil {
		return done, err
	}
	return done, syncFolders(folder)
}

// replace moves the data folder aside, and another folder to its place.
func (r *restore) replace(made string) (aside string, err error) {
	if runtime.GOOS == "windows" { // it renames no folder in which a file is open
		r.unlock()
	}
	parent := filepath.Dir(r.data)
	if _, err := os.Lstat(r.data); err == nil {
		aside = datafile.AsidePath(r.data, r.clock.Now())
		if _, err := os.Lstat(aside); err == nil {
			return "", fmt.Errorf("restore: %s exists already; nothing was changed, restore again", aside)
		}
		if err := os.Rename(r.data, aside); err != nil {
			return "", fmt.Errorf("restore: the data folder cannot be moved aside, and nothing was changed (a mounted folder cannot be moved: "+
				"restore to a folder in it, with --data-dir): %w", err)
		}
		syncFolder(parent)
	}
	if r.between != nil {
		r.between()
	}
	err = os.Rename(made, r.data)
	if err == nil {
		syncFolder(parent)
		return aside, nil
	}
	err = fmt.Errorf("restore: the restored folder cannot be put in place: %w", err)
	if aside == "" {
		return "", err
	}
	if back := os.Rename(aside, r.data); back != nil {
		return "", errors.Join(err, fmt.Errorf("and the data folder from before is in %s, as it cannot be moved back: %w", aside, back))
	}
	return "", fmt.Errorf("%w; the data folder is as before", err)
}

// syncFolders makes the names in a folder, and in those below, durable.
func syncFolders(folder string) error {
	return filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			syncFolder(path)
		}
		return err
	})
}

// syncFolder makes the names in a folder durable, on systems where a folder can be
// synced; on others, as Windows, the file system ensures this.
func syncFolder(path string) {
	if f, err := os.Open(path); err == nil {
		_ = f.Sync()
		_ = f.Close()
	}
}
