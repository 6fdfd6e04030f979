package filelock_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/filelock"
)

// TestNote: a note outlives its process, and does not change who has the lock.
func TestNote(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	for name, before := range map[string]string{"a new file": "", "that of an earlier version": "123\n", "a longer one": strings.Repeat("7", 200)} {
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := filelock.Acquire(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, note := range []string{"a note", "", "another, with = and 12"} {
			if err := filelock.WriteNote(f, []byte(note)); err != nil {
				t.Fatal(err)
			}
			if got := filelock.ReadNote(f); got != note {
				t.Errorf("%s: the note is %q, expected %q", name, got, note)
			}
			if pid, locked, err := filelock.LockedBy(path); pid != os.Getpid() || !locked || err != nil {
				t.Errorf("%s: LockedBy returns %d, %v, %v", name, pid, locked, err)
			}
		}
		var other *filelock.LockedError
		if _, err := filelock.Acquire(path); !errors.As(err, &other) || other.PID != os.Getpid() {
			t.Errorf("%s: Acquire returns %v", name, err)
		}
		// Earlier versions read the process in the first 20 bytes.
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if pid, _ := strconv.Atoi(strings.TrimSpace(string(text[:20]))); pid != os.Getpid() {
			t.Errorf("%s: an earlier version would read process %d in %q", name, pid, text)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := filelock.Acquire(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := filelock.ReadNote(again); got != "another, with = and 12" {
			t.Errorf("%s: after another process took the lock, the note is %q", name, got)
		}
		if err := filelock.WriteNote(again, make([]byte, filelock.NoteSize)); err == nil {
			t.Errorf("%s: a note was written that is too large", name)
		}
		again.Close()
	}
}

// TestAcquireWhileOthersAsk: a process that asks who has a free lock does not prevent
// that another one takes it.
func TestAcquireWhileOthersAsk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := filelock.Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	end, asked := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			if _, _, err := filelock.LockedBy(path); err != nil {
				asked <- err
				return
			}
			select {
			case <-end:
				asked <- nil
				return
			default:
			}
		}
	}()
	for range 20000 {
		f, err := filelock.Acquire(path)
		if err != nil {
			t.Error(err)
			break
		}
		f.Close()
	}
	close(end)
	if err := <-asked; err != nil {
		t.Error(err)
	}
}
