package sqlite_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

func TestSecondEngineIsRefused(t *testing.T) {
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	if pid, locked, err := sqlite.LockedBy(path); locked || err != nil || pid != 0 {
		t.Errorf("before the first: %d, %v, %v", pid, locked, err)
	}
	s := open(t, sqlite.Config{Path: path})
	_, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if !errors.Is(err, journal.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("found %v, expected %v with the process", err, journal.ErrLocked)
	}
	if pid, locked, err := sqlite.LockedBy(path); !locked || err != nil || pid != os.Getpid() {
		t.Errorf("while it is open: %d, %v, %v", pid, locked, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, locked, err := sqlite.LockedBy(path); locked || err != nil {
		t.Errorf("after it: %v, %v", locked, err)
	}
	open(t, sqlite.Config{Path: path})
}

func TestLockedByDoesNotLock(t *testing.T) {
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				if _, _, err := sqlite.LockedBy(path); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for range 50 {
		s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-stopped
}

func TestNewerFileIsRefused(t *testing.T) {
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	if err := open(t, sqlite.Config{Path: path}).Close(); err != nil {
		t.Fatal(err)
	}
	execSQL(t, path, `PRAGMA user_version = 99`)
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Path: path}); !errors.Is(err, journal.ErrNewer) || !strings.Contains(err.Error(), "99") {
		t.Errorf("Open: found %v, expected %v", err, journal.ErrNewer)
	}
	if _, err := sqlite.OpenReader(path); !errors.Is(err, journal.ErrNewer) {
		t.Errorf("OpenReader: found %v, expected %v", err, journal.ErrNewer)
	}
	if _, locked, _ := sqlite.LockedBy(path); locked {
		t.Error("the journal is still locked")
	}
}

func TestFileThatIsNoJournalIsRefused(t *testing.T) {
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Path: path}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Open: found %v", err)
	}
	if _, err := sqlite.OpenReader(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("OpenReader: found %v", err)
	}
}

func TestMissingFolder(t *testing.T) {
	path := filepath.Join(journaltest.Folder(t), "none", "tidewire.db")
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Path: path}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: found %v", err)
	}
	if _, err := sqlite.OpenReader(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OpenReader: found %v", err)
	}
}

func TestReadWithoutEngine(t *testing.T) {
	for _, folder := range []string{"plain", "odd name? 50% #1"} {
		path := filepath.Join(journaltest.Folder(t), folder, "tidewire.db")
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		s := open(t, sqlite.Config{Path: path})
		receipt, err := acceptOne(t, s, 1)
		if err != nil {
			t.Fatal(err)
		}
		read := func(when string) {
			t.Helper()
			r, err := sqlite.OpenReader(path)
			if err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			defer r.Close()
			run, _, err := r.Run(t.Context(), receipt.Runs[0])
			if err != nil || run.State != journal.Queued {
				t.Errorf("%s: found %+v, %v", when, run, err)
			}
			if events, err := r.Events(t.Context(), journal.EventQuery{}); err != nil || len(events) != 1 {
				t.Errorf("%s: found %v, %v", when, events, err)
			}
		}
		read("beside an engine")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file does not exist, or others than its owner may read it: %v", err)
		}
		if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the log is left behind: %v", err)
		}
		read("after an engine")
		read("after a reader")
	}
}

func TestLogSizeIsBounded(t *testing.T) {
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	s := open(t, sqlite.Config{Path: path})
	hook := contactHook()
	largest := int64(0)
	for from := 0; from < 5_000; from += 50 {
		arrivals := make([]journal.Arrival, 50)
		for i := range arrivals {
			arrivals[i] = journal.Arrival{Event: contactEvent(from + i), Hooks: []*journal.Hook{hook}}
			arrivals[i].Event.Data = []byte(`"` + strings.Repeat("x", 16<<10) + `"`)
		}
		if _, err := s.Accept(t.Context(), arrivals...); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Runs(t.Context(), journal.RunQuery{}); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, info.Size())
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if largest > 32<<20 || info.Size() < 2*largest {
		t.Errorf("the log grew to %d bytes, the file to %d", largest, info.Size())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		t.Errorf("%d bytes stay in the log", info.Size())
	}
}

func TestRunIDsOfNewFilesDiffer(t *testing.T) {
	clock := clock.NewManual(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	seen := map[string]bool{}
	for range 8 { // with the same clock the ids differ only by the random salt of a store
		r, err := acceptOne(t, open(t, sqlite.Config{Clock: clock}), 1)
		if err != nil {
			t.Fatal(err)
		}
		seen[r.Runs[0]] = true
	}
	if len(seen) < 7 {
		t.Errorf("8 stores have %d different ids", len(seen))
	}
}

func TestRunIDsAscendWhenClockGoesBack(t *testing.T) {
	clock := clock.NewManual(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	last := ""
	for i := range 6 {
		s := open(t, sqlite.Config{Path: path, Clock: clock})
		r, err := acceptOne(t, s, i)
		if err != nil {
			t.Fatal(err)
		}
		if r.Runs[0] <= last {
			t.Errorf("%s comes after %s", r.Runs[0], last)
		}
		last = r.Runs[0]
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		clock.Adjust(-time.Hour)
	}
}
