package sqlite_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"

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
