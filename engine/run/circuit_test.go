package run_test

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

const oneAttempt = `local shop = require "shop"
on("shop.order.created", { lane = false, retry = { attempts = 1 } }, function(event) shop.look.now { tag = event.data.id } end)`

// brokenShop makes the vendor answer 503 until heal is called.
func brokenShop(w *fixture) (heal func()) {
	var healed atomic.Bool
	w.vendor.answers(func(int, request) reply {
		if healed.Load() {
			return ok
		}
		return down
	})
	return func() { healed.Store(true) }
}

// throttle sends orders until a circuit is open, and n more runs wait for it. The
// client sends each request twice: two runs fail, and the third is the first that
// waits.
func (w *fixture) throttle(n int) (waiting []string) {
	w.Helper()
	for i, id := range w.orders("shop", 2) {
		if failed := w.is(id, journal.Failed); failed.Problem.App.Status != 503 {
			w.Fatalf("run %d: %+v", i, failed.Problem)
		}
	}
	for range n {
		waiting = append(waiting, w.orders("shop", 1)...)
		w.is(waiting[len(waiting)-1], journal.Throttled)
	}
	return waiting
}

func TestRunsWaitWhileACircuitIsOpen(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": oneAttempt})
	heal := brokenShop(w)
	waiting := w.throttle(7)
	equal(t, "requests", len(w.vendor.requests("/look")), 5)
	for _, id := range waiting {
		parked, steps := w.run(id)
		equal(t, "attempts", parked.Attempts, 1)
		equal(t, "kind", parked.Problem.App.Kind, bindings.Unavailable)
		contains(t, "why", parked.Problem.Text(), "orders.lua:2", "shop at 127.0.0.1", "failed 5 times in a row", "it answered 503", "the next call is tried at ")
		if !parked.Park.Until.IsZero() {
			t.Errorf("a timer wakes it at %s", parked.Park.Until)
		}
		sameNames(t, steps)
	}
	eventually(t, "no run is in flight", func() bool { return w.runner.InFlight() == 0 })
	tried := func(n int) {
		t.Helper()
		eventually(t, "a call is tried", func() bool { return len(w.logged("a host still fails")) == n })
		eventually(t, "its run waits again", func() bool {
			counts, err := w.file.Counts(t.Context())
			must(t, err)
			return counts[journal.Throttled] == 7
		})
		equal(t, "requests", len(w.vendor.requests("/look")), 5+n)
	}
	w.Advance(5 * time.Second)
	tried(1)
	w.Advance(9 * time.Second)
	equal(t, "requests", len(w.vendor.requests("/look")), 6)
	w.Advance(time.Second)
	tried(2)
	heal()
	w.Advance(20 * time.Second)
	for _, id := range waiting {
		equal(t, "attempts", w.is(id, journal.Succeeded).Attempts, 1)
	}
	equal(t, "requests", len(w.vendor.requests("/look")), 5+2+7)
	equal(t, "logged", len(w.logged("calls are sent to a host again")), 1)
	equal(t, "open circuits", len(w.client.OpenCircuits()), 0)
}

// After a start all circuits are closed, and the runs that waited go on.
func TestThrottledRunsGoOnAfterARestart(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": oneAttempt})
	heal := brokenShop(w)
	waiting := w.throttle(5)
	heal()
	w.restart()
	for _, id := range waiting {
		w.is(id, journal.Succeeded)
	}
	equal(t, "requests", len(w.vendor.requests("/look")), 5+5)
}

// The lane of a run that waits stays its own, and a run that is cancelled leaves
// it.
func TestTheLaneOfAThrottledRun(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": strings.Replace(oneAttempt, "lane = false", `lane = "id"`, 1)})
	heal := brokenShop(w)
	waiting := w.throttle(1)
	first, second, third := waiting[0], w.orders("shop", 1)[0], w.orders("shop", 1)[0] // all of the lane o0
	w.is(second, journal.Queued)
	must(t, w.runner.Cancel(t.Context(), first))
	w.is(second, journal.Throttled)
	w.is(third, journal.Queued)
	heal()
	w.Advance(5 * time.Second)
	b := w.is(second, journal.Succeeded)
	c := w.is(third, journal.Succeeded)
	if c.Started.Before(b.Finished) {
		t.Errorf("the third began at %s, before the second ended at %s", c.Started, b.Finished)
	}
}

// A call that is tried while the circuit is open, and is cancelled, is followed by
// another.
func TestACancelledTryOfACircuit(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": oneAttempt})
	_ = brokenShop(w)
	waiting := w.throttle(3)
	arrived, goOn := make(chan struct{}, 10), make(chan struct{})
	release := sync.OnceFunc(func() { close(goOn) })
	defer release()
	w.vendor.answers(func(int, request) reply {
		arrived <- struct{}{}
		<-goOn
		return ok
	})
	w.Advance(5 * time.Second)
	<-arrived
	w.Advance(hour)
	equal(t, "requests at the same time", len(arrived), 0)
	i := slices.IndexFunc(waiting, func(id string) bool { return w.runner.Current(id) != nil })
	must(t, w.runner.Cancel(t.Context(), waiting[i]))
	w.is(waiting[i], journal.Cancelled)
	waiting = slices.Delete(waiting, i, i+1)
	eventually(t, "another call is tried", func() bool {
		w.Advance(time.Second)
		return len(arrived) == 1
	})
	release()
	w.is(waiting[0], journal.Succeeded)
	w.is(waiting[1], journal.Succeeded)
}

// A call with a begun record, whose request is not sent again because a circuit is
// open, retains that record, and is decided as before when the circuit has closed.
func TestACircuitAndCallsThatMayHaveBeenDone(t *testing.T) {
	t.Parallel()
	const body = `local shop = require "shop"
on("shop.order.created", { lane = false, retry = { attempts = 1 } }, function(event) shop.look.now { tag = "t" } end)
on("shop.order.confirmed", { lane = false, retry = { attempts = 2, first = "1s" } }, function(event) shop.OPERATION { tag = "t" } end)`
	for operation, c := range map[string]struct {
		state    journal.State // while the circuit is open
		requests int           // of the operation, in the end
	}{
		"orders.pay":     {journal.Held, 1},      // unsafe
		"transfers.make": {journal.Throttled, 2}, // with a key
		"items.save":     {journal.Throttled, 2}, // idempotent
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, map[string]string{"orders": strings.Replace(body, "OPERATION", operation, 1)})
			heal := brokenShop(w)
			w.is(w.orders("shop", 1)[0], journal.Failed) // two failures
			w.is(w.orders("shop", 1)[0], journal.Failed) // two more
			path := map[string]string{"orders.pay": "/orders", "transfers.make": "/transfers", "items.save": "/items"}[operation]
			id := w.send("shop.order.confirmed", `{"id":"o1"}`)[0]
			parked := w.is(id, c.state)
			_, steps := w.run(id)
			sameNames(t, steps, "shop."+operation+" begun")
			equal(t, "requests", len(w.vendor.requests(path)), 1)
			equal(t, "attempts", parked.Attempts, 1)
			heal()
			w.Advance(5 * time.Second)
			if c.state == journal.Throttled {
				w.is(id, journal.Succeeded)
			}
			equal(t, "requests", len(w.vendor.requests(path)), c.requests)
		})
	}
}
