package journaltest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

func (f *fixture) park(h journal.Lease, p journal.Park) {
	f.Helper()
	if err := f.store.Park(f.ctx, h, p); err != nil {
		f.Fatalf("Park: %v", err)
	}
}

// retry parks a run until its next attempt.
func (f *fixture) retry(h journal.Lease, after time.Duration) {
	f.Helper()
	f.park(h, journal.Park{State: journal.Retrying, Until: f.clock.Now().Add(after), Attempt: true,
		Problem: &journal.Problem{Message: "no answer"}})
}

func (f *fixture) wantState(id string, state journal.State) journal.Run {
	f.Helper()
	run, _ := f.run(id)
	want(f, "state of "+id, run.State, state)
	return run
}

// becomes waits until a run is in a state. A timer changes the state
// concurrently.
func (f *fixture) becomes(id string, state journal.State) journal.Run {
	f.Helper()
	for late := time.Now().Add(maxWait); time.Now().Before(late); {
		if run, _ := f.run(id); run.State == state {
			return run
		}
		f.nothingNext() // waits 30 ms
	}
	return f.wantState(id, state)
}

// nextIs returns the next activation and checks which run it is.
func (f *fixture) nextIs(id string) journal.Activation {
	f.Helper()
	a := f.next()
	want(f, "leased run", a.Run.ID, id)
	return a
}

var owning = []journal.State{journal.Retrying, journal.Throttled, journal.Held, journal.Blocked}

