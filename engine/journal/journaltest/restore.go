package journaltest

import (
	"fmt"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// wantPaused checks that a run is paused because of a restore.
func (f *fixture) wantPaused(id string) journal.Run {
	f.Helper()
	run := f.wantState(id, journal.Paused)
	want(f, "reason of "+id, run.Reason, journal.Restored)
	return run
}

func (f *fixture) unpause(id string) {
	f.Helper()
	f.do(f.store.Unpause(f.ctx, id))
	if run, _ := f.run(id); run.Reason != "" {
		f.Errorf("a released run has the reason %q", run.Reason)
	}
}

// contactNow is an event about a contact that happens now.
func (f *fixture) contactNow(id, record string) journal.Event {
	e := contact(id, record, `{}`)
	e.Time = f.clock.Now()
	return e
}

var restoreTests = map[string]func(f *fixture){
	"live runs are paused, and return to their states when they are released": func(f *fixture) {
		f.inEach(func(state journal.State, id string) {
			before, steps := f.run(id)
			n := f.restore()
			if state.Ended() {
				want(f, "paused", n, 0)
				f.wantState(id, state)
				return
			}
			want(f, string(state)+": paused", n, 1)
			f.nothingNext()
			paused := f.wantPaused(id)
			want(f, "lane", paused.Lane, before.Lane)
			f.reopen()
			f.wantPaused(id)
			f.unpause(id)
			switch state {
			case journal.Queued, journal.Running, journal.Paused:
				a := f.nextIs(id)
				want(f, "records", len(a.Steps), len(steps))
				return
			}
			f.nothingNext()
			after := f.wantState(id, state)
			want(f, string(state)+": waits for", fmt.Sprintf("%+v %v", after.Park.Await, after.Park.Until), fmt.Sprintf("%+v %v", before.Park.Await, before.Park.Until))
			want(f, "problem", fmt.Sprint(after.Problem), fmt.Sprint(before.Problem))
			want(f, "step", after.Park.Step, before.Park.Step)
			f.reopen()
			f.wantState(id, state)
		})
	},
	"only paused runs can be released": func(f *fixture) {
		f.inOnly(func(id string) error { return f.store.Unpause(f.ctx, id) }, journal.Paused)
	},
	"paused runs have their places in their lanes": func(f *fixture) {
		ids := f.queue(3, "c_1", hook("new"))
		f.retry(lease(f.nextIs(ids[0])), time.Hour)
		want(f, "paused", f.restore(), 3)
		f.clock.Advance(time.Millisecond)
		last := f.accept(arrival(f.contactNow("after", "c_1"), hook("new")))[0].Runs[0]
		f.wantState(last, journal.Queued)
		f.unpause(ids[1])
		f.nothingNext()
		f.unpause(ids[0])
		f.wantState(ids[0], journal.Retrying)
		f.nothingNext()
		f.clock.Advance(time.Hour)
		f.finish(lease(f.nextIs(ids[0])), journal.Succeeded)
		f.finish(lease(f.nextIs(ids[1])), journal.Succeeded)
		f.nothingNext()
		f.do(f.store.Cancel(f.ctx, ids[2]))
		f.nextIs(last)
	},
	"a paused run that waited has no place in its lane": func(f *fixture) {
		id := f.queue(1, "c_1", hook("new"))[0]
		f.waits(lease(f.nextIs(id)), 1, awaiting("qonto.invoice.paid"))
		f.restore()
		f.clock.Advance(time.Millisecond)
		after := f.accept(arrival(f.contactNow("after", "c_1"), hook("new")))[0].Runs[0]
		f.finish(lease(f.nextIs(after)), journal.Succeeded)
		// It counts as live for overlap.
		skips := hook("new", func(h *journal.Hook) { h.Overlap = journal.OverlapSkip })
		wantList(f, "skipped", f.accept(arrival(f.contactNow("more", "c_1"), skips))[0].Skipped, []string{"crm new"})
		replaces := hook("new", func(h *journal.Hook) { h.Overlap = journal.OverlapReplace })
		wantList(f, "replaced", f.accept(arrival(f.contactNow("last", "c_1"), replaces))[0].Replaced, []string{id})
	},
	"an event that a paused run waits for wakes it when it is released": func(f *fixture) {
		for _, events := range []int{1, 500} { // more than are read in a batch
			name := fmt.Sprint("c_", events)
			id := f.queue(1, name, hook("new"))[0]
			f.waits(lease(f.nextIs(id)), 1, journal.Await{Triggers: []string{"qonto.invoice.paid"}, Where: map[string][]string{"n": {fmt.Sprint(events)}}})
			f.restore()
			arrivals := make([]journal.Arrival, events)
			for i := range arrivals {
				arrivals[i] = stored(paid(fmt.Sprint(events, "-", i), fmt.Sprintf(`{"n":%d}`, i+1)))
			}
			for _, r := range f.accept(arrivals...) {
				wantList(f, "woken", r.Woken, nil)
			}
			f.wantPaused(id)
			f.nothingNext()
			f.unpause(id)
			a := f.nextIs(id)
			want(f, "event", a.Steps[0].Event, fmt.Sprint("qonto:", events, "-", events-1))
			f.finish(lease(a), journal.Succeeded)
		}
	},
	"a released run that still waits is woken by its event": func(f *fixture) {
		id := f.queue(1, "c_1", hook("new"))[0]
		f.waits(lease(f.nextIs(id)), 1, awaiting("qonto.invoice.paid"))
		f.restore()
		f.unpause(id)
		f.nothingNext()
		wantList(f, "woken", f.accept(stored(paid("1", `{}`)))[0].Woken, []string{id})
		f.nextIs(id)
	},
	"a paused run is not woken by its time, and at once when it is released after that": func(f *fixture) {
		id := f.queue(1, "c_1", hook("new"))[0]
		record := begun(1, "wait_for")
		f.park(lease(f.next()), journal.Park{State: journal.Waiting, Until: f.clock.Now().Add(time.Hour), Step: &record,
			Await: &journal.Await{Triggers: []string{"qonto.invoice.paid"}, Timeout: &bindings.Error{Kind: bindings.Timeout, Message: "no event"}}})
		retries := f.queue(1, "c_2", hook("new"))[0]
		f.retry(lease(f.nextIs(retries)), time.Hour)
		f.restore()
		f.clock.Advance(2 * time.Hour)
		f.nothingNext()
		f.wantPaused(id)
		f.unpause(id)
		if a := f.nextIs(id); a.Steps[0].State != journal.Erred {
			f.Errorf("the wait has the record %+v", a.Steps[0])
		}
		f.unpause(retries)
		f.nextIs(retries)
	},
	"a decision about the approval of a paused run wakes it when it is released": func(f *fixture) {
		id := f.queue(1, "c_1", hook("new"))[0]
		h := lease(f.next())
		f.asks(h, 1, "ap_1", time.Time{})
		f.waits(h, 2, journal.Await{Approval: "ap_1"})
		f.restore()
		if _, err := f.store.Decide(f.ctx, "ap_1", journal.Decision{Choice: "yes", By: "Ana"}); err != nil {
			f.Fatal(err)
		}
		f.wantPaused(id)
		f.nothingNext()
		f.unpause(id)
		if a := f.nextIs(id); a.Steps[1].State != journal.Done {
			f.Errorf("the wait has the record %+v", a.Steps[1])
		}
	},
	"a held run that has released its lane does so again": func(f *fixture) {
		id := f.queue(1, "c_1", hook("new"))[0]
		record := begun(1, "a.call")
		f.park(lease(f.nextIs(id)), journal.Park{State: journal.Held, Step: &record, FreeLane: true})
		f.restore()
		f.clock.Advance(time.Millisecond)
		after := f.accept(arrival(f.contactNow("after", "c_1"), hook("new")))[0].Runs[0]
		f.finish(lease(f.nextIs(after)), journal.Succeeded)
		f.unpause(id)
		f.wantState(id, journal.Held)
		// Runs of another lane rule do not wait for it either.
		other := f.accept(arrival(f.contactNow("other", "c_1"), hook("new", oneLane)))[0].Runs[0]
		f.finish(lease(f.nextIs(other)), journal.Succeeded)
		f.do(f.store.DecideCall(f.ctx, id, journal.CallDecision{Resolution: journal.Resend}))
		want(f, "lane", f.nextIs(id).Run.Lane, "record:loc_1/c_1")
	},
	"runs of events from before the restore are paused, those of later ones are not": func(f *fixture) {
		f.restore()
		f.clock.Advance(time.Minute)
		before, after, untimed := f.contactNow("before", "c_1"), f.contactNow("after", "c_2"), f.contactNow("untimed", "c_3")
		before.Time, untimed.Time = f.clock.Now().Add(-2*time.Minute), time.Time{}
		before.Source = journal.Poll
		receipts := f.accept(arrival(before, hook("new")), arrival(after, hook("new")), arrival(untimed, hook("new")))
		f.wantPaused(receipts[0].Runs[0])
		f.nextIs(receipts[1].Runs[0])
		f.nextIs(receipts[2].Runs[0])
		f.reopen()
		f.wantPaused(receipts[0].Runs[0])
		tick := journal.Event{ID: "schedule:crm:daily:1", Type: "every", Source: journal.Schedule, Time: f.clock.Now().Add(-3 * time.Minute)}
		missed := f.accept(journal.Arrival{Event: tick, Hooks: []*journal.Hook{hook("daily")}, Tick: tick.Time})[0].Runs[0]
		f.wantPaused(missed)
		f.unpause(missed)
		for range 3 { // those that were interrupted, and the tick
			f.next()
		}
	},
	"events from before the restore do not merge into runs that are not paused": func(f *fixture) {
		slow := hook("new", func(h *journal.Hook) { h.Debounce = 10 * time.Second })
		merging := f.accept(arrival(f.contactNow("first", "c_1"), slow))[0].Runs[0]
		want(f, "paused", f.restore(), 1)
		if run := f.wantPaused(merging); !run.Park.Until.IsZero() {
			f.Errorf("its pause ends at %v", run.Park.Until)
		}
		f.clock.Advance(time.Minute)
		old := f.accept(arrival(contact("old", "c_1", `{}`), slow))[0]
		f.clock.Advance(11 * time.Second)
		want(f, "reason", f.becomes(old.Runs[0], journal.Paused).Reason, journal.Restored)
		f.clock.Advance(time.Second)
		now := f.accept(arrival(f.contactNow("now", "c_1"), slow))[0]
		wantList(f, "merged", now.Merged, nil)
		f.clock.Advance(11 * time.Second)
		f.nothingNext() // the paused runs come first in the lane
		f.unpause(merging)
		f.finish(lease(f.nextIs(merging)), journal.Succeeded)
		f.do(f.store.Cancel(f.ctx, old.Runs[0]))
		f.nextIs(now.Runs[0])
	},
	"a run that was to be queued later comes after those that were queued": func(f *fixture) {
		slow := hook("new", func(h *journal.Hook) { h.Debounce = 10 * time.Second })
		first := f.accept(arrival(f.contactNow("first", "c_1"), slow))[0].Runs[0]
		f.clock.Advance(11 * time.Second)
		h := lease(f.nextIs(first))
		later := f.accept(arrival(f.contactNow("second", "c_1"), slow))[0].Runs[0]
		f.waits(h, 1, awaiting("qonto.invoice.paid"))
		f.accept(stored(paid("1", `{}`)))
		f.wantState(first, journal.Queued)
		want(f, "paused", f.restore(), 2)
		f.unpause(first)
		f.finish(lease(f.nextIs(first)), journal.Succeeded)
		f.nothingNext()
		f.unpause(later)
		f.nextIs(later)
	},
	"they are listed and counted by reason, and no flood": func(f *fixture) {
		flooded := f.paused("c_1")
		restored := f.queue(1, "c_2", hook("new"))[0]
		want(f, "reason", f.wantState(flooded, journal.Paused).Reason, journal.Flooded)
		want(f, "paused", f.restore(), 2)
		f.clock.Advance(5 * time.Minute)
		again := f.acceptMany("again", 2, 1, recordNumber, hook("other", func(h *journal.Hook) { h.Triggers = []string{"highlevel.contact.created"} }))
		// These happened before the restore.
		wantList(f, "restored", f.runs(journal.RunQuery{Reason: journal.Restored}), []string{again[1].Runs[0], again[0].Runs[0], restored, flooded})
		wantList(f, "flooded", f.runs(journal.RunQuery{Reason: journal.Flooded}), nil)
		wantList(f, "paused", f.runs(journal.RunQuery{State: journal.Paused}), f.runs(journal.RunQuery{Reason: journal.Restored}))
		wantList(f, "queued", f.runs(journal.RunQuery{State: journal.Queued, Reason: journal.Restored}), nil)
		pending, err := f.store.Pending(f.ctx)
		f.do(err)
		want(f, "pending", fmt.Sprint(pending.Paused), "map[restored:4]")
		counts, err := f.store.Counts(f.ctx)
		f.do(err)
		want(f, "counted", counts[journal.Paused], 4)
		floods, err := f.store.Floods(f.ctx)
		f.do(err)
		want(f, "floods", len(floods), 0)
		n, err := f.store.ReleaseFlood(f.ctx, "", true)
		f.do(err)
		want(f, "dropped", n, 0)
		f.wantPaused(restored)
		f.clock.Advance(5 * time.Minute)
		for i := range 2 {
			a := arrival(f.contactNow(fmt.Sprint("now", i), recordNumber(5+i)), hook("new"))
			a.Flood = 1
			flooded = f.accept(a)[0].Runs[0]
		}
		want(f, "reason", f.wantState(flooded, journal.Paused).Reason, journal.Flooded)
		f.unpause(flooded)
		f.wantState(flooded, journal.Queued)
	},
	"a restored store can be restored again": func(f *fixture) {
		id := f.queue(1, "c_1", hook("new"))[0]
		f.retry(lease(f.nextIs(id)), time.Hour)
		waits := f.queue(1, "c_2", hook("new"))[0]
		f.waits(lease(f.nextIs(waits)), 1, awaiting("qonto.invoice.paid"))
		f.restore()
		f.clock.Advance(time.Minute)
		want(f, "paused", f.restore(), 2)
		f.unpause(id)
		f.unpause(waits)
		f.wantState(id, journal.Retrying)
		f.wantState(waits, journal.Waiting)
	},
}
