package run_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

func (w *fixture) confirm(connection, data string) {
	w.Helper()
	w.sendBy(connection, "shop.order.confirmed", data)
}

func TestWhatARunWaitsFor(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		body   string
		events func(w *fixture)
		text   string // that the script logs
	}{
		"a time": {`wait "3 days" say "over"`, func(w *fixture) { w.Advance(73 * hour) }, "over"},
		"a date": {`wait(time.after("2 days")) say "over"`, func(w *fixture) { w.Advance(49 * hour) }, "over"},
		"an event": {`local e = wait_for("shop.order.confirmed", { where = { id = event.data.id } }) say(e.data.id .. " " .. e.data.n)`, func(w *fixture) {
			w.confirm("shop", `{"id":"o2","n":1}`)
			w.confirm("shop", `{"id":"o1","n":2}`)
		}, "o1 2"},
		"the first of several": {`local e = wait_for({ "shop.order.confirmed", "shop.order.closed" }) say(e.type)`, func(w *fixture) {
			w.send("shop.order.closed", `{"id":"o1"}`)
			w.confirm("shop", `{"id":"o1"}`)
		}, "shop.order.closed"},
		"too long": {`local e, err = wait_for("shop.order.confirmed", { timeout = "2 days" }) say(tostring(e) .. " " .. err.kind .. ": " .. err.message)`, func(w *fixture) {
			w.Advance(49 * hour)
		}, "nil timeout: shop.order.confirmed did not come within 2 days"},
		"an event in time": {`local e, err = wait_for("shop.order.confirmed", { timeout = "2 days" }) say(e.data.id .. tostring(err))`, func(w *fixture) {
			w.Advance(47 * hour)
			w.confirm("shop", `{"id":"o1"}`)
		}, "o1nil"},
		"each event once": {`local a = wait_for "shop.order.confirmed" local b = wait_for "shop.order.confirmed" say(a.data.n .. " " .. b.data.n)`, func(w *fixture) {
			w.confirm("shop", `{"n":1}`)
			w.confirm("shop", `{"n":2}`)
		}, "1 2"},
		"events of its own connection": {`local e = wait_for "shop.order.confirmed" say(e.connection)`, func(w *fixture) {
			w.confirm("shop/rome", `{"n":1}`)
			w.confirm("shop", `{"n":2}`)
		}, "shop"},
		"events of the connection that it names": {`local e = wait_for("shop.order.confirmed", { connection = "rome" }) say(e.connection)`, func(w *fixture) {
			w.confirm("shop", `{"n":2}`)
			w.confirm("shop/rome", `{"n":1}`)
		}, "shop/rome"},
		"a script's own event": {`local e = wait_for "emit:paid" say(e.data.n)`, func(w *fixture) {
			w.sendBy("", "emit:paid", `{"n":7}`)
		}, "7"},
	}
	for name, c := range cases {
		for _, crash := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, crash %v", name, crash), func(t *testing.T) {
				t.Parallel()
				w := newFixture(t, map[string]string{"orders": `
local function say(text) log.info("result", { text = tostring(text) }) end
on("shop.order.created", function(event)
  ` + c.body + `
end)`}, func(w *fixture) { w.connections = w.settings("shop", "shop/rome", "bank") })
				id := w.order()
				w.is(id, journal.Waiting)
				if crash {
					w.restart()
				}
				c.events(w)
				w.is(id, journal.Succeeded)
				line := w.logged("result")
				if len(line) != 1 || line[0]["text"] != c.text {
					t.Errorf("it logged %v, expected %q", line, c.text)
				}
			})
		}
	}
}

func TestAnEventBeforeTheWaitIsFound(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", function(event)
  shop.look.now {}
  local a = wait_for "shop.order.confirmed"
  log.info("result", { n = a.data.n })
end)`})
	w.vendor.answers(func(int, request) reply {
		w.confirm("shop", `{"n":2}`)
		w.confirm("shop", `{"n":3}`)
		return ok
	})
	w.confirm("shop", `{"n":1}`) // before the run was made
	w.Advance(time.Second)
	id := w.order()
	w.is(id, journal.Succeeded)
	equal(t, "event", w.logged("result")[0]["n"], any(2.0))
}

func TestAnApprovalIsDecidedBeforeOrAfterThePark(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]bool{"before": true, "after": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, map[string]string{"orders": `
on("shop.order.created", function(event)
  local a = approval { title = "Pay?", choices = { "yes", "no" }, timeout = "2 days" }
  wait "1 hour"
  local d, err = wait_for(a)
  log.info("result", { choice = d and d.choice, by = d and d.by, note = d and d.note, err = err and err.kind, url = a.url })
end)`})
			id := w.order()
			w.is(id, journal.Waiting)
			open, err := w.file.Approvals(t.Context())
			must(t, err)
			if len(open) != 1 || open[0].Run != id || open[0].Title != "Pay?" || open[0].Expires.Sub(open[0].Created) != 48*hour {
				t.Fatalf("found %+v", open)
			}
			decide := func() {
				_, err := w.file.Decide(t.Context(), open[0].ID, journal.Decision{Choice: "yes", By: "Ann", Note: "fine"})
				must(t, err)
			}
			if before {
				decide()
			}
			w.Advance(2 * hour)
			if !before {
				w.until(id, func(r journal.Run) bool { return r.Park != nil && r.Park.Await != nil })
				decide()
			}
			w.is(id, journal.Succeeded)
			line := w.logged("result")[0]
			equal(t, "choice", line["choice"], any("yes"))
			equal(t, "by", line["by"], any("Ann"))
			equal(t, "note", line["note"], any("fine"))
			contains(t, "url", line["url"].(string), open[0].ID)
		})
	}
}

func TestAWaitingRunFreesItsLaneAndIsQueuedAtItsEnd(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", function(event)
  log.info("first part", { n = event.data.n })
  if event.data.n == 1 then wait "1 hour" end
  if event.data.n == 3 then shop.look.now {} end
  log.info("last part", { n = event.data.n })
end)`})
	send := func(n int) string {
		return w.send("shop.order.created", fmt.Sprintf(`{"customer":"c1","n":%d}`, n))[0]
	}
	one := send(1)
	w.is(one, journal.Waiting)
	two := send(2)
	w.is(two, journal.Succeeded) // the lane is free
	w.vendor.answers(failing("/look", 2, down))
	three := send(3)
	w.is(three, journal.Retrying)
	four := send(4)
	w.Advance(2 * hour) // the first wakes at the end of the lane; the third goes on first
	for _, id := range []string{one, two, three, four} {
		w.is(id, journal.Succeeded)
	}
	var order []string
	for _, part := range []string{"first part", "last part"} {
		for _, line := range w.logged(part) {
			order = append(order, fmt.Sprint(line["n"]))
		}
	}
	// The third stayed at the head of the lane and ended before the fourth began; the first was last.
	equal(t, "order", strings.Join(order, " "), "1 2 3 3 4 2 3 4 1")
}

func TestAnUndecidedRunDoesNotDelayAnotherCustomer(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", function(event)
  if event.data.customer == "c1" then shop.orders.pay {} end
end)`})
	w.vendor.answers(failing("/orders", 1, reply{cut: true}))
	w.is(w.order(), journal.Held)
	second := w.order()
	w.is(w.send("shop.order.created", `{"customer":"c2"}`)[0], journal.Succeeded)
	w.is(second, journal.Queued)
}
