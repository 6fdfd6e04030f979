package run_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// pay is a script that calls the operation that must not be repeated, in a hook
// with these options.
func pay(options string) string {
	return fmt.Sprintf(`local shop = require "shop"
on("shop.order.created", %s function()
  shop.orders.pay { tag = "p" }
end)`, options)
}

var down = reply{status: 503, body: `{"error":"down for work"}`}

// failing answers the first n requests to a path with r.
func failing(path string, n int, r reply) func(int, request) reply {
	return func(i int, one request) reply {
		if one.Path == path && i <= n {
			return r
		}
		return ok
	}
}

func TestAnUncaughtRetryableErrorIsRetried(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		body     string // of the handler
		state    journal.State
		attempts int
		requests int // to /look; each call sends twice after a 503
		steps    string
	}{
		"uncaught":                     {`shop.look.now {}`, journal.Succeeded, 2, 3, "shop.look.now done"},
		"the same table raised again":  {`local ok, err = pcall(shop.look.now, {}) error(err)`, journal.Failed, 3, 3, "shop.look.now failed"},
		"raised again, and then fine":  {`local ok, err = pcall(shop.look.now, {}) if not ok then error(err, 0) end`, journal.Succeeded, 2, 3, "shop.look.now done"},
		"caught":                       {`pcall(shop.look.now, {}) uuid()`, journal.Succeeded, 1, 2, "shop.look.now failed, uuid done"},
		"tried":                        {`local x, err = try(shop.look.now, {}) uuid()`, journal.Succeeded, 1, 2, "shop.look.now failed, uuid done"},
		"raised again after a step":    {`local ok, err = pcall(shop.look.now, {}) uuid() error(err)`, journal.Failed, 1, 2, "shop.look.now failed, uuid done"},
		"a text made of it":            {`local ok, err = pcall(shop.look.now, {}) error(tostring(err))`, journal.Failed, 1, 2, "shop.look.now failed"},
		"a bug":                        {`local x = nil; x.y = 1`, journal.Failed, 1, 0, ""},
		"an error that is not to pass": {`shop.look.now { tag = "gone" }`, journal.Failed, 1, 1, "shop.look.now failed"},
		"steps before it stay":         {`local id = uuid() shop.look.now {} state.put("id", id)`, journal.Succeeded, 2, 3, "uuid done, shop.look.now done, state.put done"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", { retry = { attempts = 3, first = "1m", max = "5m" } }, function() ` + c.body + ` end)`})
			w.vendor.answers(func(n int, r request) reply {
				switch {
				case name == "an error that is not to pass":
					return reply{status: 404, body: `{"error":"gone"}`}
				case name == "the same table raised again":
					return reply{status: 500, body: `{"error":"down for work"}`} // which opens no circuit
				case n <= 2:
					return down
				}
				return ok
			})
			id := w.order()
			for range 3 {
				at := w.until(id, func(r journal.Run) bool { return r.State.Ended() || r.Park != nil })
				if at.State.Ended() {
					break
				}
				equal(t, "state", at.State, journal.Retrying)
				equal(t, "the error's kind", at.Problem.App.Kind, bindings.Unavailable)
				attempt := at.Attempts
				first := at.Park.Until.Sub(at.Park.Since) >> (attempt - 2)
				if first < 45*time.Second || first > 75*time.Second {
					t.Errorf("attempt %d is %s later, expected a minute doubled each time, with a jitter of a quarter", attempt, at.Park.Until.Sub(at.Park.Since))
				}
				w.Advance(at.Park.Until.Sub(w.Now()) + time.Second)
				w.until(id, func(r journal.Run) bool { return r.State.Ended() || r.Attempts > attempt })
			}
			ended := w.is(id, c.state)
			equal(t, "attempts", ended.Attempts, c.attempts)
			equal(t, "requests", len(w.vendor.requests("/look")), c.requests)
			_, steps := w.run(id)
			equal(t, "steps", strings.Join(names(steps), ", "), c.steps)
		})
	}
}

