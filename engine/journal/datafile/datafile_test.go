package datafile

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	_ "modernc.org/sqlite"

	"github.com/tidewire/tidewire/engine/clock/clocktest"
	"github.com/tidewire/tidewire/engine/filelock"
	"github.com/tidewire/tidewire/engine/journal"
)

// opened is a database that SQLite has open, with the files beside it.
type opened struct {
	*Opened
	db   *sql.DB
	path string
}

func openDatabase(t testing.TB) *opened {
	t.Helper()
	o := &opened{path: filepath.Join(t.TempDir(), "a.db")}
	lock, err := filelock.Acquire(filepath.Join(filepath.Dir(o.path), "lock"))
	if err != nil {
		t.Fatal(err)
	}
	if o.db, err = sql.Open("sqlite", "file:"+o.path+"?_pragma=journal_mode(WAL)&_pragma=wal_autocheckpoint(0)"); err != nil {
		t.Fatal(err)
	}
	o.db.SetMaxOpenConns(1)
	o.exec(t, `CREATE TABLE t (a)`)
	if o.Opened, err = Open(o.path, lock); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(o.db.Close(), o.Close(), lock.Close()); err != nil {
			t.Error(err)
		}
	})
	return o
}

func (o *opened) exec(t testing.TB, query string) {
	t.Helper()
	if _, err := o.db.Exec(query); err != nil {
		t.Fatal(err)
	}
}

// TestPositionAgreesWithLog compares what the wal-index has with the log itself,
// through commits, a checkpoint and a log that begins again.
func TestPositionAgreesWithLog(t *testing.T) {
	if !replaceable {
		t.Skip("positions are not recorded here")
	}
	o := openDatabase(t)
	restarts := map[uint32]bool{}
	for i := range 40 {
		o.exec(t, fmt.Sprintf(`INSERT INTO t VALUES (zeroblob(%d))`, i*1000))
		if i%10 == 9 {
			o.exec(t, `PRAGMA wal_checkpoint(RESTART)`)
		}
		p, ok := readIndex(o.index)
		l, err := scanLog(logPath(o.path))
		if err != nil || !ok || !l.Valid || l.Frames != p.Frames && p.Frames != p.Stored || l.Beyond > 0 || l.Salt1 != p.Salt1 || l.Salt2 != p.Salt2 {
			t.Fatalf("after commit %d: the index has %+v, %v, the log %+v, %v", i, p, ok, l, err)
		}
		if i%10 == 9 && p.Stored != p.Frames {
			t.Errorf("after a checkpoint: %+v", p)
		}
		restarts[p.Salt1] = true
		o.RecordNow()
		if read, ok := parsePosition(filelock.ReadNote(o.lock)); !ok || !read.same(p) {
			t.Errorf("the lock file has %q, expected %+v", filelock.ReadNote(o.lock), p)
		}
		if d, err := Examine(o.path, Record{Text: filelock.ReadNote(o.lock), At: time.Now()}); d != nil || err != nil {
			t.Errorf("after commit %d: found %v, %v", i, d, err)
		}
	}
	if len(restarts) != 4 {
		t.Errorf("the log began again %d times, expected 3", len(restarts)-1)
	}
}

// TestRecordInterval records the first of several commits at once, and the last within
// the interval; nothing is written once the database is being closed.
func TestRecordInterval(t *testing.T) {
	if !replaceable {
		t.Skip("positions are not recorded here")
	}
	o := openDatabase(t)
	synctest.Test(t, func(t *testing.T) {
		recorded := func() (p Position) {
			p, _ = parsePosition(filelock.ReadNote(o.lock))
			return p
		}
		commit := func() Position {
			o.exec(t, `INSERT INTO t VALUES (1)`)
			p, _ := readIndex(o.index)
			o.Record()
			return p
		}
		first := commit()
		if got := recorded(); !got.same(first) {
			t.Errorf("after the first commit %+v is recorded, expected %+v", got, first)
		}
		commit()
		last := commit()
		if got := recorded(); !got.same(first) {
			t.Errorf("after the third commit %+v is recorded, expected %+v", got, first)
		}
		time.Sleep(recordInterval) // by the clock of the bubble
		synctest.Wait()
		if got := recorded(); !got.same(last) {
			t.Errorf("after the interval %+v is recorded, expected %+v", got, last)
		}
		commit()
		if err := o.BeforeClose(true); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * recordInterval)
		synctest.Wait()
		if text := filelock.ReadNote(o.lock); text != closedNote {
			t.Errorf("after the end %q is recorded", text)
		}
	})
}

