package sqlite_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/ledger"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// TestRefusedStatements makes random operations while each statement that writes
// is refused in next: what memory has afterwards is what a fresh load has.
func TestRefusedStatements(t *testing.T) {
	type statement struct{ table, verb string }
	var all []statement
	for _, table := range sqlite.Tables(t) {
		for _, verb := range []string{"INSERT", "UPDATE", "DELETE"} {
			all = append(all, statement{table, verb})
		}
	}
	refusals := map[statement]int{}
	seeds, want := uint64(12), 12
	if testing.Short() {
		seeds, want = 2, 4
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			store := &instrumentedStore{}
			clock := clock.NewManual(time.Now().Round(0))
			path := filepath.Join(journaltest.Folder(t), "tidewire.db")
			s := open(t, sqlite.Config{Path: path, Clock: clock}.Wrap(func(s ledger.Store) ledger.Store {
				store.Store = s
				return store
			}))
			defer s.Close()
			next := int(seed)
			play(t, 1000+seed, s, store.Store, clock, path, func(group []operation) (results []string) {
				refused := all[next%len(all)]
				next += 5
				execSQL(t, path, fmt.Sprintf(`CREATE TRIGGER refuse BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`, refused.verb, refused.table))
				for _, one := range group {
					results = append(results, one(s))
				}
				execSQL(t, path, `DROP TRIGGER refuse`)
				if strings.Contains(strings.Join(results, " "), "refused by the test") {
					refusals[refused]++
				}
				return results
			})
		})
	}
	var tables []string
	for s := range refusals {
		tables = append(tables, s.verb+" "+s.table)
	}
	t.Logf("refused: %q", tables)
	if len(refusals) < want {
		t.Errorf("only %d statements were refused: %q", len(refusals), tables)
	}
}
