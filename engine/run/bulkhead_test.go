package run_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// hangingShop is a vendor whose answers to one app wait until release is called.
type hangingShop struct {
	arrived atomic.Int64 // requests of the app that hangs
	release func()
}

// hangShop makes the vendor hang for calls of shop, and answer those of bank.
func hangShop(w *fixture) *hangingShop {
	goOn := make(chan struct{})
	h := &hangingShop{release: sync.OnceFunc(func() { close(goOn) })}
	w.Cleanup(h.release)
	w.vendor.answers(func(_ int, r request) reply {
		if strings.HasSuffix(r.Token, "shop") {
			h.arrived.Add(1)
			<-goOn
		}
		return ok
	})
	return h
}

// eventually waits until done returns true.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for late := time.After(timeout); !done(); {
		select {
		case <-time.After(time.Millisecond):
		case <-late:
			t.Fatalf("it did not happen: %s", what)
		}
	}
}

// settled waits until each of the runs has a call that hangs, or waits without a
// place.
func (w *fixture) settled(runs []string, vendor *hangingShop) {
	w.Helper()
	eventually(w.TB, "all have a call or wait", func() bool {
		for _, id := range runs {
			if w.runner.Current(id) == nil {
				return false
			}
		}
		return w.runner.InFlight() == int(vendor.arrived.Load())
	})
}

// orders accepts events of different customers, and returns their runs.
func (w *fixture) orders(app string, n int) (runs []string) {
	for i := range n {
		runs = append(runs, w.send(app+".order.created", fmt.Sprintf(`{"id":"o%d","customer":"c%d"}`, i, i))...)
	}
	return runs
}

const shopAndBank = `local shop = require "shop"
local bank = require "bank"
on("shop.order.created", { lane = false }, function(event) shop.look.now { tag = event.data.id } end)
on("bank.order.created", { lane = false }, function(event) bank.look.now { tag = event.data.id } end)`

// 600 runs whose vendor does not answer leave places for the runs of another.
// They wait without a commit, and each calls once when it can.
func TestAVendorThatHangsDoesNotStopOthers(t *testing.T) {
	t.Parallel()
	const runs = 600
	w := newFixture(t, map[string]string{"orders": shopAndBank})
	vendor := hangShop(w)
	waiting := w.orders("shop", runs)
	eventually(t, "the first runs call", func() bool { return vendor.arrived.Load() >= 64 })
	for _, id := range w.orders("bank", 20) {
		w.is(id, journal.Succeeded)
	}
	w.settled(waiting, vendor)
	if n := vendor.arrived.Load(); n > 128 {
		t.Errorf("%d runs wait for the vendor in their places, want at most half of 256", n)
	}
	equal(t, "in flight", w.runner.InFlight(), int(vendor.arrived.Load()))
	w.store.mu.Lock()
	if limit := 20 * 2; w.store.writes > limit { // those of the other runs: a step and the end
		t.Errorf("the journal was written %d times, want at most %d", w.store.writes, limit)
	}
	w.store.mu.Unlock()
	now := w.runner.Current(waiting[runs-1])
	if now == nil || now.Step != 1 || now.Position != "orders.lua:3" {
		t.Errorf("the last run: %+v", now)
	} else {
		contains(t, "waits for", now.Waits, "the calls of other runs to shop")
	}
	one, _ := w.run(waiting[runs-1])
	equal(t, "state", one.State, journal.Queued)
	vendor.release()
	for _, id := range waiting {
		equal(t, "attempts", w.is(id, journal.Succeeded).Attempts, 1)
	}
	equal(t, "requests", len(w.vendor.requests("/look")), runs+20)
	eventually(t, "no run is in flight", func() bool { return w.runner.InFlight() == 0 })
}

