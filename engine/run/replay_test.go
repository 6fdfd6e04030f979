package run_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tidewire/tidewire/engine/journal"
)

// allSteps has a step of each kind that ends at once, and logs the results.
const allSteps = `local shop = require "shop"
local bank = require "bank"
on("shop.order.created", function(event)
  local at, dice, id = time.now(), random(1, 1000000), uuid()
  log.info("one", { at = at, dice = dice, id = id })
  local seen = shop.look.now { tag = "a" }
  local fine, caught = pcall(bank.look.now, { tag = "missing" })
  log.info("two", { ok = seen.ok, fine = fine, kind = caught.kind, status = caught.status, text = tostring(caught) })
  local none, err = try(bank.look.now, { tag = "missing" })
  local count = state.add("count", 1)
  links.put("shop.order", event.data.id, "bank.order", "b1")
  shop.items.save { tag = event.data.id }
  emit("order.seen", { id = event.data.id })
  log.info("three", { none = tostring(none), kind = err.kind, count = count, link = links.get("shop.order", event.data.id, "bank.order") })
  state.put("seen", { at = at, dice = dice, id = id, count = count, kinds = { caught.kind, err.kind }, text = tostring(caught), same = event.data.n })
end)
`

func missing(_ int, r request) reply {
	if r.Path == "/look" && r.Token == "Bearer token-of-bank" {
		return reply{status: 404, body: `{"error":"no such thing"}`}
	}
	return ok
}

func TestARunGoesOnAfterACrashAtAnyWrite(t *testing.T) {
	t.Parallel()
	undisturbed := newFixture(t, map[string]string{"orders": allSteps})
	undisturbed.vendor.answers(missing)
	undisturbed.is(undisturbed.order(), journal.Succeeded)
	writes := undisturbed.store.writes
	_, expected := undisturbed.run(undisturbed.onlyRun())
	if writes < len(expected) {
		t.Fatalf("%d steps in %d writes", len(expected), writes)
	}
	for at := 1; at <= writes; at++ {
		for _, before := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d before %v", at, before), func(t *testing.T) {
				t.Parallel()
				w := newFixture(t, map[string]string{"orders": allSteps}, func(w *fixture) { w.killAt, w.killBefore = at, before })
				w.vendor.answers(missing)
				id := w.order()
				<-w.store.killed
				w.restart()
				w.is(id, journal.Succeeded)
				_, steps := w.run(id)
				if !slices.Equal(names(steps), names(expected)) {
					t.Errorf("steps: found %q, expected %q", names(steps), names(expected))
				}
				// A call whose answer is recorded is not sent again. The one that was
				// interrupted is, if that is safe.
				for path, n := range map[string]int{"/look": 3, "/items": 1} {
					if found := len(w.vendor.requests(path)); found < n || found > n+1 {
						t.Errorf("%s was asked %d times, expected %d or one more", path, found, n)
					}
				}
				if total := len(w.vendor.requests("/look")) + len(w.vendor.requests("/items")); total > 5 {
					t.Errorf("%d requests: more than one was made again", total)
				}
				// The state is written in the last activation; each line of the log
				// in the activation that was first to reach it.
				one, two := w.logged("one"), w.logged("two")
				if len(one) > 2 || len(w.logged("three")) > 2 {
					t.Errorf("lines were repeated:\n%s", w.log)
				}
				three := w.logged("three")
				equal(t, "the link", three[0]["link"], any("b1"))
				equal(t, "the count", three[0]["count"], any(1.0))
				equal(t, "what try gave", three[0]["none"], any("nil"))
				last := one[len(one)-1]
				put := string(steps[len(steps)-1].Args)
				contains(t, "what the script saw", put, fmt.Sprintf(`"id":%q`, last["id"]), fmt.Sprintf(`"at":%q`, last["at"]),
					fmt.Sprintf(`"dice":%.0f`, last["dice"]), `"count":1`, `"kinds":["not_found","not_found"]`,
					fmt.Sprintf(`"text":%q`, two[len(two)-1]["text"]))
			})
		}
	}
}

