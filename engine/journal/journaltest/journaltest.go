// Package journaltest is the behaviour that every journal.Store must show.
// Each promise of the interface is a subtest with a name that says it, so that
// a new store learns from a failing run what it still owes.
//
// What belongs to one store alone (files, locks, speed) is tested beside it.
package journaltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// Open makes an empty store that goes by clock. reopen stands for a crash and a
// start: it closes the store and opens it again on what it kept. The store is
// closed by Open's own cleanup.
type Open func(t *testing.T, clock *Clock) (store journal.Store, reopen func() journal.Store)

// Run shows that a store keeps all promises of journal.Store.
func Run(t *testing.T, open Open) {
	for _, part := range []struct {
		name  string
		tests map[string]func(f *fixture)
	}{
		{"accept", acceptTests}, {"sweep", sweepTests}, {"next", nextTests}, {"record", recordTests}, {"state", stateTests}, {"links", linkTests},
		{"emit", emitTests}, {"finish", finishTests}, {"restart", restartTests}, {"versions", versionTests}, {"read", readTests},
		{"park", parkTests}, {"wait", waitTests}, {"approval", approvalTests},
		{"command", commandTests}, {"policy", policyTests}, {"rule", ruleTests}, {"large", largeTests}, {"prune", pruneTests}, {"status", statusTests},
		{"subscription", subscriptionTests}, {"flood", floodTests}, {"echo", echoTests}, {"file", fileTests},
	} {
		t.Run(part.name, func(t *testing.T) {
			for name, test := range part.tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel() // a test waits for the disk most of the time
					f := &fixture{T: t, ctx: t.Context(), clock: NewClock()}
					f.store, f.reopenStore = open(t, f.clock)
					test(f)
				})
			}
		})
	}
}

// patience is how long a fact may be waited for, on the slowest machine.
const patience = 2 * time.Minute

// fixture is one store in one test.
type fixture struct {
	*testing.T
	ctx         context.Context
	clock       *Clock
	store       journal.Store
	reopenStore func() journal.Store
	count       int // of events made by begun
}

func (f *fixture) reopen() {
	f.Helper()
	f.store = f.reopenStore()
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

// hook is a hook on contacts; lanes are those of records.
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
	f.clock.Pass(time.Millisecond) // so that times tell events apart
	receipts, err := f.store.Accept(f.ctx, arrivals...)
	if err != nil {
		f.Fatalf("Accept: %v", err)
	}
	if len(receipts) != len(arrivals) {
		f.Fatalf("Accept of %d arrivals gave %d receipts", len(arrivals), len(receipts))
	}
	return receipts
}

// queue accepts n events of one record with a hook and gives the ids of the
// runs.
func (f *fixture) queue(n int, record string, h *journal.Hook) []string {
	f.Helper()
	var ids []string
	for i := range n {
		e := contact(record+"-"+h.Name+"-"+strconv.Itoa(i), record, `{}`)
		ids = append(ids, f.accept(arrival(e, h))[0].Runs...)
	}
	return ids
}

func (f *fixture) next() journal.Activation {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, patience)
	defer cancel()
	a, err := f.store.Next(ctx)
	if err != nil {
		f.Fatalf("Next: %v", err)
	}
	return a
}

// nothingNext fails if a run is handed out.
func (f *fixture) nothingNext() {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, 30*time.Millisecond)
	defer cancel()
	a, err := f.store.Next(ctx)
	if err == nil {
		f.Fatalf("Next handed out run %s (%s, lane %q); nothing was to be handed out", a.Run.ID, a.Run.Event, a.Run.Lane)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		f.Fatalf("Next: %v, expected the context's error", err)
	}
}

// begun accepts one event and hands its run out.
func (f *fixture) begun() journal.Lease {
	f.Helper()
	f.count++
	f.queue(1, fmt.Sprint("begun_", f.count), hook("begun"))
	return holder(f.next())
}

func holder(a journal.Activation) journal.Lease {
	return journal.Lease{Run: a.Run.ID, Epoch: a.Epoch}
}

func step(number int, name, result string) journal.Step {
	return journal.Step{
		Number: number, Name: name, State: journal.Done, Result: json.RawMessage(result), Position: fmt.Sprintf("crm.lua:%d", number),
		Args: json.RawMessage(`{"id":"c_1"}`), Started: day, Duration: 1500 * time.Microsecond, Attempts: 1,
	}
}

// begun is the mark of a step whose request is about to be sent.
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
