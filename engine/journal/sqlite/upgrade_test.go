package sqlite_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// queryNumber returns the number that a query selects.
func queryNumber(t *testing.T, path, query string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMigrateCopiesOlderFile(t *testing.T) {
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	const first, second = `CREATE TABLE a (x); INSERT INTO a VALUES (7)`, `ALTER TABLE a ADD y; UPDATE a SET y = x + 1`
	if err := sqlite.Migrate(t.Context(), path, first); err != nil {
		t.Fatal(err)
	}
	older := sqlite.BackupPath(path, 1)
	if _, err := os.Stat(older); err == nil {
		t.Error("a new file was copied")
	}
	if err := sqlite.Migrate(t.Context(), path, first, second+`; SELECT nonsense`); err == nil {
		t.Error("a wrong step passed")
	}
	if n := queryNumber(t, path, `PRAGMA user_version`); n != 1 {
		t.Errorf("after a step that failed: version %d", n)
	}
	execSQL(t, path, `UPDATE a SET x = 8`)
	if err := sqlite.Migrate(t.Context(), path, first, second); err != nil {
		t.Fatal(err)
	}
	if n := queryNumber(t, path, `SELECT y FROM a`); n != 9 {
		t.Errorf("found %d", n)
	}
	if n, version := queryNumber(t, older, `SELECT x FROM a`), queryNumber(t, older, `PRAGMA user_version`); n != 8 || version != 1 {
		t.Errorf("the copy has version %d and %d", version, n)
	}
	if info, err := os.Stat(older); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others than its owner may read the copy: %v, %v", info.Mode(), err)
	}
}

func TestBackupOfOpenStore(t *testing.T) {
	s := open(t, sqlite.Config{})
	file := filepath.Join(journaltest.Folder(t), "copy.db")
	var both sync.WaitGroup
	begin := make(chan bool)
	both.Go(func() {
		for i := range 300 {
			if _, err := acceptOne(t, s, i); err != nil {
				t.Error(err)
			}
			if i == 100 {
				close(begin)
			}
		}
	})
	both.Go(func() {
		<-begin
		if err := s.Backup(t.Context(), file); err != nil {
			t.Error(err)
		}
	})
	both.Wait()
	b := open(t, sqlite.Config{Path: file})
	runs, err := b.Runs(t.Context(), journal.RunQuery{Limit: 1000})
	if err != nil || len(runs) < 101 {
		t.Errorf("found %d runs, %v", len(runs), err)
	}
	for i := range runs {
		if a, _ := next(t, b); a.Event.ID != contactEvent(i).ID {
			t.Errorf("found %s, expected %s", a.Event.ID, contactEvent(i).ID)
		}
	}
}

// beforePause is how many steps bring a file to the version before runs had a reason
// for which they are paused.
const beforePause = 12

// A run that is paused in an older file was paused by a flood.
func TestOlderPausedRun(t *testing.T) {
	texts, err := sqlite.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	for restored, want := range map[bool]journal.PauseReason{false: journal.Flooded, true: journal.Restored} {
		path := filepath.Join(journaltest.Folder(t), "tidewire.db")
		if err := sqlite.Migrate(t.Context(), path, texts[:beforePause]...); err != nil {
			t.Fatal(err)
		}
		execSQL(t, path, `INSERT INTO store (one, owner, salt) VALUES (1, 1, 7);
			INSERT INTO event (seq, id, type, connection, account, source, record, echo, received) VALUES (1, 'e', 'a.b.c', '', '', 'webhook', '', 0, 1);
			INSERT INTO hook (id, script, name) VALUES (1, 'crm', 'new'); INSERT INTO version (id, hash) VALUES (1, 'v');
			INSERT INTO run (seq, event, hook, matched, lane, place, merging, overlap, state, epoch, attempts, steps, executed, created)
			VALUES (2, 1, 1, 1, '', 2, 0, 0, -1, 0, 0, 0, 0, 1)`)
		if restored {
			if n, err := sqlite.Restore(t.Context(), path, time.Now()); n != 1 || err != nil {
				t.Errorf("Restore returns %d, %v", n, err)
			}
		}
		s := open(t, sqlite.Config{Path: path})
		runs, err := s.Runs(t.Context(), journal.RunQuery{})
		if err != nil || len(runs) != 1 || runs[0].State != journal.Paused || runs[0].Reason != want {
			t.Errorf("found %+v, %v, expected one that is paused, %s", runs, err, want)
		}
		if floods, err := s.Floods(t.Context()); err != nil || (len(floods) == 1) == restored {
			t.Errorf("restored %v: the floods are %+v, %v", restored, floods, err)
		}
	}
}
