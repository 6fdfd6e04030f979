package run_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

const logAroundCall = `local shop = require "shop"
on("shop.order.created", { retry = { attempts = 3, first = "1s" } }, function(event)
  log.info("begins", { n = event.data.n })
  shop.look.now { tag = "t" }
  log.info("goes on", { n = event.data.n })
end)`

func TestARefusedRequestWaitsForTheTimeThatTheVendorNames(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": logAroundCall})
	busy := reply{status: 429, body: `{"error":"slow down"}`, header: map[string]string{"Retry-After": "600"}}
	w.vendor.answers(failing("/look", 1, busy))
	first := w.order()
	parked := w.is(first, journal.Throttled)
	equal(t, "kind", parked.Problem.App.Kind, bindings.RateLimited)
	if wait := parked.Park.Until.Sub(parked.Park.Since).Round(time.Second); wait != 10*time.Minute {
		t.Errorf("it waits for %s, expected 10m", wait)
	}
	_, steps := w.run(first)
	sameNames(t, steps)
	second := w.order() // of the same lane
	w.Advance(9 * time.Minute)
	w.is(first, journal.Throttled)
	w.is(second, journal.Queued)
	w.Advance(2 * time.Minute)
	w.is(first, journal.Succeeded)
	w.is(second, journal.Succeeded)
	equal(t, "requests", len(w.vendor.requests("/look")), 3)
	equal(t, "the second began after the first", w.logged("begins")[2]["n"], any(1.0))
	if log := w.log.String(); strings.Index(log, "goes on") > strings.LastIndex(log, `"begins"`) {
		t.Errorf("the lane was released:\n%s", log)
	}
}

// A request to any address waits for the time that it names, too.
func TestARefusedHTTPRequestWaitsForTheTimeThatIsNamed(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil, func(w *fixture) {
		w.write("orders", `on("shop.order.created", { retry = { attempts = 3, first = "1s" } }, function()
  http.get("`+w.vendor.URL+`/web")
end)`)
		w.vendor.answers(failing("/web", 1, reply{status: 429, header: map[string]string{"Retry-After": "600"}}))
	})
	parked := w.is(w.order(), journal.Throttled)
	if wait := parked.Park.Until.Sub(parked.Park.Since).Round(time.Second); wait != 10*time.Minute {
		t.Errorf("it waits for %s, expected 10m", wait)
	}
}

// A call that was never sent uses up no attempt: neither where our own count of
// the vendor's requests allows none, nor where the connection is broken.
func TestACallThatWasNotSentUsesUpNoAttempt(t *testing.T) {
	t.Parallel()
	const once = `local shop = require "shop"
on("shop.order.created", { lane = false, retry = { attempts = 1, first = "1s" } }, function() shop.look.now {} end)`
	t.Run("our own limit", func(t *testing.T) {
		t.Parallel()
		w := newFixture(t, map[string]string{"orders": once}, func(w *fixture) {
			w.apps[0].Limits = []bindings.Limit{{Requests: 1, Per: hour, Scope: bindings.PerConnection}}
		})
		w.is(w.order(), journal.Succeeded)
		id := w.order()
		parked := w.is(id, journal.Throttled)
		equal(t, "attempts", parked.Attempts, 1)
		contains(t, "why", parked.Problem.Message, "the 1 requests in 1h0m0s that shop allows are used up", "not sent")
		w.is(w.order(), journal.Throttled)
		w.Advance(hour + time.Minute)
		ended := w.until(id, func(r journal.Run) bool { return r.State.Ended() || r.Epoch > parked.Epoch && r.Park != nil })
		if ended.State == journal.Failed || ended.Attempts != 1 {
			t.Errorf("it is %s after %d attempts: %v", ended.State, ended.Attempts, ended.Problem)
		}
	})
	t.Run("a broken connection", func(t *testing.T) {
		t.Parallel()
		w := newFixture(t, map[string]string{"orders": strings.ReplaceAll(once, `require "shop"`, `require "bank"`)}, func(w *fixture) {
			w.connections = w.settings("shop")
		})
		id := w.order()
		equal(t, "attempts", w.is(id, journal.Blocked).Attempts, 1)
		w.crash()
		w.connections = w.settings("shop", "bank")
		w.start()
		equal(t, "attempts", w.is(id, journal.Succeeded).Attempts, 1)
	})
	t.Run("a refusal of the vendor counts", func(t *testing.T) {
		t.Parallel()
		w := newFixture(t, map[string]string{"orders": once})
		w.vendor.answers(failing("/look", 9, reply{status: 429, header: map[string]string{"Retry-After": "600"}}))
		equal(t, "attempts", w.is(w.order(), journal.Failed).Attempts, 1)
	})
}

