package engine_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
)

// shiftedClock is a clock that differs from another by an offset.
type shiftedClock struct {
	clock.Clock
	offset func() time.Duration
}

func (c shiftedClock) Now() time.Time { return c.Clock.Now().Round(0).Add(c.offset()) }

// TestClockIsSet sets the clock on and back while a run waits, also during a
// restart. A wait is until a time of day: it does not end before that time, ends
// a minute later at most, and ends once.
func TestClockIsSet(t *testing.T) {
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
		shifts  []time.Duration
		restart time.Duration // by which the clock is set while no engine runs
	}{
		"not at all":              {},
		"on":                      {shifts: []time.Duration{5 * time.Hour}},
		"a little on":             {shifts: []time.Duration{time.Hour}},
		"back":                    {shifts: []time.Duration{-24 * time.Hour}},
		"on and back":             {shifts: []time.Duration{time.Hour, -26 * time.Hour, 30 * time.Hour}},
		"on, past the whole wait": {shifts: []time.Duration{0, 400 * 24 * time.Hour}},
		"on, over a restart":      {restart: 36 * time.Hour},
		"back, over a restart":    {restart: -36 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRunnerFixture(t, source, &vendor{})
			r.shifts = test.shifts
			if test.restart != 0 {
				r.process(crashEvent, 4, false) // it crashes when the wait is over
				r.Advance(test.restart)
			}
			got, steps, _ := r.process(crashEvent, 0, false)
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
			if len(test.shifts) == 0 && test.restart == 0 && woken.Sub(began) > 2*time.Hour+time.Minute {
				t.Errorf("woken after %s, want 2h", woken.Sub(began))
			}
			if state := string(steps[3].Result); state != `{"value":1}` {
				t.Errorf("woken more than once: %s", state)
			}
			if limit := 24*60*3 + 200; r.timers > limit {
				t.Errorf("%d timers, want a minute between", r.timers)
			}
		})
	}
}