func TestAReplayLogsNothingTwice(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": `
on("shop.order.created", function()
  log.info("before")
  local at = time.now()
  log.info("between", { at = at })
  wait "1 hour"
  log.info("after", { at = at })
end)`})
	id := w.order()
	w.is(id, journal.Waiting)
	w.Advance(2 * hour)
	w.is(id, journal.Succeeded)
	for _, text := range []string{"before", "between", "after"} {
		equal(t, "lines "+text, len(w.logged(text)), 1)
	}
	equal(t, "the time", w.logged("after")[0]["at"], w.logged("between")[0]["at"])
}

func TestAReplayIsNotCharged(t *testing.T) {
	t.Parallel()
	// Each third uses more than half of the bound.
	w := newFixture(t, map[string]string{"orders": `
local function work() local n = 0 for i = 1, 40000 do n = n + i end return n end
on("shop.order.created", { limits = { instructions = 150000 } }, function()
  work() wait "1 hour" work() wait "1 hour" work()
end)`, "greedy": `
local function work() local n = 0 for i = 1, 40000 do n = n + i end return n end
on("shop.order.confirmed", { limits = { instructions = 150000 } }, function()
  work() work() work()
end)`})
	id := w.order()
	for range 2 {
		w.is(id, journal.Waiting)
		w.Advance(2 * hour)
		w.until(id, func(r journal.Run) bool { return r.State.Ended() || r.Steps == 2 && r.Park != nil })
	}
	w.is(id, journal.Succeeded)
	greedy := w.send("shop.order.confirmed", `{"customer":"c1"}`)[0]
	equal(t, "the limit", w.is(greedy, journal.Failed).Problem.Limit, "instructions")
}

func TestARunThatIsNotDeterministicIsBlocked(t *testing.T) {
	t.Parallel()
	const first = `on("shop.order.created", function()
  state.put("a", 1)
  wait "1 hour"
  state.put("b", 2)
end)`
	cases := map[string]struct {
		second   string
		position string
		message  []string
	}{
		"another value": {`on("shop.order.created", function()
  state.put("a", 5)
  wait "1 hour"
end)`, "orders.lua:2", []string{"step 1", `"value":1}`, `"value":5}`, "(at orders.lua:2)"}},
		"a value far inside": {`on("shop.order.created", function()
  state.put("a", { text = ("x"):rep(300) .. "two" })
end)`, "orders.lua:2", []string{"xone\"}}", "xtwo\"}}"}},
		"another step": {`on("shop.order.created", function()

  state.put("a", 1)
  uuid()
end)`, "orders.lua:4", []string{"step 2", "was wait", "is now uuid"}},
		"an end too early": {`on("shop.order.created", function()
  state.put("a", 1)
end)`, "orders.lua:3", []string{"ended after step 1", "goes on with step 2, wait (at orders.lua:3)"}},
		"an error too early": {`on("shop.order.created", function()
  state.put("a", 1)
  error("another mood")
end)`, "orders.lua:3", []string{"ended after step 1", "another mood"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := first
			if name == "a value far inside" {
				first = `on("shop.order.created", function()
  state.put("a", { text = ("x"):rep(300) .. "one" })
  wait "1 hour"
end)`
			}
			w := newFixture(t, map[string]string{"orders": first})
			id := w.order()
			w.is(id, journal.Waiting)
			w.edit("orders", c.second)
			unit, _, _ := w.scripts.Generation().Hook("orders", "shop.order.created")
			must(t, w.file.Migrate(t.Context(), id, unit.Version.Hash)) // in the store, without the check of the records
			w.Advance(2 * hour)
			problem := w.is(id, journal.Blocked).Problem
			equal(t, "position", problem.Position, c.position)
			contains(t, "message", problem.Message, append(c.message, "the script is not deterministic")...)
			_, steps := w.run(id)
			sameNames(t, steps, "state.put done", "wait done")
			t.Log(problem.Text())
		})
	}
}
