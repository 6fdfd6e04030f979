package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/journal/ledger"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// operation calls a method of a store. It returns the result as text.
type operation func(s *sqlite.Store) string

// operations makes random operations about few records and runs, so that they
// affect each other.
type operations struct {
	*rand.Rand
	clock     *clock.Manual
	events    int
	leased    []journal.Activation
	runs      []string       // all that were ever leased
	approvals int            // number of approvals
	steps     map[string]int // the number of the last step, by run
}

func pick[T any](o *operations, all ...T) T { return all[o.IntN(len(all))] }

func (o *operations) record() string { return pick(o, "c_1", "c_2", "c_3") }

func (o *operations) data(record string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"id":%q,"name":%q,"stage":%d}`, record, pick(o, "Ana", "Bo", "Cy"), o.IntN(3)))
}

func (o *operations) hooks() (all []*journal.Hook) {
	for _, h := range []journal.Hook{
		{Name: "queue"}, {Name: "skip", Overlap: journal.OverlapSkip}, {Name: "replace", Overlap: journal.OverlapReplace},
		{Name: "parallel", Overlap: journal.OverlapParallel}, {Name: "changed", Changed: "stage"}, {Name: "echo", Echo: true},
		{Name: "debounce", Debounce: time.Second, Overlap: pick(o, journal.OverlapQueue, journal.OverlapSkip, journal.OverlapReplace)},
		{Name: "where", Where: map[string][]string{"name": {`"Ana"`}}},
	} {
		if o.IntN(3) > 0 {
			continue
		}
		h.Script, h.Version, h.Triggers = "crm", pick(o, "v1", "v1", "v2"), []string{"highlevel.contact.*"}
		h.Lane = journal.Lane{Kind: pick(o, journal.LaneRecord, journal.LaneRecord, journal.LaneHook, journal.LaneNone)}
		all = append(all, &h)
	}
	return all
}

func (o *operations) arrival() journal.Arrival {
	o.events++
	id := o.events
	if o.IntN(6) == 0 {
		id = 1 + o.IntN(o.events) // a repeat
	}
	record := o.record()
	a := journal.Arrival{
		Event: journal.Event{
			ID: fmt.Sprint("highlevel:", id), Type: pick(o, "highlevel.contact.created", "highlevel.contact.updated", "highlevel.contact.deleted"),
			Connection: "highlevel", Account: "loc_1", Record: record, Data: o.data(record), Time: o.clock.Now(),
			Source: pick(o, journal.Webhook, journal.Webhook, journal.Poll, journal.Emit),
		},
		Hooks: o.hooks(), StoreUnmatched: true,
	}
	if o.IntN(4) == 0 {
		a.Flood = 6
	}
	if o.IntN(4) == 0 {
		a.Fingerprint = &change.Fingerprint{PollKey: polledContacts, Record: record, Observation: change.Observation{Hash: uint64(o.IntN(3)), At: o.clock.Now()}}
	}
	return a
}

var polledContacts = change.PollKey{Connection: "highlevel", Poll: "contacts"}

func (o *operations) anyLease() (journal.Activation, journal.Lease, bool) {
	if len(o.leased) == 0 {
		return journal.Activation{}, journal.Lease{}, false
	}
	a := pick(o, o.leased...)
	return a, journal.Lease{Run: a.Run.ID, Epoch: a.Epoch}, true
}

func (o *operations) effect() (e journal.Effect) {
	switch o.IntN(6) {
	case 0:
		e.State = &journal.StateOp{Script: "crm", Verb: pick(o, "get", "put", "add", "delete", "cas"), Key: pick(o, "a", "b"),
			Value: json.RawMessage(pick(o, "1", "2", `"x"`)), Expected: json.RawMessage(pick(o, "1", "null"))}
	case 1:
		e.Link = &journal.LinkOp{Verb: pick(o, "put", "get", "remove"), Kind: "a", ID: pick(o, "1", "2"), Kind2: "b", ID2: pick(o, "3", "4", "")}
	case 2:
		a := o.arrival()
		e.Emit = &a
	case 3:
		o.approvals++
		e.Approval = &journal.Approval{ID: fmt.Sprint("ask-", 1+o.IntN(o.approvals)), Title: "?", Choices: []string{"yes", "no"}}
	case 4:
		e.File = pick(o, "f1", "f2")
	}
	return e
}

func (o *operations) written() *change.Written {
	record := pick(o, o.record(), o.record(), "")
	return &change.Written{Connection: "highlevel", Noun: "highlevel.contact", Record: record, Data: o.data(record), Sent: []string{"name"},
		EchoRule: change.EchoRule{Free: []string{"id"}}, Gone: o.IntN(9) == 0}
}

// next returns the next operation.
func (o *operations) next() operation {
	ctx := context.Background()
	if a, h, ok := o.anyLease(); ok && o.IntN(2) == 0 {
		return o.withLease(ctx, a, h)
	}
	switch o.IntN(12) {
	case 0:
		page := journal.PollPage{PollKey: polledContacts, Arrivals: []journal.Arrival{o.arrival()}, Cursors: []journal.Cursor{{Name: "at", Value: []byte("1")}},
			Sightings: []change.Sighting{{PollKey: polledContacts, Record: o.record(), Missed: o.IntN(2) == 0,
				History: []change.Observation{{Hash: uint64(o.IntN(3)), At: o.clock.Now(), By: change.ReportedByList}}}}}
		return func(s *sqlite.Store) string { return result(s.AcceptPage(ctx, page)) }
	case 1:
		id, choice := fmt.Sprint("ask-", 1+o.IntN(o.approvals+1)), pick(o, "yes", "no", "never")
		return func(s *sqlite.Store) string { return result(s.Decide(ctx, id, journal.Decision{Choice: choice})) }
	case 2, 3:
		if len(o.runs) == 0 {
			break
		}
		run, hooks, steps := pick(o, o.runs...), append(o.hooks(), &journal.Hook{Script: "crm", Name: "again", Version: "v1"}), o.IntN(2)
		decision := pick(o, journal.Resend, journal.Skip, journal.Fail)
		return []operation{
			func(s *sqlite.Store) string { return result("cancel", s.Cancel(ctx, run)) },
			func(s *sqlite.Store) string { return result("wake", s.Wake(ctx, run)) },
			func(s *sqlite.Store) string { return result("retry", s.Retry(ctx, run)) },
			func(s *sqlite.Store) string { return result("migrate", s.Migrate(ctx, run, "v2")) },
			func(s *sqlite.Store) string { return result(s.Replay(ctx, run, hooks[0], steps)) },
			func(s *sqlite.Store) string {
				return result("resolve", s.DecideCall(ctx, run, journal.CallDecision{Resolution: decision}))
			},
			func(s *sqlite.Store) string { return result("unpause", s.Unpause(ctx, run)) },
		}[o.IntN(7)]
	case 4:
		trigger, drop := pick(o, "", "highlevel.contact.updated"), o.IntN(3) == 0
		return func(s *sqlite.Store) string { return result(s.ReleaseFlood(ctx, trigger, drop)) }
	}
	a := []journal.Arrival{o.arrival()}
	if o.IntN(4) == 0 {
		a = append(a, o.arrival())
	}
	return func(s *sqlite.Store) string { return result(s.Accept(ctx, a...)) }
}

// withLease returns the next operation of the worker that has a lease.
func (o *operations) withLease(ctx context.Context, a journal.Activation, h journal.Lease) operation {
	number := o.steps[h.Run] + 1
	if o.IntN(8) == 0 {
		number = max(number-1, 1)
	}
	step := journal.Step{Number: number, Name: "a.call", State: journal.Done, Result: []byte(`{"n":1}`), Started: o.clock.Now(), Sendings: 1}
	switch o.IntN(10) {
	case 0, 1, 2:
		o.steps[h.Run] = number
		effect := o.effect()
		return func(s *sqlite.Store) string { return result(s.Record(ctx, h, step, effect)) }
	case 3, 4:
		o.steps[h.Run] = number
		if step.State = pick(o, journal.Begun, journal.Done); step.State == journal.Begun {
			o.steps[h.Run]-- // the next record is its end
			step.Result, step.Sent = nil, []byte(`{"sent":1}`)
		}
		effect := journal.Effect{Written: o.written()}
		return func(s *sqlite.Store) string { return result(s.Record(ctx, h, step, effect)) }
	case 5:
		return func(s *sqlite.Store) string { return result("withdraw", s.Withdraw(ctx, h, number)) }
	case 6:
		return func(s *sqlite.Store) string { return result("release", s.Release(h)) }
	case 7, 8:
		park := o.park(step)
		o.steps[h.Run] = number
		return func(s *sqlite.Store) string { return result("park", s.Park(ctx, h, park)) }
	}
	end := journal.Finish{State: pick(o, journal.Succeeded, journal.Failed)}
	if end.State == journal.Failed {
		end.Problem, end.Follow = &journal.Problem{Message: "no"}, []journal.Arrival{o.arrival()}
	}
	return func(s *sqlite.Store) string { return result("finish", s.Finish(ctx, h, end)) }
}

func (o *operations) park(step journal.Step) journal.Park {
	step.State, step.Result = journal.Begun, nil
	park := journal.Park{State: journal.Waiting, Step: &step, Executed: time.Second}
	switch o.IntN(4) {
	case 0:
		park.Await = &journal.Await{Triggers: []string{pick(o, "highlevel.contact.*", "highlevel.contact.updated")}}
		if o.IntN(2) == 0 {
			park.Await.Where = map[string][]string{"name": {`"Ana"`, `"Bo"`}}
		}
	case 1:
		park.Await = &journal.Await{Approval: fmt.Sprint("ask-", 1+o.IntN(o.approvals+1))}
	case 2:
		park.Until = o.clock.Now().Add(time.Duration(1+o.IntN(3)) * time.Second)
	case 3:
		park.State = pick(o, journal.Retrying, journal.Held, journal.Blocked, journal.Throttled)
		park.Until, park.Attempt = o.clock.Now().Add(time.Second), true
	}
	return park
}

func result(values ...any) string {
	for i, v := range values {
		if err, failed := v.(error); failed {
			values[i] = err.Error()
		} else if text, err := json.Marshal(v); err == nil {
			values[i] = string(text)
		}
	}
	return fmt.Sprint(values...)
}

// rowsOf returns all rows of a journal's file as text.
func rowsOf(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var b strings.Builder
	for _, table := range []string{
		"event", "seen", "hook", "version", "run", "merged", "await", "changed", "step", "approval", "state", "link", "cursor", "sighting",
		"written", "file", "doubt", "poll",
	} {
		rows, err := db.Query("SELECT * FROM " + table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for rows.Next() {
			values, to := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				to[i] = &values[i]
			}
			if err := rows.Scan(to...); err != nil {
				t.Fatal(err)
			}
			line := table
			for i, v := range values {
				if text, isBytes := v.([]byte); isBytes {
					v = string(text)
				}
				line += fmt.Sprintf(" %s=%v", columns[i], v)
			}
			lines = append(lines, line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
		slices.Sort(lines)
		b.WriteString(strings.Join(lines, "\n") + "\n")
	}
	return b.String()
}

// playResult is the results of random operations, and the rows in the file
// afterwards.
type playResult struct{ results, rows string }

// play makes random operations in groups. all calls the operations of a group.
func play(t *testing.T, seed uint64, s *sqlite.Store, store ledger.Store, clock *clock.Manual, path string, all func([]operation) []string) (p playResult) {
	o := &operations{Rand: rand.New(rand.NewPCG(seed, 0)), clock: clock, steps: map[string]int{}}
	for range 25 {
		var group []operation
		for range 1 + o.IntN(8) {
			group = append(group, o.next())
		}
		p.results += strings.Join(all(group), "\n") + "\n"
		pause := time.Millisecond
		if o.IntN(3) == 0 {
			pause += time.Duration(o.IntN(4)) * time.Second
		}
		clock.Advance(pause) // one step, so that all runs that are due are woken at the same time
		synctest.Wait()
		if err := sqlite.Compare(store); err != nil {
			t.Fatalf("seed %d: memory differs from the file: %v", seed, err)
		}
		o.leased = slices.DeleteFunc(o.leased, func(a journal.Activation) bool {
			run, _, err := s.Run(t.Context(), a.Run.ID)
			return err != nil || run.State != journal.Running || run.Epoch != a.Epoch
		})
		for len(o.leased) < 6 {
			a, ok := leaseNow(t, s)
			if !ok {
				break
			}
			p.results += fmt.Sprintf("out %s %s %d steps\n", a.Run.ID, a.Run.Hook, len(a.Steps))
			if o.IntN(2) == 0 {
				if err := s.Bind(journal.Lease{Run: a.Run.ID, Epoch: a.Epoch}, journal.Binding{Version: a.Run.Matched}); err != nil {
					p.results += err.Error() + "\n"
				}
			}
			o.leased, o.runs = append(o.leased, a), append(o.runs, a.Run.ID)
			o.steps[a.Run.ID] = len(a.Steps)
			if n := len(a.Steps); n > 0 && a.Steps[n-1].State == journal.Begun {
				o.steps[a.Run.ID]--
			}
		}
	}
	p.rows = rowsOf(t, path)
	return p
}

// leaseNow leases the next run, if one is ready.
func leaseNow(t *testing.T, s *sqlite.Store) (journal.Activation, bool) {
	counts, err := s.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if counts[journal.Queued] == 0 {
		return journal.Activation{}, false
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	a, err := s.Next(ctx)
	return a, err == nil
}

// A list of the runs in a state has no run in another state, while runs change
// theirs.
func TestListedRunsHaveTheState(t *testing.T) {
	s := open(t, sqlite.Config{})
	var runs []string
	for i := range 20 {
		receipts, err := s.Accept(t.Context(), journal.Arrival{Event: contactEvent(i), Hooks: []*journal.Hook{contactHook()}})
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, receipts[0].Runs...)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var changes sync.WaitGroup
	changes.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			run := runs[i%len(runs)]
			if err := errors.Join(s.Cancel(t.Context(), run), s.Retry(t.Context(), run)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 300 {
		for _, state := range []journal.State{journal.Queued, journal.Cancelled} {
			list, err := s.Runs(t.Context(), journal.RunQuery{State: state})
			if err != nil {
				t.Fatal(err)
			}
			for _, run := range list {
				if run.State != state {
					t.Errorf("%s is in the list of state %s, and its state is %s", run.ID, state, run.State)
				}
			}
		}
	}
	cancel()
	changes.Wait()
}
