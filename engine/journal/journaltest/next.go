package journaltest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/tidewire/tidewire/engine/journal"
)

var nextTests = map[string]func(f *fixture){
	"an activation has the run, its event and no steps": func(f *fixture) {
		e := contact("1", "c_1", `{"name":"Ana"}`)
		receipt := f.accept(arrival(e, hook("new")))[0]
		a := f.next()
		want(f, "run", a.Run.ID, receipt.Runs[0])
		want(f, "state", a.Run.State, journal.Running)
		want(f, "attempts", a.Run.Attempts, 1)
		want(f, "epoch", a.Run.Epoch, a.Epoch)
		want(f, "event", a.Event.ID, e.ID)
		want(f, "data", string(a.Event.Data), `{"name":"Ana"}`)
		want(f, "steps", len(a.Steps), 0)
		if a.Epoch == 0 || a.Run.Started.IsZero() {
			f.Errorf("found %+v", a.Run)
		}
	},
	"runs without a lane are leased together, in the order of acceptance": func(f *fixture) {
		ids := f.queue(5, "c_1", hook("new", laneless))
		for _, id := range ids {
			want(f, "run", f.next().Run.ID, id)
		}
		f.nothingNext()
	},
	"a lane has one run at a time, in the order of acceptance": func(f *fixture) {
		ids := f.queue(3, "c_1", hook("new"))
		for _, id := range ids {
			a := f.next()
			want(f, "run", a.Run.ID, id)
			f.nothingNext()
			f.finish(lease(a), journal.Succeeded)
		}
	},
	"records, accounts and hooks have lanes of their own": func(f *fixture) {
		f.queue(2, "c_1", hook("a"))
		f.queue(2, "c_1", hook("b"))
		f.queue(2, "c_2", hook("a"))
		elsewhere := contact("x", "c_1", `{}`)
		elsewhere.Account = "loc_2"
		f.accept(arrival(elsewhere, hook("a")))
		seen := map[string]bool{}
		for range 4 {
			a := f.next()
			seen[a.Run.Hook+" "+a.Run.Account+" "+a.Event.Record] = true
		}
		want(f, "lanes", len(seen), 4)
		f.nothingNext()
	},
	"the key of a lane of paths is from the event": func(f *fixture) {
		h := hook("new", laneBy("deal.id", "stage"))
		for i, data := range []string{
			`{"deal":{"id":7},"stage":"won"}`, `{"deal":{"id":7},"stage":"won","x":1}`, `{"deal":{"id":7},"stage":"lost"}`,
		} {
			f.accept(arrival(contact(fmt.Sprint(i), "c_1", data), h))
		}
		first, third := f.next(), f.next()
		want(f, "first", first.Event.ID, "highlevel:0")
		want(f, "in parallel", third.Event.ID, "highlevel:2")
		f.nothingNext()
		f.finish(lease(first), journal.Failed)
		want(f, "after it", f.next().Event.ID, "highlevel:1")
	},
	"a lane of the hook has all its runs": func(f *fixture) {
		h := hook("new", oneLane)
		f.queue(1, "c_1", h)
		f.queue(1, "c_2", h)
		a := f.next()
		f.nothingNext()
		f.finish(lease(a), journal.Succeeded)
		want(f, "record", f.next().Event.Record, "c_2")
	},
	"a long lane does not delay others": func(f *fixture) {
		f.queue(50, "c_1", hook("new"))
		f.queue(1, "c_2", hook("new"))
		f.finish(lease(f.next()), journal.Succeeded)
		for range 2 {
			a := f.next()
			if a.Event.Record == "c_2" {
				return
			}
			f.finish(lease(a), journal.Succeeded)
		}
		f.Error("the run of c_2 waits behind the lane of c_1")
	},
	"it waits until there is a run": func(f *fixture) {
		f.nothingNext()
		got := make(chan journal.Activation)
		go func() {
			a, err := f.store.Next(f.ctx)
			if err != nil {
				f.Errorf("Next: %v", err)
			}
			got <- a
		}()
		f.queue(1, "c_1", hook("new"))
		want(f, "record", (<-got).Event.Record, "c_1")
	},
	"a caller whose context is cancelled gets no run": func(f *fixture) {
		for i := range 20 {
			ctx, cancel := context.WithCancel(f.ctx)
			done := make(chan bool)
			go func() {
				a, err := f.store.Next(ctx)
				if err == nil {
					f.finish(lease(a), journal.Succeeded)
				}
				done <- err == nil
			}()
			go cancel()
			f.queue(1, fmt.Sprint("c_", i), hook("new"))
			if !<-done {
				f.finish(lease(f.next()), journal.Succeeded)
			}
		}
		f.nothingNext()
	},
	"each lease has a larger epoch": func(f *fixture) {
		f.queue(1, "c_1", hook("new"))
		last := int64(0)
		for range 3 {
			a := f.next()
			if a.Epoch <= last {
				f.Errorf("epoch %d after %d", a.Epoch, last)
			}
			last = a.Epoch
			if err := f.store.Release(lease(a)); err != nil {
				f.Fatal(err)
			}
		}
		f.reopen()
		if a := f.next(); a.Epoch <= last {
			f.Errorf("after a restart: epoch %d after %d", a.Epoch, last)
		}
	},
	"a released run is queued again, first of its lane": func(f *fixture) {
		ids := f.queue(2, "c_1", hook("new"))
		a := f.next()
		if err := f.store.Release(lease(a)); err != nil {
			f.Fatal(err)
		}
		run, _ := f.run(ids[0])
		want(f, "state", run.State, journal.Queued)
		again := f.next()
		want(f, "run", again.Run.ID, ids[0])
		want(f, "event", again.Event.ID, a.Event.ID)
		f.nothingNext()
	},
	"no lane has two runs at once or out of order, under concurrency": func(f *fixture) {
		const events, lanes, workers = 400, 7, 8
		ctx, stop := context.WithTimeout(f.ctx, maxWait)
		defer stop()
		var mu sync.Mutex
		busy, last, left := map[string]bool{}, map[string]int64{}, events
		work := func() {
			for {
				a, err := f.store.Next(ctx)
				if err != nil {
					return
				}
				lane := a.Run.Lane
				mu.Lock()
				if busy[lane] {
					f.Errorf("lane %s has two runs at once", lane)
				}
				if a.Run.Seq < last[lane] {
					f.Errorf("lane %s: run %d after %d", lane, a.Run.Seq, last[lane])
				}
				busy[lane], last[lane] = true, a.Run.Seq
				mu.Unlock()
				var failed error
				if rand.IntN(2) == 0 {
					_, failed = f.store.Record(ctx, lease(a), step(1, "state.get", `{}`), journal.Effect{})
				}
				mu.Lock()
				busy[lane] = false
				mu.Unlock()
				if failed == nil {
					failed = f.store.Finish(ctx, lease(a), journal.Finish{State: journal.Succeeded})
				}
				if failed != nil {
					f.Errorf("run %s: %v", a.Run.ID, failed)
				}
				mu.Lock()
				if left--; left == 0 {
					stop()
				}
				mu.Unlock()
			}
		}
		var all sync.WaitGroup
		for range workers {
			all.Go(work)
		}
		for i := range events {
			all.Go(func() {
				e := contact(fmt.Sprint(i), fmt.Sprint("c_", i%lanes), `{}`)
				if _, err := f.store.Accept(f.ctx, arrival(e, hook("new"))); err != nil {
					f.Errorf("event %s: %v", e.ID, err)
				}
			})
		}
		all.Wait()
		want(f, "runs left", left, 0)
	},
}
