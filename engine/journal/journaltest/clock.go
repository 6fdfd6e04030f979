package journaltest

import (
	"slices"
	"sync"
	"time"
)

// Clock is a clock that a test sets, for the times and the timers of a store.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*timer
}

type timer struct {
	at   time.Time // by the clock when the timer was made, plus later adjustments
	ring chan time.Time
}

// NewClock makes a clock with the present time.
func NewClock() *Clock { return &Clock{now: time.Now().Round(0)} }

// Now returns the time of the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Timer returns a channel that receives the time once d has passed, and a
// function that stops the timer.
func (c *Clock) Timer(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{at: c.now.Add(d), ring: make(chan time.Time, 1)}
	c.timers = append(c.timers, t)
	c.ring()
	return t.ring, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.timers = slices.DeleteFunc(c.timers, func(other *timer) bool { return other == t })
	}
}

// Pass advances the clock by d, and fires the timers that are due.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.ring()
}

// Adjust changes the time by d as if somebody had set the clock: timers fire as
// late as before.
func (c *Clock) Adjust(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for _, t := range c.timers {
		t.at = t.at.Add(d)
	}
}

func (c *Clock) ring() {
	c.timers = slices.DeleteFunc(c.timers, func(t *timer) bool {
		if t.at.After(c.now) {
			return false
		}
		t.ring <- c.now
		return true
	})
}
