package sqlite_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// TestIDsOfManyEvents accepts each of many events again: it is a duplicate, also if
// bloom filters are missing in the file, until its id is deleted.
func TestIDsOfManyEvents(t *testing.T) {
	const events = 10_000
	clock := clock.NewManual(time.Now().Round(0))
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	s := open(t, sqlite.Config{Path: path, Clock: clock})
	reopen := func() {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, sqlite.Config{Path: path, Clock: clock})
	}
	all := func(when string, from, to int, repeated bool) {
		t.Helper()
		for ; from < to; from += 500 {
			arrivals := make([]journal.Arrival, 500)
			for i := range arrivals {
				arrivals[i] = journal.Arrival{Event: contactEvent(from + i), StoreUnmatched: true}
			}
			receipts, err := s.Accept(t.Context(), arrivals...)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range receipts {
				if r.Duplicate != repeated || r.Stored == repeated {
					t.Fatalf("%s: event %d: %+v", when, from+i, r)
				}
			}
		}
	}
	all("new", 0, events, false)
	all("repeated", 0, events, true)
	reopen()
	all("after a start", 0, events, true)
	execSQL(t, path, `DELETE FROM sieve`)
	reopen()
	all("without bloom filters", 0, events, true)
	all("more", events, events+5000, false)
	for _, i := range []int{0, 4095, 4096, events - 1, events + 4999} {
		if e, _, err := s.Event(t.Context(), contactEvent(i).ID); err != nil || e.ID != contactEvent(i).ID {
			t.Errorf("event %d is not found by its id: %v", i, err)
		}
	}
	clock.Advance(2 * time.Hour)
	gone, err := s.Prune(t.Context(), journal.Retention{Age: time.Hour, IDs: time.Hour})
	if err != nil || gone.Events != events+5000 || gone.IDs != events+5000 {
		t.Errorf("pruned: %+v, %v", gone, err)
	}
	if n := queryNumber(t, path, `SELECT count(*) FROM sieve`); n != 0 {
		t.Errorf("%d bloom filters of deleted ids are left", n)
	}
	all("deleted", 0, events, false)
	reopen()
	all("deleted and new again", 0, events, true)
}

// TestIDsOfOlderFile migrates a file from before ids were stored in parts: its ids
// are still duplicates.
func TestIDsOfOlderFile(t *testing.T) {
	const inOneTable, events = 6, 5000
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	texts, err := sqlite.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Migrate(t.Context(), path, texts[:inOneTable]...); err != nil {
		t.Fatal(err)
	}
	insert := &strings.Builder{}
	for i := range events {
		fmt.Fprintf(insert, "INSERT INTO seen (id, event) VALUES ('%s', %d);", contactEvent(i).ID, i+1)
	}
	execSQL(t, path, "BEGIN; "+insert.String()+" COMMIT")
	s := open(t, sqlite.Config{Path: path})
	for i := range events + 1 {
		if r, err := acceptOne(t, s, i); err != nil || r.Duplicate != (i < events) {
			t.Fatalf("event %d: %+v, %v", i, r, err)
		}
	}
}
