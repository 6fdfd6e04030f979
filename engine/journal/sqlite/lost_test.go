package sqlite_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/ledger"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// folderChange is something that is done to the folder of a running store. data is
// its path, which is a symbolic link to a folder beside it.
type folderChange struct {
	name string
	do   func(data string) error
	left string // the folder that then has the files of the store, beside data
	db   bool   // the database is still in data
}

func folderChanges() []folderChange {
	in := func(name string, do func(path string) error) func(string) error {
		return func(data string) error { return do(filepath.Join(data, name)) }
	}
	return []folderChange{
		{name: "folder renamed", left: "moved", do: func(data string) error { return os.Rename(data, filepath.Join(filepath.Dir(data), "moved")) }},
		{name: "folder removed", do: func(data string) error {
			return errors.Join(os.RemoveAll(filepath.Join(filepath.Dir(data), "real")), os.Remove(data))
		}},
		{name: "link pointed elsewhere", left: "real", do: func(data string) error {
			other := filepath.Join(filepath.Dir(data), "other")
			return errors.Join(os.Mkdir(other, 0o700), os.Remove(data), os.Symlink(other, data))
		}},
		{name: "database removed", do: in("tidewire.db", os.Remove)},
		{name: "database replaced by a copy", do: in("tidewire.db", replaceByCopy)},
		{name: "log removed", db: true, do: in("tidewire.db-wal", os.Remove)},
		{name: "log replaced by a copy", db: true, do: in("tidewire.db-wal", replaceByCopy)},
		{name: "lock file removed", db: true, do: in("lock", os.Remove)},
	}
}

func replaceByCopy(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(path+".copy", text, 0o600), os.Rename(path+".copy", path))
}

// linkedFolder returns a link to a new folder.
func linkedFolder(t *testing.T) (data string) {
	t.Helper()
	above := journaltest.Folder(t)
	data = filepath.Join(above, "data")
	if err := errors.Join(os.Mkdir(filepath.Join(above, "real"), 0o700), os.Symlink("real", data)); err != nil {
		t.Fatal(err)
	}
	return data
}

func expectReplaced(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, journal.ErrReplaced) || !errors.Is(err, journal.ErrUnwritable) {
		t.Errorf("%s: found %v, expected %v", what, err, journal.ErrReplaced)
	}
}

// TestFilesReplacedUnderLoad changes the folder while events are accepted. Every event
// that was acknowledged is in the folder then, wherever that is, and nothing is
// acknowledged any more.
func TestFilesReplacedUnderLoad(t *testing.T) {
	for _, change := range folderChanges() {
		t.Run(change.name, func(t *testing.T) {
			data := linkedFolder(t)
			log := &logLines{}
			s := open(t, sqlite.Config{Path: filepath.Join(data, "tidewire.db"), Log: slog.New(slog.NewTextHandler(log, nil))})
			var mu sync.Mutex
			changed := false
			acknowledged := map[int]bool{}
			enough := make(chan struct{})
			var senders sync.WaitGroup
			for sender := range 8 {
				senders.Go(func() {
					for i := sender; ; i += 8 {
						mu.Lock()
						late := changed
						mu.Unlock()
						_, err := acceptOne(t, s, i)
						if err != nil {
							expectReplaced(t, "Accept", err)
							return
						}
						if late {
							t.Errorf("event %d was acknowledged after the change", i)
							return
						}
						mu.Lock()
						if acknowledged[i] = true; len(acknowledged) == 100 {
							close(enough)
						}
						mu.Unlock()
					}
				})
			}
			<-enough
			if err := change.do(data); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			changed = true
			mu.Unlock()
			senders.Wait()

			expectReplaced(t, "Check", s.Check())
			_, err := s.Next(t.Context())
			expectReplaced(t, "Next", err)
			expectReplaced(t, "Backup", s.Backup(t.Context(), filepath.Join(t.TempDir(), "copy.db")))
			_, err = s.NeedsFile(t.Context(), "hash")
			expectReplaced(t, "NeedsFile", err)
			select {
			case <-s.Lost():
			default:
				t.Error("Lost is not closed")
			}
			if h := s.Health(); h.Reason != journal.Replaced || h.Since.IsZero() || h.Error == "" {
				t.Errorf("its health is %+v", h)
			}
			if n := strings.Count(log.String(), "reason=replaced"); n != 1 {
				t.Errorf("the log has %d lines about it, expected 1:\n%s", n, log)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(data, "tidewire.db-wal")); change.name == "log replaced by a copy" && err != nil {
				t.Errorf("the close of the store has removed a file that is not its own: %v", err)
			}
			left := data
			switch {
			case change.left != "":
				left = filepath.Join(filepath.Dir(data), change.left)
			case !change.db:
				return
			}
			again := open(t, sqlite.Config{Path: filepath.Join(left, "tidewire.db")})
			for i := range acknowledged {
				if _, runs, err := again.Event(t.Context(), contactEvent(i).ID); err != nil || len(runs) != 1 {
					t.Errorf("event %d was acknowledged: %d runs, %v", i, len(runs), err)
				}
			}
			t.Logf("%d acknowledged", len(acknowledged))
		})
	}
}

