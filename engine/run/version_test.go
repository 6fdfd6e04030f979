package run_test

import (
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/journal"
)

const versionOne = `on("shop.order.created", function(event)
  local at = time.now()
  log.info("asks", { secret = hmac.sha256(secret "seal", "x") })
  local e = wait_for "shop.order.confirmed"
  log.info("result", { version = "one", n = e.data.n })
end)`

var versionTwo = strings.Replace(versionOne, `version = "one"`, `version = "two", at = at`, 1)

func sealed(w *fixture) { w.secrets = map[string]string{"seal": "wax-and-more"} }

func (w *fixture) wantVersion(expected string) {
	w.Helper()
	lines := w.logged("result")
	if len(lines) == 0 {
		w.Fatalf("the script logged no result, expected that of version %q", expected)
	}
	equal(w.TB, "the version", lines[len(lines)-1]["version"], any(expected))
}

func TestARunEndsOnTheVersionThatItBeganOn(t *testing.T) {
	t.Parallel()
	changes := map[string]func(w *fixture){
		"the script is edited":  func(w *fixture) { w.edit("orders", versionTwo) },
		"the script is deleted": func(w *fixture) { w.remove("orders") },
		"the hook is taken out": func(w *fixture) { w.edit("orders", `on("shop.order.closed", function() end)`) },
	}
	for name, change := range changes {
		for _, crash := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newFixture(t, map[string]string{"orders": versionOne}, sealed)
				id := w.order()
				w.is(id, journal.Waiting)
				change(w)
				if crash {
					w.restart()
				}
				w.confirm("shop", `{"n":1}`) // no live script may wait for it
				w.is(id, journal.Succeeded)
				w.wantVersion("one")
			})
		}
	}
}

func TestAnAcceptedEventRunsAlthoughItsHookIsGone(t *testing.T) {
	t.Parallel()
	script := func(name string) string {
		return `local shop = require "shop"
on("shop.order.created", function(event)
  shop.look.now {}
  log.info("result", { version = "` + name + `", n = event.data.n })
end)`
	}
	cases := map[string]struct {
		change func(w *fixture)
		second string // the version on which the second run ends
	}{
		"edited":         {func(w *fixture) { w.edit("orders", script("two")) }, "two"},
		"deleted":        {func(w *fixture) { w.remove("orders") }, "one"},
		"without a hook": {func(w *fixture) { w.edit("orders", `on("shop.order.closed", function() end)`) }, "one"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, map[string]string{"orders": script("one")})
			reached, goOn := make(chan struct{}), make(chan struct{})
			w.vendor.answers(func(n int, _ request) reply {
				if n == 1 {
					close(reached)
					<-goOn
				}
				return ok
			})
			first := w.order()
			<-reached
			second := w.order() // accepted, and queued after the first
			c.change(w)
			close(goOn)
			w.is(first, journal.Succeeded)
			w.is(second, journal.Succeeded)
			lines := w.logged("result")
			equal(t, "the first", lines[0]["version"], any("one"))
			equal(t, "the second", lines[1]["version"], any(c.second))
		})
	}
}

func TestMigrateMovesARunWhoseRecordReplays(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		second  string
		refused []string
	}{
		"a later part changed":  {second: versionTwo},
		"a step before":         {strings.Replace(versionOne, "local at", "uuid() local at", 1), []string{"step 1 was time.now", "(at orders.lua:2)", "would be uuid"}},
		"another wait":          {strings.Replace(versionOne, "confirmed", "closed", 1), []string{"step 2 was wait_for", `"shop.order.confirmed"`, `"shop.order.closed"`}},
		"an end before":         {strings.Replace(versionOne, "local e = ", "if true then return end local e = ", 1), []string{"would end before step 2, wait_for (at orders.lua:4)"}},
		"an error before":       {strings.Replace(versionOne, "local e = ", `error "no more" local e = `, 1), []string{"would end before step 2, wait_for", "no more"}},
		"the same as before":    {versionOne, []string{"it is on the present version"}},
		"a hook of that name":   {`on("shop.order.closed", function() end)`, []string{`script "orders" has no hook "shop.order.created" any more`}},
		"an error right behind": {second: strings.Replace(versionTwo, `log.info("result"`, `log.info("more", {}) log.info("result"`, 1)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, map[string]string{"orders": versionOne}, sealed)
			id := w.order()
			before := w.is(id, journal.Waiting)
			w.edit("orders", c.second)
			err := w.runner.Migrate(t.Context(), id)
			moved, steps := w.run(id)
			sameNames(t, steps, "time.now done", "wait_for begun")
			equal(t, "state", moved.State, journal.Waiting)
			if c.refused != nil {
				if err == nil {
					t.Fatal("it was moved")
				}
				t.Log(err)
				contains(t, "refusal", err.Error(), c.refused...)
				equal(t, "version", moved.Bound, before.Bound)
				w.confirm("shop", `{"n":1}`)
				w.is(id, journal.Succeeded)
				w.wantVersion("one")
				return
			}
			must(t, err)
			if moved.Bound == before.Bound {
				t.Error("it is bound as before")
			}
			w.confirm("shop", `{"n":1}`)
			w.is(id, journal.Succeeded)
			w.wantVersion("two")
			equal(t, "lines of the steps before", len(w.logged("asks")), 1)
			err = w.runner.Migrate(t.Context(), id)
			if err == nil {
				t.Fatal("a run that is over was moved")
			}
			contains(t, "refusal", err.Error(), "it is succeeded, and would have to be waiting, retrying, throttled, held or blocked")
		})
	}
}

func TestMigrateUnblocksARun(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": versionOne}, sealed)
	id := w.order()
	w.is(id, journal.Waiting)
	w.edit("orders", strings.Replace(versionOne, "local at", "uuid() local at", 1))
	unit, _, _ := w.scripts.Generation().Hook("orders", "shop.order.created")
	must(t, w.file.Migrate(t.Context(), id, unit.Version.Hash))
	w.confirm("shop", `{"n":1}`)
	w.is(id, journal.Blocked)
	w.edit("orders", versionTwo)
	must(t, w.runner.Migrate(t.Context(), id))
	w.is(id, journal.Succeeded)
	w.wantVersion("two")
}

func TestReplayMakesANewRunOnThePresentVersion(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", function(event)
  local id = uuid()
  shop.orders.pay { tag = "p" }
  error("a bug")
end)`})
	id := w.order()
	w.is(id, journal.Failed)
	w.edit("orders", `local shop = require "shop"
on("shop.order.created", function(event)
  local id = uuid()
  shop.orders.pay { tag = "p" }
  log.info("result", { version = "two", id = id })
end)`)
	_, old := w.run(id)
	copied, err := w.runner.Replay(t.Context(), id, 2)
	must(t, err)
	w.is(copied, journal.Succeeded)
	equal(t, "requests", len(w.vendor.requests("/orders")), 1)
	_, steps := w.run(copied)
	equal(t, "the id", string(steps[0].Result), string(old[0].Result))
	whole, err := w.runner.Replay(t.Context(), id, 0)
	must(t, err)
	w.is(whole, journal.Succeeded)
	equal(t, "requests", len(w.vendor.requests("/orders")), 2)
	if _, err := w.runner.Replay(t.Context(), id, 3); err == nil || !strings.Contains(err.Error(), "it has 2 steps, 3 cannot be copied") {
		t.Errorf("found %v", err)
	}
	w.is(id, journal.Failed)
	w.remove("orders")
	if _, err := w.runner.Replay(t.Context(), id, 0); err == nil || !strings.Contains(err.Error(), `script "orders" has no hook`) {
		t.Errorf("found %v", err)
	}
}
