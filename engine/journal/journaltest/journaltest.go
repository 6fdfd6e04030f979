// Package journaltest tests the behaviour that every journal.Store must have.
// Each promise of the interface is a subtest with the promise as its name, so
// that the failures of a new store are the list of what it lacks.
//
// What only one store has (files, locks, speed) is tested in its own package.
package journaltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/clock/clocktest"
	"github.com/tidewire/tidewire/engine/journal"
)

// Open makes an empty store that uses clock. reopen simulates a crash and a
// start: it closes the store and opens it again on its files. restore, before a
// reopen, closes the store and makes its files those of a store that was restored
// from a backup at the time of clock; it returns how many runs it paused. Open
// closes the store in a cleanup of its own.
type Open func(t *testing.T, clock *clock.Manual) (store journal.Store, reopen func() journal.Store, restore func() int)

// Run tests a store against all promises of journal.Store.
func Run(t *testing.T, open Open) {
	for _, part := range []struct {
		name  string
		tests map[string]func(f *fixture)
	}{
		{"accept", acceptTests}, {"poll page", pollPageTests}, {"next", nextTests}, {"suspend", suspendTests}, {"record", recordTests}, {"state", stateTests}, {"links", linkTests},
		{"emit", emitTests}, {"finish", finishTests}, {"restart", restartTests}, {"versions", versionTests}, {"read", readTests},
		{"park", parkTests}, {"wait", waitTests}, {"approval", approvalTests},
		{"command", commandTests}, {"policy", policyTests}, {"rule", ruleTests}, {"large", largeTests}, {"prune", pruneTests}, {"status", statusTests},
		{"subscription", subscriptionTests}, {"flood", floodTests}, {"restore", restoreTests}, {"echo", echoTests}, {"file", fileTests},
	} {
		t.Run(part.name, func(t *testing.T) {
			for name, test := range part.tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel() // a test waits for the disk most of the time
					f := &fixture{T: t, ctx: t.Context(), clock: clock.NewManual(time.Now().Round(0))}
					f.store, f.reopenStore, f.restoreStore = open(t, f.clock)
					test(f)
				})
			}
		})
	}
}

// maxWait bounds the wait for a condition.
var maxWait = clocktest.MaxWait

// fixture is one store in one test.
type fixture struct {
	*testing.T
	ctx          context.Context
	clock        *clock.Manual
	store        journal.Store
	reopenStore  func() journal.Store
	restoreStore func() int
	count        int // of events made by begun
}

func (f *fixture) reopen() {
	f.Helper()
	f.store = f.reopenStore()
}

// restore restores the store from a backup of now. It returns how many runs are paused.
func (f *fixture) restore() int {
	f.Helper()
	n := f.restoreStore()
	f.reopen()
	return n
}

// day is when the events of these tests happened.
var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// contact is an event about a contact of HighLevel.
func contact(id, record, data string) journal.Event {
	return journal.Event{
		ID: "highlevel:" + id, Type: "highlevel.contact.created", Connection: "highlevel", Account: "loc_1", Time: day,
		Data: json.RawMessage(data), Source: journal.Webhook, Record: record,
	}
}

// hook is a hook on contacts, with one lane for each record.
func hook(name string, change ...func(*journal.Hook)) *journal.Hook {
	h := &journal.Hook{
		Script: "crm", Name: name, Version: "v1", Triggers: []string{"highlevel.contact.created"},
		Lane: journal.Lane{Kind: journal.LaneRecord},
	}
	for _, c := range change {
		c(h)
	}
	return h
}

func laneless(h *journal.Hook) { h.Lane = journal.Lane{Kind: journal.LaneNone} }

func oneLane(h *journal.Hook) { h.Lane = journal.Lane{Kind: journal.LaneHook} }

func laneBy(paths ...string) func(*journal.Hook) {
	return func(h *journal.Hook) { h.Lane = journal.Lane{Kind: journal.LanePaths, Paths: paths} }
}

func where(path string, values ...string) func(*journal.Hook) {
	return func(h *journal.Hook) { h.Where = map[string][]string{path: values} }
}

func arrival(e journal.Event, hooks ...*journal.Hook) journal.Arrival {
	return journal.Arrival{Event: e, Hooks: hooks}
}

