package clock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func fired(c <-chan time.Time) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestManual(t *testing.T) {
	for name, test := range map[string]struct {
		move func(*clock.Manual)
		now  time.Time
		want bool // that a timer of an hour fires
	}{
		"no time passes":              {func(*clock.Manual) {}, start, false},
		"less than the timer":         {func(m *clock.Manual) { m.Advance(time.Hour - 1) }, start.Add(time.Hour - 1), false},
		"the timer's length":          {func(m *clock.Manual) { m.Advance(time.Hour) }, start.Add(time.Hour), true},
		"in two steps":                {func(m *clock.Manual) { m.Advance(time.Minute); m.Advance(time.Hour) }, start.Add(61 * time.Minute), true},
		"the clock is set on":         {func(m *clock.Manual) { m.Adjust(48 * time.Hour) }, start.Add(48 * time.Hour), false},
		"set back, then time passes":  {func(m *clock.Manual) { m.Adjust(-48 * time.Hour); m.Advance(time.Hour) }, start.Add(-47 * time.Hour), true},
		"set on, then too little":     {func(m *clock.Manual) { m.Adjust(time.Hour); m.Advance(time.Minute) }, start.Add(61 * time.Minute), false},
		"time passes before it is on": {func(m *clock.Manual) { m.Advance(time.Minute); m.Adjust(time.Hour) }, start.Add(61 * time.Minute), false},
	} {
		t.Run(name, func(t *testing.T) {
			m := clock.NewManual(start)
			hour, release := m.Timer(time.Hour)
			defer release()
			test.move(m)
			if got := m.Now(); !got.Equal(test.now) {
				t.Errorf("the time is %s, want %s", got, test.now)
			}
			if got := fired(hour); got != test.want {
				t.Errorf("fired: %t, want %t", got, test.want)
			}
		})
	}
}

func TestReleasedTimer(t *testing.T) {
	m := clock.NewManual(start)
	c, release := m.Timer(time.Minute)
	release()
	m.Advance(time.Hour)
	if fired(c) {
		t.Error("a released timer fired")
	}
	if c, _ := m.Timer(0); !fired(c) {
		t.Error("a timer of no length did not fire")
	}
}

func TestSleep(t *testing.T) {
	if err := clock.Sleep(t.Context(), clock.Instant{Clock: clock.NewManual(start)}, time.Hour); err != nil {
		t.Errorf("an instant sleep: %v", err)
	}
	m := clock.NewManual(start)
	for range 2 {
		if err := clock.Sleep(t.Context(), clock.Advancing{Manual: m}, time.Hour); err != nil {
			t.Errorf("a sleep that advances the clock: %v", err)
		}
	}
	if passed := m.Now().Sub(start); passed != 2*time.Hour {
		t.Errorf("after two sleeps of an hour %s have passed", passed)
	}
	reason := errors.New("reason")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	if err := clock.Sleep(ctx, clock.NewManual(start), time.Hour); !errors.Is(err, reason) {
		t.Errorf("found %v, want the context's cause", err)
	}
	if err := clock.Sleep(ctx, clock.Instant{Clock: m}, time.Hour); !errors.Is(err, reason) {
		t.Errorf("a timer that has fired: found %v, want the context's cause", err)
	}
	if err := clock.Sleep(t.Context(), clock.OrSystem(nil), time.Millisecond); err != nil {
		t.Errorf("by the machine's clock: %v", err)
	}
}

func TestWall(t *testing.T) {
	// A time without monotonic reading is equal to itself after Round(0).
	if now := clock.Wall(clock.System).Now(); now != now.Round(0) {
		t.Error("the time has a monotonic reading")
	}
	if now := clock.System.Now(); now == now.Round(0) {
		t.Error("the machine's time has no monotonic reading")
	}
}
