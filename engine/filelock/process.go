package filelock

import (
	"errors"
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

// Acquire makes a lock file, if it does not exist, and locks it until the file is
// closed. It writes the id of this process into the file. When another process
// has the lock the error is a *LockedError.
func Acquire(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = acquire(f)
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
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
	return &LockedError{readPID(f)}
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
	return readPID(f), true, nil
}

func readPID(f *os.File) int {
	var text [20]byte
	n, _ := f.ReadAt(text[:], 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	return pid
}
