package journaltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// text is a JSON string of so many bytes.
func text(size int) json.RawMessage {
	return json.RawMessage(`"` + strings.Repeat("x", size-2) + `"`)
}

var largeTests = map[string]func(f *fixture){
	"large values come back as they were": func(f *fixture) {
		h := f.begun()
		for i, size := range []int{256 << 10, 256<<10 + 1, journal.MaxValue} {
			mark := begun(i+1, "a")
			mark.Args, mark.Sent = text(size), text(size)
			f.record(h, mark, journal.Effect{})
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
		f.finish(holder(f.nextIs(id)), journal.Succeeded)
		f.clock.Pass(time.Hour)
		if _, err := f.store.Prune(f.ctx, journal.Retention{Count: 1}); err != nil {
			f.Fatal(err)
		}
		_, steps := f.run(id)
		want(f, "the copy", len(steps[2].Result), journal.MaxValue)
	},
	"what is too large fails the step": func(f *fixture) {
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
	"a large value of the state is read, changed and taken away": func(f *fixture) {
		e := f.effects()
		large := string(text(300 << 10))
		e.gives("put", "k", large, `{"value":`+large+`}`)
		e.gives("get", "k", "", `{"value":`+large+`}`)
		e.gives("put", "k", `1`, `{"value":1}`)
		e.gives("put", "k", large, `{"value":`+large+`}`)
		e.gives("delete", "k", "", `{}`)
		e.gives("get", "k", "", `{}`)
	},
	"a large event wakes its run": func(f *fixture) {
		ids := f.queue(1, "c_1", hook("new"))
		f.waits(holder(f.next()), 1, awaiting("qonto.invoice.paid"))
		f.accept(kept(paid("1", `{"v":`+string(text(1<<20))+`}`)))
		if s := f.nextIs(ids[0]).Steps[0]; len(s.Result) < 1<<20 || s.State != journal.Done {
			f.Errorf("found %s, %d bytes", s.State, len(s.Result))
		}
	},
}

var pruneTests = map[string]func(f *fixture){
	"what ended long ago is forgotten, with its event": func(f *fixture) {
		for i := range 450 {
			f.queue(1, fmt.Sprint("c_", i), hook("new"))
			h := holder(f.next())
			f.record(h, step(1, "a", `1`), journal.Effect{})
			f.finish(h, journal.Succeeded)
		}
		f.accept(kept(paid("old", `{}`)))
		f.clock.Pass(48 * time.Hour)
		young := f.begun()
		f.finish(young, journal.Failed)
		pruned, err := f.store.Prune(f.ctx, journal.Retention{Age: 24 * time.Hour})
		if err != nil || pruned != (journal.Pruned{Runs: 450, Events: 451}) {
			f.Errorf("found %+v, %v", pruned, err)
		}
		wantList(f, "runs left", f.runs(journal.RunQuery{}), []string{young.Run})
		want(f, "the id of an event that is gone", f.accept(kept(paid("old", `{}`)))[0].Duplicate, true)
		pruned, err = f.store.Prune(f.ctx, journal.Retention{IDs: 24 * time.Hour})
		if err != nil || pruned.IDs != 451 {
			f.Errorf("ids: found %+v, %v", pruned, err)
		}
		want(f, "the id when it is gone too", f.accept(kept(paid("old", `{}`)))[0].Duplicate, false)
	},
	"of many the newest are kept": func(f *fixture) {
		ids := f.queue(10, "c_1", hook("new", laneless))
		for range 9 {
			f.finish(holder(f.next()), journal.Succeeded)
		}
		pruned, err := f.store.Prune(f.ctx, journal.Retention{Count: 3})
		want(f, "pruned", fmt.Sprint(pruned.Runs, err), "6 <nil>")
		wantList(f, "left", f.runs(journal.RunQuery{}), []string{ids[9], ids[8], ids[7], ids[6]})
	},
	"no live run is forgotten, nor what it may need": func(f *fixture) {
		f.do(f.store.PutVersions(f.ctx, journal.Version{Hash: "v1", Script: "crm", Awaits: []string{"qonto.invoice.*"}}))
		f.accept(kept(paid("before", `{}`)))
		ids := f.queue(2, "c_1", hook("new"))
		merging := f.sends("c_2", `{}`, hook("merging", debounced(1000*time.Hour)))
		f.sends("c_2", `{}`, hook("merging", debounced(1000*time.Hour)))
		h := holder(f.nextIs(ids[0]))
		f.accept(kept(paid("after", `{}`)))
		f.accept(kept(won("after")))
		f.clock.Pass(100 * time.Hour)
		pruned, err := f.store.Prune(f.ctx, journal.Retention{Age: time.Hour, Count: 1})
		if err != nil || pruned.Runs != 0 || pruned.Events != 2 {
			f.Errorf("found %+v, %v", pruned, err)
		}
		f.waits(h, 1, awaiting("qonto.invoice.paid"))
		f.finish(holder(f.nextIs(ids[1])), journal.Succeeded)
		a := f.nextIs(ids[0])
		want(f, "event", a.Steps[0].Event, "qonto:after")
		want(f, "its own event", a.Event.ID, "highlevel:c_1-new-0")
		f.wantState(merging.Runs[0], journal.Queued)
	},
	"a backup is whole, and overwrites nothing": func(f *fixture) {
		f.queue(3, "c_1", hook("new"))
		file := filepath.Join(f.TempDir(), "copy")
		f.do(f.store.Backup(f.ctx, file))
		f.wantErr(f.store.Backup(f.ctx, file), journal.ErrExists)
		if all, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); len(all) != 1 {
			f.Errorf("found the files %v", all)
		}
	},
}

var statusTests = map[string]func(f *fixture){
	"counts say how many runs are in each state": func(f *fixture) {
		f.history() // 2 succeeded, 2 failed, 1 running, 1 queued
		f.sends("c_1", `{}`, hook("later", debounced(time.Hour)))
		f.queue(1, "c_2", hook("w"))
		counts, err := f.store.Counts(f.ctx)
		if err != nil {
			f.Fatal(err)
		}
		want(f, "counts", fmt.Sprint(counts), fmt.Sprint(map[journal.State]int{
			journal.Succeeded: 2, journal.Failed: 2, journal.Running: 1, journal.Queued: 3, journal.Waiting: 0, journal.Retrying: 0,
			journal.Throttled: 0, journal.Held: 0, journal.Blocked: 0, journal.Paused: 0, journal.Cancelled: 0, journal.Skipped: 0}))
	},
	"counts are of one moment, also while runs go on": func(f *fixture) {
		h := f.begun()
		ending := make(chan struct{})
		var counting sync.WaitGroup
		defer counting.Wait()
		defer close(ending)
		counting.Go(func() {
			for {
				select {
				case <-ending:
					return
				default:
				}
				counts, err := f.store.Counts(f.ctx)
				all := 0
				for _, n := range counts {
					all += n
				}
				if err != nil || all != 1 {
					f.Errorf("counted %d runs, %v, want 1: %v", all, err, counts)
					return
				}
			}
		})
		for range 200 {
			f.retry(h, 0)
			h = holder(f.next())
		}
	},
	"runs that are queued later are listed as queued": func(f *fixture) {
		id := f.sends("c_1", `{}`, hook("later", debounced(time.Hour))).Runs[0]
		wantList(f, "queued", f.runs(journal.RunQuery{State: journal.Queued}), []string{id})
		wantList(f, "queued of the hook", f.runs(journal.RunQuery{State: journal.Queued, Hook: "later"}), []string{id})
	},
	"lanes whose owner stands are listed": func(f *fixture) {
		ids := f.queue(3, "c_1", hook("new"))
		f.park(holder(f.next()), journal.Park{State: journal.Blocked})
		f.queue(1, "c_2", hook("free", laneless))
		f.park(holder(f.next()), journal.Park{State: journal.Held})
		f.waits(f.begun(), 1, awaiting("qonto.invoice.paid"))
		lanes, err := f.store.Lanes(f.ctx)
		if err != nil || len(lanes) != 1 {
			f.Fatalf("found %+v, %v", lanes, err)
		}
		l := lanes[0]
		want(f, "lane", fmt.Sprint(l.Script, " ", l.Hook, " ", l.Lane, " ", l.Run == ids[0], " ", l.State, " ", l.Queued), "crm new record:loc_1/c_1 true blocked 2")
		if l.Since.IsZero() {
			f.Error("it does not say since when")
		}
	},
}
