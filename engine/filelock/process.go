package filelock

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"time"
)

// HeldError is the error of Take where another process has the lock. PID is
// its number, zero where it is not known.
type HeldError struct{ PID int }

func (e *HeldError) Error() string {
	if e.PID == 0 {
		return "another process has the lock"
	}
	return "process " + strconv.Itoa(e.PID) + " has the lock"
}

// Take makes a lock file and locks it for as long as the file stays open. The
// file names the process for people. Where another process has the lock the
// error is a *HeldError.
func Take(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = take(f)
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

// How long, and in what steps, take waits for a process that only asks for the
// holder and may have to wait for a processor meanwhile.
const (
	takeFor   = 2 * time.Second
	takePause = time.Millisecond
)

// take locks the file. Holder asks with a shared lock, which is gone at once:
// where a shared lock can be had, nobody has the exclusive one, and it is tried
// again.
func take(f *os.File) error {
	for waited := time.Duration(0); waited < takeFor; waited += takePause {
		if mine, err := Try(f, true); mine || err != nil {
			return err
		}
		asked, err := Try(f, false)
		if err != nil {
			return err
		}
		if !asked {
			break
		}
		Unlock(f)
		time.Sleep(takePause)
	}
	return &HeldError{readPID(f)}
}

// Holder reports whether a process has the lock of a lock file, and its number
// where it is known.
func Holder(path string) (pid int, held bool, err error) {
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