// TestSecondStoreIsNotHarmed opens a store where another one was whose folder is gone,
// and closes that one: the files of the second remain.
func TestSecondStoreIsNotHarmed(t *testing.T) {
	data := linkedFolder(t)
	path := filepath.Join(data, "tidewire.db")
	first := open(t, sqlite.Config{Path: path})
	if _, err := acceptOne(t, first, 1); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Rename(data, filepath.Join(filepath.Dir(data), "moved")), os.Mkdir(data, 0o700)); err != nil {
		t.Fatal(err)
	}
	second := open(t, sqlite.Config{Path: path})
	if _, err := acceptOne(t, second, 2); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	_, err = acceptOne(t, first, 3)
	expectReplaced(t, "Accept", err)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(path + "-wal"); err != nil || !os.SameFile(before, after) {
		t.Errorf("the log of the second: %v", err)
	}
	if err := second.Check(); err != nil {
		t.Error(err)
	}
	if _, err := acceptOne(t, second, 4); err != nil {
		t.Error(err)
	}
	if _, locked, err := sqlite.LockedBy(path); !locked || err != nil {
		t.Errorf("the second is not locked: %v", err)
	}
}

// TestReplacedFilesDoNotChangeMemory: a commit to files that are not the store's any
// more is as one that failed.
func TestReplacedFilesDoNotChangeMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &instrumentedStore{}
		path := filepath.Join(linkedFolder(t), "tidewire.db")
		s := open(t, sqlite.Config{Path: path}.Wrap(func(s ledger.Store) ledger.Store {
			store.Store = s
			return store
		}))
		defer s.Close()
		if _, err := acceptOne(t, s, 1); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		before := sqlite.Memory(store.Store, s.Ledger)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		_, err := acceptOne(t, s, 2)
		expectReplaced(t, "Accept", err)
		synctest.Wait()
		if after := sqlite.Memory(store.Store, s.Ledger); dispatcherOpen(after) != dispatcherOpen(before) {
			t.Errorf("memory has changed:\n%s", difference(before, after))
		}
	})
}

// dispatcherOpen leaves out of a print of memory that no run is leased any more.
func dispatcherOpen(memory string) string {
	return strings.ReplaceAll(memory, "closed:false", "closed:true")
}

// TestIdleStoreFindsReplacedFiles: no write is needed to find it. If only the log was
// removed, its commits are written to the database without one too.
func TestIdleStoreFindsReplacedFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(linkedFolder(t), "tidewire.db")
		s := open(t, sqlite.Config{Path: path})
		defer s.Close()
		if _, err := acceptOne(t, s, 1); err != nil {
			t.Fatal(err)
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // by the clock of synctest
		if err := os.Remove(path + "-wal"); err != nil {
			t.Fatal(err)
		}
		expectReplaced(t, "Check", s.Check())
		time.Sleep(2 * time.Second)
		alone := filepath.Join(t.TempDir(), "tidewire.db")
		copyFile(t, path, alone)
		r, err := sqlite.OpenReader(alone)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, runs, err := r.Event(t.Context(), contactEvent(1).ID); err != nil || len(runs) != 1 {
			t.Errorf("the event is not in the database: %v", err)
		}
	})
}

