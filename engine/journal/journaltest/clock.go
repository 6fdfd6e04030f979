package journaltest

import (
	"slices"
	"sync"
	"time"
)

// Clock is a clock that a test sets. A store that is tested tells the time and
// waits by it.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*timer
}

type timer struct {
	at   time.Time // by what was the clock when it was made
	ring chan time.Time
}

// NewClock makes a clock that stands at the present time.
func NewClock() *Clock { return &Clock{now: time.Now().Round(0)} }

// Now gives the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Timer gives a channel on which the time comes once d has passed.
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

// Pass lets time pass, for timers too.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.ring()
}

// Turn sets the clock without time having passed: timers wait as long as
// before.
func (c *Clock) Turn(d time.Duration) {
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
