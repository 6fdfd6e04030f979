package journaltest

import (
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

var fileTests = map[string]func(f *fixture){
	"a file is needed as long as a run that has it is stored": func(f *fixture) {
		needs := func(hash string) bool {
			f.Helper()
			needed, err := f.store.NeedsFile(f.ctx, hash)
			f.do(err)
			return needed
		}
		h := f.begun()
		want(f, "result", f.record(h, step(1, "http.get", `{"file":"sha256:aa"}`), journal.Effect{File: "aa"}), `{"file":"sha256:aa"}`)
		f.record(h, step(2, "http.get", `{}`), journal.Effect{File: "aa"}) // fetched again
		f.finish(h, journal.Succeeded)
		again, err := f.store.Replay(f.ctx, h.Run, hook("begun"), 1)
		f.do(err)
		want(f, "needed", needs("aa"), true)
		want(f, "another", needs("bb"), false)
		f.finish(lease(f.nextIs(again)), journal.Succeeded)
		f.clock.Advance(48 * time.Hour)
		_, err = f.store.Prune(f.ctx, journal.Retention{Age: 24 * time.Hour})
		f.do(err)
		want(f, "needed after its runs were pruned", needs("aa"), false)
	},
	"a file of a request is needed as long as its event is stored": func(f *fixture) {
		e := contact("1", "c_1", `{"scan":{"file":"sha256:aa"}}`)
		e.Request = &journal.Request{Files: []string{"scan"}, Stored: []string{"aa", "aa"}}
		f.accept(journal.Arrival{Event: e, StoreUnmatched: true})
		needs := func() bool {
			f.Helper()
			needed, err := f.store.NeedsFile(f.ctx, "aa")
			f.do(err)
			return needed
		}
		want(f, "needed", needs(), true)
		f.clock.Advance(48 * time.Hour)
		pruned, err := f.store.Prune(f.ctx, journal.Retention{Age: 24 * time.Hour})
		f.do(err)
		want(f, "events pruned", pruned.Events, 1)
		want(f, "needed after the event was pruned", needs(), false)
	},
	"a replayed run has the files of the steps that it copied": func(f *fixture) {
		h := f.begun()
		f.record(h, step(1, "http.get", `{"file":"sha256:aa"}`), journal.Effect{File: "aa"})
		f.finish(h, journal.Succeeded)
		again, err := f.store.Replay(f.ctx, h.Run, hook("begun"), 1)
		f.do(err)
		f.clock.Advance(48 * time.Hour)
		pruned, err := f.store.Prune(f.ctx, journal.Retention{Age: 24 * time.Hour})
		f.do(err)
		want(f, "runs pruned", pruned.Runs, 1)
		needed, err := f.store.NeedsFile(f.ctx, "aa")
		f.do(err)
		want(f, "needed by the new run alone", needed, true)
		f.finish(lease(f.nextIs(again)), journal.Succeeded)
	},
}
