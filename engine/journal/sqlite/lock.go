package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/engine/filelock"
	"github.com/tidewire/tidewire/engine/journal"
)

// LockPath names the lock file that belongs to a journal.
func LockPath(path string) string { return filepath.Join(filepath.Dir(path), "lock") }

// Held reports whether an engine holds the journal at path, and its process id
// where it is known.
func Held(path string) (pid int, held bool, err error) {
	f, err := os.Open(LockPath(path))
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("ask who holds %q: %w", path, err)
	}
	defer f.Close()
	free, err := filelock.Try(f, false)
	if err != nil {
		return 0, false, fmt.Errorf("ask who holds %q: %w", path, err)
	}
	if free {
		return 0, false, nil
	}
	return readPID(f), true, nil
}

// lock takes the lock of a journal for as long as the file stays open.
func lock(path string) (*os.File, error) {
	name := LockPath(path)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %q: %w", path, err)
	}
	if err := take(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %q: %w", path, err)
	}
	// The number is for people; the lock itself is the operating system's.
	if err := errors.Join(f.Truncate(0), writePID(f)); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %q: write %q: %w", path, name, err)
	}
	return f, nil
}

// How long, and in what steps, take stands back for somebody who only asks and
// may have to wait for a processor meanwhile.
const (
	lockPatience = 2 * time.Second
	lockPause    = time.Millisecond
)

// take locks the file. Held asks with a shared lock, which is gone at once: so
// where a shared lock can be had, nobody holds the file and it is tried again.
func take(f *os.File) error {
	for waited := time.Duration(0); waited < lockPatience; waited += lockPause {
		if mine, err := filelock.Try(f, true); mine || err != nil {
			return err
		}
		asked, err := filelock.Try(f, false)
		if err != nil {
			return err
		}
		if !asked {
			break
		}
		filelock.Unlock(f)
		time.Sleep(lockPause)
	}
	if pid := readPID(f); pid != 0 {
		return fmt.Errorf("%w (process %d)", journal.ErrLocked, pid)
	}
	return journal.ErrLocked
}

func writePID(f *os.File) error {
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func readPID(f *os.File) int {
	var text [20]byte
	n, _ := f.ReadAt(text[:], 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	return pid
}
