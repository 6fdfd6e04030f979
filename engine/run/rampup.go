package run

import (
	"context"
	"time"
)

const (
	// firstInFlight is how many runs of a backlog begin at the start.
	firstInFlight = 16
	// rampInterval is the time after which twice as many may be in flight.
	rampInterval = time.Second
)

// rampUp fills all slots but firstInFlight if more runs than that wait. It returns
// what empties them again, step by step, until ctx is done. What ended the process
// before may end it again, and each call that is in flight then may be one that a
// person has to decide about.
func (r *Runner) rampUp(ctx context.Context, slots chan struct{}, waiting int) (ramp func()) {
	filled := cap(slots) - firstInFlight
	if waiting <= firstInFlight || filled <= 0 {
		return func() {}
	}
	for range filled {
		slots <- struct{}{}
	}
	return func() {
		for step := firstInFlight; filled > 0; step *= 2 {
			passed, release := r.config.Clock.Timer(rampInterval)
			select {
			case <-passed:
			case <-ctx.Done():
				release()
				return
			}
			for range min(step, filled) {
				<-slots
			}
			filled -= min(step, filled)
		}
	}
}