// What a run executes now can be read while it does.
func TestTheStepOfARunningRunCanBeRead(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", function()
  uuid()
  shop.look.now {}
end)`})
	asked, goOn := make(chan struct{}), make(chan struct{})
	w.vendor.answers(func(int, request) reply { close(asked); <-goOn; return ok })
	id := w.order()
	<-asked
	now := w.runner.Current(id)
	if now == nil || now.Step != 2 || now.Name != "shop.look.now" || now.Position != "orders.lua:4" || now.Began.IsZero() || now.Started.IsZero() || now.Waits != "" {
		t.Errorf("found %+v", now)
	}
	close(goOn)
	w.is(id, journal.Succeeded)
	if now := w.runner.Current("run_0"); now != nil {
		t.Errorf("a run that does not execute: %+v", now)
	}
}

// A step has how long its call waited for a rate limit.
func TestAStepHasItsWaitForARateLimit(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", function()
  shop.look.now {}
  shop.look.now {}
end)`}, func(w *fixture) {
		w.apps[0].Limits = []bindings.Limit{{Requests: 1, Per: 2 * time.Second, Scope: bindings.PerConnection}}
	})
	id := w.order()
	w.is(id, journal.Succeeded)
	_, steps, err := w.store.Run(t.Context(), id)
	if err != nil || len(steps) != 2 || steps[0].Waited != 0 || steps[1].Waited != 2*time.Second {
		t.Errorf("the steps are %+v, %v", steps, err)
	}
}

func TestRefusalsReachTheScriptWhenTheAttemptsAreUsedUp(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", { retry = { attempts = 2, first = "1s" } }, function(event)
  local done, err = try(shop.look.now, {})
  log.info("caught", { kind = err.kind })
end)`})
	w.vendor.answers(failing("/look", 99, reply{status: 429, body: `{}`, header: map[string]string{"Retry-After": "600"}}))
	id := w.order()
	w.is(id, journal.Throttled)
	w.Advance(hour)
	equal(t, "attempts", w.is(id, journal.Succeeded).Attempts, 2)
	equal(t, "kind", w.logged("caught")[0]["kind"], any("rate_limited"))
}

func TestRunsBlockedByABrokenConnectionGoOnWhenItIsRepaired(t *testing.T) {
	t.Parallel()
	for name, repair := range map[string]func(w *fixture, id string){
		"by a start with it": func(w *fixture, id string) {
			w.crash()
			w.connections = w.settings("shop", "bank")
			w.start()
		},
		"by hand, once it is there": func(w *fixture, id string) {
			before, _ := w.run(id)
			must(w.TB, w.runner.Retry(w.Context(), id))
			again := w.until(id, func(r journal.Run) bool { return r.State == journal.Blocked && r.Epoch > before.Epoch })
			equal(w.TB, "kind", again.Problem.App.Kind, bindings.BrokenConnection)
			w.crash()
			w.connections = w.settings("shop", "bank")
			w.start()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, map[string]string{"orders": `local bank = require "bank"
on("shop.order.created", function(event)
  state.add("begun")
  bank.orders.pay { tag = "t" }
end)`}, func(w *fixture) { w.connections = w.settings("shop") })
			id := w.order()
			parked := w.is(id, journal.Blocked)
			contains(t, "why", parked.Problem.Text(), "orders.lua:4", "no connection to bank is configured")
			second := w.order()
			w.Advance(24 * hour)
			w.is(id, journal.Blocked)
			w.is(second, journal.Queued)
			repair(w, id)
			w.is(id, journal.Succeeded)
			w.is(second, journal.Succeeded)
			equal(t, "requests", len(w.vendor.requests("/orders")), 2)
		})
	}
}

func TestWhatARunResolvesIsFixedAtItsFirstActivation(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	must(t, err)
	rome := func(w *fixture) {
		w.connections = w.settings("shop/paris", "bank/paris", "bank/rome")
		w.accounts = map[string][]string{"shop/paris": {"bank/rome"}}
		w.zone = paris
	}
	const source = `local bank = require "bank"
