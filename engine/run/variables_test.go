package run_test

import (
	"testing"

	"github.com/tidewire/tidewire/engine/journal"
)

// A function that fails at every other call shares its counters with the run
// that calls it, before and after a wait, a crash and a replay.
func TestVariablesAfterCaughtErrorsOverReplays(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", function()
  local sent, failed, total = 0, 0, 0
  local function save(i, cents)
    shop.items.save { tag = tostring(i) }
    sent, total = sent + 1, total + cents
  end
  for i, cents in ipairs { 100, 250, 300, 50, 20, 5 } do
    if not try(save, i, cents) then failed = failed + 1 end
    if i == 3 then wait "1 hour" end
  end
  state.put("summary", { sent = sent, failed = failed, total = total })
  wait "1 hour"
  log.info("summary", { sent = sent, failed = failed, total = total })
end)`})
	w.vendor.answers(func(n int, _ request) reply {
		if n%2 == 1 {
			return reply{status: 404, body: `{"error":"no such thing"}`}
		}
		return ok
	})
	id := w.order()
	for range 2 {
		w.is(id, journal.Waiting)
		w.restart()
		w.Advance(2 * hour)
		w.until(id, func(r journal.Run) bool { return r.State.Ended() || r.Park != nil && r.Steps > 4 })
	}
	w.is(id, journal.Succeeded)
	equal(t, "requests", len(w.vendor.requests("/items")), 6)
	lines := w.logged("summary")
	equal(t, "summaries", len(lines), 1)
	for name, expected := range map[string]float64{"sent": 3, "failed": 3, "total": 305} {
		equal(t, name, lines[0][name], any(expected))
	}
}