func (f *fixture) accept(arrivals ...journal.Arrival) []journal.Receipt {
	f.Helper()
	f.clock.Advance(time.Millisecond) // so that no two events have the same time
	receipts, err := f.store.Accept(f.ctx, arrivals...)
	if err != nil {
		f.Fatalf("Accept: %v", err)
	}
	if len(receipts) != len(arrivals) {
		f.Fatalf("Accept of %d arrivals returned %d receipts", len(arrivals), len(receipts))
	}
	return receipts
}

// queue accepts n events of one record with a hook and returns the ids of the
// runs.
func (f *fixture) queue(n int, record string, h *journal.Hook) []string {
	f.Helper()
	var ids []string
	for i := range n {
		e := contact(record+"-"+h.Name+"-"+strconv.Itoa(i), record, `{}`)
		e.Time = f.clock.Now().Add(time.Millisecond) // when accept accepts it
		ids = append(ids, f.accept(arrival(e, h))[0].Runs...)
	}
	return ids
}

func (f *fixture) next() journal.Activation {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, maxWait)
	defer cancel()
	a, err := f.store.Next(ctx)
	if err != nil {
		f.Fatalf("Next: %v", err)
	}
	return a
}

// nothingNext fails if a run is leased.
func (f *fixture) nothingNext() {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, 30*time.Millisecond)
	defer cancel()
	a, err := f.store.Next(ctx)
	if err == nil {
		f.Fatalf("Next leased run %s (%s, lane %q); there was nothing to lease", a.Run.ID, a.Run.Event, a.Run.Lane)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		f.Fatalf("Next: %v, expected the context's error", err)
	}
}

// begun accepts one event and returns the lease of its run.
func (f *fixture) begun() journal.Lease {
	f.Helper()
	f.count++
	f.queue(1, fmt.Sprint("begun_", f.count), hook("begun"))
	return lease(f.next())
}

func lease(a journal.Activation) journal.Lease {
	return journal.Lease{Run: a.Run.ID, Epoch: a.Epoch}
}

func step(number int, name, result string) journal.Step {
	return journal.Step{
		Number: number, Name: name, State: journal.Done, Result: json.RawMessage(result), Position: fmt.Sprintf("crm.lua:%d", number),
		Args: json.RawMessage(`{"id":"c_1"}`), Started: day, Duration: 1500 * time.Microsecond, Waited: 300 * time.Microsecond, Sendings: 1,
	}
}

// begun is the begun record of a step.
func begun(number int, name string) journal.Step {
	s := step(number, name, "")
	s.State, s.Result = journal.Begun, nil
	return s
}

func (f *fixture) record(h journal.Lease, s journal.Step, e journal.Effect) string {
	f.Helper()
	result, err := f.store.Record(f.ctx, h, s, e)
	if err != nil {
		f.Fatalf("Record step %d: %v", s.Number, err)
	}
	return string(result)
}

func (f *fixture) finish(h journal.Lease, state journal.State) {
	f.Helper()
	if err := f.store.Finish(f.ctx, h, journal.Finish{State: state}); err != nil {
		f.Fatalf("Finish: %v", err)
	}
}

func (f *fixture) run(id string) (journal.Run, []journal.Step) {
	f.Helper()
	run, steps, err := f.store.Run(f.ctx, id)
	if err != nil {
		f.Fatalf("Run %s: %v", id, err)
	}
	return run, steps
}

func (f *fixture) runs(q journal.RunQuery) (ids []string) {
	f.Helper()
	runs, err := f.store.Runs(f.ctx, q)
	if err != nil {
		f.Fatalf("Runs: %v", err)
	}
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	return ids
}

func (f *fixture) wantErr(err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Errorf("found the error %v, expected %v", err, want)
	}
}

func want[T comparable](f *fixture, what string, found, expected T) {
	f.Helper()
	if found != expected {
		f.Errorf("%s: found %v, expected %v", what, found, expected)
	}
}

func wantList(f *fixture, what string, found, expected []string) {
	f.Helper()
	if fmt.Sprint(found) != fmt.Sprint(expected) {
		f.Errorf("%s:\nfound    %v\nexpected %v", what, found, expected)
	}
}
