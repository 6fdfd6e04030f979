package journaltest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

var acceptTests = map[string]func(f *fixture){
	"an event is stored unchanged": func(f *fixture) {
		e := contact("1", "c_1", `{"name":"Ana","tags":["vip"]}`)
		e.Echo, e.Time = true, time.Date(2026, 3, 1, 13, 0, 0, 123456000, time.FixedZone("CET", 3600))
		f.accept(arrival(e, hook("new")))
		got, _, err := f.store.Event(f.ctx, e.ID)
		if err != nil {
			f.Fatal(err)
		}
		if got.Received.IsZero() {
			f.Error("the event has no time of receipt")
		}
		if !got.Time.Equal(e.Time) || got.Time.Location() != time.UTC {
			f.Errorf("time: found %v, expected %v in UTC", got.Time, e.Time)
		}
		got.Received, got.Time, e.Time = time.Time{}, time.Time{}, time.Time{}
		want(f, "event", fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", e))
	},
	"the request of an event is stored unchanged": func(f *fixture) {
		e := contact("1", "c_1", `{"scan":{}}`)
		e.Request = &journal.Request{Method: "PUT", Headers: map[string]string{"x-kind": "a"}, Query: json.RawMessage(`{"b":["1","2"]}`), Body: "x", Files: []string{"scan"}}
		f.accept(arrival(e, hook("new")))
		got, _, err := f.store.Event(f.ctx, e.ID)
		if err != nil || got.Request == nil {
			f.Fatalf("found %+v, %v", got, err)
		}
		want(f, "request", fmt.Sprintf("%+v", *got.Request), fmt.Sprintf("%+v", *e.Request))
	},
	"an event without data and time has none when it is read": func(f *fixture) {
		f.accept(journal.Arrival{Event: journal.Event{ID: "hand:1", Type: "emit:x", Source: journal.Manual}, StoreUnmatched: true})
		got, _, err := f.store.Event(f.ctx, "hand:1")
		if err != nil || len(got.Data) != 0 || !got.Time.IsZero() {
			f.Errorf("found %+v, %v", got, err)
		}
	},
	"each hook that matches starts a run, in the order of the hooks": func(f *fixture) {
		receipt := f.accept(arrival(contact("1", "c_1", `{}`), hook("a"), hook("b"), hook("c")))[0]
		if !receipt.Stored || receipt.Duplicate || len(receipt.Runs) != 3 {
			f.Fatalf("found %+v", receipt)
		}
		last := int64(0)
		for i, id := range receipt.Runs {
			run, _ := f.run(id)
			want(f, "hook", run.Hook, string("abc"[i]))
			want(f, "script", run.Script, "crm")
			want(f, "event", run.Event, "highlevel:1")
			want(f, "matched", run.Matched, "v1")
			want(f, "connection", run.Connection, "highlevel")
			want(f, "account", run.Account, "loc_1")
			want(f, "state", run.State, journal.Queued)
			if run.Seq <= last {
				f.Errorf("the seq of run %d does not grow", i)
			}
			last = run.Seq
		}
	},
	"where decides which hooks start a run": func(f *fixture) {
		receipt := f.accept(arrival(contact("1", "c_1", `{"status":"paid","n":3}`),
			hook("yes", where("status", `"paid"`, `"open"`)), hook("no", where("status", `"open"`)), hook("number", where("n", "3.0"))))[0]
		want(f, "runs", len(receipt.Runs), 2)
	},
	"an event that no hook matches by its where is stored without runs": func(f *fixture) {
		receipt := f.accept(arrival(contact("1", "c_1", `{}`), hook("no", where("status", `"open"`))))[0]
		if !receipt.Stored || len(receipt.Runs) != 0 {
			f.Errorf("found %+v", receipt)
		}
	},
	"a hook of another connection starts no run": func(f *fixture) {
		paris := hook("paris", func(h *journal.Hook) { h.Connection = "highlevel/paris" })
		want(f, "runs", len(f.accept(arrival(contact("1", "c_1", `{}`), paris))[0].Runs), 0)
	},
	"an event without hooks is not stored, nor its id": func(f *fixture) {
		e := contact("1", "c_1", `{}`)
		if r := f.accept(arrival(e))[0]; r.Stored || r.Duplicate || len(r.Runs) > 0 {
			f.Errorf("found %+v", r)
		}
		_, _, err := f.store.Event(f.ctx, e.ID)
		f.wantErr(err, journal.ErrNotFound)
		if r := f.accept(arrival(e, hook("new")))[0]; !r.Stored || r.Duplicate {
			f.Errorf("with a hook: found %+v", r)
		}
	},
	"StoreUnmatched stores an event without hooks": func(f *fixture) {
		e := contact("1", "c_1", `{}`)
		want(f, "stored", f.accept(journal.Arrival{Event: e, StoreUnmatched: true})[0].Stored, true)
		if _, runs, err := f.store.Event(f.ctx, e.ID); err != nil || len(runs) != 0 {
			f.Errorf("found %v, %v", runs, err)
		}
	},
	"a repeat is a duplicate and stores nothing": func(f *fixture) {
		e := contact("1", "c_1", `{"v":1}`)
		f.accept(arrival(e, hook("new")))
		e.Data = []byte(`{"v":2}`)
		if r := f.accept(arrival(e, hook("new"), hook("other")))[0]; !r.Duplicate || r.Stored || len(r.Runs) > 0 {
			f.Errorf("found %+v", r)
		}
		got, runs, _ := f.store.Event(f.ctx, e.ID)
		want(f, "data", string(got.Data), `{"v":1}`)
		want(f, "runs", len(runs), 1)
	},
	"a repeat within one call is a duplicate": func(f *fixture) {
		a := arrival(contact("1", "c_1", `{}`), hook("new"))
		receipts := f.accept(a, a)
		if receipts[0].Duplicate || !receipts[1].Duplicate {
			f.Errorf("found %+v", receipts)
		}
	},
	"receipts are in the order of the arrivals": func(f *fixture) {
		f.accept(arrival(contact("old", "c_1", `{}`), hook("new")))
		r := f.accept(arrival(contact("a", "c_1", `{}`), hook("new")), arrival(contact("old", "c_1", `{}`), hook("new")),
			arrival(contact("none", "c_1", `{}`)), arrival(contact("b", "c_1", `{}`), hook("new"), hook("two")))
		found := fmt.Sprint(len(r[0].Runs), r[1].Duplicate, r[2].Stored, len(r[3].Runs))
		want(f, "receipts", found, "1 true false 2")
	},
	"a call with a bad event stores none of its events": func(f *fixture) {
		for name, bad := range map[string]journal.Event{
			"no id":        {Type: "emit:x"},
			"no type":      {ID: "hand:1"},
			"not JSON":     contact("bad", "c_1", `{"name":`),
			"long id":      contact(strings.Repeat("x", 5000), "c_1", `{}`),
			"nested JSON":  contact("deep", "c_1", strings.Repeat("[", 200_000)+strings.Repeat("]", 200_000)),
			"two in place": contact("two", "c_1", `{} {}`),
		} {
			good := contact("good", "c_1", `{}`)
			if _, err := f.store.Accept(f.ctx, arrival(good, hook("new")), arrival(bad, hook("new"))); err == nil {
				f.Errorf("%s: accepted", name)
			}
			_, _, err := f.store.Event(f.ctx, good.ID)
			f.wantErr(err, journal.ErrNotFound)
		}
	},
	"a cancelled context stores nothing": func(f *fixture) {
		ctx, cancel := context.WithCancel(f.ctx)
		cancel()
		_, err := f.store.Accept(ctx, arrival(contact("1", "c_1", `{}`), hook("new")))
		f.wantErr(err, context.Canceled)
		_, _, err = f.store.Event(f.ctx, "highlevel:1")
		f.wantErr(err, journal.ErrNotFound)
	},
	"concurrent callers each get their own receipt": func(f *fixture) {
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				// Two callers have the same id: one of them is first.
				e := contact(fmt.Sprint(i/2), fmt.Sprint("c_", i/2), `{}`)
				if _, err := f.store.Accept(f.ctx, arrival(e, hook("new"))); err != nil {
					f.Errorf("event %s: %v", e.ID, err)
				}
			})
		}
		all.Wait()
		want(f, "runs", len(f.runs(journal.RunQuery{Limit: 500})), 100)
	},
	"a tick is stored as the last one of its schedule": func(f *fixture) {
		nightly := &journal.Hook{Script: "report", Name: "nightly", Version: "v1", Triggers: []string{"every"}}
		tick := func(at time.Time) journal.Arrival {
			return journal.Arrival{Event: journal.Event{ID: "schedule:report:nightly:" + at.Format(time.RFC3339), Type: "every",
				Source: journal.Schedule}, Hooks: []*journal.Hook{nightly}, Tick: at}
		}
		last, err := f.store.Tick(f.ctx, "report", "nightly")
		if err != nil || !last.IsZero() {
			f.Fatalf("before the first: %v, %v", last, err)
		}
		f.accept(tick(day.Add(time.Hour)))
		f.accept(tick(day)) // a late tick does not replace it
		f.reopen()
		last, err = f.store.Tick(f.ctx, "report", "nightly")
		if err != nil || !last.Equal(day.Add(time.Hour)) {
			f.Errorf("found %v, %v", last, err)
		}
		other, err := f.store.Tick(f.ctx, "report", "hourly")
		if err != nil || !other.IsZero() {
			f.Errorf("of another hook: %v, %v", other, err)
		}
	},
}
