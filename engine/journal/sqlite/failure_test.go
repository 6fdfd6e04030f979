package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/clock/clocktest"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/ledger"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// execSQL changes the file without the store.
func execSQL(t *testing.T, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
}

func acceptOne(t testing.TB, s *sqlite.Store, i int) (journal.Receipt, error) {
	t.Helper()
	receipts, err := s.Accept(t.Context(), journal.Arrival{Event: contactEvent(i), Hooks: []*journal.Hook{contactHook()}})
	if err != nil {
		return journal.Receipt{}, err
	}
	return receipts[0], nil
}

func next(t testing.TB, s *sqlite.Store) (journal.Activation, journal.Lease) {
	t.Helper()
	a, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a, journal.Lease{Run: a.Run.ID, Epoch: a.Epoch}
}

func TestFailedTaskFailsAlone(t *testing.T) {
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	s := open(t, sqlite.Config{Path: path})
	execSQL(t, path, `CREATE TRIGGER refuse BEFORE INSERT ON event WHEN new.record LIKE '%7' BEGIN SELECT RAISE(ABORT, 'no seven'); END`)
	var failed sync.Map
	each(32, 200, func(i int) {
		if _, err := acceptOne(t, s, i); err != nil {
			failed.Store(i, err)
		}
	})
	for i := range 200 {
		_, bad := failed.Load(i)
		if bad != (i%10 == 7) {
			t.Errorf("event %d: failed is %v", i, bad)
		}
		_, runs, err := s.Event(t.Context(), contactEvent(i).ID)
		if bad && !errors.Is(err, journal.ErrNotFound) || !bad && (err != nil || len(runs) != 1) {
			t.Errorf("event %d: found %d runs, %v", i, len(runs), err)
		}
	}
	// Only stored events have runs.
	for range 180 {
		a, h := next(t, s)
		if strings.HasSuffix(a.Event.Record, "7") {
			t.Errorf("the run of event %s was leased", a.Event.ID)
		}
		if err := s.Finish(t.Context(), h, journal.Finish{State: journal.Succeeded}); err != nil {
			t.Error(err)
		}
	}
}

func TestRecordAfterFailedWrite(t *testing.T) {
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	s := open(t, sqlite.Config{Path: path})
	if _, err := acceptOne(t, s, 1); err != nil {
		t.Fatal(err)
	}
	_, h := next(t, s)
	execSQL(t, path, `CREATE TRIGGER refuse BEFORE INSERT ON step BEGIN SELECT RAISE(ABORT, 'not now'); END`)
	put := journal.Effect{State: &journal.StateOp{Script: "crm", Verb: "add", Key: "n", Value: []byte(`1`)}}
	step := journal.Step{Number: 1, Name: "state.add", State: journal.Done}
	if _, err := s.Record(t.Context(), h, step, put); err == nil {
		t.Fatal("the step was recorded")
	}
	execSQL(t, path, `DROP TRIGGER refuse`)
	result, err := s.Record(t.Context(), h, step, put)
	if err != nil || string(result) != `{"value":1}` {
		t.Errorf("found %s, %v: the failed write left its effect", result, err)
	}
}

// A run that becomes due while no commit is possible is woken when commits are
// possible again.
func TestFailedWakeIsRetried(t *testing.T) {
	clock := clock.NewManual(time.Now().Round(0))
	s := open(t, sqlite.Config{Clock: clock})
	if _, err := acceptOne(t, s, 0); err != nil {
		t.Fatal(err)
	}
	a, h := next(t, s)
	if err := s.Park(t.Context(), h, journal.Park{State: journal.Retrying, Until: clock.Now().Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	restore, err := s.BreakCommit()
	if err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Minute) // the writer wakes the runs that are due before it commits the task of restore
	if err := restore(); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), clocktest.MaxWait)
	defer cancel()
	again, err := s.Next(ctx)
	if err != nil || again.Run.ID != a.Run.ID {
		t.Errorf("woken is %q, %v, want %q", again.Run.ID, err, a.Run.ID)
	}
}

