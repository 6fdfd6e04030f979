package journaltest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

func changing(path string) func(*journal.Hook) { return func(h *journal.Hook) { h.Changed = path } }

func overlapping(how journal.Overlap) func(*journal.Hook) {
	return func(h *journal.Hook) { h.Overlap = how }
}

func debounced(d time.Duration) func(*journal.Hook) {
	return func(h *journal.Hook) { h.Debounce = d }
}

// sends accepts a new event of a contact with this data.
func (f *fixture) sends(record, data string, h *journal.Hook) journal.Receipt {
	f.Helper()
	f.count++
	return f.accept(arrival(contact("sent_"+strconv.Itoa(f.count), record, data), h))[0]
}

var policyTests = map[string]func(f *fixture){
	"changed accepts a value that differs from the last one of its record": func(f *fixture) {
		h := hook("new", laneless, changing("status"))
		for i, c := range []struct {
			record, data string
			runs         int
		}{
			{"c_1", `{"status":"a"}`, 1}, {"c_1", `{"status":"a"}`, 0}, {"c_2", `{"status":"a"}`, 1}, {"c_1", `{"status":"b"}`, 1},
			{"c_1", `{}`, 1}, {"c_1", `{"status":null}`, 0}, {"c_1", `{"status":{"x":1,"y":2.0}}`, 1},
			{"c_1", `{"status":{"y":2,"x":1}}`, 0}, {"c_1", `{"status":"a"}`, 1},
		} {
			if i == 4 {
				f.reopen()
			}
			want(f, fmt.Sprint("runs of event ", i), len(f.sends(c.record, c.data, h).Runs), c.runs)
		}
		other := contact("elsewhere", "c_1", `{"status":"a"}`)
		other.Connection = "highlevel/paris"
		want(f, "runs of another connection", len(f.accept(arrival(other, h))[0].Runs), 1)
		want(f, "runs of another hook", len(f.sends("c_1", `{"status":"a"}`, hook("other", laneless, changing("status"))).Runs), 1)
	},
	"changed of requests compares by the record that the hook names": func(f *fixture) {
		h := hook("requests", laneless, changing("order.status"), func(h *journal.Hook) { h.Record = "order.id" })
		long := strings.Repeat("x", 1<<10)
		for i, c := range []struct {
			data string
			runs int
		}{
			{`{"order":{"id":"o-1","status":"a"}}`, 1}, {`{"order":{"id":"o-1","status":"a"}}`, 0}, {`{"order":{"id":"o-2","status":"a"}}`, 1},
			{`{"order":{"id":7,"status":"a"}}`, 1}, {`{"order":{"id":7,"status":"a"}}`, 0}, {`{"order":{"id":"o-1","status":"b"}}`, 1},
			{`{"order":{"id":"` + long + `1","status":"a"}}`, 1}, {`{"order":{"id":"` + long + `2","status":"a"}}`, 1}, {`{"order":{"id":"` + long + `1","status":"a"}}`, 0},
			{`{"order":{"status":"a"}}`, 1}, {`"text"`, 1}, {`{"order":{"status":"a"}}`, 1},
		} {
			e := journal.Event{ID: "in:/orders:" + strconv.Itoa(i), Type: "in:/orders", Data: []byte(c.data)}
			want(f, fmt.Sprint("runs of request ", i), len(f.accept(arrival(e, h))[0].Runs), c.runs)
		}
	},
	"changed records the values of events that where refuses and of echoes, not of duplicates": func(f *fixture) {
		h := hook("new", laneless, changing("status"), where("kind", `"x"`))
		want(f, "runs", len(f.sends("c_1", `{"status":"a","kind":"y"}`, h).Runs), 0)
		want(f, "runs", len(f.sends("c_1", `{"status":"a","kind":"x"}`, h).Runs), 0)
		echo := contact("echo", "c_1", `{"status":"b","kind":"y"}`)
		echo.Echo = true
		f.accept(arrival(echo, h))
		want(f, "runs", len(f.sends("c_1", `{"status":"b","kind":"x"}`, h).Runs), 0)
		f.accept(arrival(contact("echo", "c_1", `{"status":"c","kind":"x"}`), h))
		want(f, "runs", len(f.sends("c_1", `{"status":"b","kind":"x"}`, h).Runs), 0)
		want(f, "runs", len(f.sends("c_1", `{"status":"c","kind":"x"}`, h).Runs), 1)
	},
	"overlap skip starts no run while one of its lane is live, a waiting one too": func(f *fixture) {
		h := hook("new", overlapping(journal.OverlapSkip))
		id := f.sends("c_1", `{}`, h).Runs[0]
		skipped := func(when string) {
			f.Helper()
			r := f.sends("c_1", `{}`, h)
			want(f, when, fmt.Sprint(r.Stored, len(r.Runs), r.Skipped), "true 0 [crm new]")
		}
		skipped("queued")
		a := lease(f.nextIs(id))
		skipped("running")
		f.waits(a, 1, awaiting("qonto.invoice.paid"))
		skipped("waiting")
		want(f, "runs of another record", len(f.sends("c_2", `{}`, h).Runs), 1)
		f.accept(stored(paid("1", `{}`)))
		f.next()
		a = lease(f.nextIs(id))
		f.finish(a, journal.Succeeded)
		want(f, "runs after it", len(f.sends("c_1", `{}`, h).Runs), 1)
	},
	"overlap skip applies within one call": func(f *fixture) {
		h := hook("new", overlapping(journal.OverlapSkip))
		r := f.accept(arrival(contact("a", "c_1", `{}`), h), arrival(contact("b", "c_1", `{}`), h))
		want(f, "runs", fmt.Sprint(len(r[0].Runs), len(r[1].Runs), len(r[1].Skipped)), "1 0 1")
	},
	"overlap replace cancels a run that is queued, waits or retries, not one that executes or is held": func(f *fixture) {
		for _, state := range []journal.State{journal.Queued, journal.Running, journal.Waiting, journal.Retrying, journal.Throttled, journal.Held, journal.Blocked} {
			h := hook("new", overlapping(journal.OverlapReplace))
			id := f.sends(string(state), `{}`, h).Runs[0]
			record := begun(1, "wait")
			var a journal.Lease
			if state != journal.Queued {
				a = lease(f.nextIs(id))
			}
			switch state {
			case journal.Queued, journal.Running:
			case journal.Waiting:
				f.waits(a, 1, awaiting("qonto.invoice.paid"))
			case journal.Held:
				f.park(a, journal.Park{State: state, Step: &record})
			default:
				f.park(a, journal.Park{State: state})
			}
			r := f.sends(string(state), `{}`, h)
			if state == journal.Queued || state == journal.Waiting || state == journal.Retrying {
				wantList(f, "replaced while "+string(state), r.Replaced, []string{id})
				f.wantState(id, journal.Cancelled)
				f.finish(lease(f.nextIs(r.Runs[0])), journal.Succeeded)
				continue
			}
			want(f, "replaced while "+string(state), len(r.Replaced), 0)
			f.wantState(id, state)
			f.nothingNext()
			third := f.sends(string(state), `{}`, h)
			wantList(f, "the second is replaced", third.Replaced, r.Runs)
			f.do(f.store.Cancel(f.ctx, id))
			f.finish(lease(f.nextIs(third.Runs[0])), journal.Succeeded)
		}
	},
	"a run that executes ends as replaced once it would wait or retry": func(f *fixture) {
		record := begun(1, "wait")
		for name, c := range map[string]struct {
			park     journal.Park
			replaced bool
		}{
			"waiting":   {journal.Park{State: journal.Waiting, Until: f.clock.Now().Add(time.Hour), Step: &record}, true},
			"retrying":  {journal.Park{State: journal.Retrying, Until: f.clock.Now().Add(time.Hour)}, true},
			"throttled": {journal.Park{State: journal.Throttled, Until: f.clock.Now().Add(time.Hour)}, false},
			"held":      {journal.Park{State: journal.Held, Step: &record}, false},
		} {
			h := hook(name, overlapping(journal.OverlapReplace))
			id := f.sends(name, `{}`, h).Runs[0]
			f.nextIs(id)
			newer := f.sends(name, `{}`, h)
			want(f, name+": replaced at once", len(newer.Replaced), 0)
			f.reopen() // also for a run that continues after a crash
			err := f.store.Park(f.ctx, lease(f.nextIs(id)), c.park)
			if c.replaced {
				f.wantErr(err, journal.ErrFenced)
				if run := f.wantState(id, journal.Cancelled); run.Problem == nil || run.Park != nil {
					f.Errorf("%s: it ended with %+v, parked %+v", name, run.Problem, run.Park)
				}
				f.finish(lease(f.nextIs(newer.Runs[0])), journal.Succeeded)
				continue
			}
			f.wantErr(err, nil)
			f.wantState(id, c.park.State)
			f.nothingNext()
			f.do(f.store.Cancel(f.ctx, id))
			f.finish(lease(f.nextIs(newer.Runs[0])), journal.Succeeded)
		}
	},
	"overlap parallel executes runs in parallel": func(f *fixture) {
		h := hook("new", overlapping(journal.OverlapParallel))
		a, b := f.sends("c_1", `{}`, h).Runs[0], f.sends("c_1", `{}`, h).Runs[0]
		f.nextIs(a)
		f.nextIs(b)
	},
	"debounce merges events until the start, and the handler gets the newest": func(f *fixture) {
		h := hook("new", debounced(10*time.Second))
		id := f.sends("c_1", `{"n":1}`, h).Runs[0]
		other := f.sends("c_2", `{"n":1}`, h).Runs[0]
		f.clock.Advance(6 * time.Second)
		r := f.sends("c_1", `{"n":2}`, h)
		wantList(f, "merged", r.Merged, []string{id})
		want(f, "runs", len(r.Runs), 0)
		run := f.wantState(id, journal.Queued)
		if run.Park == nil || run.Park.Until.Before(f.clock.Now().Add(9*time.Second)) {
			f.Errorf("its start: found %+v", run.Park)
		}
		f.reopen()
		f.nothingNext()
		f.clock.Advance(6 * time.Second)
		f.nextIs(other)
		f.nothingNext()
		f.clock.Advance(6 * time.Second)
		a := f.nextIs(id)
		want(f, "data", string(a.Event.Data), `{"n":2}`)
		for _, event := range []string{"highlevel:sent_1", "highlevel:sent_3"} {
			_, runs, err := f.store.Event(f.ctx, event)
			if err != nil || len(runs) != 1 || runs[0].ID != id {
				f.Errorf("runs of event %s: found %v, %v", event, runs, err)
			}
			wantList(f, "listed", f.runs(journal.RunQuery{Event: event}), []string{id})
		}
		want(f, "runs once it executes", len(f.sends("c_1", `{"n":3}`, h).Runs), 1)
	},
	"debounce waits at most ten times its duration": func(f *fixture) {
		h := hook("new", debounced(10*time.Second))
		id := f.sends("c_1", `{}`, h).Runs[0]
		for range 12 {
			f.clock.Advance(8 * time.Second)
			want(f, "merged", len(f.sends("c_1", `{}`, h).Merged), 1)
		}
		f.nothingNext()
		f.clock.Advance(4 * time.Second)
		f.nextIs(id)
	},
	"debounce merges into a run that is due but has not begun": func(f *fixture) {
		h := hook("new", debounced(time.Second))
		first := f.sends("c_1", `{"n":1}`, h).Runs[0]
		f.clock.Advance(time.Second)
		a := f.nextIs(first)
		second := f.sends("c_1", `{"n":2}`, h).Runs[0]
		f.clock.Advance(time.Second)
		f.nothingNext()
		wantList(f, "merged behind another", f.sends("c_1", `{"n":3}`, h).Merged, []string{second})
		f.finish(lease(a), journal.Succeeded)
		wantList(f, "merged when ready", f.sends("c_1", `{"n":4}`, h).Merged, []string{second})
		b := f.nextIs(second)
		want(f, "data", string(b.Event.Data), `{"n":4}`)
		want(f, "merged once it began", len(f.sends("c_1", `{"n":5}`, h).Merged), 0)
	},
	"debounce decides overlap when the start is due": func(f *fixture) {
		skip := hook("skip", debounced(time.Second), overlapping(journal.OverlapSkip))
		first := f.sends("c_1", `{}`, skip).Runs[0]
		f.clock.Advance(time.Second)
		a := f.nextIs(first)
		second := f.sends("c_1", `{}`, skip).Runs[0]
		f.clock.Advance(time.Second)
		if run := f.becomes(second, journal.Skipped); run.Problem == nil {
			f.Error("it has no problem")
		}
		third := f.sends("c_1", `{}`, skip).Runs[0]
		f.finish(lease(a), journal.Succeeded)
		f.clock.Advance(time.Second)
		f.nextIs(third)

		replace := hook("replace", debounced(time.Second), overlapping(journal.OverlapReplace))
		old := f.sends("c_1", `{}`, replace).Runs[0]
		f.clock.Advance(time.Second)
		f.waits(lease(f.nextIs(old)), 1, awaiting("qonto.invoice.paid"))
		newer := f.sends("c_1", `{}`, replace).Runs[0]
		f.wantState(old, journal.Waiting)
		f.clock.Advance(time.Second)
		f.nextIs(newer)
		f.wantState(old, journal.Cancelled)

		beside := hook("beside", debounced(time.Second), overlapping(journal.OverlapParallel))
		one := f.sends("c_1", `{}`, beside).Runs[0]
		f.clock.Advance(time.Second)
		f.nextIs(one)
		two := f.sends("c_1", `{}`, beside).Runs[0]
		f.clock.Advance(time.Second)
		f.nextIs(two)
	},
	"an event that was merged is the run's own": func(f *fixture) {
		h := hook("new", debounced(time.Second))
		id := f.sends("c_1", `{}`, h).Runs[0]
		f.sends("c_1", `{}`, h)
		f.sends("c_1", `{}`, h)
		f.clock.Advance(time.Second)
		f.waits(lease(f.nextIs(id)), 1, awaiting("highlevel.contact.created"))
		f.nothingNext()
	},
}