on("shop.order.created", function(event)
  bank.look.now {}
  local t1 = time.format("2026-07-01T12:00:00Z", "%H")
  wait "1 hour"
  bank.look.now {}
  log.info("hours", { before = t1, after = time.format("2026-07-01T12:00:00Z", "%H") })
end)`
	tokens := func(w *fixture) string {
		var all []string
		for _, r := range w.vendor.requests("/look") {
			all = append(all, strings.TrimPrefix(r.Token, "Bearer token-of-"))
		}
		return strings.Join(all, " ")
	}
	t.Run("the mapping is changed", func(t *testing.T) {
		t.Parallel()
		w := newFixture(t, map[string]string{"orders": source}, rome)
		id := w.sendBy("shop/paris", "shop.order.created", `{}`)[0]
		parked := w.is(id, journal.Waiting)
		equal(t, "bank", parked.Connections["bank"], "bank/rome")
		equal(t, "shop", parked.Connections["shop"], "shop/paris")
		equal(t, "zone", parked.Zone, "Europe/Paris")
		w.crash()
		w.accounts, w.zone = map[string][]string{"shop/paris": {"bank/paris"}}, nil
		w.start()
		w.Advance(2 * hour)
		w.is(id, journal.Succeeded)
		later := w.sendBy("shop/paris", "shop.order.created", `{}`)[0]
		w.is(later, journal.Waiting)
		equal(t, "connections", tokens(w), "bank/rome bank/rome bank/paris")
		line := w.logged("hours")[0]
		equal(t, "hour before", line["before"], any("14"))
		equal(t, "hour after", line["after"], any("14"))
	})
	t.Run("the connection is gone", func(t *testing.T) {
		t.Parallel()
		w := newFixture(t, map[string]string{"orders": source}, rome)
		id := w.sendBy("shop/paris", "shop.order.created", `{}`)[0]
		w.is(id, journal.Waiting)
		w.crash()
		w.connections, w.accounts = w.settings("shop/paris", "bank/paris"), nil
		w.start()
		w.Advance(2 * hour)
		contains(t, "why", w.is(id, journal.Blocked).Problem.Message, `there is no connection "bank/rome"`)
		w.crash()
		rome(w)
		w.start()
		w.is(id, journal.Succeeded)
		equal(t, "connections", tokens(w), "bank/rome bank/rome")
	})
	t.Run("two, and nothing selects one", func(t *testing.T) {
		t.Parallel()
		w := newFixture(t, map[string]string{"orders": source}, rome, func(w *fixture) { w.accounts = nil })
		failed := w.is(w.sendBy("shop/paris", "shop.order.created", `{}`)[0], journal.Failed)
		contains(t, "why", failed.Problem.Message, "bank has 2 connections (bank/paris, bank/rome)", "accounts:")
	})
}

func TestCancelEndsARunInEveryLiveState(t *testing.T) {
	t.Parallel()
	var blocking chan struct{}
	cases := map[journal.State]struct {
		body   string
		answer func(n int, r request) reply
		change func(w *fixture)
	}{
		journal.Queued:    {body: `shop.look.now {}`, answer: failing("/look", 1, reply{status: 429, header: map[string]string{"Retry-After": "600"}})},
		journal.Running:   {body: `shop.look.now {}`, answer: func(int, request) reply { <-blocking; return ok }},
		journal.Waiting:   {body: `wait "1 day"`, answer: nil},
		journal.Retrying:  {body: `shop.look.now {}`, answer: failing("/look", 9, down)},
		journal.Throttled: {body: `shop.look.now {}`, answer: failing("/look", 1, reply{status: 429, header: map[string]string{"Retry-After": "600"}})},
		journal.Held:      {body: `shop.orders.pay {}`, answer: failing("/orders", 1, reply{cut: true})},
		journal.Blocked:   {body: `bank.look.now {}`, change: func(w *fixture) { w.connections = w.settings("shop") }},
	}
	for state, c := range cases {
		t.Run(string(state), func(t *testing.T) {
			change := c.change
			if change == nil {
				change = func(*fixture) {}
			}
			blocking = make(chan struct{})
			release := sync.OnceFunc(func() { close(blocking) })
			defer release()
			w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
local bank = require "bank"
on("shop.order.created", function(event)
  if event.data.n == 2 then return end
  ` + c.body + `
end)`}, change)
			if c.answer != nil {
				w.vendor.answers(c.answer)
			}
			id := w.order()
			if state == journal.Queued {
				w.is(id, journal.Throttled)
				id = w.order()
			}
			if state == journal.Running { // handing it out makes no write to wait for
				for len(w.vendor.requests("/look")) == 0 {
					<-time.After(time.Millisecond)
				}
			}
			w.is(id, state)
			second := w.send("shop.order.created", `{"customer":"c1","n":2}`)[0]
			must(t, w.runner.Cancel(t.Context(), id))
			w.is(id, journal.Cancelled)
			release()
			if state != journal.Queued {
				w.is(second, journal.Succeeded) // the lane is free
			}
			err := w.runner.Cancel(t.Context(), id)
			if !errors.Is(err, journal.ErrState) {
				t.Errorf("a second cancel: %v", err)
			}
			contains(t, "refusal", err.Error(), "it is cancelled, and would have to be queued, running, waiting, retrying, throttled, held, blocked or paused")
		})
	}
}

