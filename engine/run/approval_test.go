package run_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
)

// A click on a button decides an approval as its page does, once.
func TestAClickDecidesAnApproval(t *testing.T) {
	t.Parallel()
	const script = `
on("shop.order.created", function(event)
  local ask = approval { title = "Pay?", choices = { "yes", "no: too much" } }
  require("shop").orders.pay { tag = "buttons: " .. ask.id .. ":yes" }
  local d = wait_for(ask)
  log.info("decided", { choice = d.choice, by = d.by })
end)
on("shop.button.clicked", { lane = false }, function(event) log.info("received", { value = event.data.values and event.data.values[1] }) end)`
	for name, c := range map[string]struct {
		clicks   []string // with ID for the approval's id
		choice   string
		received int
	}{
		"the value of a button":     {[]string{`{"values":["ID:yes"],"user":{"name":"Ann"}}`}, "yes", 1},
		"a choice with a colon":     {[]string{`{"values":["ID:no: too much"],"user":{"name":"Ann"}}`}, "no: too much", 1},
		"an option of a menu":       {[]string{`{"option":"ID:yes","user":{"name":"Ann"}}`}, "yes", 1},
		"the first click counts":    {[]string{`{"values":["ID:yes"],"user":{"name":"Ann"}}`, `{"values":["ID:no: too much"],"user":{"name":"Bob"}}`}, "yes", 2},
		"what is no choice":         {[]string{`{"values":["ID:perhaps"]}`, `{"values":["ID:yes"],"user":{"name":"Ann"}}`}, "yes", 2},
		"texts of the script's own": {[]string{`{"values":["yes"]}`, `{"values":["IDx:yes"]}`, `{"values":[":yes"]}`, `{}`, `{"values":["ID:yes"],"user":{"name":"Ann"}}`}, "yes", 5},
	} {
		for _, crash := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, crash %v", name, crash), func(t *testing.T) {
				t.Parallel()
				w := newFixture(t, map[string]string{"orders": script})
				id := w.order()
				w.is(id, journal.Waiting)
				open, err := w.file.Approvals(t.Context())
				must(t, err)
				if crash {
					w.restart()
				}
				for _, click := range c.clicks {
					for _, run := range w.send("shop.button.clicked", strings.ReplaceAll(click, "ID", open[0].ID)) {
						w.is(run, journal.Succeeded)
					}
				}
				w.is(id, journal.Succeeded)
				line := w.logged("decided")[0]
				equal(t, "choice", line["choice"], any(c.choice))
				equal(t, "by", line["by"], any("Ann"))
				equal(t, "clicks received", len(w.logged("received")), c.received)
			})
		}
	}
}

// A click counts only from the connection whose call had the approval's id, and
// from the message that the call's answer names.
func TestAClickCountsFromItsMessage(t *testing.T) {
	t.Parallel()
	const click = `{"values":["ID:yes"],"user":{"name":"Ann"},"place":"p1","message":"m1"}`
	for name, c := range map[string]struct {
		call    string // how the script sends the id
		answer  string
		by      string // the connection of the click
		problem string // why it has no effect; empty: it has one
	}{
		"from the message":                {`shop.orders.pay { tag = ask.id .. ":yes" }`, `{"place":"p1","id":"m1"}`, "shop", ""},
		"from the second way to name it":  {`shop.orders.pay { tag = ask.id .. ":yes" }`, `{"place":"p2","hidden_id":"m1"}`, "shop", ""},
		"the answer names none":           {`shop.orders.pay { tag = ask.id .. ":yes" }`, `{"ok":true}`, "shop", ""},
		"a request":                       {`shop.request { method = "POST", path = "/x", body = { tag = ask.id } }`, `{"place":"p1","id":"m1"}`, "shop", ""},
		"the account's other connection":  {`shop.orders.pay ({ tag = ask.id }, { connection = "person" })`, `{"place":"p1","id":"m1"}`, "shop", ""},
		"from another message":            {`shop.orders.pay { tag = ask.id .. ":yes" }`, `{"place":"p1","id":"m2"}`, "shop", `the answer does not count: it comes from the message "p1 m1", and the id was sent with ["p1 m2"]`},
		"from another place":              {`shop.orders.pay { tag = ask.id .. ":yes" }`, `{"place":"p2","id":"m1"}`, "shop", `the answer does not count: it comes from the message "p1 m1"`},
		"from another message, a request": {`shop.request { method = "POST", path = "/x", body = { tag = ask.id } }`, `{"place":"p1","id":"m2"}`, "shop", `the answer does not count: it comes from the message "p1 m1"`},
		"by another account":              {`shop.orders.pay { tag = ask.id .. ":yes" }`, `{"place":"p1","id":"m1"}`, "shop/b", `the answer does not count: no call of connection "shop/b" had the id of the approval`},
		"by another app":                  {`require("bank").orders.pay { tag = ask.id }`, `{"place":"p1","id":"m1"}`, "shop", `no call of connection "shop" had the id`},
		"no call had the id":              {`shop.look.now { tag = "x" }`, `{"place":"p1","id":"m1"}`, "shop", `no call of connection "shop" had the id`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, map[string]string{"orders": `
local shop = require "shop"
on("shop.order.created", function(event)
  local ask = approval { title = "Pay?", choices = { "yes", "no" } }
  ` + c.call + `
  wait_for(ask)
end)`}, func(w *fixture) {
				w.connections = append(w.settings("shop/b", "shop", "bank"), connection.Settings{Name: "shop/person", Account: "account of shop", As: "person", BaseURL: w.vendor.URL,
					Credentials: map[string]string{"token": "token-of-person"}})
				w.apps[0].Variants = []bindings.Variant{{Name: "person"}}
			})
			w.vendor.answers(func(int, request) reply { return reply{status: 200, body: c.answer} })
			id := w.order()
			w.is(id, journal.Waiting)
			w.restart()
			open, err := w.file.Approvals(t.Context())
			must(t, err)
			w.sendBy(c.by, "shop.button.clicked", strings.ReplaceAll(click, "ID", open[0].ID))
			if c.problem == "" {
				w.is(id, journal.Succeeded)
				return
			}
			line := w.logged("an answer to an approval has no effect")
			if len(line) != 1 || line[0]["by"] != "Ann" || line[0]["connection"] != c.by || !strings.Contains(fmt.Sprint(line[0]["error"]), c.problem) {
				t.Errorf("the log has %v, want the error %s", line, c.problem)
			}
			w.is(id, journal.Waiting)
		})
	}
}

// A click may come before the answer of the call that sent the message.
func TestAClickBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": `
on("shop.order.created", function(event)
  local ask = approval { title = "Pay?", choices = { "yes", "no" } }
  require("shop").orders.pay { tag = ask.id }
  wait_for(ask)
end)`})
	arrived, answer := make(chan string, 1), make(chan struct{})
	w.vendor.answers(func(n int, r request) reply {
		arrived <- r.Body
		<-answer
		return reply{status: 200, body: `{"place":"p1","id":"m1"}`}
	})
	id := w.order()
	approval := gjson.Get(<-arrived, "tag").String()
	w.send("shop.button.clicked", `{"values":["`+approval+`:yes"],"place":"p1","message":"m1"}`)
	close(answer)
	w.is(id, journal.Succeeded)
}
