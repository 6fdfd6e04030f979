package bench

import (
	"database/sql"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// TestAddHistory checks that copies are whole runs, each with an event of its own
// and all its steps, and older than those that the engine made.
func TestAddHistory(t *testing.T) {
	all, err := open(t.Context(), Config{Dir: journaltest.Folder(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := all.close(); err != nil {
			t.Error(err)
		}
	}()
	data := all.newFolder()
	made, err := all.addHistory(t.Context(), data, 22*originals, 10*time.Minute)
	if err != nil || made != 22*originals {
		t.Fatalf("made %d runs: %v", made, err)
	}
	db, err := sql.Open("sqlite", engine.StorePath(data))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for query, want := range map[string]string{
		`PRAGMA integrity_check`:               "ok",
		`SELECT count(*) FROM run`:             "22000",
		`SELECT count(*) FROM seen`:            "22000",
		`SELECT count(DISTINCT id) FROM event`: "22000",
		`SELECT count(*) FROM step`:            "44000",
		`SELECT count(*) FROM run JOIN event ON event.seq = run.event JOIN seen ON seen.id = event.id WHERE seen.event = event.seq`: "22000",
		`SELECT count(*) FROM (SELECT run FROM step JOIN run ON run.seq = step.run GROUP BY run HAVING count(*) = 2)`:               "22000",
		`SELECT min(seq) > 0 FROM run`: "1",
	} {
		var got string
		if err := db.QueryRow(query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %s, expected %s (%v)", query, got, want, err)
		}
	}
	var oldest int64
	if err := db.QueryRow(`SELECT min(seq) FROM run`).Scan(&oldest); err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.OpenReader(engine.StorePath(data))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	runs, err := store.Runs(t.Context(), journal.RunQuery{Before: oldest + 1})
	if err != nil || len(runs) != 1 {
		t.Fatalf("found %d runs as old as the oldest: %v", len(runs), err)
	}
	run, steps, err := store.Run(t.Context(), runs[0].ID)
	if err != nil || run.State != journal.Succeeded || len(steps) != 2 || steps[1].Name != "bench.items.save" {
		t.Errorf("the oldest run %s is %s with %d steps: %v", run.ID, run.State, len(steps), err)
	}
}