// TestCutLog cuts the log of an open database, which is noticed at the next record.
func TestCutLog(t *testing.T) {
	if !replaceable {
		t.Skip("positions are not recorded here")
	}
	for name, c := range map[string]struct {
		do  func(o *opened)
		cut bool
	}{
		"nothing": {func(*opened) {}, false},
		"emptied": {func(o *opened) { must(t, os.Truncate(logPath(o.path), 0)) }, true},
		"cut":     {func(o *opened) { must(t, os.Truncate(logPath(o.path), 20_000)) }, true},
		"cut behind the last record": {func(o *opened) {
			info, err := os.Stat(logPath(o.path))
			must(t, err)
			for range 20 {
				o.exec(t, `INSERT INTO t VALUES (zeroblob(3000))`)
				o.Record()
			}
			must(t, os.Truncate(logPath(o.path), info.Size()+5000))
		}, true},
		"begun again":    {func(o *opened) { o.exec(t, `PRAGMA wal_checkpoint(RESTART)`) }, false},
		"a large commit": {func(o *opened) { o.exec(t, `INSERT INTO t VALUES (zeroblob(1000000))`) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := openDatabase(t)
			for range 20 {
				o.exec(t, `INSERT INTO t VALUES (zeroblob(3000))`)
			}
			o.RecordNow()
			c.do(o)
			o.exec(t, `INSERT INTO t VALUES (1)`)
			o.RecordNow()
			var replaced *ReplacedError
			if err := o.Check(); errors.As(err, &replaced) != c.cut || c.cut && (!replaced.Cut || replaced.LogOnly) {
				t.Errorf("found %v", err)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestCheckOften compares the files once in its interval.
func TestCheckOften(t *testing.T) {
	if !replaceable {
		t.Skip("open files are not replaced here")
	}
	o := openDatabase(t)
	synctest.Test(t, func(t *testing.T) {
		stopped := 0
		g := NewGuard(o.Opened, func(error) { stopped++ })
		if err := g.CheckOften(); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(o.path, o.path+".moved"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(checkInterval - time.Nanosecond) // by the clock of the bubble
		if err := g.CheckOften(); err != nil {
			t.Errorf("within the interval: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if err := g.CheckOften(); !errors.Is(err, journal.ErrReplaced) || stopped != 1 {
			t.Errorf("after it: %v, stopped %d times", err, stopped)
		}
		if err := g.CheckOften(); !errors.Is(err, journal.ErrReplaced) || stopped != 1 {
			t.Errorf("again: %v, stopped %d times", err, stopped)
		}
	})
}

func TestCompareFindsWhatIsLost(t *testing.T) {
	whole := Log{Size: 9, Valid: true, Salt1: 7, Salt2: 8, Frames: 100}
	at := Position{Salt1: 7, Salt2: 8, Frames: 100, Stored: 40}
	change := func(do func(*Log)) Log {
		l := whole
		do(&l)
		return l
	}
	for name, c := range map[string]struct {
		log             Log
		position        Position
		noted, later    bool
		text            string // empty: nothing is found
		frames          int
		fatal, isSetOff bool
	}{
		"as it was":                       {log: whole, position: at, noted: true},
		"a commit more":                   {log: change(func(l *Log) { l.Frames = 103 }), position: at, noted: true},
		"no record":                       {log: whole},
		"no log, no record":               {},
		"begun again":                     {log: change(func(l *Log) { l.Salt1, l.Salt2, l.Frames = 8, 1, 3 }), position: at, noted: true},
		"begun again after a power cut":   {log: change(func(l *Log) { l.Salt1, l.Salt2 = 600, 1 }), position: at, noted: true},
		"salt that passes its end":        {log: change(func(l *Log) { l.Salt1 = 0 }), position: Position{Salt1: 1<<32 - 1, Frames: 9}, noted: true},
		"of another log":                  {log: change(func(l *Log) { l.Salt2 = 9 }), position: at, noted: true, text: "not the one that was written last", fatal: true},
		"of an earlier time":              {log: change(func(l *Log) { l.Salt1 = 6 }), position: at, noted: true, text: "not the one that was written last", fatal: true},
		"of an earlier time, not needed":  {log: change(func(l *Log) { l.Salt1 = 6 }), position: Position{Salt1: 7, Salt2: 8, Frames: 9, Stored: 9}, noted: true, text: "not the one that was written last", isSetOff: true},
		"gone":                            {position: at, noted: true, text: "is gone: 60 pages", frames: 60},
		"gone, and all is stored":         {position: Position{Frames: 100, Stored: 100}, noted: true},
		"gone, and written since":         {position: at, noted: true, later: true},
		"without a header":                {log: Log{Size: 9000}, position: at, noted: true, text: "no valid header: 60 pages", frames: 60},
		"cut":                             {log: change(func(l *Log) { l.Frames = 90 }), position: at, noted: true, text: "it has 90 pages of commits, and had 100; 10 are lost", frames: 10},
		"cut before what is stored":       {log: change(func(l *Log) { l.Frames = 30 }), position: at, noted: true, text: "60 are lost", frames: 60, isSetOff: true},
		"one commit behind a frame":       {log: change(func(l *Log) { l.Beyond = 1 })},
		"two commits behind a frame":      {log: change(func(l *Log) { l.Beyond = 2 }), text: "a gap behind page 100"},
		"cut, and two commits behind it":  {log: change(func(l *Log) { l.Frames, l.Beyond = 90, 2 }), position: at, noted: true, text: "is cut", frames: 10},
		"cut, but less than was recorded": {log: change(func(l *Log) { l.Frames = 100 }), position: Position{Salt1: 7, Salt2: 8, Frames: 80}, noted: true},
	} {
		d := compare(c.log, c.position, c.noted, c.later)
		switch {
		case d == nil && c.text == "":
		case d == nil || c.text == "" || !strings.Contains(d.Text, c.text) || d.Frames != c.frames || d.Fatal != c.fatal || d.remove != c.isSetOff || d.Do == "":
			t.Errorf("%s: found %+v, expected %q, %d pages, fatal %v, set off %v", name, d, c.text, c.frames, c.fatal, c.isSetOff)
		}
	}
}

func TestPreserve(t *testing.T) {
	path := filepath.Join(t.TempDir(), "[a]*.db")
	now := time.Date(2026, 3, 1, 13, 0, 0, 0, time.FixedZone("", 3600))
	for _, remove := range []bool{false, true} {
		if err := os.WriteFile(path+"-wal", []byte("log"), 0o600); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
		file, err := (&Damage{log: path + "-wal", remove: remove, Frames: 1}).Preserve(now)
		text, readErr := os.ReadFile(file)
		if err != nil || readErr != nil || string(text) != "log" || filepath.Base(file) != "[a]*.db-wal.damaged-"+now.UTC().Format("20060102T150405Z") {
			t.Errorf("remove %v: %q has %q, %v, %v", remove, file, text, err, readErr)
		}
		if _, err := os.Stat(path + "-wal"); (err != nil) != remove {
			t.Errorf("remove %v: the log itself: %v", remove, err)
		}
	}
	if err := os.WriteFile(path+"-wal", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if file, err := (&Damage{log: path + "-wal", remove: true}).Preserve(now); err != nil || !strings.Contains(file, "-wal.unused-") {
		t.Errorf("a log that is not needed is %q, %v", file, err)
	}
	if all, err := Damaged(path); err != nil || len(all) != 2 {
		t.Errorf("found %q, %v, expected 2 files", all, err)
	}
}

// TestPrepareDeletesRecord: what an engine recorded is compared once. The log that the
// next one makes is another.
func TestPrepareDeletesRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	lock, err := filelock.Acquire(filepath.Join(filepath.Dir(path), "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	text := "log 1.2 frames 3 stored 3"
	if err := errors.Join(os.WriteFile(path, []byte("a database"), 0o600), filelock.WriteNote(lock, []byte(text))); err != nil {
		t.Fatal(err)
	}
	last := ReadRecord(lock.Name())
	if last.Text != text || last.PID != os.Getpid() || time.Since(last.At) > time.Minute {
		t.Errorf("the record is %+v", last)
	}
	if err := Prepare(path, lock, last, time.Now(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if left := ReadRecord(lock.Name()); left.Text != "" {
		t.Errorf("then the record is %+v", left)
	}
}

// TestCheck compares files that did not change: concurrently, and with a path that
// cannot be read, which does not count.
func TestCheck(t *testing.T) {
	o := openDatabase(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				if err := o.Check(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := os.WriteFile(filepath.Join(filepath.Dir(o.path), "another"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := o.Check(); err != nil {
		t.Errorf("after a new file in the folder: %v", err)
	}
	if !replaceable {
		return
	}
	loop := o.path + ".loop" // an error that is not that of a missing file
	if err := errors.Join(os.Symlink(loop, loop)); err != nil {
		t.Fatal(err)
	}
	o.files[0].path = loop
	if err := o.Check(); err != nil {
		t.Errorf("with a path that cannot be read: %v", err)
	}
}

// TestCheckAfterQuietTime removes each file after the folder was unchanged for long
// enough that only the folder is compared.
func TestCheckAfterQuietTime(t *testing.T) {
	if !replaceable {
		t.Skip("open files cannot be removed here")
	}
	for i, name := range []string{"a.db", "a.db-wal", "lock"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := openDatabase(t)
			for timeout := time.After(clocktest.MaxWait); o.unchanged.Load() == nil && folderHasState(o.path); {
				if err := o.Check(); err != nil {
					t.Fatal(err)
				}
				select {
				case <-time.After(100 * time.Millisecond):
				case <-timeout:
					t.Fatal("the folder does not come to rest")
				}
			}
			if err := os.Remove(filepath.Join(filepath.Dir(o.path), name)); err != nil {
				t.Fatal(err)
			}
			for timeout := time.After(clocktest.MaxWait); folderHasState(o.path); { // the change is not recent either
				if _, settled := stateOf(filepath.Dir(o.path)); settled {
					break
				}
				select {
				case <-time.After(100 * time.Millisecond):
				case <-timeout:
					t.Fatal("the folder does not come to rest")
				}
			}
			var found *ReplacedError
			if err := o.Check(); !errors.As(err, &found) || !found.Gone || found.LogOnly != (i == 1) || !strings.HasSuffix(found.Path, name) {
				t.Errorf("found %v", err)
			}
		})
	}
}

// folderHasState reports whether the state of a folder is used on this system.
func folderHasState(path string) bool {
	state, _ := stateOf(filepath.Dir(path))
	return state != folderState{}
}

// TestNewFileNumber: some file systems assign a new number to an open file. Then it
// is compared with the open file itself.
func TestNewFileNumber(t *testing.T) {
	if !replaceable {
		t.Skip("files have no numbers here")
	}
	o := openDatabase(t)
	setNumber(o.files[0])
	if err := o.Check(); err != nil {
		t.Error(err)
	}
	setNumber(o.files[0])
	if err := os.Remove(o.path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := o.Check(); err == nil || !strings.Contains(err.Error(), "was replaced by another file") {
		t.Errorf("found %v", err)
	}
}

// TestReplacedLogAlone: only if nothing but the log was replaced, what it has may be
// written to the database.
func TestReplacedLogAlone(t *testing.T) {
	if !replaceable {
		t.Skip("files cannot be replaced here")
	}
	for name, c := range map[string]struct {
		removed []string
		path    string // the first that is found
		logOnly bool
	}{
		"log":                    {removed: []string{"a.db-wal"}, path: "a.db-wal", logOnly: true},
		"lock file":              {removed: []string{"lock"}, path: "lock"},
		"database":               {removed: []string{"a.db"}, path: "a.db"},
		"log and lock file":      {removed: []string{"a.db-wal", "lock"}, path: "a.db-wal"},
		"database and log":       {removed: []string{"a.db", "a.db-wal"}, path: "a.db"},
		"all":                    {removed: []string{"a.db", "a.db-wal", "lock"}, path: "a.db"},
		"database and lock file": {removed: []string{"a.db", "lock"}, path: "a.db"},
	} {
		t.Run(name, func(t *testing.T) {
			o := openDatabase(t)
			for _, file := range c.removed {
				if err := os.Remove(filepath.Join(filepath.Dir(o.path), file)); err != nil {
					t.Fatal(err)
				}
			}
			var replaced *ReplacedError
			if err := o.Check(); !errors.As(err, &replaced) {
				t.Fatalf("Check returns %v", err)
			}
			if filepath.Base(replaced.Path) != c.path || !replaced.Gone || replaced.LogOnly != c.logOnly {
				t.Errorf("found %+v, expected %s, the log only: %v", replaced, c.path, c.logOnly)
			}
		})
	}
}