// The runs that wait are not lost, and call once, when the engine ends.
func TestRunsThatWaitForCallsAreQueuedAfterARestart(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", { lane = false }, function(event)
  state.add("begun")
  shop.look.now { tag = event.data.id }
end)`}, func(w *fixture) { w.maxInFlight = 8 })
	vendor := hangShop(w)
	runs := w.orders("shop", 12)
	w.settled(runs, vendor)
	inCalls := int(vendor.arrived.Load())
	w.store.kill()
	vendor.release()
	w.end()
	w.vendor.answers(func(int, request) reply { return ok })
	w.start()
	for _, id := range runs {
		w.is(id, journal.Succeeded)
		_, steps := w.run(id)
		sameNames(t, steps, "state.add done", "shop.look.now done")
	}
	equal(t, "requests", len(w.vendor.requests("/look")), inCalls+12)
}

// The lane of a run that waits is its own; a run that is cancelled leaves it.
func TestTheLaneOfARunThatWaitsForCalls(t *testing.T) {
	t.Parallel()
	for overlap, states := range map[string][3]journal.State{ // of the runs of one lane
		"queue":   {journal.Succeeded, journal.Succeeded, journal.Succeeded},
		"replace": {journal.Cancelled, journal.Cancelled, journal.Succeeded},
		"skip":    {journal.Succeeded, "", ""},
	} {
		t.Run(overlap, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", { overlap = "` + overlap + `" }, function(event) shop.look.now { tag = event.data.id } end)`},
				func(w *fixture) { w.maxInFlight = 2 })
			vendor := hangShop(w)
			w.send("shop.order.created", `{"id":"first","customer":"other"}`)
			eventually(t, "a run calls", func() bool { return vendor.arrived.Load() == 1 })
			var runs []string
			for n := range 3 {
				runs = append(runs, append(w.send("shop.order.created", fmt.Sprintf(`{"id":"n%d","customer":"c1"}`, n)), "")[0])
				if n == 0 || overlap == "replace" { // an executing run is not replaced
					eventually(t, "a run waits", func() bool { return len(w.logged("run waits for the calls of others")) == n+1 })
				}
			}
			vendor.release()
			for n, id := range runs {
				if state := states[n]; state == "" {
					equal(t, "run", id, "")
				} else {
					w.is(id, state)
				}
			}
			var order []string
			for _, r := range w.vendor.requests("/look") {
				order = append(order, strings.TrimPrefix(r.Query, "tag="))
			}
			expected := map[string]string{"queue": "first n0 n1 n2", "replace": "first n2", "skip": "first n0"}[overlap]
			equal(t, "the order of calls", strings.Join(order, " "), expected)
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", function(event) shop.look.now { tag = event.data.id } end)`}, func(w *fixture) { w.maxInFlight = 2 })
		vendor := hangShop(w)
		first := w.send("shop.order.created", `{"id":"first","customer":"other"}`)[0]
		eventually(t, "a run calls", func() bool { return vendor.arrived.Load() == 1 })
		second := w.send("shop.order.created", `{"id":"second","customer":"c1"}`)[0]
		eventually(t, "a run waits", func() bool { return len(w.logged("run waits for the calls of others")) == 1 })
		third := w.send("shop.order.created", `{"id":"third","customer":"c1"}`)[0]
		must(t, w.runner.Cancel(t.Context(), second))
		eventually(t, "the next of the lane waits", func() bool { return len(w.logged("run waits for the calls of others")) == 2 })
		vendor.release()
		w.is(first, journal.Succeeded)
		w.is(second, journal.Cancelled)
		w.is(third, journal.Succeeded)
		equal(t, "requests", len(w.vendor.requests("/look")), 2)
	})
}

// The time in which a run waits without a place is no executing time, and that
// before counts.
func TestTheTimeoutOfARunThatWaitedForCalls(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
local bank = require "bank"
on("shop.order.created", { lane = false, timeout = "25s" }, function(event)
  bank.look.now { tag = event.data.id }
  shop.look.now { tag = event.data.id }
end)`}, func(w *fixture) { w.maxInFlight = 2 })
	goOn := make(chan struct{})
	release := sync.OnceFunc(func() { close(goOn) })
	defer release()
	var calls atomic.Int64
	w.vendor.answers(func(_ int, r request) reply {
		switch {
		case strings.HasSuffix(r.Token, "shop"):
			calls.Add(1)
			<-goOn
		case r.Query == "tag=second":
			w.Advance(10 * time.Second)
		}
		return ok
	})
	w.send("shop.order.created", `{"id":"first"}`)
	eventually(t, "a run calls", func() bool { return calls.Load() == 1 })
	second := w.send("shop.order.created", `{"id":"second"}`)[0]
	eventually(t, "a run waits", func() bool { return len(w.logged("run waits for the calls of others")) == 1 })
	w.Advance(hour)
	release()
	ended := w.is(second, journal.Succeeded)
	equal(t, "executed", ended.Executed, 10*time.Second)
}

// The calls of one host wait for each other, and not those of another.
func TestHostsOfTheHTTPLibraryHaveSharesOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil, func(w *fixture) {
		w.maxInFlight = 2
		other := strings.Replace(w.vendor.URL, "127.0.0.1", "localhost", 1)
		w.write("orders", `
on("shop.order.created", { lane = false }, function(event) http.get("`+w.vendor.URL+`/hangs") end)
on("bank.order.created", { lane = false }, function(event) http.get("`+other+`/answers") end)`)
	})
	goOn := make(chan struct{})
	release := sync.OnceFunc(func() { close(goOn) })
	defer release()
	w.vendor.answers(func(_ int, r request) reply {
		if r.Path == "/hangs" {
			<-goOn
		}
		return ok
	})
	runs := w.orders("shop", 3)
	eventually(t, "a run calls", func() bool { return len(w.vendor.requests("/hangs")) == 1 && w.runner.InFlight() == 1 })
	for _, id := range w.orders("bank", 2) {
		w.is(id, journal.Succeeded)
	}
	release()
	for _, id := range runs {
		w.is(id, journal.Succeeded)
	}
	equal(t, "requests", len(w.vendor.requests("/hangs")), 3)
}
