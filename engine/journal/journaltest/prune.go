package journaltest

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

var pruneTests = map[string]func(f *fixture){
	"runs that ended long ago are pruned, with their events": func(f *fixture) {
		for i := range 450 {
			f.queue(1, fmt.Sprint("c_", i), hook("new"))
			h := lease(f.next())
			f.record(h, step(1, "a", `1`), journal.Effect{})
			f.finish(h, journal.Succeeded)
		}
		f.accept(stored(paid("old", `{}`)))
		f.clock.Advance(48 * time.Hour)
		young := f.begun()
		f.finish(young, journal.Failed)
		pruned, err := f.store.Prune(f.ctx, journal.Retention{Age: 24 * time.Hour})
		if err != nil || pruned != (journal.Pruned{Runs: 450, Events: 451}) {
			f.Errorf("found %+v, %v", pruned, err)
		}
		wantList(f, "runs left", f.runs(journal.RunQuery{}), []string{young.Run})
		want(f, "the id of a pruned event", f.accept(stored(paid("old", `{}`)))[0].Duplicate, true)
		pruned, err = f.store.Prune(f.ctx, journal.Retention{IDs: 24 * time.Hour})
		if err != nil || pruned.IDs != 451 {
			f.Errorf("ids: found %+v, %v", pruned, err)
		}
		want(f, "the id after it is pruned too", f.accept(stored(paid("old", `{}`)))[0].Duplicate, false)
	},
	"the newest are retained": func(f *fixture) {
		ids := f.queue(10, "c_1", hook("new", laneless))
		for range 9 {
			f.finish(lease(f.next()), journal.Succeeded)
		}
		pruned, err := f.store.Prune(f.ctx, journal.Retention{Count: 3})
		want(f, "pruned", fmt.Sprint(pruned.Runs, err), "6 <nil>")
		wantList(f, "left", f.runs(journal.RunQuery{}), []string{ids[9], ids[8], ids[7], ids[6]})
	},
	"no live run is pruned, nor what it may need": func(f *fixture) {
		f.do(f.store.SetLive(f.ctx, []journal.Version{{Hash: "v1", Script: "crm", Awaits: []string{"qonto.invoice.*"}}}, nil))
		f.accept(stored(paid("before", `{}`)))
		ids := f.queue(2, "c_1", hook("new"))
		merging := f.sends("c_2", `{}`, hook("merging", debounced(1000*time.Hour)))
		f.sends("c_2", `{}`, hook("merging", debounced(1000*time.Hour)))
		h := lease(f.nextIs(ids[0]))
		f.accept(stored(paid("after", `{}`)))
		f.accept(stored(won("after")))
		f.clock.Advance(100 * time.Hour)
		pruned, err := f.store.Prune(f.ctx, journal.Retention{Age: time.Hour, Count: 1})
		if err != nil || pruned.Runs != 0 || pruned.Events != 2 {
			f.Errorf("found %+v, %v", pruned, err)
		}
		f.waits(h, 1, awaiting("qonto.invoice.paid"))
		f.finish(lease(f.nextIs(ids[1])), journal.Succeeded)
		a := f.nextIs(ids[0])
		want(f, "event", a.Steps[0].Event, "qonto:after")
		want(f, "its own event", a.Event.ID, "highlevel:c_1-new-0")
		f.wantState(merging.Runs[0], journal.Queued)
	},
	"what the oldest of several runs of a version may need is not pruned": func(f *fixture) {
		f.do(f.store.SetLive(f.ctx, []journal.Version{{Hash: "v1", Script: "crm", Awaits: []string{"qonto.invoice.paid"}}}, nil))
		for _, bound := range []bool{true, false} {
			name := fmt.Sprint("bound ", bound)
			begin := func() journal.Lease {
				h := f.begun()
				if bound {
					f.do(f.store.Bind(h, journal.Binding{Version: "v1"}))
				}
				f.record(h, step(1, "a", `1`), journal.Effect{})
				return h
			}
			oldest := begin()
			f.accept(stored(paid(name, `{}`)))
			newest := begin()
			f.clock.Advance(100 * time.Hour)
			_, err := f.store.Prune(f.ctx, journal.Retention{Age: time.Hour})
			f.do(err)
			_, _, err = f.store.Event(f.ctx, "qonto:"+name)
			f.do(err)
			f.waits(oldest, 2, awaiting("qonto.invoice.paid"))
			want(f, "missed event, "+name, f.nextIs(oldest.Run).Steps[1].Event, "qonto:"+name)
			f.do(f.store.Cancel(f.ctx, oldest.Run))
			f.do(f.store.Cancel(f.ctx, newest.Run))
		}
	},
	"a backup is complete, and overwrites nothing": func(f *fixture) {
		f.queue(3, "c_1", hook("new"))
		file := filepath.Join(f.TempDir(), "copy")
		f.do(f.store.Backup(f.ctx, file))
		f.wantErr(f.store.Backup(f.ctx, file), journal.ErrExists)
		if all, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); len(all) != 1 {
			f.Errorf("found the files %v", all)
		}
	},
}
