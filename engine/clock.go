package engine

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/engine/schedule"
)

// clock is the configured clock as schedules want it, nil for the machine's.
func (c *Config) clock() schedule.Clock {
	if c.Timer == nil {
		return nil
	}
	return givenClock{c.Now, c.Timer}
}

type givenClock struct {
	now   func() time.Time
	timer func(d time.Duration) (<-chan time.Time, func())
}

func (g givenClock) Now() time.Time                                   { return g.now() }
func (g givenClock) Timer(d time.Duration) (<-chan time.Time, func()) { return g.timer(d) }

// sleep waits by the configured clock, nil for the machine's.
func (c *Config) sleep() func(ctx context.Context, d time.Duration) error {
	if c.Timer == nil {
		return nil
	}
	return func(ctx context.Context, d time.Duration) error {
		over, stop := c.Timer(d)
		defer stop()
		select {
		case <-over:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
