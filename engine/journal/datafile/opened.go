package datafile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/tidewire/tidewire/engine/filelock"
)

const logSuffix = "-wal"

// logPath returns the path of a database's write-ahead log. SQLite puts it
// beside the file itself where the path is a symbolic link.
func logPath(database string) string {
	if real, err := filepath.EvalSymlinks(database); err == nil {
		database = real
	}
	return database + logSuffix
}

// logFile is the index of the log in Opened.files.
const logFile = 1

// Opened is the files of a database that this process has open.
type Opened struct {
	files []*openFile // the database, the log and the lock file
	index *os.File
	lock  *os.File
	records

	// folders are the folders of the files; unchanged is their states when the
	// files in them were last compared.
	folders   []string
	unchanged atomic.Pointer[[maxFolders]folderState]
	closing   atomic.Bool
}

// maxFolders is how many folders the files are in at most.
const maxFolders = 2

// Open opens the files of a database a second time, to compare them with what
// their paths are. SQLite has them open, and lock is the locked lock file.
//
// On Unix the files must be closed after SQLite has closed its own: the end of
// one open file ends the locks of the process on all open files of it.
func Open(database string, lock *os.File) (_ *Opened, err error) {
	o := &Opened{lock: lock}
	if !replaceable {
		return o, nil
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open the files of the database: %w", err), o.Close())
		}
	}()
	log := logPath(database)
	if o.folders = []string{filepath.Dir(lock.Name())}; filepath.Dir(log) != o.folders[0] {
		o.folders = append(o.folders, filepath.Dir(log))
	}
	for _, path := range []string{database, log, lock.Name()} {
		file := lock
		if path != lock.Name() {
			if file, err = os.Open(path); err != nil {
				return nil, err
			}
		}
		f, err := newOpenFile(path, file)
		if err != nil {
			return nil, err
		}
		o.files = append(o.files, f)
	}
	if o.index, err = os.Open(strings.TrimSuffix(log, logSuffix) + "-shm"); err != nil {
		return nil, err
	}
	return o, nil
}

// Close closes the files but the lock file.
func (o *Opened) Close() (err error) {
	for _, f := range o.files {
		if f.file != o.lock {
			err = errors.Join(err, f.file.Close())
		}
	}
	if o.index != nil {
		err = errors.Join(err, o.index.Close())
	}
	return err
}

// ReplacedError is the error for a path that is no longer that of the open file.
type ReplacedError struct {
	Path string
	Gone bool // there is no file at the path
	// LogOnly is set if the database and the lock file are still the open ones.
	LogOnly bool
	// Cut is set if the path is that of the open log, whose content was removed. The
	// database must not be closed then: SQLite would write what is left to it.
	Cut bool
}

func (e *ReplacedError) Error() string {
	if e.Cut {
		return fmt.Sprintf("%q was cut", e.Path)
	}
	if e.Gone {
		return fmt.Sprintf("%q was removed", e.Path)
	}
	return fmt.Sprintf("%q was replaced by another file", e.Path)
}

// Check returns a *ReplacedError if a path is no longer that of its open file.
// Errors of the file system other than that a path does not exist do not count.
// It is safe for concurrent use.
func (o *Opened) Check() error {
	if o.cut.Load() {
		return &ReplacedError{Path: o.files[logFile].path, Cut: true}
	}
	states, settled := o.folderStates()
	if last := o.unchanged.Load(); settled && last != nil && *last == states {
		return nil
	}
	var found *ReplacedError
	for i, f := range o.files {
		switch gone, replaced := f.compare(); {
		case !gone && !replaced:
		case found == nil:
			found = &ReplacedError{Path: f.path, Gone: gone, LogOnly: i == logFile}
		default:
			found.LogOnly = false
		}
	}
	switch {
	case o.closing.Load(): // SQLite removes the log when it closes it
	case found != nil:
		return found
	case settled:
		o.unchanged.Store(&states)
	}
	return nil
}

// folderStates returns the states of the folders, false if one of them cannot be
// compared.
func (o *Opened) folderStates() (states [maxFolders]folderState, settled bool) {
	settled = true
	for i, path := range o.folders {
		state, ok := stateOf(path)
		states[i], settled = state, settled && ok
	}
	return states, settled
}

// BeforeClose is called before SQLite closes the database. If complete is set, the
// log is no longer needed; that it was closed is then written durably instead of what
// Record wrote.
func (o *Opened) BeforeClose(complete bool) error {
	o.closing.Store(true)
	o.endRecords(!complete)
	if !complete || o.last.same(Position{}) { // or it could not be opened
		return nil
	}
	return errors.Join(filelock.WriteNote(o.lock, []byte(closedNote)), o.lock.Sync())
}
