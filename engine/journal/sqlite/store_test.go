package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(childFolder); folder != "" {
		child(folder)
		return
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, cfg sqlite.Config) *sqlite.Store {
	t.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(journaltest.Folder(t), "tidewire.db")
	}
	s, err := sqlite.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	for name, cfg := range map[string]sqlite.Config{
		"events in memory": {},
		"events read back": {Memory: 1},
	} {
		t.Run(name, func(t *testing.T) {
			journaltest.Run(t, func(t *testing.T, clock *clock.Manual) (journal.Store, func() journal.Store, func() int) {
				cfg := cfg
				cfg.Clock = clock
				cfg.Path = filepath.Join(journaltest.Folder(t), "tidewire.db")
				s := open(t, cfg)
				reopen := func() journal.Store {
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					s = open(t, cfg)
					return s
				}
				restore := func() int {
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					n, err := sqlite.Restore(t.Context(), cfg.Path, clock.Now())
					if err != nil {
						t.Fatal(err)
					}
					return n
				}
				return s, reopen, restore
			})
		})
	}
}