func TestAFailedRunIsStoredAndMakesAnEvent(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{
		"orders": `local shop = require "shop"
on("shop.order.created", { retry = { attempts = 1 } }, function() shop.look.now {} end)`,
		"alert": `on("run.failed", { name = "alert" }, function(event)
  log.info("alert", { data = event.data, connection = event.connection, account = event.account })
  error("the alert fails too")
end)`,
	})
	w.vendor.answers(failing("/look", 2, down))
	id := w.order()
	failed := w.is(id, journal.Failed)
	alert := w.alerts(1)[0]
	w.is(alert.ID, journal.Failed)
	line := w.logged("alert")[0]
	equal(t, "connection", line["connection"], any("shop"))
	equal(t, "account", line["account"], any("account of shop"))
	text, err := json.Marshal(line["data"])
	must(t, err)
	contains(t, "the data of the alert", string(text), id, "orders", "down for work", "unavailable", "orders.lua:2", failed.Event)

	// A retry by a person goes on, and may fail again and make another event.
	w.vendor.answers(failing("/look", 4, down))
	must(t, w.runner.Retry(t.Context(), id))
	w.until(id, func(r journal.Run) bool { return r.State == journal.Failed && r.Attempts == 2 })
	for _, alert := range w.alerts(2) {
		w.is(alert.ID, journal.Failed)
	}
	must(t, w.runner.Retry(t.Context(), id))
	w.is(id, journal.Succeeded)
	equal(t, "alerts", len(w.alerts(2)), 2) // of two failures, and none of its own
}

// alerts waits for so many runs of the hook on run.failed.
func (w *fixture) alerts(n int) []journal.Run {
	w.Helper()
	late := time.After(timeout)
	for {
		changed := w.store.next()
		runs, err := w.file.Runs(w.Context(), journal.RunQuery{Script: "alert"})
		must(w.TB, err)
		if len(runs) >= n {
			return runs
		}
		select {
		case <-changed:
		case <-late:
			w.Fatalf("%d alerts, expected %d", len(runs), n)
		}
	}
}

