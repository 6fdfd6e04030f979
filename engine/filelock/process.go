package filelock

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// LockedError is the error of Acquire when another process has the lock. PID is
// the id of that process, 0 if it is unknown.
type LockedError struct{ PID int }

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return "another process has the lock"
	}
	return "process " + strconv.Itoa(e.PID) + " has the lock"
}

// A lock file has the id of the process that has, or last had, its lock, and
// after it a note of that process, each with spaces up to its size.
const (
	pidSize = 32
	// NoteSize bounds a note, in bytes.
	NoteSize = 96
)

// Acquire makes a lock file, if it does not exist, and locks it until the file is
// closed. It writes the id of this process into the file, whose note remains that
// of the last process. When another process has the lock the error is a
// *LockedError.
func Acquire(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = acquire(f)
	if err == nil {
		err = writeField(f, 0, pidSize, strconv.AppendInt(nil, int64(os.Getpid()), 10))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// How long acquire waits for processes that are in LockedBy, and the pause
// between two tries.
const (
	acquireTimeout = 2 * time.Second
	acquirePause   = time.Millisecond
)

// acquire locks the file. LockedBy tests a lock with a shared lock, which it ends
// at once. So while acquire can get a shared lock, no process has the exclusive
// one, and it tries again.
func acquire(f *os.File) error {
	for waited := time.Duration(0); waited < acquireTimeout; waited += acquirePause {
		if mine, err := Try(f, true); mine || err != nil {
			return err
		}
		shared, err := Try(f, false)
		if err != nil {
			return err
		}
		if !shared {
			break
		}
		Unlock(f)
		time.Sleep(acquirePause)
	}
	return &LockedError{ReadPID(f)}
}

// LockedBy reports whether a process has the lock of a lock file. pid is the id
// of that process, 0 if it is unknown.
func LockedBy(path string) (pid int, locked bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	if free, err := Try(f, false); free || err != nil {
		return 0, false, err
	}
	return ReadPID(f), true, nil
}

// ReadPID returns the id of the process that has the lock of a lock file, or had it
// last, 0 if it is unknown.
func ReadPID(f *os.File) int {
	pid, _ := strconv.Atoi(readField(f, 0, pidSize))
	return pid
}

// WriteNote replaces the note of a lock file. It does not sync the file.
func WriteNote(f *os.File, note []byte) error { return writeField(f, pidSize, NoteSize, note) }

// ReadNote returns the note of a lock file, which need not be locked.
func ReadNote(f *os.File) string { return readField(f, pidSize, NoteSize) }

func writeField(f *os.File, at int64, size int, text []byte) error {
	if len(text) >= size {
		return fmt.Errorf("a text of %d bytes does not fit into a lock file", len(text))
	}
	var field [max(pidSize, NoteSize)]byte
	n := copy(field[:], text)
	for i := n; i < size-1; i++ {
		field[i] = ' '
	}
	field[size-1] = '\n'
	_, err := f.WriteAt(field[:size], at)
	return err
}

func readField(f *os.File, at int64, size int) string {
	text := make([]byte, size)
	n, _ := f.ReadAt(text, at)
	return strings.TrimSpace(string(text[:n]))
}
