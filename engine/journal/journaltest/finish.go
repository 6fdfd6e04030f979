package journaltest

import (
	"fmt"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

var finishTests = map[string]func(f *fixture){
	"a run ends with its state and problem": func(f *fixture) {
		for _, state := range []journal.State{journal.Succeeded, journal.Failed, journal.Skipped, journal.Cancelled} {
			f.queue(1, string(state), hook("new"))
			h := lease(f.next())
			problem := &journal.Problem{Message: "it ended", Position: "crm.lua:3", Limit: "steps",
				App: &bindings.Error{Kind: bindings.Timeout, Message: "late"}}
			if err := f.store.Finish(f.ctx, h, journal.Finish{State: state, Problem: problem}); err != nil {
				f.Fatal(err)
			}
			run, _ := f.run(h.Run)
			want(f, "state", run.State, state)
			if run.Finished.IsZero() || run.Started.IsZero() || run.Finished.Before(run.Started) {
				f.Errorf("started %v, finished %v", run.Started, run.Finished)
			}
			want(f, "problem", fmt.Sprintf("%+v", run.Problem.App), fmt.Sprintf("%+v", problem.App))
			want(f, "message", run.Problem.Message+run.Problem.Position+run.Problem.Limit, "it endedcrm.lua:3steps")
			want(f, "attempts", run.Attempts, 1)
		}
	},
	"a run does not end as queued or running": func(f *fixture) {
		h := f.begun()
		for _, state := range []journal.State{journal.Queued, journal.Running, journal.Waiting, journal.Held, "", "done"} {
			if err := f.store.Finish(f.ctx, h, journal.Finish{State: state}); err == nil {
				f.Errorf("it ended as %q", state)
			}
		}
		f.finish(h, journal.Succeeded)
	},
	"a run ends once": func(f *fixture) {
		h := f.begun()
		f.finish(h, journal.Succeeded)
		f.wantErr(f.store.Finish(f.ctx, h, journal.Finish{State: journal.Failed}), journal.ErrFenced)
		run, _ := f.run(h.Run)
		want(f, "state", run.State, journal.Succeeded)
	},
	"the events that follow are accepted in the same commit": func(f *fixture) {
		h := f.begun()
		failed := journal.Event{ID: "engine:failed:" + h.Run, Type: "run.failed", Source: journal.Engine}
		f.Helper()
		err := f.store.Finish(f.ctx, h, journal.Finish{State: journal.Failed, Problem: &journal.Problem{Message: "no"},
			Follow: []journal.Arrival{arrival(failed, hook("alarm", laneless))}})
		if err != nil {
			f.Fatal(err)
		}
		want(f, "next", f.next().Event.Type, "run.failed")
	},
	"an event that follows and is refused leaves the run unchanged": func(f *fixture) {
		h := f.begun()
		err := f.store.Finish(f.ctx, h, journal.Finish{State: journal.Failed, Follow: []journal.Arrival{arrival(journal.Event{ID: "x"})}})
		if err == nil {
			f.Fatal("an event without type was accepted")
		}
		f.finish(h, journal.Failed)
	},
	"the run stays bound to its version": func(f *fixture) {
		h := f.begun()
		if err := f.store.Bind(h, journal.Binding{Version: "v2"}); err != nil {
			f.Fatal(err)
		}
		f.finish(h, journal.Succeeded)
		run, _ := f.run(h.Run)
		want(f, "bound", run.Bound, "v2")
	},
}
