package sqlite_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/ledger"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// TestBatchEqualsSingleTasks makes the same random operations in batches and one
// by one: the results, the leased runs and the rows in the file are the same.
func TestBatchEqualsSingleTasks(t *testing.T) {
	first := filepath.Join(journaltest.Folder(t), "tidewire.db")
	if err := open(t, sqlite.Config{Path: first}).Close(); err != nil { // both start with this file, for the same salt
		t.Fatal(err)
	}
	empty, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	seeds := uint64(60)
	if testing.Short() {
		seeds = 6
	}
	for seed := range seeds {
		var got [2]playResult
		for i, together := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				store := &instrumentedStore{}
				clock := clock.NewManual(time.Now().Round(0))
				path := filepath.Join(journaltest.Folder(t), "tidewire.db")
				if err := os.WriteFile(path, empty, 0o600); err != nil {
					t.Fatal(err)
				}
				s := open(t, sqlite.Config{Path: path, Clock: clock}.Wrap(func(s ledger.Store) ledger.Store {
					store.Store = s
					return store
				}))
				defer s.Close()
				got[i] = play(t, seed, s, store.Store, clock, path, func(group []operation) []string {
					if together {
						return store.inOneBatch(s, group)
					}
					results := make([]string, len(group))
					for i, one := range group {
						results[i] = one(s)
					}
					return results
				})
			})
		}
		if got[0] != got[1] {
			t.Fatalf("seed %d: one by one (-) and in batches (+) differ:\n%s\n%s", seed, difference(got[0].results, got[1].results),
				difference(got[0].rows, got[1].rows))
		}
	}
}

// inOneBatch calls the operations of a group at the same time, and commits those
// after the first as one batch, in their order.
func (s *instrumentedStore) inOneBatch(store *sqlite.Store, group []operation) []string {
	gate := make(chan struct{})
	s.gate = gate
	results := make([]string, len(group))
	var all sync.WaitGroup
	all.Go(func() { results[0] = group[0](store) }) // committed alone; the others wait for it
	synctest.Wait()
	for i := 1; i < len(group); i++ {
		all.Go(func() { results[i] = group[i](store) })
		synctest.Wait()
	}
	close(gate)
	all.Wait()
	s.gate = nil
	return results
}