var parkTests = map[string]func(f *fixture){
	"a parked run owns its lane, also after restarts": func(f *fixture) {
		for _, state := range owning {
			ids := f.queue(2, string(state), hook("new"))
			h := lease(f.next())
			f.park(h, journal.Park{State: state, Problem: &journal.Problem{Message: "it is parked"}})
			f.nothingNext()
			f.reopen()
			f.nothingNext()
			run := f.wantState(ids[0], state)
			if run.Park == nil || !run.Park.Since.Equal(f.clock.Now().UTC().Truncate(time.Microsecond)) || run.Problem.Message != "it is parked" {
				f.Errorf("found %+v, %+v", run.Park, run.Problem)
			}
			f.wantState(ids[1], journal.Queued)
		}
	},
	"a timer wakes a run, first of its lane": func(f *fixture) {
		ids := f.queue(3, "c_1", hook("new"))
		f.retry(lease(f.nextIs(ids[0])), time.Minute)
		f.clock.Advance(time.Minute - time.Millisecond)
		f.nothingNext()
		run := f.wantState(ids[0], journal.Retrying)
		want(f, "until", run.Park.Until, f.clock.Now().Add(time.Millisecond).UTC().Truncate(time.Microsecond))
		f.clock.Advance(time.Millisecond)
		a := f.nextIs(ids[0])
		want(f, "attempts", a.Run.Attempts, 2)
		if a.Run.Park != nil || a.Run.Problem != nil {
			f.Errorf("found %+v, %+v", a.Run.Park, a.Run.Problem)
		}
		f.nothingNext()
		f.finish(lease(a), journal.Succeeded)
		f.finish(lease(f.nextIs(ids[1])), journal.Succeeded)
		f.nextIs(ids[2])
	},
	"timers survive a restart": func(f *fixture) {
		ids := f.queue(2, "c_1", hook("new", laneless))
		f.retry(lease(f.next()), time.Hour)
		f.retry(lease(f.next()), 2*time.Hour)
		f.reopen()
		f.nothingNext()
		f.clock.Advance(time.Hour)
		f.nextIs(ids[0])
		f.clock.Adjust(time.Hour)
		f.reopen() // its time passed while the store was closed
		f.nextIs(ids[0])
		f.nextIs(ids[1])
	},
	"after the clock was adjusted a timer is at most a minute late": func(f *fixture) {
		ids := f.queue(1, "c_1", hook("new"))
		f.retry(lease(f.next()), 24*time.Hour)
		f.nothingNext()
		f.clock.Adjust(25 * time.Hour)
		f.clock.Advance(time.Minute)
		a := f.nextIs(ids[0])
		f.retry(lease(a), time.Hour)
		f.clock.Adjust(-30 * time.Hour)
		f.clock.Advance(30 * time.Hour)
		f.nothingNext()
		f.clock.Advance(time.Hour)
		f.nextIs(ids[0])
	},
	"a held run that releases its lane stops no other, and returns as the last": func(f *fixture) {
		for _, overlap := range []journal.Overlap{journal.OverlapQueue, journal.OverlapSkip, journal.OverlapReplace} {
			for name, end := range map[string]func(id string){
				"sent again": func(id string) { f.do(f.store.DecideCall(f.ctx, id, journal.CallDecision{Resolution: journal.Resend})) },
				"skipped":    func(id string) { f.do(f.store.DecideCall(f.ctx, id, journal.CallDecision{Resolution: journal.Skip})) },
				"retried": func(id string) {
					f.do(f.store.DecideCall(f.ctx, id, journal.CallDecision{Resolution: journal.Fail}))
					f.do(f.store.Retry(f.ctx, id))
				},
				"cancelled and retried": func(id string) {
					f.do(f.store.Cancel(f.ctx, id))
					f.do(f.store.Retry(f.ctx, id))
				},
			} {
				lane, h := name+" "+string(overlap), hook("new", overlapping(overlap))
				undecided := f.sends(lane, `{}`, h).Runs[0]
				record := begun(1, "send")
				f.park(lease(f.nextIs(undecided)), journal.Park{State: journal.Held, Step: &record, FreeLane: true})
				for range 2 {
					r := f.sends(lane, `{}`, h)
					want(f, lane+": skipped, replaced", fmt.Sprint(len(r.Skipped), len(r.Replaced)), "0 0")
					f.finish(lease(f.nextIs(r.Runs[0])), journal.Succeeded)
					f.reopen()
				}
				before := f.wantState(undecided, journal.Held)
				now := f.nextIs(f.sends(lane, `{}`, h).Runs[0])
				end(undecided)
				f.nothingNext() // the lane has an owner
				f.finish(lease(now), journal.Succeeded)
				after := f.nextIs(undecided)
				want(f, lane+": lane", after.Run.Lane, before.Lane)
				f.finish(lease(after), journal.Succeeded)
			}
		}
		record := begun(1, "send")
		alone := f.sends("c_1", `{}`, hook("new", laneless)).Runs[0]
		f.park(lease(f.nextIs(alone)), journal.Park{State: journal.Held, Step: &record, FreeLane: true})
		f.do(f.store.DecideCall(f.ctx, alone, journal.CallDecision{Resolution: journal.Resend}))
		f.finish(lease(f.nextIs(alone)), journal.Succeeded)
		f.sends("c_1", `{}`, hook("new"))
		err := f.store.Park(f.ctx, lease(f.next()), journal.Park{State: journal.Retrying, FreeLane: true})
		if err == nil || !strings.Contains(err.Error(), "only a held run can release its lane") {
			f.Errorf("found %v", err)
		}
	},
	"the lease of a parked run is fenced": func(f *fixture) {
		for _, state := range owning {
			f.queue(1, string(state), hook("new"))
			h := lease(f.next())
			f.park(h, journal.Park{State: state})
			_, err := f.store.Record(f.ctx, h, step(1, "a", `1`), journal.Effect{})
			f.wantErr(err, journal.ErrFenced)
			f.wantErr(f.store.Park(f.ctx, h, journal.Park{State: state}), journal.ErrFenced)
			f.wantErr(f.store.Finish(f.ctx, h, journal.Finish{State: journal.Failed}), journal.ErrFenced)
			f.wantErr(f.store.Release(h), journal.ErrFenced)
			f.wantErr(f.store.Withdraw(f.ctx, h, 1), journal.ErrFenced)
		}
	},
	"a step is stored or deleted in the same commit": func(f *fixture) {
		f.queue(1, "c_1", hook("new"))
		h := lease(f.next())
		f.record(h, step(1, "a", `1`), journal.Effect{})
		f.record(h, begun(2, "b"), journal.Effect{})
		f.park(h, journal.Park{State: journal.Throttled, Drop: 2, Until: f.clock.Now().Add(time.Second)})
		_, steps := f.run(h.Run)
		want(f, "steps", len(steps), 1)
		f.clock.Advance(time.Second)
		a := f.next()
		want(f, "recorded steps", len(a.Steps), 1)
		record := begun(2, "b")
		f.park(lease(a), journal.Park{State: journal.Held, Step: &record})
		run, steps := f.run(h.Run)
		want(f, "held", fmt.Sprintf("%s %d %s %d", run.State, len(steps), steps[1].State, run.Park.Step), "held 2 begun 2")
	},
	"an impossible park is refused and changes nothing": func(f *fixture) {
		f.queue(1, "c_1", hook("new"))
		h := lease(f.next())
		f.record(h, step(1, "a", `1`), journal.Effect{})
		record, far := begun(2, "wait"), begun(5, "wait")
		until := f.clock.Now().Add(time.Hour)
		for name, p := range map[string]journal.Park{
			"state":                {State: journal.Running},
			"ended":                {State: journal.Failed},
			"nothing wakes it":     {State: journal.Waiting, Step: &record},
			"no step":              {State: journal.Waiting, Until: until},
			"far step":             {State: journal.Waiting, Until: until, Step: &far},
			"drop of another step": {State: journal.Retrying, Until: until, Drop: 2},
			"await of a retry":     {State: journal.Retrying, Await: &journal.Await{Triggers: []string{"x"}}},
			"empty await":          {State: journal.Waiting, Step: &record, Await: &journal.Await{}},
		} {
			if err := f.store.Park(f.ctx, h, p); err == nil || errors.Is(err, journal.ErrFenced) {
				f.Errorf("%s: found the error %v", name, err)
			}
		}
		f.record(h, step(2, "a", `1`), journal.Effect{})
	},
	"executing time adds up, and the first start stays": func(f *fixture) {
		ids := f.queue(1, "c_1", hook("new"))
		a := f.next()
		f.park(lease(a), journal.Park{State: journal.Retrying, Until: f.clock.Now(), Executed: time.Second})
		b := f.next()
		want(f, "executed before", b.Run.Executed, time.Second)
		want(f, "started", b.Run.Started, a.Run.Started)
		err := f.store.Finish(f.ctx, lease(b), journal.Finish{State: journal.Succeeded, Executed: 2 * time.Second})
		if err != nil {
			f.Fatal(err)
		}
		want(f, "executed", f.wantState(ids[0], journal.Succeeded).Executed, 3*time.Second)
	},
	"the version stays bound": func(f *fixture) {
		f.queue(1, "c_1", hook("new"))
		h := lease(f.next())
		if err := f.store.Bind(h, journal.Binding{Version: "v2"}); err != nil {
			f.Fatal(err)
		}
		f.retry(h, 0)
		a := f.next()
		want(f, "bound", a.Run.Bound, "v2")
		if err := f.store.Bind(lease(a), journal.Binding{Version: "v3"}); err == nil {
			f.Error("it was bound to another version")
		}
	},
	"the configuration that it is bound to stays": func(f *fixture) {
		f.queue(1, "c_1", hook("new"))
		h := lease(f.next())
		first := journal.RunConfig{Connections: map[string]string{"shop": "shop/paris"}, Zone: "Europe/Paris"}
		if err := f.store.Bind(h, journal.Binding{Version: "v2", RunConfig: first}); err != nil {
			f.Fatal(err)
		}
		f.retry(h, 0)
		a := f.next()
		want(f, "connection", a.Run.Connections["shop"], "shop/paris")
		want(f, "zone", a.Run.Zone, "Europe/Paris")
		if err := f.store.Bind(lease(a), journal.Binding{Version: "v2", RunConfig: journal.RunConfig{Zone: "UTC"}}); err != nil {
			f.Fatal(err)
		}
		f.finish(lease(a), journal.Succeeded)
		run, _ := f.run(a.Run.ID)
		want(f, "zone", run.Zone, "Europe/Paris")
		want(f, "connection", run.Connections["shop"], "shop/paris")
	},
	"a begun record can be withdrawn": func(f *fixture) {
		h := f.begun()
		f.record(h, begun(1, "a"), journal.Effect{})
		if err := f.store.Withdraw(f.ctx, h, 1); err != nil {
			f.Fatal(err)
		}
		if err := f.store.Withdraw(f.ctx, h, 1); err == nil {
			f.Error("it was withdrawn twice")
		}
		f.record(h, step(1, "b", `1`), journal.Effect{})
		if err := f.store.Withdraw(f.ctx, h, 1); err == nil {
			f.Error("a result was withdrawn")
		}
		_, steps := f.run(h.Run)
		want(f, "steps", len(steps), 1)
	},
	"what was sent first stays in further begun records, until there is a result": func(f *fixture) {
		h := f.begun()
		for i := range 3 {
			record := begun(1, "a")
			record.Sent = []byte(fmt.Sprintf(`{"try":%d}`, i))
			f.record(h, record, journal.Effect{})
			_, steps := f.run(h.Run)
			want(f, "sent", string(steps[0].Sent), `{"try":0}`)
		}
		f.record(h, step(1, "a", `1`), journal.Effect{})
		_, steps := f.run(h.Run)
		want(f, "sent", string(steps[0].Sent), ``)
	},
}