func TestACallThatMayHaveBeenDone(t *testing.T) {
	t.Parallel()
	cut := failing("/orders", 1, reply{cut: true})
	t.Run("hold", func(t *testing.T) {
		t.Parallel()
		decisions := map[string]struct {
			decision journal.Resolution
			result   string
			state    journal.State
			requests int
			value    string // of the step
		}{
			"retry":          {journal.Resend, "", journal.Succeeded, 2, `{"ok":true}`},
			"skip":           {journal.Skip, `{"paid":"by hand"}`, journal.Succeeded, 1, `{"paid":"by hand"}`},
			"skip, no value": {journal.Skip, "", journal.Succeeded, 1, ""},
			"fail":           {journal.Fail, "", journal.Failed, 1, ""},
		}
		for name, c := range decisions {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newFixture(t, map[string]string{"orders": pay(""), "alert": `on("run.failed", function() end)`})
				w.vendor.answers(cut)
				id := w.order()
				parked := w.is(id, journal.Held)
				equal(t, "kind", parked.Problem.App.Kind, bindings.Uncertain)
				contains(t, "why", parked.Problem.Message, "shop.orders.pay", "whether it was done is not known")
				_, steps := w.run(id)
				sameNames(t, steps, "shop.orders.pay begun")
				err := w.runner.Retry(t.Context(), id)
				if err == nil {
					t.Fatal("a held run was retried without a decision")
				}
				contains(t, "refusal", err.Error(), "held", "tidewire runs decide "+id)
				w.Advance(24 * hour)
				w.is(id, journal.Held)
				must(t, w.runner.DecideCall(t.Context(), id, journal.CallDecision{Resolution: c.decision, Result: json.RawMessage(c.result)}))
				ended := w.is(id, c.state)
				equal(t, "requests", len(w.vendor.requests("/orders")), c.requests)
				_, steps = w.run(id)
				if c.state == journal.Failed {
					contains(t, "why", ended.Problem.Message, "whether it was done is not known")
					w.alerts(1)
					return
				}
				sameNames(t, steps, "shop.orders.pay done")
				equal(t, "result", string(steps[0].Result), c.value)
				if err := w.runner.DecideCall(t.Context(), id, journal.CallDecision{Resolution: journal.Skip}); err == nil || !strings.Contains(err.Error(), "it is succeeded, and would have to be held") {
					t.Errorf("a second decision: %v", err)
				}
			})
		}
	})
	t.Run("retry", func(t *testing.T) {
		t.Parallel()
		w := newFixture(t, map[string]string{"orders": pay(`{ on_uncertain = "retry" },`)})
		w.vendor.answers(cut)
		id := w.order()
		equal(t, "kind", w.is(id, journal.Retrying).Problem.App.Kind, bindings.Uncertain)
		w.Advance(hour)
		equal(t, "attempts", w.is(id, journal.Succeeded).Attempts, 2)
		equal(t, "requests", len(w.vendor.requests("/orders")), 2)
	})
	t.Run("retry until the attempts are used up", func(t *testing.T) {
		t.Parallel()
		w := newFixture(t, map[string]string{"orders": pay(`{ on_uncertain = "retry", retry = { attempts = 2 } },`)})
		w.vendor.answers(failing("/orders", 9, reply{cut: true}))
		id := w.order()
		w.is(id, journal.Retrying)
		w.Advance(hour)
		failed := w.is(id, journal.Failed)
		equal(t, "kind", failed.Problem.App.Kind, bindings.Uncertain)
		equal(t, "requests", len(w.vendor.requests("/orders")), 2)
	})
	t.Run("raise", func(t *testing.T) {
		t.Parallel()
		w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", { on_uncertain = "raise" }, function()
  local done, err = try(shop.orders.pay, { tag = "p" })
  log.info("raised", { kind = err.kind, retryable = err.retryable })
  error(err)
end)`})
		w.vendor.answers(cut)
		id := w.order()
		equal(t, "attempts", w.is(id, journal.Failed).Attempts, 1)
		line := w.logged("raised")[0]
		equal(t, "kind", line["kind"], any("uncertain"))
		equal(t, "retryable", line["retryable"], any(false))
		// A retry does not remove an uncertain record.
		must(t, w.runner.Retry(t.Context(), id))
		w.until(id, func(r journal.Run) bool { return r.State == journal.Failed && r.Attempts == 2 })
		equal(t, "requests", len(w.vendor.requests("/orders")), 1)
	})
}

func TestAfterACrashWhatIsSafeIsSentAgain(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		call  string
		path  string
		later time.Duration // between crash and restart
		again bool
		why   string
	}{
		"safe":                  {`shop.look.now { tag = "t" }`, "/look", 0, true, ""},
		"idempotent":            {`shop.items.save { tag = "t", at = time.now() }`, "/items", 5 * hour, true, ""},
		"with a young key":      {`shop.transfers.make { tag = "t" }`, "/transfers", 20 * time.Minute, true, ""},
		"with an old key":       {`shop.transfers.make { tag = "t" }`, "/transfers", 31 * time.Minute, false, "its idempotency key was first sent 31m0s ago, and shop stores one for 30m0s"},
		"unsafe":                {`shop.orders.pay { tag = "t" }`, "/orders", 0, false, "repeating it may change it twice"},
		"http that changes":     {`http.post(params.url .. "/web", { json = { a = 1 } })`, "/web", 0, false, "repeating it may change it twice"},
		"http that reads":       {`http.get(params.url .. "/web")`, "/web", 0, true, ""},
		"a request that reads":  {`shop.request { path = "/raw" }`, "/raw", 0, true, ""},
		"a request that posts":  {`shop.request { method = "POST", path = "/raw", body = { a = 1 } }`, "/raw", 0, false, "repeating it may change it twice"},
		"unsafe, by option":     {`shop.orders.pay { tag = "t" }`, "/orders", 0, true, ""},
		"unsafe, and is raised": {`local done, err = try(shop.orders.pay, { tag = "t" }) log.info("raised", { kind = err.kind })`, "/orders", 0, false, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := map[string]string{"unsafe, by option": `{ on_uncertain = "retry" },`, "unsafe, and is raised": `{ on_uncertain = "raise" },`}[name]
			w := newFixture(t, nil, func(w *fixture) {
				w.write("orders", `local shop = require "shop"
on("shop.order.created", `+options+` function()
  `+strings.ReplaceAll(strings.ReplaceAll(c.call, "params.url", fmt.Sprintf("%q", w.vendor.URL)), `, at = time.now()`, "")+`
end)`)
				w.killAt, w.killBefore = 2, true // a begun record first, then the answer
				if strings.Contains(name, "safe") && c.path == "/look" || strings.Contains(name, "reads") {
					w.killAt = 1 // what only reads has no begun record
				}
			})
			id := w.order()
			<-w.store.killed
			w.crash()
			w.Advance(c.later)
			w.killAt = 0
			w.start()
			if !c.again && c.why != "" {
				contains(t, "why", w.is(id, journal.Held).Problem.Message, c.why)
				equal(t, "requests", len(w.vendor.requests(c.path)), 1)
				return
			}
			w.is(id, journal.Succeeded)
			if !c.again {
				equal(t, "requests", len(w.vendor.requests(c.path)), 1)
				equal(t, "kind", w.logged("raised")[0]["kind"], any("uncertain"))
				return
			}
			requests := w.vendor.requests(c.path)
			if len(requests) != 2 || requests[0] != requests[1] {
				t.Errorf("expected the same request twice, found %+v", requests)
			}
			if (requests[0].Key != "") != strings.Contains(name, "key") {
				t.Errorf("found the key %q", requests[0].Key)
			}
		})
	}
}

func TestTheAgeOfAKeyCountsFromTheFirstSendingThatMayHaveBeenDone(t *testing.T) {
	t.Parallel()
	refusal := func(after string) reply {
		return reply{status: 429, body: `{"error":"slow down"}`, header: map[string]string{"Retry-After": after}}
	}
	cases := map[string]struct {
		call     string
		answers  []reply // then ok
		later    time.Duration
		begun    bool // while it is parked
		state    journal.State
		requests int
	}{
		"refused at once":                {`shop.orders.pay { tag = "t" }`, []reply{refusal("600")}, hour, false, journal.Succeeded, 2},
		"refused, then cut":              {`shop.orders.pay { tag = "t" }`, []reply{refusal("600"), {cut: true}}, hour, false, journal.Held, 2},
		"refused at once, with a key":    {`shop.transfers.make { tag = "t" }`, []reply{refusal("600")}, hour, false, journal.Succeeded, 2},
		"down, refused, key young":       {`shop.transfers.make { tag = "t" }`, []reply{down, refusal("600")}, 11 * time.Minute, true, journal.Succeeded, 3},
		"down, refused, key too old":     {`shop.transfers.make { tag = "t" }`, []reply{down, refusal("600")}, 31 * time.Minute, true, journal.Held, 2},
		"down, refused, idempotent":      {`shop.items.save { tag = "t" }`, []reply{down, refusal("600")}, 5 * hour, true, journal.Succeeded, 3},
		"down, refused to the end":       {`shop.transfers.make { tag = "t" }`, []reply{down, refusal("60"), refusal("60")}, 2 * time.Minute, true, journal.Held, 3},
		"refused to the end, not done":   {`shop.transfers.make { tag = "t" }`, []reply{refusal("60"), refusal("60")}, 2 * time.Minute, false, journal.Failed, 2},
		"idempotent, refused to the end": {`shop.items.save { tag = "t" }`, []reply{down, refusal("60"), refusal("60")}, 2 * time.Minute, true, journal.Failed, 3},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", { retry = { attempts = 2, first = "1s" } }, function() ` + c.call + ` end)`})
			w.vendor.answers(func(n int, _ request) reply {
				if n <= len(c.answers) {
					return c.answers[n-1]
				}
				return ok
			})
			id := w.order()
			w.is(id, journal.Throttled)
			_, steps := w.run(id)
			equal(t, "the begun record stays", len(steps) == 1 && steps[0].State == journal.Begun, c.begun)
			w.Advance(c.later)
			w.is(id, c.state)
			var requests []request
			for _, path := range []string{"/orders", "/transfers", "/items"} {
				requests = append(requests, w.vendor.requests(path)...)
			}
			equal(t, "requests", len(requests), c.requests)
			for _, r := range requests {
				equal(t, "request", r, requests[0])
			}
		})
	}
}

