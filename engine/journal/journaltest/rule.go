package journaltest

import (
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

var ruleTests = map[string]func(f *fixture){
	"when a hook's lanes change, runs with old keys end before new ones start": func(f *fixture) {
		old, changed := hook("new"), hook("new", laneBy("kind"))
		first := f.queue(1, "c_1", old)[0]
		second := f.queue(1, "c_2", old)[0]
		third := f.queue(1, "c_2b", hook("new", oneLane))[0] // a third rule, in between
		a, b := lease(f.nextIs(first)), lease(f.nextIs(second))
		newer := f.sends("c_3", `{"kind":"x"}`, changed).Runs[0]
		beside := f.sends("c_3", `{"kind":"y"}`, changed).Runs[0]
		f.nothingNext()
		f.finish(a, journal.Succeeded)
		f.nothingNext()
		f.park(b, journal.Park{State: journal.Retrying, Until: f.clock.Now().Add(time.Minute)})
		f.nothingNext()
		f.reopen()
		f.nothingNext()
		f.clock.Advance(time.Minute)
		f.finish(lease(f.nextIs(second)), journal.Failed)
		c := lease(f.nextIs(third))
		f.nothingNext()
		f.finish(c, journal.Succeeded)
		f.nextIs(newer)
		f.nextIs(beside)
	},
	"so too when a hook no longer has lanes, or did not have them before": func(f *fixture) {
		for i, hooks := range [][2]*journal.Hook{
			{hook("given up"), hook("given up", laneless)},
			{hook("new", laneless), hook("new")},
			{hook("path", laneBy("a")), hook("path", laneBy("a", "b"))},
		} {
			record := string(rune('a' + i))
			first, second := f.queue(1, record+"1", hooks[0])[0], f.queue(1, record+"2", hooks[1])[0]
			a := lease(f.nextIs(first))
			f.nothingNext()
			other := f.queue(1, record, hook("other"))[0]
			f.finish(lease(f.nextIs(other)), journal.Succeeded) // another hook is not delayed
			f.finish(a, journal.Succeeded)
			f.finish(lease(f.nextIs(second)), journal.Succeeded)
		}
	},
	"a waiting run does not delay others, and is queued last when it is woken": func(f *fixture) {
		old, changed := hook("new", laneless), hook("new", oneLane)
		waiting := f.queue(1, "c_1", old)[0]
		f.waits(lease(f.nextIs(waiting)), 1, awaiting("qonto.invoice.paid"))
		newer := f.queue(1, "c_2", changed)[0]
		a := lease(f.nextIs(newer))
		f.accept(stored(paid("1", `{}`)))
		f.nothingNext()
		last := f.queue(1, "c_3", changed)[0]
		f.nothingNext()
		f.finish(a, journal.Succeeded)
		b := lease(f.nextIs(waiting))
		f.nothingNext()
		f.finish(b, journal.Succeeded)
		f.nextIs(last)
	},
	"the order stays when runs are cancelled, paused or released meanwhile": func(f *fixture) {
		old, changed := hook("new", laneless), hook("new", oneLane)
		first := f.queue(1, "c_1", old)[0]
		a := f.nextIs(first)
		gone, last := f.queue(1, "c_2", changed)[0], f.queue(1, "c_3", changed)[0]
		f.do(f.store.Cancel(f.ctx, gone))
		f.nothingNext()
		f.do(f.store.Release(lease(a)))
		f.nextIs(first)
		f.nothingNext()
		f.do(f.store.Cancel(f.ctx, first))
		f.nextIs(last)
	},
}
