package call

import (
	"slices"
	"time"
)

// waiter is a call that waits for budgets. Waiters are served in rounds, one of
// each script: a script that makes thousands of calls delays each call of
// another script by one call, and not by all of its own.
type waiter struct {
	budgets []*budget
	rounds  []int // in the queue of each budget
	numbers []int // of the request in each budget, once it is reserved
}

// queue is the waiters for a budget, in the order of arrival.
type queue struct {
	waiters   []*waiter
	round     int            // of the waiter that was served last
	lastRound map[string]int // the newest round of each script
}

// enqueue adds a waiter to the queue of each budget.
func (l *limiter) enqueue(script string, budgets []*budget) *waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	numbers := make([]int, 2*len(budgets))
	t := &waiter{budgets, numbers[:len(budgets)], numbers[len(budgets):]}
	for i, b := range budgets {
		q := &b.queue
		t.rounds[i] = q.round
		if last, waits := q.lastRound[script]; waits {
			t.rounds[i] = max(q.round, last+1)
		}
		if q.lastRound == nil {
			q.lastRound = map[string]int{}
		}
		q.lastRound[script] = t.rounds[i]
		q.waiters = append(q.waiters, t)
	}
	return t
}

// dequeue removes a waiter, whether it was served or not.
func (l *limiter) dequeue(t *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range t.budgets {
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

// shortage is why a request cannot be sent now.
type shortage struct {
	budget *budget       // nil: it can be sent
	wait   time.Duration // as far as it is known now
	ahead  int           // waiters that are served before
	paused bool          // the vendor accepts no request
}

// tryReserve counts a request against every budget if the waiter is next. Else
// it returns which budget is short, and how long it takes.
func (l *limiter) tryReserve(t *waiter, now time.Time) (short shortage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := now
	for i, b := range t.budgets {
		ahead := b.queue.countAhead(t, t.rounds[i], b)
		if next := b.earliest(ahead, now); next.After(at) {
			at, short = next, shortage{b, next.Sub(now), ahead, next.Equal(b.pausedUntil)}
		}
	}
	if short.budget != nil {
		return short
	}
	for i, b := range t.budgets {
		t.numbers[i] = b.reserve(now)
		b.queue.round = max(b.queue.round, t.rounds[i])
	}
	return shortage{}
}

// countAhead counts the waiters that are served before one: all of an earlier
// round, and of the same round those that came earlier.
func (q *queue) countAhead(t *waiter, round int, b *budget) (n int) {
	earlier := true
	for _, other := range q.waiters {
		if other == t {
			earlier = false
			continue
		}
		theirs := other.rounds[slices.Index(other.budgets, b)]
		if theirs < round || theirs == round && earlier {
			n++
		}
	}
	return n
}
