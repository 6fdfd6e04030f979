package run_test

import (
	"testing"

	"github.com/tidewire/tidewire/engine/journal"
)

// A hook's own limit of depth applies to its runs, and to no others.
func TestDepthOfAHook(t *testing.T) {
	w := newFixture(t, map[string]string{"orders": `
local function down(n) if n > 0 then return 1 + down(n - 1) end return 0 end
on("shop.order.created", { name = "shallow", limits = { depth = 20 } }, function(event) down(event.data.n) end)
on("shop.order.confirmed", { name = "deep" }, function(event) down(event.data.n) end)`})
	for _, c := range []struct {
		trigger string
		n       string
		state   journal.State
	}{
		{"shop.order.created", "10", journal.Succeeded},
		{"shop.order.created", "40", journal.Failed},
		{"shop.order.confirmed", "40", journal.Succeeded},
	} {
		id := w.send(c.trigger, `{"id":"o","customer":"`+c.trigger+c.n+`","n":`+c.n+`}`)[0]
		run := w.is(id, c.state)
		if c.state == journal.Failed {
			equal(t, "limit", run.Problem.Limit, "depth")
			contains(t, "why", run.Problem.Message, "20 calls within calls")
		}
	}
}
