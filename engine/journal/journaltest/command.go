package journaltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

func (f *fixture) do(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// inEach makes a run in every state, each in a lane of its own, and calls check
// with it.
func (f *fixture) inEach(check func(state journal.State, id string)) {
	f.Helper()
	for _, state := range journal.States() {
		if state == journal.Paused {
			id := f.paused(string(state))
			check(state, id)
			if run, _ := f.run(id); !run.State.Ended() {
				f.do(f.store.Cancel(f.ctx, id))
			}
			continue
		}
		id := f.queue(1, string(state), hook("new"))[0]
		if state != journal.Queued {
			h := lease(f.nextIs(id))
			record := begun(1, "wait")
			switch {
			case state == journal.Running:
			case state == journal.Waiting:
				f.park(h, journal.Park{State: state, Step: &record, Await: &journal.Await{Triggers: []string{"qonto.invoice.paid"}}})
			case state == journal.Held:
				f.park(h, journal.Park{State: state, Step: &record})
			case state.Ended():
				f.finish(h, state)
			default:
				f.park(h, journal.Park{State: state})
			}
		}
		f.wantState(id, state)
		check(state, id)
		if run, _ := f.run(id); !run.State.Ended() {
			f.do(f.store.Cancel(f.ctx, id))
		}
	}
}

// inOnly checks that a command is refused in all states but some, with an error
// that has the state found and the first one expected.
func (f *fixture) inOnly(command func(id string) error, some ...journal.State) {
	f.Helper()
	f.inEach(func(state journal.State, id string) {
		allowed := false
		for _, s := range some {
			allowed = allowed || s == state
		}
		err := command(id)
		if allowed != (err == nil) {
			f.Errorf("%s: found the error %v", state, err)
		}
		if !allowed && (!errors.Is(err, journal.ErrState) || !strings.Contains(err.Error(), string(state)) || !strings.Contains(err.Error(), string(some[0]))) {
			f.Errorf("%s: found %v", state, err)
		}
	})
	f.wantErr(command("run_00000000000000"), journal.ErrNotFound)
}

var commandTests = map[string]func(f *fixture){
	"cancel ends every live run": func(f *fixture) {
		f.inOnly(func(id string) error {
			err := f.store.Cancel(f.ctx, id)
			if err == nil {
				if run := f.wantState(id, journal.Cancelled); run.Finished.IsZero() || run.Park != nil {
					f.Errorf("found %+v", run)
				}
			}
			return err
		}, journal.Queued, journal.Running, journal.Waiting, journal.Retrying, journal.Throttled, journal.Held, journal.Blocked, journal.Paused)
		f.accept(stored(paid("1", `{}`)))
		f.nothingNext()
		f.reopen()
		f.nothingNext()
	},
	"cancel releases the lane, whatever the place of the run in it": func(f *fixture) {
		ids := f.queue(4, "c_1", hook("new"))
		h := lease(f.next())
		f.do(f.store.Cancel(f.ctx, ids[2]))
		f.do(f.store.Cancel(f.ctx, ids[0]))
		f.wantErr(f.store.Finish(f.ctx, h, journal.Finish{State: journal.Succeeded}), journal.ErrFenced)
		f.retry(lease(f.nextIs(ids[1])), time.Hour)
		f.do(f.store.Cancel(f.ctx, ids[1]))
		f.nextIs(ids[3])
	},
	"cancel fences a run that executes": func(f *fixture) {
		h := f.begun()
		f.record(h, step(1, "a", `1`), journal.Effect{})
		f.do(f.store.Cancel(f.ctx, h.Run))
		_, err := f.store.Record(f.ctx, h, step(2, "a", `1`), journal.Effect{State: &journal.StateOp{Script: "crm", Verb: "put", Key: "k", Value: json.RawMessage(`1`)}})
		f.wantErr(err, journal.ErrFenced)
		f.wantErr(f.store.Release(h), journal.ErrFenced)
		run := f.wantState(h.Run, journal.Cancelled)
		want(f, "steps", run.Steps, 1)
		if run.Epoch <= h.Epoch {
			f.Errorf("epoch %d after %d", run.Epoch, h.Epoch)
		}
	},
	"a run that is retried is fenced from the activation that cancel ended": func(f *fixture) {
		h := f.begun() // nothing of this activation is in the journal
		f.do(f.store.Cancel(f.ctx, h.Run))
		f.do(f.store.Retry(f.ctx, h.Run))
		again := lease(f.nextIs(h.Run))
		_, err := f.store.Record(f.ctx, h, step(1, "a", `1`), journal.Effect{})
		f.wantErr(err, journal.ErrFenced)
		f.wantErr(f.store.Finish(f.ctx, h, journal.Finish{State: journal.Succeeded}), journal.ErrFenced)
		f.record(again, step(1, "a", `1`), journal.Effect{})
		f.finish(again, journal.Succeeded)
	},
	"retry queues a failed or cancelled run, as the last of its lane": func(f *fixture) {
		f.inOnly(func(id string) error { return f.store.Retry(f.ctx, id) }, journal.Failed, journal.Cancelled)
		ids := f.queue(3, "c_1", hook("new"))
		f.finish(lease(f.next()), journal.Failed)
		f.do(f.store.Retry(f.ctx, ids[0]))
		f.finish(lease(f.nextIs(ids[1])), journal.Succeeded)
		f.finish(lease(f.nextIs(ids[2])), journal.Succeeded)
		a := f.nextIs(ids[0])
		want(f, "attempts", a.Run.Attempts, 2)
		if a.Run.Problem != nil || !a.Run.Finished.IsZero() {
			f.Errorf("found %+v", a.Run)
		}
	},
	"retry deletes the last record if it is an error, but not an uncertain one": func(f *fixture) {
		for kind, left := range map[bindings.ErrorKind]int{bindings.Unavailable: 1, bindings.Invalid: 1, bindings.Uncertain: 2, "": 2} {
			f.queue(1, "c_"+string(kind), hook("new"))
			h := lease(f.next())
			f.record(h, step(1, "a", `1`), journal.Effect{})
			last := step(2, "b", `2`)
			if kind != "" {
				last.State, last.Result, last.Error = journal.Erred, nil, &bindings.Error{Kind: kind, Message: "no"}
			}
			f.record(h, last, journal.Effect{})
			f.finish(h, journal.Failed)
			f.do(f.store.Retry(f.ctx, h.Run))
			a := f.nextIs(h.Run)
			want(f, "steps left of "+string(kind), len(a.Steps), left)
			f.record(lease(a), step(left+1, "b", `2`), journal.Effect{})
			f.finish(lease(a), journal.Succeeded)
		}
	},
	"a retried wait waits again": func(f *fixture) {
		ids := f.queue(1, "c_1", hook("new"))
		f.waits(lease(f.next()), 1, awaiting("qonto.invoice.paid"))
		f.do(f.store.Cancel(f.ctx, ids[0]))
		f.accept(stored(paid("1", `{}`)))
		f.do(f.store.Retry(f.ctx, ids[0]))
		a := f.nextIs(ids[0])
		want(f, "step", a.Steps[0].State, journal.Begun)
		f.waits(lease(a), 1, awaiting("qonto.invoice.paid"))
		want(f, "event", f.nextIs(ids[0]).Steps[0].Event, "qonto:1")
	},
	"wake queues a parked run that owns its lane, as the first of it": func(f *fixture) {
		f.inOnly(func(id string) error {
			err := f.store.Wake(f.ctx, id)
			if err == nil {
				f.nextIs(id)
			}
			return err
		}, journal.Retrying, journal.Throttled, journal.Blocked)
	},
	"wake queues a held run whose call is being looked up": func(f *fixture) {
		f.queue(1, "c_1", hook("new"))
		h, uncertain := lease(f.next()), begun(1, "a")
		f.park(h, journal.Park{State: journal.Held, Step: &uncertain, Until: f.clock.Now().Add(time.Hour), Problem: &journal.Problem{Message: "look-up pending"}})
		f.do(f.store.Wake(f.ctx, h.Run))
		want(f, "steps", len(f.nextIs(h.Run).Steps), 1)
	},
	"a held run is resolved by sending again, skipping or failing": func(f *fixture) {
		f.inOnly(func(id string) error {
			return f.store.DecideCall(f.ctx, id, journal.CallDecision{Resolution: journal.Resend})
		}, journal.Held)
		uncertain := func(name string) journal.Lease {
			f.queue(2, name, hook("new"))
			h := lease(f.next())
			f.record(h, step(1, "a", `1`), journal.Effect{})
			record := begun(2, "highlevel.contacts.upsert")
			record.Sent = json.RawMessage(`{}`)
			f.park(h, journal.Park{State: journal.Held, Step: &record, Problem: &journal.Problem{Message: "it may have been done", Position: "crm.lua:2"}})
			return h
		}
		resend := uncertain("resend")
		f.do(f.store.DecideCall(f.ctx, resend.Run, journal.CallDecision{Resolution: journal.Resend}))
		want(f, "steps", len(f.nextIs(resend.Run).Steps), 1)
		for _, result := range []string{`{"id":"c_1"}`, ``} {
			skip := uncertain("skip" + result)
			f.do(f.store.DecideCall(f.ctx, skip.Run, journal.CallDecision{Resolution: journal.Skip, Result: json.RawMessage(result)}))
			s := f.nextIs(skip.Run).Steps[1]
			want(f, "skipped", string(s.State)+" "+string(s.Result)+string(s.Sent)+" "+string(s.Args), `done `+result+` {"id":"c_1"}`)
		}
		fail := uncertain("fail")
		follow := arrival(journal.Event{ID: "engine:1", Type: "run.failed", Source: journal.Engine}, hook("alarm", laneless))
		f.do(f.store.DecideCall(f.ctx, fail.Run, journal.CallDecision{Resolution: journal.Fail}, follow))
		run := f.wantState(fail.Run, journal.Failed)
		want(f, "problem", run.Problem.Text(), "crm.lua:2: it may have been done")
		seen := f.next().Event.Type + " " + f.next().Event.Type
		if !strings.Contains(seen, "run.failed") || !strings.Contains(seen, "highlevel.contact.created") {
			f.Errorf("next: found %s", seen)
		}
		for _, bad := range []error{f.store.DecideCall(f.ctx, fail.Run, journal.CallDecision{Resolution: "perhaps"}), f.store.DecideCall(f.ctx, fail.Run, journal.CallDecision{Resolution: journal.Skip, Result: json.RawMessage(`{`)}),
			f.store.DecideCall(f.ctx, fail.Run, journal.CallDecision{Resolution: journal.Resend, Result: json.RawMessage(`1`)})} {
			if bad == nil || errors.Is(bad, journal.ErrState) {
				f.Errorf("found %v", bad)
			}
		}
	},
	"decisions about a held run are recorded": func(f *fixture) {
		f.queue(1, "c_1", hook("new"))
		a := f.next()
		var before []journal.CallDecision
		for i, by := range []string{"ada", "", "bob"} {
			record := begun(1, "send")
			f.park(lease(a), journal.Park{State: journal.Held, Step: &record})
			f.clock.Advance(time.Minute)
			d := journal.CallDecision{Resolution: journal.Resend, By: by}
			if i == 2 {
				d = journal.CallDecision{Resolution: journal.Skip, By: by, Result: json.RawMessage(`1`)}
			}
			f.do(f.store.DecideCall(f.ctx, a.Run.ID, d))
			f.wantErr(f.store.DecideCall(f.ctx, a.Run.ID, d), journal.ErrState)
			before = append(before, journal.CallDecision{Resolution: d.Resolution, By: by, Step: 1, At: f.clock.Now().UTC().Truncate(time.Microsecond)})
			f.reopen()
			a = f.nextIs(a.Run.ID)
		}
		run, _ := f.run(a.Run.ID)
		want(f, "decisions", fmt.Sprint(run.Decisions), fmt.Sprint(before))
		f.finish(lease(a), journal.Succeeded)
		f.clock.Advance(time.Hour)
		if _, err := f.store.Prune(f.ctx, journal.Retention{Age: time.Minute}); err != nil {
			f.Fatal(err)
		}
	},
	"a held run with a time owns its lane, goes on at that time with its begun record, and can be resolved before": func(f *fixture) {
		until := f.clock.Now().Add(time.Minute)
		park := func(a journal.Activation) {
			record := begun(1, "send")
			record.Sent, record.Result = json.RawMessage(`{"at":1}`), json.RawMessage(`{"sent":"2026-03-02T09:00:00Z","candidates":[{"id":7}]}`)
			f.park(lease(a), journal.Park{State: journal.Held, Step: &record, Until: until})
		}
		f.sends("c_1", `{}`, hook("new"))
		f.sends("c_1", `{}`, hook("new"))
		first := f.next()
		f.record(lease(first), begun(1, "send"), journal.Effect{})
		park(first)
		run := f.wantState(first.Run.ID, journal.Held)
		want(f, "until", run.Park.Until.Equal(until.Truncate(time.Microsecond)), true)
		f.nothingNext()
		f.reopen()
		f.nothingNext()
		f.clock.Advance(time.Minute)
		again := f.nextIs(first.Run.ID)
		l := again.Steps[0].Lookup()
		if l == nil || len(l.Candidates) != 1 || string(l.Candidates[0]) != `{"id":7}` {
			f.Errorf("the look-up is %+v", l)
		}
		until = f.clock.Now().Add(time.Minute)
		park(again)
		f.do(f.store.DecideCall(f.ctx, first.Run.ID, journal.CallDecision{Resolution: journal.Skip, Result: json.RawMessage(`{"id":7}`)}))
		done := f.nextIs(first.Run.ID)
		want(f, "result", string(done.Steps[0].State)+" "+string(done.Steps[0].Result), `done {"id":7}`)
		f.clock.Advance(time.Hour)
		f.finish(lease(done), journal.Succeeded)
		f.finish(lease(f.next()), journal.Succeeded)
	},
	"what a look-up decides is recorded with the step": func(f *fixture) {
		h := f.begun()
		resend := journal.CallDecision{Resolution: journal.Resend, By: journal.ByLookup}
		f.record(h, begun(1, "send"), journal.Effect{})
		f.do(f.store.Withdraw(f.ctx, h, 1, resend))
		f.clock.Advance(time.Minute)
		f.record(h, begun(1, "send"), journal.Effect{})
		skip := journal.CallDecision{Resolution: journal.Skip, By: journal.ByLookup}
		if _, err := f.store.Record(f.ctx, h, begun(1, "send"), journal.Effect{Decision: &skip}); err == nil {
			f.Error("a decision was recorded with a begun record")
		}
		f.record(h, step(1, "send", `1`), journal.Effect{Decision: &skip})
		run, _ := f.run(h.Run)
		at := f.clock.Now().UTC().Truncate(time.Microsecond)
		resend.Step, resend.At, skip.Step, skip.At = 1, at.Add(-time.Minute), 1, at
		want(f, "decisions", fmt.Sprint(run.Decisions), fmt.Sprint([]journal.CallDecision{resend, skip}))
	},
	"migrate binds a parked run to another version, and queues a blocked one": func(f *fixture) {
		f.inOnly(func(id string) error {
			before, _, _ := f.store.Run(f.ctx, id)
			err := f.store.Migrate(f.ctx, id, "v9")
			if err != nil {
				return err
			}
			run, _ := f.run(id)
			want(f, "bound", run.Bound, "v9")
			if before.State == journal.Blocked {
				a := f.nextIs(id)
				want(f, "leased", a.Run.Bound, "v9")
				f.do(f.store.Bind(lease(a), journal.Binding{Version: "v9"}))
			} else {
				want(f, "state", run.State, before.State)
			}
			return nil
		}, journal.Waiting, journal.Retrying, journal.Throttled, journal.Held, journal.Blocked)
	},
	"replay is a new run of the same event, with the first steps": func(f *fixture) {
		old := f.begun()
		for n := 1; n <= 3; n++ {
			f.record(old, step(n, "a", `1`), journal.Effect{})
		}
		f.record(old, begun(4, "b"), journal.Effect{})
		f.finish(old, journal.Failed)
		before, steps := f.run(old.Run)
		for copied := range 4 {
			id, err := f.store.Replay(f.ctx, old.Run, hook("begun", func(h *journal.Hook) { h.Version = "v5" }), copied)
			f.do(err)
			a := f.nextIs(id)
			want(f, "event", a.Event.ID, before.Event)
			want(f, "matched", a.Run.Matched+" "+a.Run.Bound, "v5 ")
			want(f, "steps", len(a.Steps), copied)
			for i := range a.Steps {
				if a.Steps[i].Result == nil || string(a.Steps[i].Result) != string(steps[i].Result) || a.Steps[i].Name != steps[i].Name {
					f.Errorf("step %d: found %+v", i+1, a.Steps[i])
				}
			}
			f.record(lease(a), step(copied+1, "c", `2`), journal.Effect{})
			f.finish(lease(a), journal.Succeeded)
		}
		for _, copied := range []int{4, 5} {
			if _, err := f.store.Replay(f.ctx, old.Run, hook("begun"), copied); err == nil {
				f.Errorf("%d steps were copied", copied)
			}
		}
		after, _ := f.run(old.Run)
		want(f, "the old run", after.State, journal.Failed)
		_, err := f.store.Replay(f.ctx, "run_00000000000000", hook("begun"), 0)
		f.wantErr(err, journal.ErrNotFound)
	},
}
