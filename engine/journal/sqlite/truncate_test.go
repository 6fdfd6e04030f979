package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// writeSample makes commits of each kind, and calls committed after each.
func writeSample(t *testing.T, s *sqlite.Store, committed func(), runs int) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		committed()
	}
	for i := range runs {
		_, err := acceptOne(t, s, i)
		must(err)
		_, h := next(t, s)
		_, err = s.Record(t.Context(), h, journal.Step{Number: 1, Name: "highlevel.contacts.upsert", State: journal.Begun, Sent: []byte(`{}`)}, journal.Effect{})
		must(err)
		_, err = s.Record(t.Context(), h, journal.Step{Number: 1, Name: "highlevel.contacts.upsert", State: journal.Done, Result: payload}, journal.Effect{})
		must(err)
		add := journal.Effect{State: &journal.StateOp{Script: "crm", Verb: "add", Key: "n", Value: []byte(`1`)}}
		_, err = s.Record(t.Context(), h, journal.Step{Number: 2, Name: "state.add", State: journal.Done}, add)
		must(err)
		switch i % 3 {
		case 0:
			must(s.Finish(t.Context(), h, journal.Finish{State: journal.Succeeded}))
		case 1:
			must(s.Park(t.Context(), h, journal.Park{State: journal.Waiting, Step: &journal.Step{Number: 3, Name: "wait_for", State: journal.Begun},
				Await: &journal.Await{Triggers: []string{"qonto.invoice.paid"}, Where: map[string][]string{"id": {fmt.Sprint(i)}}}}))
			_, err := s.Accept(t.Context(), journal.Arrival{StoreUnmatched: true, Event: journal.Event{ID: fmt.Sprint("qonto:", i), Type: "qonto.invoice.paid",
				Data: fmt.Appendf(nil, `{"id":%d}`, i)}})
			must(err)
			_, h := next(t, s)
			must(s.Finish(t.Context(), h, journal.Finish{State: journal.Failed}))
		case 2:
			must(s.Park(t.Context(), h, journal.Park{State: journal.Waiting, Step: &journal.Step{Number: 3, Name: "wait", State: journal.Begun},
				Until: time.Now().Add(time.Hour)}))
		}
	}
}

// TestTruncatedLog truncates the log at many lengths, as a power cut can. The
// commits up to there are found, each of them whole.
func TestTruncatedLog(t *testing.T) {
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	s := open(t, sqlite.Config{Path: path})
	var lengths []int64 // of the log, after each commit
	writeSample(t, s, func() {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		lengths = append(lengths, info.Size())
	}, 12)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 120 {
		cut := int64(len(log)) * int64(n) / 120
		switch n % 3 {
		case 1:
			cut = random.Int64N(int64(len(log)))
		case 2:
			cut = lengths[random.IntN(len(lengths))] - int64(random.IntN(2))
		}
		folder := journaltest.Folder(t)
		copied := filepath.Join(folder, "tidewire.db")
		if err := os.WriteFile(copied, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+"-wal", log[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		commits := 0
		for _, l := range lengths {
			if l <= cut {
				commits++
			}
		}
		checkSample(t, copied, fmt.Sprintf("cut at %d of %d", cut, len(log)), commits, len(lengths))
	}
}

// checkSample opens a journal after a crash and checks that it is consistent and
// has at least so many of the commits of writeSample.
func checkSample(t *testing.T, path, when string, commits, all int) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}()
	runs, err := s.Runs(t.Context(), journal.RunQuery{Limit: 1000})
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	adds, found := 0, 0
	for _, run := range runs {
		found++ // its acceptance
		if _, of, err := s.Event(t.Context(), run.Event); err != nil || len(of) != 1 {
			t.Errorf("%s: the event of run %s: found %d runs, %v", when, run.ID, len(of), err)
		}
		_, steps, err := s.Run(t.Context(), run.ID)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		for i, step := range steps {
			if step.Number != i+1 {
				t.Errorf("%s: run %s has step %d in place %d", when, run.ID, step.Number, i+1)
			}
			if begun := step.State == journal.Begun; begun && i+1 < len(steps) {
				t.Errorf("%s: run %s has a begun record before its last step", when, run.ID)
			}
			found++
			if step.Name == "highlevel.contacts.upsert" && step.State == journal.Done {
				found++
			}
			if step.Name == "state.add" {
				adds++
			}
			if step.Name == "wait_for" && step.State == journal.Done {
				found++ // the event that woke it
			}
		}
		waits := len(steps) == 3 && steps[2].State == journal.Begun
		if waits != (run.State == journal.Waiting) || waits != (run.Park != nil) {
			t.Errorf("%s: run %s is %s with %d steps", when, run.ID, run.State, len(steps))
		}
		if run.State == journal.Running || run.State.Ended() && len(steps) < 2 {
			t.Errorf("%s: run %s is %s with %d steps", when, run.ID, run.State, len(steps))
		}
		if run.State.Ended() {
			found++
		}
	}
	if found < commits || found > all {
		t.Errorf("%s: %d commits are found, %d were acknowledged", when, found, commits)
	}
	if sum := queryNumber(t, path, `SELECT coalesce((SELECT CAST(value AS INTEGER) FROM state), 0)`); sum != adds {
		t.Errorf("%s: the sum is %d, %d additions are recorded", when, sum, adds)
	}
	// An event without a run is one that was awaited, and it woke its run.
	if n := queryNumber(t, path, `SELECT count(*) FROM event e WHERE NOT EXISTS (SELECT 1 FROM run WHERE event = e.seq)
		AND NOT EXISTS (SELECT 1 FROM step WHERE event = e.id)`); n != 0 {
		t.Errorf("%s: %d events have no run and have ended no wait", when, n)
	}
	if n := queryNumber(t, path, `SELECT count(*) FROM await WHERE run NOT IN (SELECT seq FROM run WHERE state = 7)`); n != 0 {
		t.Errorf("%s: %d awaits are left of runs that do not wait", when, n)
	}
}