// TestOldCopyOfLog replaces the log by an older copy of itself. The database has all
// commits then, and the copy is not read when the store is opened again.
func TestOldCopyOfLog(t *testing.T) {
	path := filepath.Join(linkedFolder(t), "tidewire.db")
	s := open(t, sqlite.Config{Path: path})
	for i := range 40 {
		if i == 20 {
			copyFile(t, path+"-wal", path+".copy")
		}
		if _, err := acceptOne(t, s, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(path+".copy", path+"-wal"); err != nil {
		t.Fatal(err)
	}
	expectReplaced(t, "Check", s.Check())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, sqlite.Config{Path: path})
	for i := range 40 {
		if _, runs, err := again.Event(t.Context(), contactEvent(i).ID); err != nil || len(runs) != 1 {
			t.Errorf("event %d was acknowledged: %d runs, %v", i, len(runs), err)
		}
	}
}

// TestNextReportsReplacedFiles: an activation that cannot be read, perhaps because
// another file was, is no error of the run.
func TestNextReportsReplacedFiles(t *testing.T) {
	path := filepath.Join(linkedFolder(t), "tidewire.db")
	s := open(t, sqlite.Config{Path: path, Memory: 1})
	if _, err := acceptOne(t, s, 0); err != nil {
		t.Fatal(err)
	}
	execSQL(t, path, `DELETE FROM event`)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err := s.Next(t.Context())
	expectReplaced(t, "Next", err)
}

// TestClosedStoreIsNotLost: SQLite removes the log itself.
func TestClosedStoreIsNotLost(t *testing.T) {
	s := open(t, sqlite.Config{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

func TestFencedStoreIsLost(t *testing.T) {
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	s := open(t, sqlite.Config{Path: path})
	execSQL(t, path, `UPDATE store SET owner = owner + 1`)
	if err := s.Check(); err != nil {
		t.Errorf("found %v before a write", err)
	}
	if _, err := acceptOne(t, s, 1); !errors.Is(err, journal.ErrFenced) {
		t.Fatal(err)
	}
	if _, err := s.Next(t.Context()); !errors.Is(s.Check(), journal.ErrFenced) || !errors.Is(err, journal.ErrFenced) {
		t.Errorf("Check: %v, Next: %v; expected %v", s.Check(), err, journal.ErrFenced)
	}
	if h := s.Health(); h.Reason != journal.Fenced {
		t.Errorf("its health is %+v", h)
	}
}

// TestHealth makes the writes of a store fail, and succeed again: the store finds that
// out by itself.
func TestHealth(t *testing.T) {
	for reason, fail := range map[journal.Reason]func(s *sqlite.Store) (restore func() error, err error){
		journal.Full: func(s *sqlite.Store) (func() error, error) {
			return func() error { return s.SetMaxPages(1 << 30) }, s.SetMaxPages(1) // no more than it has
		},
		journal.Unwritable: (*sqlite.Store).BreakCommit,
	} {
		t.Run(string(reason), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { testHealth(t, reason, fail) }) })
	}
}

func testHealth(t *testing.T, reason journal.Reason, fail func(s *sqlite.Store) (restore func() error, err error)) {
	log := &logLines{}
	s := open(t, sqlite.Config{Log: slog.New(slog.NewTextHandler(log, nil))})
	defer s.Close()
	if h := s.Health(); h != (journal.Health{}) {
		t.Errorf("at first: %+v", h)
	}
	began := time.Now()
	restore, err := fail(s)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for err := error(nil); !errors.Is(err, journal.ErrUnwritable); n++ {
		if _, err = acceptOne(t, s, n); err != nil && !errors.Is(err, journal.ErrUnwritable) || n == 1000 {
			t.Fatal(n, err)
		}
	}
	for range 5 {
		time.Sleep(time.Second)
		synctest.Wait()
		if h := s.Health(); h.Reason != reason || !h.Since.Equal(began) || h.Last != nil || h.Error == "" {
			t.Fatalf("while writes fail: %+v", h)
		}
	}
	if err := restore(); err != nil {
		t.Fatal(err)
	}
	if h := s.Health(); h.Reason != reason {
		t.Errorf("before it was written again: %+v", h)
	}
	time.Sleep(time.Second)
	synctest.Wait()
	h := s.Health()
	if h.Reason != "" || h.Last == nil || *h.Last != (journal.Outage{Reason: reason, Since: began, Until: began.Add(6 * time.Second)}) {
		t.Errorf("after it: %+v, %+v", h, h.Last)
	}
	text := log.String()
	if strings.Count(text, "events are refused") != 1 || strings.Count(text, `msg="the journal is written again" reason=`+string(reason)+" after=6s") != 1 {
		t.Errorf("the log has\n%s", text)
	}
	if _, err := acceptOne(t, s, n); err != nil {
		t.Error(err)
	}
}

func TestPending(t *testing.T) {
	clock := clock.NewManual(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	s := open(t, sqlite.Config{Clock: clock})
	expect := func(want journal.Pending, lag time.Duration) {
		t.Helper()
		b, err := s.Pending(t.Context())
		if err != nil || b.Undecided != want.Undecided || b.Queued != want.Queued || !b.Oldest.Equal(want.Oldest) || b.Lag(clock.Now()) != lag {
			t.Errorf("found %+v, lag %s, %v; expected %+v, %s", b, b.Lag(clock.Now()), err, want, lag)
		}
	}
	expect(journal.Pending{}, 0)
	first := clock.Now()
	for i := range 3 {
		if _, err := acceptOne(t, s, i); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Minute)
	}
	expect(journal.Pending{Queued: 3, Oldest: first}, 3*time.Minute)
	_, h := next(t, s)
	expect(journal.Pending{Queued: 2, Oldest: first.Add(time.Minute)}, 2*time.Minute)
	begun := journal.Step{Number: 1, Name: "pay", State: journal.Begun}
	if err := s.Park(t.Context(), h, journal.Park{State: journal.Held, Step: &begun}); err != nil {
		t.Fatal(err)
	}
	expect(journal.Pending{Undecided: 1, Queued: 2, Oldest: first.Add(time.Minute)}, 2*time.Minute)
	_, h = next(t, s)
	if err := s.Park(t.Context(), h, journal.Park{State: journal.Held, Step: &begun, Until: clock.Now().Add(time.Hour)}); err != nil { // it is looked up
		t.Fatal(err)
	}
	expect(journal.Pending{Undecided: 1, Queued: 1, Oldest: first.Add(2 * time.Minute)}, time.Minute)
}

// logLines collects a log.
type logLines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logLines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// copyFile copies a file as it is now.
func copyFile(t testing.TB, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
}
