package call

import (
	"slices"
	"time"
)

// waiter is a place among those who wait for the same budgets. Whoever waits
// is served in rounds, one of each script: a script that asks for thousands of
// calls delays the few of another by one call each, and not by all of its own.
type waiter struct {
	buckets []*bucket
	rounds  []int // in the queue of each
}

// queue is who waits for a budget, in the order of arrival.
type queue struct {
	waiters   []*waiter
	round     int            // of the one that was served last
	lastRound map[string]int // the newest round of each script
}

// enqueue takes a ticket.
func (l *limiter) enqueue(who string, buckets []*bucket) *waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &waiter{buckets, make([]int, len(buckets))}
	for i, b := range buckets {
		q := &b.queue
		t.rounds[i] = q.round
		if last, waits := q.lastRound[who]; waits {
			t.rounds[i] = max(q.round, last+1)
		}
		if q.lastRound == nil {
			q.lastRound = map[string]int{}
		}
		q.lastRound[who] = t.rounds[i]
		q.waiters = append(q.waiters, t)
	}
	return t
}

// dequeue gives a ticket back, whether it had its turn or not.
func (l *limiter) dequeue(t *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range t.buckets {
		q := &b.queue
		if i := slices.Index(q.waiters, t); i >= 0 {
			q.waiters = slices.Delete(q.waiters, i, i+1)
		}
		if len(q.waiters) == 0 {
			q.round = 0
			clear(q.lastRound)
		}
	}
}

// tryReserve takes a place in every budget if it is the ticket's turn; else it says
// how long that takes, as far as can be seen now, and which budget is short.
func (l *limiter) tryReserve(t *waiter, now time.Time) (wait time.Duration, short *bucket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := now
	for i, b := range t.buckets {
		if next := b.earliest(b.queue.countAhead(t, t.rounds[i], b), now); next.After(at) {
			at, short = next, b
		}
	}
	if short != nil {
		return at.Sub(now), short
	}
	for i, b := range t.buckets {
		b.reserve(now)
		b.queue.round = max(b.queue.round, t.rounds[i])
	}
	return 0, nil
}

// countAhead counts who goes before a ticket: all of an earlier round, and of the
// same round those who came earlier.
func (q *queue) countAhead(t *waiter, round int, b *bucket) (n int) {
	earlier := true
	for _, other := range q.waiters {
		if other == t {
			earlier = false
			continue
		}
		theirs := other.rounds[slices.Index(other.buckets, b)]
		if theirs < round || theirs == round && earlier {
			n++
		}
	}
	return n
}
