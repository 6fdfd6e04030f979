// Package clock is the time by which the parts of an engine work and wait: the
// machine's, or one that a test or a dry run sets. Timeouts of requests and
// pauses for a disk are by the machine's clock, and do not use it.
package clock

import (
	"context"
	"time"
)

// Clock is a time and a way to wait by it. Its methods may be called from
// several goroutines.
type Clock interface {
	// Now returns the present time.
	Now() time.Time
	// Timer returns a channel that receives the time once d has passed, and a
	// function that releases the timer. A d that is not positive has passed.
	Timer(d time.Duration) (<-chan time.Time, func())
}

// System is the machine's clock.
var System Clock = system{}

type system struct{}

func (system) Now() time.Time { return time.Now() }

func (system) Timer(d time.Duration) (<-chan time.Time, func()) {
	timer := time.NewTimer(d)
	return timer.C, func() { timer.Stop() }
}

// OrSystem returns c, or the machine's clock where c is nil.
func OrSystem(c Clock) Clock {
	if c == nil {
		return System
	}
	return c
}

// Wall returns a clock with the times of c without their monotonic readings, so
// that the time between two of them follows a clock that is set. Timers are
// those of c.
func Wall(c Clock) Clock { return wall{c} }

type wall struct{ Clock }

func (w wall) Now() time.Time { return w.Clock.Now().Round(0) }

// Sleep waits until d has passed by a clock. It returns the context's cause if
// the context ends first or has ended.
func Sleep(ctx context.Context, c Clock, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	passed, release := c.Timer(d)
	defer release()
	select {
	case <-passed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
