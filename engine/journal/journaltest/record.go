package journaltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

var recordTests = map[string]func(f *fixture){
	"a step is stored as it was recorded": func(f *fixture) {
		h := f.begun()
		s := step(1, "highlevel.contacts.get", `{"contact":{"id":"c_1"}}`)
		want(f, "result", f.record(h, s, journal.Effect{}), string(s.Result))
		refused := step(2, "highlevel.contacts.update", "")
		refused.State, refused.Result = journal.Erred, nil
		refused.Error = &bindings.Error{Kind: bindings.Conflict, Status: 409, Message: "no", App: "highlevel", Body: json.RawMessage(`{"a":1}`)}
		f.record(h, refused, journal.Effect{})
		_, steps := f.run(h.Run)
		if len(steps) != 2 {
			f.Fatalf("found %d steps", len(steps))
		}
		want(f, "first", fmt.Sprintf("%+v", steps[0]), fmt.Sprintf("%+v", s))
		if e := steps[1].Error; e == nil || e.Kind != bindings.Conflict || string(e.Body) != `{"a":1}` {
			f.Errorf("error: found %+v", e)
		}
		want(f, "state", steps[1].State, journal.Erred)
	},
	"a run is running once it is leased, and counts its steps": func(f *fixture) {
		h := f.begun()
		run, _ := f.run(h.Run)
		want(f, "state", run.State, journal.Running)
		f.record(h, step(1, "a", `1`), journal.Effect{})
		f.record(h, step(2, "b", `2`), journal.Effect{})
		run, _ = f.run(h.Run)
		want(f, "state", run.State, journal.Running)
		want(f, "steps", run.Steps, 2)
		want(f, "epoch", run.Epoch, h.Epoch)
		f.finish(h, journal.Succeeded)
		run, _ = f.run(h.Run)
		want(f, "steps at the end", run.Steps, 2)
	},
	"a begun record is replaced, also twice, and no other is": func(f *fixture) {
		h := f.begun()
		record := step(1, "highlevel.contacts.upsert", "")
		record.State, record.Result = journal.Begun, nil
		f.record(h, record, journal.Effect{})
		record.Sendings = 2
		f.record(h, record, journal.Effect{})
		f.record(h, step(1, "highlevel.contacts.upsert", `{"id":"c_1"}`), journal.Effect{})
		if _, err := f.store.Record(f.ctx, h, step(1, "highlevel.contacts.upsert", `{"id":"c_2"}`), journal.Effect{}); err == nil {
			f.Error("a result was replaced")
		}
		_, steps := f.run(h.Run)
		want(f, "steps", len(steps), 1)
		want(f, "result", string(steps[0].Result), `{"id":"c_1"}`)
		want(f, "state", steps[0].State, journal.Done)
	},
	"steps are recorded one after the other": func(f *fixture) {
		h := f.begun()
		for _, number := range []int{0, 2, -1} {
			if _, err := f.store.Record(f.ctx, h, step(number, "a", `1`), journal.Effect{}); err == nil {
				f.Errorf("step %d was recorded first", number)
			}
		}
		f.record(h, step(1, "a", `1`), journal.Effect{})
	},
	"a step that could not be read again is refused": func(f *fixture) {
		h := f.begun()
		for name, change := range map[string]func(*journal.Step, *journal.Effect){
			"state":     func(s *journal.Step, _ *journal.Effect) { s.State = "perhaps" },
			"arguments": func(s *journal.Step, _ *journal.Effect) { s.Args = json.RawMessage(`{`) },
			"result":    func(s *journal.Step, _ *journal.Effect) { s.Result = json.RawMessage(`nil`) },
			"state value": func(_ *journal.Step, e *journal.Effect) {
				e.State = &journal.StateOp{Verb: "put", Value: json.RawMessage(`{`)}
			},
			"two effects": func(_ *journal.Step, e *journal.Effect) { e.State, e.Link = &journal.StateOp{}, &journal.LinkOp{} },
		} {
			s, e := step(1, "a", `1`), journal.Effect{}
			change(&s, &e)
			if _, err := f.store.Record(f.ctx, h, s, e); err == nil {
				f.Errorf("a bad %s was recorded", name)
			}
		}
		_, steps := f.run(h.Run)
		want(f, "steps", len(steps), 0)
	},
	"a stale lease is fenced": func(f *fixture) {
		stale := f.begun()
		if err := f.store.Release(stale); err != nil {
			f.Fatal(err)
		}
		check := func(when string) {
			f.Helper()
			_, err := f.store.Record(f.ctx, stale, step(1, "a", `1`), journal.Effect{State: &journal.StateOp{Verb: "put", Key: "k", Value: json.RawMessage(`1`)}})
			for what, err := range map[string]error{
				"Record": err, "Bind": f.store.Bind(stale, journal.Binding{Version: "v2"}), "Release": f.store.Release(stale),
				"Finish": f.store.Finish(f.ctx, stale, journal.Finish{State: journal.Failed}),
			} {
				if !errors.Is(err, journal.ErrFenced) {
					f.Errorf("%s, %s: found the error %v, expected %v", what, when, err, journal.ErrFenced)
				}
			}
		}
		check("queued again")
		present := lease(f.next())
		check("leased again")
		f.record(present, step(1, "a", `1`), journal.Effect{})
		f.finish(present, journal.Succeeded)
		check("ended")
		_, err := f.store.Record(f.ctx, present, step(2, "a", `1`), journal.Effect{})
		f.wantErr(err, journal.ErrFenced)
		run, steps := f.run(stale.Run)
		want(f, "state", run.State, journal.Succeeded)
		want(f, "steps", len(steps), 1)
	},
	"an unknown run is not found": func(f *fixture) {
		for _, id := range []string{"", "run_1", "run_00000000000000", "nonsense"} {
			h := journal.Lease{Run: id, Epoch: 1}
			_, err := f.store.Record(f.ctx, h, step(1, "a", `1`), journal.Effect{})
			f.wantErr(err, journal.ErrNotFound)
			f.wantErr(f.store.Finish(f.ctx, h, journal.Finish{State: journal.Failed}), journal.ErrNotFound)
			_, _, err = f.store.Run(f.ctx, id)
			f.wantErr(err, journal.ErrNotFound)
		}
	},
	"a run is bound once, with its next write": func(f *fixture) {
		h := f.begun()
		if err := f.store.Bind(h, journal.Binding{Version: "v2"}); err != nil {
			f.Fatal(err)
		}
		if err := f.store.Bind(h, journal.Binding{Version: "v2"}); err != nil {
			f.Errorf("bound again to the same: %v", err)
		}
		if err := f.store.Bind(h, journal.Binding{Version: "v3"}); err == nil {
			f.Error("bound to another")
		}
		f.record(h, step(1, "a", `1`), journal.Effect{})
		f.reopen()
		run, _ := f.run(h.Run)
		want(f, "bound", run.Bound, "v2")
		want(f, "matched", run.Matched, "v1")
	},
	"the duration of a long step is exact": func(f *fixture) {
		h := f.begun()
		s := step(1, "a", `"x"`)
		s.Duration = 3*time.Hour + time.Nanosecond
		f.record(h, s, journal.Effect{})
		_, steps := f.run(h.Run)
		want(f, "took", steps[0].Duration, s.Duration)
	},
}
