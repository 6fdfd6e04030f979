package journaltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
)

var restartTests = map[string]func(f *fixture){
	"queued runs are leased again, in their order": func(f *fixture) {
		h := hook("new", laneless)
		ids := f.queue(20, "c_1", h)
		f.reopen()
		for _, id := range ids {
			a := f.next()
			want(f, "run", a.Run.ID, id)
			want(f, "data", string(a.Event.Data), `{}`)
			want(f, "script", a.Run.Script+" "+a.Run.Hook+" "+a.Run.Matched, "crm new v1")
			f.finish(lease(a), journal.Succeeded)
		}
		f.nothingNext()
	},
	"lanes are as before": func(f *fixture) {
		ids := f.queue(3, "c_1", hook("new"))
		other := f.queue(1, "c_2", hook("new"))
		f.finish(lease(f.next()), journal.Succeeded)
		f.reopen()
		first, second := f.next(), f.next()
		wantList(f, "first of each lane", []string{first.Run.ID, second.Run.ID}, []string{ids[1], other[0]})
		f.nothingNext()
		f.finish(lease(first), journal.Succeeded)
		want(f, "the lane's next", f.next().Run.ID, ids[2])
	},
	"a run without a record starts again, first of its lane": func(f *fixture) {
		ids := f.queue(2, "c_1", hook("new"))
		if err := f.store.Bind(lease(f.next()), journal.Binding{Version: "v2"}); err != nil {
			f.Fatal(err)
		}
		f.reopen()
		run, _ := f.run(ids[0])
		want(f, "state", run.State, journal.Queued)
		want(f, "bound", run.Bound, "")
		a := f.next()
		want(f, "run", a.Run.ID, ids[0])
		want(f, "attempts", a.Run.Attempts, 1)
		f.nothingNext()
	},
	"a run that was interrupted is queued again, first of its lane, with its records": func(f *fixture) {
		ids := f.queue(2, "c_1", hook("new"))
		h := lease(f.next())
		if err := f.store.Bind(h, journal.Binding{Version: "v2"}); err != nil {
			f.Fatal(err)
		}
		f.record(h, step(1, "highlevel.contacts.get", `1`), journal.Effect{})
		record := begun(2, "highlevel.contacts.upsert")
		record.Sent = json.RawMessage(`{"method":"POST"}`)
		f.record(h, record, journal.Effect{})
		before, _ := f.run(ids[0])
		f.reopen()
		run, steps := f.run(ids[0])
		want(f, "state", run.State, journal.Queued)
		want(f, "steps", fmt.Sprintf("%d %d %s", run.Steps, len(steps), steps[1].State), "2 2 begun")
		a := f.next()
		want(f, "run", a.Run.ID, ids[0])
		want(f, "bound", a.Run.Bound, "v2")
		want(f, "attempts", a.Run.Attempts, 1)
		want(f, "started", a.Run.Started, before.Started)
		want(f, "recorded steps", fmt.Sprintf("%+v", a.Steps), fmt.Sprintf("%+v", steps))
		want(f, "what was sent", string(a.Steps[1].Sent), `{"method":"POST"}`)
		f.nothingNext()
		if a.Epoch <= h.Epoch {
			f.Errorf("epoch %d after %d", a.Epoch, h.Epoch)
		}
		f.record(lease(a), step(2, "highlevel.contacts.upsert", `2`), journal.Effect{})
		f.finish(lease(a), journal.Succeeded)
		want(f, "the lane's next", f.next().Run.ID, ids[1])
	},
	"a run released with a record is queued again, first of its lane": func(f *fixture) {
		ids := f.queue(2, "c_1", hook("new"))
		h := lease(f.next())
		f.record(h, step(1, "a", `1`), journal.Effect{})
		if err := f.store.Release(h); err != nil {
			f.Fatal(err)
		}
		run, _ := f.run(ids[0])
		want(f, "state", run.State, journal.Queued)
		a := f.next()
		want(f, "run", a.Run.ID, ids[0])
		want(f, "steps", len(a.Steps), 1)
		f.nothingNext()
	},
	"runs that ended stay ended": func(f *fixture) {
		f.queue(1, "c_1", hook("new"))
		h := lease(f.next())
		f.finish(h, journal.Failed)
		f.reopen()
		f.nothingNext()
		run, _ := f.run(h.Run)
		want(f, "state", run.State, journal.Failed)
	},
	"ids of events are stored": func(f *fixture) {
		a := arrival(contact("1", "c_1", `{}`), hook("new"))
		f.accept(a)
		f.reopen()
		want(f, "duplicate", f.accept(a)[0].Duplicate, true)
	},
	"a lease from before is fenced": func(f *fixture) {
		before := f.begun()
		f.reopen()
		f.wantErr(f.store.Finish(f.ctx, before, journal.Finish{State: journal.Succeeded}), journal.ErrFenced)
		f.next()
		_, err := f.store.Record(f.ctx, before, step(1, "a", `1`), journal.Effect{})
		f.wantErr(err, journal.ErrFenced)
	},
	"new runs come after old ones": func(f *fixture) {
		old := f.queue(1, "c_1", hook("new"))
		f.reopen()
		e := contact("later", "c_1", `{}`)
		later := f.accept(arrival(e, hook("new")))[0].Runs[0]
		a, _ := f.run(old[0])
		b, _ := f.run(later)
		if b.Seq <= a.Seq || later <= old[0] {
			f.Errorf("%s (%d) does not come after %s (%d)", later, b.Seq, old[0], a.Seq)
		}
	},
	"a closed store returns ErrClosed": func(f *fixture) {
		waiting := make(chan error)
		go func() {
			_, err := f.store.Next(context.WithoutCancel(f.ctx))
			waiting <- err
		}()
		if err := f.store.Close(); err != nil {
			f.Fatal(err)
		}
		f.wantErr(<-waiting, journal.ErrClosed)
		if err := f.store.Close(); err != nil {
			f.Errorf("closed twice: %v", err)
		}
		_, acceptErr := f.store.Accept(f.ctx, arrival(contact("1", "c_1", `{}`), hook("new")))
		_, nextErr := f.store.Next(f.ctx)
		_, runsErr := f.store.Runs(f.ctx, journal.RunQuery{})
		_, tickErr := f.store.Tick(f.ctx, "crm", "new")
		for what, err := range map[string]error{
			"Accept": acceptErr, "Next": nextErr, "Runs": runsErr, "Tick": tickErr,
			"SetLive": f.store.SetLive(f.ctx, []journal.Version{{Hash: "h"}}, nil),
		} {
			if !errors.Is(err, journal.ErrClosed) {
				f.Errorf("%s: found %v, expected %v", what, err, journal.ErrClosed)
			}
		}
	},
}
