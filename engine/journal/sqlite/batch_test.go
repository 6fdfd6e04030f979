package sqlite_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/ledger"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// TestOneBatchDecidesAsOneByOne makes the same random operations in batches and
// one by one: what comes back, what is handed out and what is in the file is
// the same.
func TestOneBatchDecidesAsOneByOne(t *testing.T) {
	first := filepath.Join(journaltest.Folder(t), "tidewire.db")
	if err := open(t, sqlite.Config{Path: first}).Close(); err != nil { // both go on from one file, for the salt
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
		var got [2]played
		for i, together := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w := &watched{}
				clock := journaltest.NewClock()
				path := filepath.Join(journaltest.Folder(t), "tidewire.db")
				if err := os.WriteFile(path, empty, 0o600); err != nil {
					t.Fatal(err)
				}
				s := open(t, sqlite.Config{Path: path, Now: clock.Now, Timer: clock.Timer}.Wrap(func(s ledger.Store) ledger.Store {
					w.Store = s
					return w
				}))
				defer s.Close()
				got[i] = play(t, seed, s, w.Store, clock, path, func(group []operation) []string {
					if together {
						return w.together(s, group)
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

// together makes the operations of a group wait in their order, and commits
// them as one batch.
func (w *watched) together(s *sqlite.Store, group []operation) []string {
	gate := make(chan struct{})
	w.gate = gate
	results := make([]string, len(group))
	var all sync.WaitGroup
	all.Go(func() { results[0] = group[0](s) }) // is committed alone, and holds the others back
	synctest.Wait()
	for i := 1; i < len(group); i++ {
		all.Go(func() { results[i] = group[i](s) })
		synctest.Wait()
	}
	close(gate)
	all.Wait()
	w.gate = nil
	return results
}
