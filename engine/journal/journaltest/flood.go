package journaltest

import (
	"strconv"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// pour accepts n events with a bound on floods, and gives their receipts.
func (f *fixture) pour(name string, n, bound int, record func(i int) string, h *journal.Hook) (all []journal.Receipt) {
	f.Helper()
	for i := range n {
		a := arrival(contact(name+"-"+strconv.Itoa(i), record(i), `{}`), h)
		a.Flood = bound
		all = append(all, f.accept(a)[0])
	}
	return all
}

func apart(i int) string { return "r" + strconv.Itoa(i) }

// paused makes one run of a flood that was over before it, and is paused.
func (f *fixture) paused(lane string) string {
	f.Helper()
	f.clock.Pass(3 * time.Minute)
	all := f.pour(lane+"-flood", 2, 1, func(int) string { return lane }, hook("new"))
	f.do(f.store.Cancel(f.ctx, all[0].Runs[0]))
	return all[1].Runs[0]
}

var floodTests = map[string]func(f *fixture){
	"the runs of more events in a minute than the bound are paused and named": func(f *fixture) {
		all := f.pour("a", 5, 3, apart, hook("new"))
		for i, receipt := range all {
			want(f, "the first of the flood, "+apart(i), receipt.Flood, i == 3)
			state := journal.Queued
			if i >= 3 {
				state = journal.Paused
			}
			f.wantState(receipt.Runs[0], state)
		}
		for range 3 {
			f.finish(holder(f.next()), journal.Succeeded)
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
		for i, receipt := range f.pour("a", 3, 3, apart, hook("new")) {
			want(f, apart(i), receipt.Flood, false)
		}
		f.clock.Pass(time.Minute)
		for i, receipt := range f.pour("b", 3, 3, apart, hook("new")) {
			want(f, apart(i), receipt.Flood, false)
		}
	},
	"a flood is over when a minute brought no more than the bound": func(f *fixture) {
		f.pour("a", 4, 2, apart, hook("new"))
		f.clock.Pass(time.Minute) // the minute before brought too many
		f.wantState(f.pour("b", 1, 2, apart, hook("new"))[0].Runs[0], journal.Paused)
		f.clock.Pass(time.Minute)
		f.wantState(f.pour("c", 1, 2, apart, hook("new"))[0].Runs[0], journal.Queued)
	},
	"release queues the paused runs, each in its place in its lane": func(f *fixture) {
		one := func(int) string { return "one" }
		flood := f.pour("a", 3, 1, one, hook("new"))
		f.clock.Pass(2 * time.Minute)
		after := f.pour("b", 1, 1, one, hook("new"))[0].Runs[0]
		first := f.next()
		want(f, "before the flood", first.Run.ID, flood[0].Runs[0])
		f.finish(holder(first), journal.Succeeded)
		f.nothingNext() // what came after the flood waits behind it
		n, err := f.store.ReleaseFlood(f.ctx, "highlevel.contact.created", false)
		f.do(err)
		want(f, "released", n, 2)
		for _, id := range []string{flood[1].Runs[0], flood[2].Runs[0], after} {
			a := f.next()
			want(f, "handed out", a.Run.ID, id)
			f.finish(holder(a), journal.Succeeded)
		}
	},
	"release lets the rest of the flood through": func(f *fixture) {
		f.pour("a", 3, 1, apart, hook("new"))
		_, err := f.store.ReleaseFlood(f.ctx, "", false)
		f.do(err)
		f.wantState(f.pour("b", 1, 1, apart, hook("new"))[0].Runs[0], journal.Queued)
	},
	"drop cancels the paused runs and no others": func(f *fixture) {
		flood := f.pour("a", 4, 2, apart, hook("new"))
		n, err := f.store.ReleaseFlood(f.ctx, "highlevel.contact.created", true)
		f.do(err)
		want(f, "dropped", n, 2)
		for i, state := range []journal.State{journal.Queued, journal.Queued, journal.Cancelled, journal.Cancelled} {
			f.wantState(flood[i].Runs[0], state)
		}
		run, _ := f.run(flood[3].Runs[0])
		if run.Problem == nil {
			f.Error("a dropped run does not say why it was cancelled")
		}
	},
	"a decision about one trigger leaves others": func(f *fixture) {
		f.pour("a", 2, 1, apart, hook("new"))
		n, err := f.store.ReleaseFlood(f.ctx, "highlevel.note.created", false)
		f.do(err)
		want(f, "released", n, 0)
	},
	"more runs than one commit takes are all released": func(f *fixture) {
		f.pour("a", 600, 1, apart, hook("new", laneless))
		n, err := f.store.ReleaseFlood(f.ctx, "", false)
		f.do(err)
		want(f, "released", n, 599)
	},
	"paused runs are paused after a restart, in their places": func(f *fixture) {
		one := func(int) string { return "one" }
		flood := f.pour("a", 3, 1, one, hook("new"))
		f.reopen()
		f.finish(holder(f.nextIs(flood[0].Runs[0])), journal.Succeeded)
		f.nothingNext()
		want(f, "the flood goes on", f.pour("b", 1, 1, apart, hook("new"))[0].Flood, false)
		n, err := f.store.ReleaseFlood(f.ctx, "", false)
		f.do(err)
		want(f, "released", n, 3)
		f.finish(holder(f.nextIs(flood[1].Runs[0])), journal.Succeeded)
	},
	"a run that a flood would start later is paused when it is due": func(f *fixture) {
		slow := hook("new", func(h *journal.Hook) { h.Debounce = 10 * time.Second })
		flood := f.pour("a", 3, 1, apart, slow)
		f.clock.Pass(11 * time.Second)
		for _, receipt := range flood {
			f.becomes(receipt.Runs[0], journal.Paused)
		}
		n, err := f.store.ReleaseFlood(f.ctx, "", false)
		f.do(err)
		want(f, "released", n, 3)
		f.finish(holder(f.next()), journal.Succeeded)
	},
	"a paused run can be cancelled, and what is behind it goes on": func(f *fixture) {
		one := func(int) string { return "one" }
		flood := f.pour("a", 3, 1, one, hook("new"))
		f.finish(holder(f.nextIs(flood[0].Runs[0])), journal.Succeeded)
		f.do(f.store.Cancel(f.ctx, flood[1].Runs[0]))
		f.nothingNext() // the next is paused too
		_, err := f.store.ReleaseFlood(f.ctx, "", false)
		f.do(err)
		f.finish(holder(f.nextIs(flood[2].Runs[0])), journal.Succeeded)
	},
}
