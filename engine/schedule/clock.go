package schedule

import "time"

// Clock tells the time and waits. Tests and dry runs bring their own.
type Clock interface {
	Now() time.Time
	// Timer gives a channel on which the time comes once d has passed, and a
	// function that gives the timer up.
	Timer(d time.Duration) (<-chan time.Time, func())
}

// system is the clock of the machine.
type system struct{}

// Now leaves the monotonic reading out: ticks are times of day, and a clock
// that is set must be believed.
func (system) Now() time.Time { return time.Now().Round(0) }

func (system) Timer(d time.Duration) (<-chan time.Time, func()) {
	timer := time.NewTimer(d)
	return timer.C, func() { timer.Stop() }
}