func TestNoAnswerIsLostWhileTheJournalCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": pay("")}, func(w *fixture) {
		full := 0
		w.writeError = func(write int) error {
			if write > 1 && full < 3 { // the disk is full after the begun record
				full++
				return journal.ErrUnwritable
			}
			return nil
		}
	})
	id := w.order()
	w.is(id, journal.Succeeded)
	equal(t, "requests", len(w.vendor.requests("/orders")), 1)
	_, steps := w.run(id)
	sameNames(t, steps, "shop.orders.pay done")
}

// A journal whose files are replaced cannot be written until the next start: the run
// ends at once and without a result.
func TestARunEndsWhenTheJournalIsReplaced(t *testing.T) {
	t.Parallel()
	failed := make(chan struct{}, 100)
	w := newFixture(t, map[string]string{"orders": pay("")}, func(w *fixture) {
		w.writeError = func(write int) error {
			if write > 1 {
				failed <- struct{}{}
				return journal.ErrReplaced
			}
			return nil
		}
	})
	id := w.order()
	<-failed
	for ended := time.After(timeout); w.runner.InFlight() > 0; {
		select {
		case <-time.After(time.Millisecond):
		case <-ended:
			t.Fatal("the run does not end")
		}
	}
	if n := len(failed); n > 0 {
		t.Errorf("it was tried %d more times to write", n)
	}
	equal(t, "requests", len(w.vendor.requests("/orders")), 1)
	run, _ := w.run(id)
	equal(t, "state", run.State, journal.Running)
}

func TestAShutdownReleasesRunsThatDoNotEndInTime(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		call     string
		path     string
		state    journal.State // after the next start
		requests int
	}{
		"what only reads is sent again": {`shop.look.now {}`, "/look", journal.Succeeded, 2},
		"what was sent may be done":     {`shop.orders.pay {}`, "/orders", journal.Held, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asking, goOn := make(chan struct{}), make(chan struct{})
			w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", function() uuid() ` + c.call + ` end)`}, func(w *fixture) { w.grace = time.Millisecond })
			w.vendor.answers(func(n int, _ request) reply {
				if n == 1 {
					close(asking)
					<-goOn
				}
				return ok
			})
			id := w.order()
			<-asking
			w.end()
			close(goOn)
			w.start()
			w.is(id, c.state)
			equal(t, "requests", len(w.vendor.requests(c.path)), c.requests)
			one, _ := w.run(id)
			equal(t, "attempts", one.Attempts, 1)
		})
	}
}

// The answer of a call is recorded although a shutdown interrupts its run meanwhile.
// Without that record the call would be uncertain after the next start.
func TestAnAnswerIsRecordedDuringAShutdown(t *testing.T) {
	t.Parallel()
	asking, goOn, interrupted := make(chan struct{}), make(chan struct{}), make(chan struct{})
	w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", function() shop.orders.pay {} end)
on("shop.order.closed", function() shop.look.now {} end)`}, func(w *fixture) {
		w.grace = time.Millisecond
		w.writeError = func(write int) error {
			if write == 2 { // the answer of the order; its begun record was the first write
				w.stop()
				<-w.store.released // the other run is interrupted, and so is this one
				close(interrupted)
			}
			return nil
		}
	})
	w.vendor.answers(func(n int, r request) reply {
		if r.Path == "/look" && n == 1 {
			close(asking)
			<-goOn
		}
		return ok
	})
	w.send("shop.order.closed", `{"customer":"c2"}`)
	<-asking
	id := w.order()
	<-interrupted
	w.end()
	close(goOn)
	w.writeError = nil
	w.start()
	w.is(id, journal.Succeeded)
	equal(t, "requests", len(w.vendor.requests("/orders")), 1)
}

func TestTheTimeoutCountsTheExecutingTimeOfAllActivations(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", { timeout = "25s" }, function()
  for i = 1, 5 do
    shop.look.now { tag = "t" .. i }
    wait "1 hour"
  end
end)`})
	w.vendor.answers(func(int, request) reply { w.Advance(10 * time.Second); return ok })
	id := w.order()
	for n := 1; n <= 2; n++ {
		parked := w.until(id, func(r journal.Run) bool { return r.State.Ended() || r.Steps == 2*n && r.Park != nil })
		equal(t, "executed", parked.Executed, time.Duration(n)*10*time.Second)
		w.Advance(2 * hour)
	}
	// With the third call it has executed for 30 s: it fails when it wakes again.
	w.until(id, func(r journal.Run) bool { return r.State.Ended() || r.Steps == 6 && r.Park != nil })
	w.Advance(2 * hour)
	failed := w.is(id, journal.Failed)
	equal(t, "limit", failed.Problem.Limit, "timeout")
	contains(t, "why", failed.Problem.Message, "over the hook's timeout of 25s")
	equal(t, "requests", len(w.vendor.requests("/look")), 3)
}
