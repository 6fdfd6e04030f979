package journaltest

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// text is a JSON string of size bytes.
func text(size int) json.RawMessage {
	return json.RawMessage(`"` + strings.Repeat("x", size-2) + `"`)
}

var largeTests = map[string]func(f *fixture){
	"large values are read unchanged": func(f *fixture) {
		h := f.begun()
		for i, size := range []int{256 << 10, 256<<10 + 1, journal.MaxValue} {
			record := begun(i+1, "a")
			record.Args, record.Sent = text(size), text(size)
			f.record(h, record, journal.Effect{})
			_, steps := f.run(h.Run)
			want(f, "sent", len(steps[i].Sent), size)
			s := step(i+1, "a", string(text(size)))
			s.Args = text(size)
			f.record(h, s, journal.Effect{})
			_, steps = f.run(h.Run)
			if string(steps[i].Args) != string(text(size)) || string(steps[i].Result) != string(text(size)) || steps[i].Sent != nil {
				f.Errorf("%d bytes: found %d and %d", size, len(steps[i].Args), len(steps[i].Result))
			}
		}
		f.finish(h, journal.Failed)
		id, err := f.store.Replay(f.ctx, h.Run, hook("new"), 3)
		f.do(err)
		f.finish(lease(f.nextIs(id)), journal.Succeeded)
		f.clock.Advance(time.Hour)
		if _, err := f.store.Prune(f.ctx, journal.Retention{Count: 1}); err != nil {
			f.Fatal(err)
		}
		_, steps := f.run(id)
		want(f, "the copy", len(steps[2].Result), journal.MaxValue)
	},
	"a step with a value that is too large fails": func(f *fixture) {
		for name, change := range map[string]func(*journal.Step){
			"result": func(s *journal.Step) { s.Result = text(journal.MaxValue + 1) },
			"args":   func(s *journal.Step) { s.Args = text(journal.MaxValue + 1) },
			"sent":   func(s *journal.Step) { s.State, s.Result, s.Sent = journal.Begun, nil, text(journal.MaxValue+1) },
		} {
			h := f.begun()
			s := step(1, "a", `1`)
			change(&s)
			_, err := f.store.Record(f.ctx, h, s, journal.Effect{})
			var problem *bindings.Error
			if !errors.As(err, &problem) || problem.Kind != bindings.TooLarge {
				f.Errorf("%s: found %v", name, err)
			}
			_, steps := f.run(h.Run)
			if s := steps[0]; s.State != journal.Erred || s.Error == nil || s.Error.Kind != bindings.TooLarge || s.Result != nil {
				f.Errorf("%s: found %s %v", name, s.State, s.Error)
			}
			f.record(h, step(2, "a", `1`), journal.Effect{})
		}
	},
	"a large value of the state is read, changed and deleted": func(f *fixture) {
		e := f.effects()
		large := string(text(300 << 10))
		e.expect("put", "k", large, `{"value":`+large+`}`)
		e.expect("get", "k", "", `{"value":`+large+`}`)
		e.expect("put", "k", `1`, `{"value":1}`)
		e.expect("put", "k", large, `{"value":`+large+`}`)
		e.expect("delete", "k", "", `{}`)
		e.expect("get", "k", "", `{}`)
	},
	"a large event wakes its run": func(f *fixture) {
		ids := f.queue(1, "c_1", hook("new"))
		f.waits(lease(f.next()), 1, awaiting("qonto.invoice.paid"))
		f.accept(stored(paid("1", `{"v":`+string(text(1<<20))+`}`)))
		if s := f.nextIs(ids[0]).Steps[0]; len(s.Result) < 1<<20 || s.State != journal.Done {
			f.Errorf("found %s, %d bytes", s.State, len(s.Result))
		}
	},
}
