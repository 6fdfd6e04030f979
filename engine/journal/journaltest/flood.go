package journaltest

import (
	"strconv"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// acceptMany accepts n events with a bound on floods, and returns their
// receipts.
func (f *fixture) acceptMany(name string, n, bound int, record func(i int) string, h *journal.Hook) (all []journal.Receipt) {
	f.Helper()
	for i := range n {
		a := arrival(contact(name+"-"+strconv.Itoa(i), record(i), `{}`), h)
		a.Flood = bound
		all = append(all, f.accept(a)[0])
	}
	return all
}

func recordNumber(i int) string { return "r" + strconv.Itoa(i) }

// paused makes a run that is paused because of a flood that ended before it.
func (f *fixture) paused(lane string) string {
	f.Helper()
	f.clock.Advance(3 * time.Minute)
	all := f.acceptMany(lane+"-flood", 2, 1, func(int) string { return lane }, hook("new"))
	f.do(f.store.Cancel(f.ctx, all[0].Runs[0]))
	return all[1].Runs[0]
}

var floodTests = map[string]func(f *fixture){
	"a run answers its sender if it starts at once": func(f *fixture) {
		responds := func(h *journal.Hook) { h.Responds = true }
		accept := func(n int, hooks ...*journal.Hook) journal.Receipt {
			f.Helper()
			a := arrival(contact(strconv.Itoa(n), "c_1", `{}`), hooks...)
			a.Flood = 5
			return f.accept(a)[0]
		}
		first := accept(1, hook("beside"), hook("answers", responds))
		want(f, "first in its lane", first.Responding, first.Runs[1])
		want(f, "second in its lane", accept(2, hook("answers", responds)).Responding, "")
		f.finish(lease(f.next()), journal.Succeeded)
		f.waits(lease(f.nextIs(first.Runs[1])), 1, awaiting("qonto.invoice.paid"))
		f.finish(lease(f.next()), journal.Succeeded)
		again := accept(6, hook("answers", responds))
		want(f, "after one that waits and has left the lane", again.Responding, again.Runs[0])
		want(f, "no answer", accept(3, hook("beside", laneless)).Responding, "")
		free := accept(4, hook("free", responds, laneless))
		want(f, "without a lane", free.Responding, free.Runs[0])
		want(f, "paused", accept(5, hook("free", responds, laneless)).Responding, "")
	},
	"the runs of more events in a minute than the bound are paused and named": func(f *fixture) {
		all := f.acceptMany("a", 5, 3, recordNumber, hook("new"))
		for i, receipt := range all {
			want(f, "the first of the flood, "+recordNumber(i), receipt.Flood, i == 3)
			state := journal.Queued
			if i >= 3 {
				state = journal.Paused
			}
			f.wantState(receipt.Runs[0], state)
		}
		for range 3 {
			f.finish(lease(f.next()), journal.Succeeded)
		}
		f.nothingNext()
		floods, err := f.store.Floods(f.ctx)
		f.do(err)
		if len(floods) != 1 {
			f.Fatalf("floods: %+v", floods)
		}
		want(f, "trigger", floods[0].Trigger, "highlevel.contact.created")
		want(f, "paused runs", floods[0].Runs, 2)
		wantList(f, "listed as paused", f.runs(journal.RunQuery{State: journal.Paused}), []string{all[4].Runs[0], all[3].Runs[0]})
		counts, err := f.store.Counts(f.ctx)
		f.do(err)
		want(f, "counted as paused", counts[journal.Paused], 2)
	},
	"as many events as the bound are no flood": func(f *fixture) {
		for i, receipt := range f.acceptMany("a", 3, 3, recordNumber, hook("new")) {
			want(f, recordNumber(i), receipt.Flood, false)
		}
		f.clock.Advance(time.Minute)
		for i, receipt := range f.acceptMany("b", 3, 3, recordNumber, hook("new")) {
			want(f, recordNumber(i), receipt.Flood, false)
		}
	},
	"a flood ends when a minute had no more events than the bound": func(f *fixture) {
		f.acceptMany("a", 4, 2, recordNumber, hook("new"))
		f.clock.Advance(time.Minute) // the minute before had too many
		f.wantState(f.acceptMany("b", 1, 2, recordNumber, hook("new"))[0].Runs[0], journal.Paused)
		f.clock.Advance(time.Minute)
		f.wantState(f.acceptMany("c", 1, 2, recordNumber, hook("new"))[0].Runs[0], journal.Queued)
	},
	"release queues the paused runs, each in its place in its lane": func(f *fixture) {
		one := func(int) string { return "one" }
		flood := f.acceptMany("a", 3, 1, one, hook("new"))
		f.clock.Advance(2 * time.Minute)
		after := f.acceptMany("b", 1, 1, one, hook("new"))[0].Runs[0]
		first := f.next()
		want(f, "before the flood", first.Run.ID, flood[0].Runs[0])
		f.finish(lease(first), journal.Succeeded)
		f.nothingNext() // the run from after the flood waits for those before it in the lane
		n, err := f.store.ReleaseFlood(f.ctx, "highlevel.contact.created", false)
		f.do(err)
		want(f, "released", n, 2)
		for _, id := range []string{flood[1].Runs[0], flood[2].Runs[0], after} {
			a := f.next()
			want(f, "leased", a.Run.ID, id)
			f.finish(lease(a), journal.Succeeded)
		}
	},
	"after release the rest of the flood is not paused": func(f *fixture) {
		f.acceptMany("a", 3, 1, recordNumber, hook("new"))
		_, err := f.store.ReleaseFlood(f.ctx, "", false)
		f.do(err)
		f.wantState(f.acceptMany("b", 1, 1, recordNumber, hook("new"))[0].Runs[0], journal.Queued)
	},
	"drop cancels the paused runs and no others": func(f *fixture) {
		flood := f.acceptMany("a", 4, 2, recordNumber, hook("new"))
		n, err := f.store.ReleaseFlood(f.ctx, "highlevel.contact.created", true)
		f.do(err)
		want(f, "dropped", n, 2)
		for i, state := range []journal.State{journal.Queued, journal.Queued, journal.Cancelled, journal.Cancelled} {
			f.wantState(flood[i].Runs[0], state)
		}
		run, _ := f.run(flood[3].Runs[0])
		if run.Problem == nil {
			f.Error("a dropped run has no problem")
		}
	},
	"a decision about one trigger does not change others": func(f *fixture) {
		f.acceptMany("a", 2, 1, recordNumber, hook("new"))
		n, err := f.store.ReleaseFlood(f.ctx, "highlevel.note.created", false)
		f.do(err)
		want(f, "released", n, 0)
	},
	"more runs than fit in one commit are all released": func(f *fixture) {
		f.acceptMany("a", 600, 1, recordNumber, hook("new", laneless))
		n, err := f.store.ReleaseFlood(f.ctx, "", false)
		f.do(err)
		want(f, "released", n, 599)
	},
	"paused runs are paused after a restart, in their places": func(f *fixture) {
		one := func(int) string { return "one" }
		flood := f.acceptMany("a", 3, 1, one, hook("new"))
		f.reopen()
		f.finish(lease(f.nextIs(flood[0].Runs[0])), journal.Succeeded)
		f.nothingNext()
		want(f, "the flood continues", f.acceptMany("b", 1, 1, recordNumber, hook("new"))[0].Flood, false)
		n, err := f.store.ReleaseFlood(f.ctx, "", false)
		f.do(err)
		want(f, "released", n, 3)
		f.finish(lease(f.nextIs(flood[1].Runs[0])), journal.Succeeded)
	},
	"a run that a flood would start later is paused when it is due": func(f *fixture) {
		slow := hook("new", func(h *journal.Hook) { h.Debounce = 10 * time.Second })
		flood := f.acceptMany("a", 3, 1, recordNumber, slow)
		f.clock.Advance(11 * time.Second)
		for _, receipt := range flood {
			f.becomes(receipt.Runs[0], journal.Paused)
		}
		n, err := f.store.ReleaseFlood(f.ctx, "", false)
		f.do(err)
		want(f, "released", n, 3)
		f.finish(lease(f.next()), journal.Succeeded)
	},
	"a paused run can be cancelled, and the next of its lane continues": func(f *fixture) {
		one := func(int) string { return "one" }
		flood := f.acceptMany("a", 3, 1, one, hook("new"))
		f.finish(lease(f.nextIs(flood[0].Runs[0])), journal.Succeeded)
		f.do(f.store.Cancel(f.ctx, flood[1].Runs[0]))
		f.nothingNext() // the next is paused too
		_, err := f.store.ReleaseFlood(f.ctx, "", false)
		f.do(err)
		f.finish(lease(f.nextIs(flood[2].Runs[0])), journal.Succeeded)
	},
}