func TestFullDisk(t *testing.T) {
	s := open(t, sqlite.Config{})
	if _, err := acceptOne(t, s, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.SetMaxPages(1); err != nil { // SQLite takes the present size
		t.Fatal(err)
	}
	accepted := 1
	for ; accepted < 10_000; accepted++ {
		if _, err := acceptOne(t, s, accepted); err != nil {
			if !errors.Is(err, journal.ErrFull) {
				t.Fatalf("found %v, expected %v", err, journal.ErrFull)
			}
			break
		}
	}
	if accepted == 10_000 {
		t.Fatal("the file never was full")
	}
	if err := s.SetMaxPages(1 << 20); err != nil {
		t.Fatal(err)
	}
	for ; accepted < 200; accepted++ {
		if r, err := acceptOne(t, s, accepted); err != nil || !r.Stored {
			t.Fatalf("with space again: %+v, %v", r, err)
		}
	}
	runs, err := s.Runs(t.Context(), journal.RunQuery{Limit: 1000})
	if err != nil || len(runs) != accepted {
		t.Errorf("found %d runs, %v, expected %d", len(runs), err, accepted)
	}
}

func TestMaxQueued(t *testing.T) {
	s := open(t, sqlite.Config{MaxQueued: 2})
	for i := range 2 {
		if _, err := acceptOne(t, s, i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := acceptOne(t, s, 2); !errors.Is(err, journal.ErrFull) || !strings.Contains(err.Error(), "2 runs wait") {
		t.Errorf("a third run: found %v, expected %v", err, journal.ErrFull)
	}
	if r, err := acceptOne(t, s, 1); err != nil || !r.Duplicate {
		t.Errorf("a repeat: found %+v, %v; expected a duplicate", r, err)
	}
	_, h := next(t, s)
	emit := journal.Effect{Emit: &journal.Arrival{Event: journal.Event{ID: "emit:1", Type: "emit:x"}, Hooks: []*journal.Hook{contactHook()}}}
	_, err := s.Record(t.Context(), h, journal.Step{Number: 1, Name: "emit", State: journal.Done}, emit)
	var problem *bindings.Error
	if !errors.As(err, &problem) || problem.Kind != bindings.Unavailable || !problem.Retryable {
		t.Errorf("an emit: found %v, expected an error of kind unavailable", err)
	}
	if err := s.Finish(t.Context(), h, journal.Finish{State: journal.Succeeded}); err != nil {
		t.Fatal(err)
	}
	if _, err := acceptOne(t, s, 2); err != nil {
		t.Errorf("with one run less: %v", err)
	}
}

func TestWriteOfCancelledCallerIsCommitted(t *testing.T) {
	s := open(t, sqlite.Config{})
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			go cancel()
			_, err := s.Accept(ctx, journal.Arrival{Event: contactEvent(i), Hooks: []*journal.Hook{contactHook()}})
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("event %d: %v", i, err)
			}
		})
	}
	all.Wait()
	// A caller that accepts the event again gets a duplicate if the first write was
	// committed.
	for i := range 100 {
		if r, err := acceptOne(t, s, i); err != nil || !r.Stored && !r.Duplicate {
			t.Errorf("event %d: %+v, %v", i, r, err)
		}
	}
	runs, err := s.Runs(t.Context(), journal.RunQuery{Limit: 1000})
	if err != nil || len(runs) != 100 {
		t.Errorf("found %d runs, %v", len(runs), err)
	}
}

