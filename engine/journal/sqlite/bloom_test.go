package sqlite_test

import (
	"errors"
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

// TestFirstIDAfterFullPart repeats an id of a part right after the part was filled,
// in the same commit and in a later one.
func TestFirstIDAfterFullPart(t *testing.T) {
	for name, before := range map[string]int{"an id later": 1, "at once": 0, "a commit fills it": -1} {
		t.Run(name, func(t *testing.T) {
			s := open(t, sqlite.Config{})
			const part = 4096
			accept := func(from, to int) (receipts []journal.Receipt) {
				t.Helper()
				var arrivals []journal.Arrival
				for i := from; i < to; i++ {
					arrivals = append(arrivals, journal.Arrival{Event: contactEvent(i), StoreUnmatched: true})
				}
				receipts, err := s.Accept(t.Context(), arrivals...)
				if err != nil {
					t.Fatal(err)
				}
				return receipts
			}
			for i := 0; i < part+before; i += 256 {
				accept(i, min(i+256, part+before))
			}
			repeat := []journal.Arrival{{Event: contactEvent(part + 5), StoreUnmatched: true}, {Event: contactEvent(part + 6), StoreUnmatched: true}, {Event: contactEvent(17), StoreUnmatched: true}}
			receipts, err := s.Accept(t.Context(), repeat...)
			if err != nil || !receipts[0].Stored || !receipts[1].Stored || !receipts[2].Duplicate {
				t.Errorf("in one commit with others: %+v, %v", receipts, err)
			}
			if r := accept(17, 18)[0]; !r.Duplicate {
				t.Errorf("alone: %+v", r)
			}
		})
	}
}

// TestIDsAfterRefusedWrites refuses events while the disk is full, starts again
// and repeats all that were accepted, before and after.
func TestIDsAfterRefusedWrites(t *testing.T) {
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	s := open(t, sqlite.Config{Path: path})
	accepted := map[int]bool{}
	accept := func(from, to int) {
		for ; from < to; from += 100 {
			var arrivals []journal.Arrival
			for i := from; i < from+100; i++ {
				arrivals = append(arrivals, journal.Arrival{Event: contactEvent(i), StoreUnmatched: true})
			}
			if _, err := s.Accept(t.Context(), arrivals...); err != nil {
				if !errors.Is(err, journal.ErrFull) {
					t.Fatal(err)
				}
				continue
			}
			for i := from; i < from+100; i++ {
				accepted[i] = true
			}
		}
	}
	accept(0, 4000)
	if err := s.SetMaxPages(1); err != nil { // SQLite takes the present size
		t.Fatal(err)
	}
	accept(4000, 9000)
	if len(accepted) > 8000 {
		t.Fatalf("%d were accepted on a full disk", len(accepted)-4000)
	}
	if err := s.SetMaxPages(1 << 20); err != nil {
		t.Fatal(err)
	}
	accept(9000, 9300)
	for _, restarted := range []bool{false, true} {
		if restarted {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, sqlite.Config{Path: path})
		}
		for i := range accepted {
			if r, err := acceptOne(t, s, i); err != nil || !r.Duplicate {
				t.Fatalf("restarted: %t: event %d: %+v, %v", restarted, i, r, err)
			}
		}
	}
}

// TestPartsOfOlderPrograms opens files whose parts lack filters, are short, or have
// a filter that lacks ids: each id is a duplicate.
func TestPartsOfOlderPrograms(t *testing.T) {
	const beforeRepair = 9
	texts, err := sqlite.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	for name, parts := range map[string][]struct {
		ids    int
		filter string
	}{
		"a short part without filter":           {{300, ""}, {20, ""}},
		"several":                               {{4096, ""}, {300, ""}, {1, ""}, {4096, ""}, {7, ""}},
		"a filter that lacks ids":               {{4096, "zeroblob(8192)"}, {20, ""}},
		"the newest has a filter, short":        {{4096, "zeroblob(8192)"}, {20, "zeroblob(8192)"}},
		"a part before the newest has a filter": {{300, ""}, {4096, "zeroblob(8192)"}, {4095, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(journaltest.Folder(t), "tidewire.db")
			if err := sqlite.Migrate(t.Context(), path, texts[:beforeRepair]...); err != nil {
				t.Fatal(err)
			}
			insert, events := &strings.Builder{}, 0
			for part, p := range parts {
				for range p.ids {
					fmt.Fprintf(insert, "INSERT INTO seen (part, id, event) VALUES (%d, '%s', %d);", part, contactEvent(events).ID, events+1)
					events++
				}
				if p.filter != "" {
					fmt.Fprintf(insert, "INSERT INTO sieve (part, newest, bits) VALUES (%d, %d, %s);", part, events, p.filter)
				}
			}
			execSQL(t, path, "BEGIN; "+insert.String()+" COMMIT")
			for range 2 {
				s := open(t, sqlite.Config{Path: path})
				for i := range events {
					if r, err := acceptOne(t, s, i); err != nil || !r.Duplicate {
						t.Fatalf("event %d: %+v, %v", i, r, err)
					}
				}
				if r, err := acceptOne(t, s, events); err != nil || !r.Stored {
					t.Errorf("a new event: %+v, %v", r, err)
				}
				events++
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