func TestEachStepHasItsOwnKey(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", function(event)
  shop.transfers.make { tag = "t" }
  shop.transfers.make { tag = "t" }
  shop.transfers.make({ tag = "t" }, { idempotency_key = "mine" })
end)`})
	first, second := w.order(), w.order()
	w.is(first, journal.Succeeded)
	w.is(second, journal.Succeeded)
	seen := map[string]int{}
	for _, r := range w.vendor.requests("/transfers") {
		seen[r.Key]++
	}
	equal(t, "keys", len(seen), 5)
	equal(t, "its own", seen["mine"], 2)
}

// The step of a call that is sent again began with the first sending: an event of a
// time between the two sendings may be the echo of the call.
func TestACallThatIsSentAgainBeganWithItsFirstSending(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", function() shop.items.save { tag = "a" } end)`}, func(w *fixture) { w.killAt, w.killBefore = 2, true })
	first := w.Now()
	id := w.order()
	<-w.store.killed
	w.Advance(hour)
	w.restart()
	w.is(id, journal.Succeeded)
	_, steps := w.run(id)
	sameNames(t, steps, "shop.items.save done")
	if began := steps[0].Started; !began.Equal(first.Truncate(time.Microsecond)) {
		t.Errorf("the step began at %s, expected %s", began, first)
	}
	equal(t, "requests", len(w.vendor.requests("/items")), 2)
}
