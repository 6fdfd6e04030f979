package journaltest

import (
	"errors"

	"github.com/tidewire/tidewire/engine/journal"
)

// suspend suspends the run of an activation.
func (f *fixture) suspend(a journal.Activation) {
	f.Helper()
	if err := f.store.Suspend(lease(a)); err != nil {
		f.Fatal(err)
	}
}

// goOn ends the suspension of a run.
func (f *fixture) goOn(run string, expected bool) {
	f.Helper()
	want(f, "continued", f.store.Continue(run), expected)
}

var suspendTests = map[string]func(f *fixture){
	"a suspended run is leased after it goes on": func(f *fixture) {
		f.queue(1, "c_1", hook("new", laneless))
		a := f.next()
		f.suspend(a)
		f.nothingNext()
		f.goOn(a.Run.ID, true)
		again := f.next()
		want(f, "run", again.Run.ID, a.Run.ID)
		want(f, "event", again.Event.ID, a.Event.ID)
		if again.Epoch <= a.Epoch {
			f.Errorf("epoch %d after %d", again.Epoch, a.Epoch)
		}
		f.goOn(a.Run.ID, false)
	},
	"it goes on before other runs, and with its records": func(f *fixture) {
		f.queue(3, "c_1", hook("new", laneless))
		a := f.next()
		f.record(lease(a), step(1, "state.get", `{}`), journal.Effect{})
		f.suspend(a)
		f.goOn(a.Run.ID, true)
		again := f.next()
		want(f, "run", again.Run.ID, a.Run.ID)
		want(f, "steps", len(again.Steps), 1)
	},
	"it owns its lane": func(f *fixture) {
		ids := f.queue(2, "c_1", hook("new"))
		a := f.next()
		f.suspend(a)
		f.nothingNext()
		f.goOn(a.Run.ID, true)
		f.finish(lease(f.next()), journal.Succeeded)
		want(f, "next", f.next().Run.ID, ids[1])
	},
	"a cancelled run does not go on, and leaves its lane": func(f *fixture) {
		ids := f.queue(2, "c_1", hook("new"))
		f.suspend(f.next())
		if err := f.store.Cancel(f.ctx, ids[0]); err != nil {
			f.Fatal(err)
		}
		f.goOn(ids[0], false)
		want(f, "next", f.next().Run.ID, ids[1])
	},
	"its lease has ended": func(f *fixture) {
		f.queue(1, "c_1", hook("new"))
		a := f.next()
		f.suspend(a)
		for what, err := range map[string]error{
			"suspend": f.store.Suspend(lease(a)),
			"release": f.store.Release(lease(a)),
			"finish":  f.store.Finish(f.ctx, lease(a), journal.Finish{State: journal.Succeeded}),
		} {
			if !errors.Is(err, journal.ErrFenced) {
				f.Errorf("%s: found %v, expected ErrFenced", what, err)
			}
		}
	},
	"only a suspended run goes on": func(f *fixture) {
		ids := f.queue(2, "c_1", hook("new"))
		f.next()
		f.goOn(ids[0], false)
		f.goOn(ids[1], false)
		f.goOn("run_0", false)
	},
	"after a restart it is queued, first of its lane": func(f *fixture) {
		ids := f.queue(2, "c_1", hook("new"))
		a := f.next()
		f.record(lease(a), step(1, "state.get", `{}`), journal.Effect{})
		f.suspend(a)
		f.reopen()
		again := f.next()
		want(f, "run", again.Run.ID, ids[0])
		want(f, "steps", len(again.Steps), 1)
		f.nothingNext()
	},
}
