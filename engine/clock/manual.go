package clock

import (
	"slices"
	"sync"
	"time"
)

// Manual is a clock whose time changes only by Advance and Adjust. Make one with
// NewManual.
type Manual struct {
	mu     sync.Mutex
	now    time.Time
	timers []*timer
}

type timer struct {
	at   time.Time // by the clock, when it is due
	fire chan time.Time
}

// NewManual returns a clock whose time is now.
func NewManual(now time.Time) *Manual { return &Manual{now: now} }

// Now returns the time of the clock.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Timer implements Clock.
func (m *Manual) Timer(d time.Duration) (<-chan time.Time, func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &timer{at: m.now.Add(d), fire: make(chan time.Time, 1)}
	m.timers = append(m.timers, t)
	m.fire()
	return t.fire, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.timers = slices.DeleteFunc(m.timers, func(other *timer) bool { return other == t })
	}
}

// Advance lets time pass: timers that are due by then fire.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
	m.fire()
}

// Adjust sets the clock on or back by d without time having passed, as a person
// or a time server does: timers wait as long as before.
func (m *Manual) Adjust(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
	for _, t := range m.timers {
		t.at = t.at.Add(d)
	}
}

// fire fires the timers that are due. The lock is held.
func (m *Manual) fire() {
	m.timers = slices.DeleteFunc(m.timers, func(t *timer) bool {
		if t.at.After(m.now) {
			return false
		}
		t.fire <- m.now
		return true
	})
}

// Instant is a clock with the time of another, whose timers fire at once.
type Instant struct{ Clock }

// Timer implements Clock.
func (i Instant) Timer(time.Duration) (<-chan time.Time, func()) {
	fire := make(chan time.Time, 1)
	fire <- i.Now()
	return fire, func() {}
}

// Advancing is a clock whose timers fire at once and advance it by their length,
// as if each wait had taken its time.
type Advancing struct{ *Manual }

// Timer implements Clock.
func (a Advancing) Timer(d time.Duration) (<-chan time.Time, func()) {
	a.Advance(max(d, 0))
	return Instant{a.Manual}.Timer(d)
}
