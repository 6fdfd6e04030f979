package engine_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
)

// shiftedClock is a clock that differs from another by some time.
type shiftedClock struct {
	clock.Clock
	by func() time.Duration
}

func (c shiftedClock) Now() time.Time { return c.Clock.Now().Round(0).Add(c.by()) }

// TestTheClockIsTurned sets the clock on and back while a run waits, also over
// a restart. A wait is for a time of day: it is never over before, a minute
// after at the latest, and once.
func TestTheClockIsTurned(t *testing.T) {
	const source = `
on("shop.order.created", function()
  time.now()
  wait "2 hours"
  time.now()
  state.add("woken", 1)
  local e, err = wait_for("shop.order.confirmed", { timeout = "1 hour" })
  assert(err.kind == "timeout")
  time.now()
end)
`
	for name, test := range map[string]struct {
		turns   []time.Duration
		restart time.Duration // what the clock is turned while no engine runs
	}{
		"not at all":              {},
		"on":                      {turns: []time.Duration{5 * time.Hour}},
		"a little on":             {turns: []time.Duration{time.Hour}},
		"back":                    {turns: []time.Duration{-24 * time.Hour}},
		"on and back":             {turns: []time.Duration{time.Hour, -26 * time.Hour, 30 * time.Hour}},
		"on, past the whole wait": {turns: []time.Duration{0, 400 * 24 * time.Hour}},
		"on, over a restart":      {restart: 36 * time.Hour},
		"back, over a restart":    {restart: -36 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, source, &vendor{})
			r.turns = test.turns
			if test.restart != 0 {
				r.live(crashEvent, 4, false) // it dies when the wait is over
				r.move(test.restart)
			}
			got, steps, _ := r.live(crashEvent, 0, false)
			if got.State != journal.Succeeded || len(steps) != 6 {
				t.Fatalf("the run is %s after %d steps: %s", got.State, len(steps), problem(got))
			}
			at := func(step int) (read time.Time) {
				must(t, json.Unmarshal(steps[step-1].Result, &read))
				return read
			}
			began, woken := at(1), at(3)
			if waited := woken.Sub(began); test.restart >= 0 && waited < 2*time.Hour {
				t.Errorf("woken after %s by the clock, want 2h at least", waited)
			}
			if len(test.turns) == 0 && test.restart == 0 && woken.Sub(began) > 2*time.Hour+time.Minute {
				t.Errorf("woken after %s, want 2h", woken.Sub(began))
			}
			if state := string(steps[3].Result); state != `{"value":1}` {
				t.Errorf("woken more than once: %s", state)
			}
			if most := 24*60*3 + 200; r.timers > most {
				t.Errorf("looked at the clock %d times, want a minute between", r.timers)
			}
		})
	}
}
