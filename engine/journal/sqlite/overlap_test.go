package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/ledger"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// open opens a store with the instruments of s.
func (s *instrumentedStore) open(t *testing.T, path string) *sqlite.Store {
	return open(t, sqlite.Config{Path: path}.Wrap(func(inner ledger.Store) ledger.Store {
		s.Store = inner
		return s
	}))
}

// acceptContact accepts an event about one contact, for a hook whose newer runs
// replace older ones. It returns the receipt.
func acceptContact(t *testing.T, s *sqlite.Store, i int, source journal.Source) journal.Receipt {
	t.Helper()
	hook := contactHook()
	hook.Overlap = journal.OverlapReplace
	e := contactEvent(i)
	e.Source, e.Record, e.Data = source, "c_1", json.RawMessage(`{"name":"Ana"}`)
	receipts, err := s.Accept(t.Context(), journal.Arrival{Event: e, Hooks: []*journal.Hook{hook}})
	if err != nil {
		t.Fatal(err)
	}
	return receipts[0]
}

// A run that is cancelled is not leased between the decision and the commit: that
// lease would have the same epoch as the lease after a retry.
func TestCancelledRunIsNotLeased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &instrumentedStore{}
		s := store.open(t, "")
		run := acceptContact(t, s, 1, journal.Emit).Runs[0]
		nextErr := errors.New("nothing was written")
		store.beforeWrite = func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, nextErr = s.Next(ctx)
		}
		if err := s.Cancel(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(nextErr, context.DeadlineExceeded) {
			t.Errorf("Next returned %v while the run was cancelled, expected a timeout", nextErr)
		}
		if err := s.Retry(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		if a, _ := next(t, s); a.Run.ID != run {
			t.Errorf("found run %s, expected %s", a.Run.ID, run)
		}
	})
}

// The end of a run starts the runs of the events that its calls deferred, and these
// replace other runs. No run is ended twice.
func TestReplacedRunEndsOnce(t *testing.T) {
	path := filepath.Join(journaltest.Folder(t), "tidewire.db")
	store := &instrumentedStore{}
	s := store.open(t, path)
	first := acceptContact(t, s, 1, journal.Emit).Runs[0]
	_, h := next(t, s)
	written := journal.Effect{Written: &change.Written{Connection: "highlevel", Noun: "highlevel.contact", Record: "c_1", Data: json.RawMessage(`{"name":"Ana"}`)}}
	if _, err := s.Record(t.Context(), h, journal.Step{Number: 1, Name: "highlevel.contacts.update", State: journal.Begun}, written); err != nil {
		t.Fatal(err)
	}
	if deferred := acceptContact(t, s, 2, journal.Poll); len(deferred.Runs) > 0 {
		t.Fatalf("found %+v, expected that the event waits for the call", deferred)
	}
	second := acceptContact(t, s, 3, journal.Emit).Runs[0]
	if err := s.Close(); err != nil { // both runs are queued then, as after a crash
		t.Fatal(err)
	}
	s = store.open(t, path)
	acceptContact(t, s, 4, journal.Emit)
	for _, id := range []string{first, second} {
		if run, _, err := s.Run(t.Context(), id); err != nil || run.State != journal.Cancelled {
			t.Errorf("run %s is %s, %v; expected that it is cancelled", id, run.State, err)
		}
	}
	if err := sqlite.Compare(store.Store); err != nil {
		t.Error(err)
	}
}

// The newest of several runs that are to replace one that parks may be cancelled in
// the same batch. An older one of them replaces the run then.
func TestParkedRunIsReplacedByAnyNewerRun(t *testing.T) {
	for name, together := range map[string]bool{"one by one": false, "in one batch": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &instrumentedStore{}
				s := store.open(t, "")
				oldest := acceptContact(t, s, 1, journal.Emit).Runs[0]
				_, h := next(t, s)
				newer, newest := acceptContact(t, s, 2, journal.Emit).Runs[0], acceptContact(t, s, 3, journal.Emit).Runs[0]
				if err := s.Retry(t.Context(), newer); err != nil { // the newest had replaced it
					t.Fatal(err)
				}
				group := []operation{
					func(s *sqlite.Store) string { return result(s.DropSubscription(t.Context(), "none")) },
					func(s *sqlite.Store) string { return result(s.Cancel(t.Context(), newest)) },
					func(s *sqlite.Store) string {
						return result(s.Park(t.Context(), h, journal.Park{State: journal.Retrying, Until: time.Now().Add(time.Hour)}))
					},
				}
				if together {
					store.inOneBatch(s, group)
				} else {
					for _, one := range group {
						one(s)
					}
				}
				if run, _, err := s.Run(t.Context(), oldest); err != nil || run.State != journal.Cancelled {
					t.Errorf("the run that parked is %s, %v; expected that it is cancelled for a newer one", run.State, err)
				}
			})
		})
	}
}

// A write after a Cancel in the same commit is refused, whichever it is.
func TestWriteAfterCancelInOneCommit(t *testing.T) {
	effect := journal.Effect{State: &journal.StateOp{Script: "crm", Verb: "put", Key: "k", Value: json.RawMessage("1")}}
	for name, write := range map[string]func(ctx context.Context, s *sqlite.Store, h journal.Lease) error{
		"Record": func(ctx context.Context, s *sqlite.Store, h journal.Lease) error {
			_, err := s.Record(ctx, h, journal.Step{Number: 1, Name: "state.put", State: journal.Done}, effect)
			return err
		},
		"Park": func(ctx context.Context, s *sqlite.Store, h journal.Lease) error {
			return s.Park(ctx, h, journal.Park{State: journal.Retrying, Until: time.Now().Add(time.Hour)})
		},
		"Finish": func(ctx context.Context, s *sqlite.Store, h journal.Lease) error {
			return s.Finish(ctx, h, journal.Finish{State: journal.Succeeded})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &instrumentedStore{}
				s := store.open(t, "")
				run := acceptContact(t, s, 1, journal.Emit).Runs[0]
				_, h := next(t, s)
				var cancelErr, writeErr error
				store.inOneBatch(s, []operation{
					func(s *sqlite.Store) string { acceptContact(t, s, 2, journal.Emit); return "" },
					func(s *sqlite.Store) string { cancelErr = s.Cancel(t.Context(), run); return "" },
					func(s *sqlite.Store) string { writeErr = write(t.Context(), s, h); return "" },
				})
				if cancelErr != nil || !errors.Is(writeErr, journal.ErrFenced) {
					t.Errorf("cancel: %v; the write after it: %v, expected %v", cancelErr, writeErr, journal.ErrFenced)
				}
				one, steps, err := s.Run(t.Context(), run)
				if err != nil || one.State != journal.Cancelled || len(steps) != 0 {
					t.Errorf("the run is %s with %d steps, %v", one.State, len(steps), err)
				}
				if last := len(store.roundTrips); last < 2 {
					t.Errorf("%d commits", last)
				}
				if err := sqlite.Compare(store.Store); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
