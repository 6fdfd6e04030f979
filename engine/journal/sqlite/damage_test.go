package sqlite_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/filelock"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// crashedFolder returns the files of a process that has ended without closing its
// store, after its last commit was acknowledged.
func crashedFolder(t *testing.T) string {
	t.Helper()
	folder := journaltest.Folder(t)
	closeStore(t, folder) // its database has a schema
	crash(t, folder)
	return folder
}

// closeStore opens a store and closes it.
func closeStore(t *testing.T, folder string) {
	t.Helper()
	if err := open(t, sqlite.Config{Path: filepath.Join(folder, "tidewire.db")}).Close(); err != nil {
		t.Fatal(err)
	}
}

// crash leaves a store that was not closed.
func crash(t *testing.T, folder string) {
	t.Helper()
	if err := childCommand(t, folder, 200, 8).Run(); err != nil {
		t.Fatal(err)
	}
}

// damage is something that is done to the files of a store that was not closed.
type damage struct {
	name string
	do   func(t *testing.T, folder string)
	// logged is what Open logs then, refused its error; empty for none.
	logged, refused string
	gone            bool // the log is not copied, since there is none
}

func damages() []damage {
	change := func(name string, do func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, folder string) {
			path := filepath.Join(folder, name)
			text, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, do(text), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(names ...string) func(*testing.T, string) {
		return func(t *testing.T, folder string) {
			for _, name := range names {
				if err := os.Remove(filepath.Join(folder, name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	both := func(all ...func(*testing.T, string)) func(*testing.T, string) {
		return func(t *testing.T, folder string) {
			for _, do := range all {
				do(t, folder)
			}
		}
	}
	zero := func(from, to func(n int) int) func([]byte) []byte {
		return func(text []byte) []byte {
			clear(text[from(len(text)):to(len(text))])
			return text
		}
	}
	half := func(n int) int { return n / 2 }
	fixed := func(at int) func(int) int { return func(int) int { return at } }
	const db, wal, lock = "tidewire.db", "tidewire.db-wal", "lock"
	empty := func([]byte) []byte { return nil }
	neverCheckpointed := func(t *testing.T, folder string) { // the database was never written but by its log
		remove(db, wal, lock, db+"-shm")(t, folder)
		crash(t, folder)
	}
	return []damage{
		{name: "none", do: both()},
		{name: "none, never checkpointed", do: neverCheckpointed},
		{name: "never checkpointed, log removed", do: both(neverCheckpointed, remove(wal)), refused: `tidewire.db" has nothing without its write-ahead log, and the write-ahead log is gone`},
		{name: "never checkpointed, log emptied", do: both(neverCheckpointed, change(wal, empty)), refused: `has nothing without its write-ahead log`},
		{name: "never checkpointed, log without a header", do: both(neverCheckpointed, change(wal, zero(fixed(0), fixed(32)))), refused: `has nothing without its write-ahead log`},
		{name: "never checkpointed, log cut", do: both(neverCheckpointed, change(wal, func(text []byte) []byte { return text[:len(text)/2] })), logged: `the write-ahead log is cut`},
		{name: "closed", do: closeStore},
		{name: "closed, database emptied", do: both(closeStore, change(db, empty)), refused: `tidewire.db" is empty, and was in use`},
		{name: "closed, database removed", do: both(closeStore, remove(db)), refused: `tidewire.db" is gone, and was in use`},
		{name: "closed, all removed", do: both(closeStore, remove(db, lock))},
		{name: "no lock file", do: remove(lock)},
		{name: "no wal-index", do: remove("tidewire.db-shm")},
		{name: "log removed", do: remove(wal), logged: `the write-ahead log is gone: \d+ pages of the last commits are lost`, gone: true},
		{name: "log emptied", do: change(wal, empty), logged: `the write-ahead log is gone: \d+ pages`, gone: true},
		{name: "log cut", do: change(wal, func(text []byte) []byte { return text[:len(text)/2] }),
			logged: `the write-ahead log is cut: it has \d+ pages of commits, and had \d+; \d+ are lost`},
		{name: "last commit cut", do: change(wal, func(text []byte) []byte { return text[:len(text)-5000] }), logged: `the write-ahead log is cut`},
		{name: "log with a gap", do: change(wal, zero(half, func(n int) int { return n/2 + 5000 })), logged: `the write-ahead log is cut`},
		{name: "log without a header", do: change(wal, zero(fixed(0), fixed(32))), logged: `the write-ahead log has no valid header`},
		{name: "log with a gap, no lock file", do: both(remove(lock), change(wal, zero(half, func(n int) int { return n/2 + 5000 }))),
			logged: `the write-ahead log has a gap behind page \d+: the commits from there on are lost, \d+ at least`},
		{name: "last commit cut, no lock file", do: both(remove(lock), change(wal, func(text []byte) []byte { return text[:len(text)-5000] }))},
		{name: "log removed, lock file of an earlier version", do: both(remove(wal), change(lock, func([]byte) []byte { return []byte("123\n") }))},
		{name: "opened by another program", do: func(t *testing.T, folder string) {
			before := time.Now().Add(-time.Minute) // which is not at the moment of the last commit
			if err := os.Chtimes(filepath.Join(folder, lock), before, before); err != nil {
				t.Fatal(err)
			}
			execSQL(t, filepath.Join(folder, db), `SELECT count(*) FROM event`)
			if _, err := os.Stat(filepath.Join(folder, wal)); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("that program left the log: %v", err)
			}
		}},
		{name: "database emptied", do: change(db, empty), refused: `tidewire.db" is empty, and was in use`},
		{name: "database emptied, no lock file", do: both(remove(lock), change(db, empty)), refused: `tidewire.db" is empty, and was in use`},
		{name: "database emptied, no log", do: both(remove(wal), change(db, empty)), refused: `tidewire.db" is empty, and was in use`},
		{name: "database removed", do: remove(db), refused: `tidewire.db" is gone, and was in use.*restore a backup; to begin with an empty journal, move .*tidewire.db-wal" and the file lock away`},
		{name: "log of another journal", do: func(t *testing.T, folder string) {
			copyFile(t, filepath.Join(crashedFolder(t), wal), filepath.Join(folder, wal))
		}, refused: `the write-ahead log is not the one that was written last`},
		{name: "all removed", do: remove(db, wal, lock)},
	}
}

// TestDamagedFiles opens the files of a store that was not closed, after something was
// done to them.
func TestDamagedFiles(t *testing.T) {
	for _, d := range damages() {
		t.Run(d.name, func(t *testing.T) {
			folder := crashedFolder(t)
			d.do(t, folder)
			path, log := filepath.Join(folder, "tidewire.db"), &logLines{}
			before := folderContent(t, folder)
			walBefore, _ := os.ReadFile(path + "-wal")
			s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, Log: slog.New(slog.NewTextHandler(log, nil))})
			if d.refused != "" {
				if !errors.Is(err, journal.ErrDamaged) || !regexp.MustCompile(d.refused).MatchString(err.Error()) {
					t.Fatalf("found %v, expected %s", err, d.refused)
				}
				t.Log(err)
				if after := folderContent(t, folder); !slices.Equal(before, after) {
					t.Errorf("the folder has changed:\n%s\nwas\n%s", after, before)
				}
				if _, locked, _ := sqlite.LockedBy(path); locked {
					t.Error("it is still locked")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			copies, err := filepath.Glob(path + "-wal.damaged-*")
			if err != nil {
				t.Fatal(err)
			}
			if d.logged == "" {
				if strings.Contains(log.String(), "missing") || len(copies) > 0 {
					t.Errorf("found %q and the log\n%s", copies, log)
				}
			} else {
				if !regexp.MustCompile(`level=ERROR msg="commits are missing in the journal: `+d.logged).MatchString(log.String()) || len(copies) != 1 {
					t.Fatalf("found %q and the log\n%s\nexpected one copy and %s", copies, log, d.logged)
				}
				t.Log(log)
				text, err := os.ReadFile(copies[0])
				if err != nil || string(text) != string(walBefore) || d.gone != (len(text) == 0) {
					t.Errorf("the copy has %d bytes, the log had %d, %v", len(text), len(walBefore), err)
				}
			}
			if _, err := acceptOne(t, s, 2_000_000); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			log = &logLines{} // nothing is reported again
			if err := open(t, sqlite.Config{Path: path, Log: slog.New(slog.NewTextHandler(log, nil))}).Close(); err != nil || strings.Contains(log.String(), "missing") {
				t.Errorf("%v, the next start logs\n%s", err, log)
			}
		})
	}
}

// folderContent returns the names and contents of files, without the process in the
// lock file.
func folderContent(t *testing.T, folder string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "lock" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %d %x", e.Name(), len(text), text[:min(len(text), 100)]))
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestLogCutUnderLoad cuts the log of a process that accepts events. It stops, and
// what the database had before is still there.
func TestLogCutUnderLoad(t *testing.T) {
	for _, size := range []int64{0, 20_000} {
		folder := journaltest.Folder(t)
		path, log := filepath.Join(folder, "tidewire.db"), &logLines{}
		s := open(t, sqlite.Config{Path: path})
		_, err := acceptOne(t, s, 2_000_000)
		must(t, err)
		must(t, s.Close())
		c := childCommand(t, folder, 1_000_000, 1)
		var failure strings.Builder
		c.Stderr = &failure
		out, err := c.StdoutPipe()
		must(t, err)
		must(t, c.Start())
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if n == 100 {
				must(t, os.Truncate(path+"-wal", size))
			}
		}
		if err := c.Wait(); err == nil || !strings.Contains(failure.String(), `tidewire.db-wal" was cut`) {
			t.Fatalf("the process ended with %v: %s", err, failure.String())
		}
		s = open(t, sqlite.Config{Path: path, Log: slog.New(slog.NewTextHandler(log, nil))})
		if !strings.Contains(log.String(), "commits are missing in the journal") {
			t.Errorf("the next start logs\n%s", log)
		}
		if _, runs, err := s.Event(t.Context(), contactEvent(2_000_000).ID); err != nil || len(runs) != 1 {
			t.Errorf("the event from before has %d runs, %v", len(runs), err)
		}
		must(t, s.Close())
	}
}

// TestLogCutBeforeClose cuts the log of a store that makes no commits any more: Close
// writes nothing of what is left to the database, and records no clean end.
func TestLogCutBeforeClose(t *testing.T) {
	folder := journaltest.Folder(t)
	path := filepath.Join(folder, "tidewire.db")
	s := open(t, sqlite.Config{Path: path})
	for n := range 10 {
		_, err := acceptOne(t, s, n)
		must(t, err)
	}
	must(t, os.Truncate(path+"-wal", 20_000))
	before := folderContent(t, folder)
	must(t, s.Close())
	if after := folderContent(t, folder); !slices.Equal(before, after) {
		t.Errorf("the folder has changed:\n%s\nwas\n%s", after, before)
	}
	if text := note(t, path); !strings.HasPrefix(text, "log ") {
		t.Errorf("the lock file has %q", text)
	}
}

// note returns the text in the lock file of a store.
func note(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(sqlite.LockPath(path))
	must(t, err)
	defer f.Close()
	return filelock.ReadNote(f)
}

// TestCleanCloseIsRecorded: after it the log is not needed, and no log is missed.
func TestCleanCloseIsRecorded(t *testing.T) {
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	s := open(t, sqlite.Config{Path: path})
	if _, err := acceptOne(t, s, 1); err != nil {
		t.Fatal(err)
	}
	if text := note(t, path); !regexp.MustCompile(`^log \d+\.\d+ frames [1-9]\d* stored \d+$`).MatchString(text) {
		t.Errorf("while it is open, the lock file has %q", text)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if text := note(t, path); text != "closed" {
		t.Errorf("after it, the lock file has %q", text)
	}
}
