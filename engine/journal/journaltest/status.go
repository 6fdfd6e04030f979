package journaltest

import (
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

var statusTests = map[string]func(f *fixture){
	"counts are the number of runs in each state": func(f *fixture) {
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
	"counts are of one moment, while runs execute too": func(f *fixture) {
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
			h = lease(f.next())
		}
	},
	"runs that are queued later are listed as queued": func(f *fixture) {
		id := f.sends("c_1", `{}`, hook("later", debounced(time.Hour))).Runs[0]
		wantList(f, "queued", f.runs(journal.RunQuery{State: journal.Queued}), []string{id})
		wantList(f, "queued of the hook", f.runs(journal.RunQuery{State: journal.Queued, Hook: "later"}), []string{id})
	},
	"lanes whose owner is parked are listed": func(f *fixture) {
		ids := f.queue(3, "c_1", hook("new"))
		f.park(lease(f.next()), journal.Park{State: journal.Blocked})
		f.queue(1, "c_2", hook("free", laneless))
		f.park(lease(f.next()), journal.Park{State: journal.Held})
		f.waits(f.begun(), 1, awaiting("qonto.invoice.paid"))
		lanes, err := f.store.Lanes(f.ctx)
		if err != nil || len(lanes) != 1 {
			f.Fatalf("found %+v, %v", lanes, err)
		}
		l := lanes[0]
		want(f, "lane", fmt.Sprint(l.Script, " ", l.Hook, " ", l.Lane, " ", l.Run == ids[0], " ", l.State, " ", l.Queued), "crm new record:loc_1/c_1 true blocked 2")
		if l.Since.IsZero() {
			f.Error("it has no time")
		}
	},
}