func TestFencedStoreWritesNothing(t *testing.T) {
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	s := open(t, sqlite.Config{Path: path})
	if _, err := acceptOne(t, s, 0); err != nil {
		t.Fatal(err)
	}
	_, h := next(t, s)
	execSQL(t, path, `UPDATE store SET owner = owner + 1`)
	if _, err := acceptOne(t, s, 1); !errors.Is(err, journal.ErrFenced) {
		t.Errorf("Accept: found %v, expected %v", err, journal.ErrFenced)
	}
	_, recordErr := s.Record(t.Context(), h, journal.Step{Number: 1, Name: "a", State: journal.Done}, journal.Effect{})
	_, replayErr := s.Replay(t.Context(), h.Run, contactHook(), 0)
	_, pruneErr := s.Prune(t.Context(), journal.Retention{Age: time.Hour})
	for what, err := range map[string]error{
		"Record": recordErr, "Replay": replayErr, "Prune": pruneErr,
		"Park":    s.Park(t.Context(), h, journal.Park{State: journal.Retrying}),
		"Cancel":  s.Cancel(t.Context(), h.Run),
		"Release": s.Release(h),
		"Finish":  s.Finish(t.Context(), h, journal.Finish{State: journal.Succeeded}),
	} {
		if !errors.Is(err, journal.ErrFenced) {
			t.Errorf("%s: found %v, expected %v", what, err, journal.ErrFenced)
		}
	}
}

func TestNextReportsMissingRow(t *testing.T) {
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	s := open(t, sqlite.Config{Path: path, Memory: 1})
	r, err := acceptOne(t, s, 0)
	if err != nil {
		t.Fatal(err)
	}
	execSQL(t, path, `DELETE FROM event`)
	if _, err := s.Next(t.Context()); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", r.Runs[0])) {
		t.Errorf("found %v, expected an error that names the run", err)
	}
}

// Decide does not return a decision that was not committed.
func TestUncommittedDecisionIsNotReturned(t *testing.T) {
	s := open(t, sqlite.Config{})
	if _, err := acceptOne(t, s, 1); err != nil {
		t.Fatal(err)
	}
	_, h := next(t, s)
	ask := journal.Effect{Approval: &journal.Approval{ID: "ask-1", Title: "?", Choices: []string{"yes"}}}
	if _, err := s.Record(t.Context(), h, journal.Step{Number: 1, Name: "approval", State: journal.Done}, ask); err != nil {
		t.Fatal(err)
	}
	restore, err := s.BreakCommit()
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Decide(t.Context(), "ask-1", journal.Decision{Choice: "yes"})
	if !errors.Is(err, journal.ErrUnwritable) || a.Decision != nil {
		t.Errorf("found %+v, %v; expected ErrUnwritten and no decision", a, err)
	}
	if err := restore(); err != nil {
		t.Fatal(err)
	}
}

// Memory is as before after a commit that failed: the step can be recorded again,
// and its effect is applied once.
func TestRecordAfterFailedCommit(t *testing.T) {
	var store ledger.Store
	s := open(t, sqlite.Config{}.Wrap(func(s ledger.Store) ledger.Store { store = s; return s }))
	if _, err := acceptOne(t, s, 1); err != nil {
		t.Fatal(err)
	}
	_, h := next(t, s)
	for number, verb := range []string{"add", "add"} {
		step := journal.Step{Number: number + 1, Name: "state.add", State: journal.Done}
		effect := journal.Effect{State: &journal.StateOp{Script: "crm", Verb: verb, Key: "n", Value: []byte(`1`)}}
		restore, err := s.BreakCommit()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Record(t.Context(), h, step, effect); !errors.Is(err, journal.ErrUnwritable) {
			t.Errorf("while no commit is possible: %v", err)
		}
		if err := restore(); err != nil {
			t.Fatal(err)
		}
		if err := sqlite.Compare(store); err != nil {
			t.Errorf("after the failed commit: %v", err)
		}
		result, err := s.Record(t.Context(), h, step, effect)
		if want := fmt.Sprintf(`{"value":%d}`, number+1); err != nil || string(result) != want {
			t.Errorf("found %s, %v, expected %s", result, err, want)
		}
		if err := sqlite.Compare(store); err != nil {
			t.Errorf("after the step: %v", err)
		}
	}
}
