package run_test

import (
	"testing"

	"github.com/tidewire/tidewire/engine/journal"
)

func TestRunsWithOldLanesEndBeforeThoseWithNewOnesStart(t *testing.T) {
	t.Parallel()
	script := func(lane string) string {
		return `local shop = require "shop"
on("shop.order.created", { lane = ` + lane + ` }, function(event) shop.look.now { tag = event.data.id } end)`
	}
	w := newFixture(t, map[string]string{"orders": script(`"customer"`)})
	reached, goOn := make(chan struct{}), make(chan struct{})
	w.vendor.answers(func(n int, _ request) reply {
		if n == 1 {
			close(reached)
			<-goOn
		}
		return ok
	})
	old := w.send("shop.order.created", `{"id":"a","customer":"c1"}`)[0]
	<-reached
	w.edit("orders", script(`"id"`))
	newer := w.send("shop.order.created", `{"id":"b","customer":"c1"}`)[0]
	if run, _ := w.run(newer); run.State != journal.Queued {
		t.Errorf("the run with the new key is %s while the old one is executed", run.State)
	}
	close(goOn)
	w.is(old, journal.Succeeded)
	w.is(newer, journal.Succeeded)
	asked := w.vendor.requests("/look")
	equal(t, "requests", len(asked), 2)
	a, _ := w.run(old)
	b, _ := w.run(newer)
	if b.Started.Before(a.Finished) {
		t.Errorf("it began at %s, before %s", b.Started, a.Finished)
	}
}

// A newer event that is to replace a run does not interrupt it while it executes.
// If that run fails, it is not retried.
func TestARunThatIsToBeReplacedIsNotRetried(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", { overlap = "replace", retry = { attempts = 9 } }, function(event) shop.look.now { tag = event.data.id } end)`})
	reached, goOn := make(chan struct{}), make(chan struct{})
	w.vendor.answers(func(n int, _ request) reply {
		if n == 1 {
			close(reached)
			<-goOn
		}
		if n <= 2 {
			return reply{status: 503}
		}
		return ok
	})
	old := w.send("shop.order.created", `{"id":"a","customer":"c1"}`)[0]
	<-reached
	newer := w.send("shop.order.created", `{"id":"b","customer":"c1"}`)[0]
	close(goOn)
	contains(t, "problem", w.is(old, journal.Cancelled).Problem.Text(), "a newer event took its place")
	w.is(newer, journal.Succeeded)
}
