package call

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// limiter spaces requests so that no window of a vendor's rate limit has more
// than the limit allows. It counts in the window itself instead of filling a
// token bucket at a steady rate: after a full burst such a bucket would allow,
// at once, requests that a vendor who counts in windows refuses.
type limiter struct {
	mu      sync.Mutex
	budgets map[string]*budget
}

// budget is one budget of requests. It has the times at which its last requests
// arrived, as far as is known; the oldest decides when the next may be sent.
type budget struct {
	limit       bindings.Limit
	due         []time.Time // a ring once it is full
	count       int         // requests so far
	pausedUntil time.Time   // no request before, since the vendor asked for that
	queue       queue
}

// budgetsFor returns the budgets that an operation counts against, the
// narrowest last. There is at least one, so that a vendor's Retry-After can
// pause it.
func (l *limiter) budgetsFor(app *bindings.App, op *bindings.Operation, connection, base string) []*budget {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all, named []*budget
	for _, limit := range app.Limits {
		switch limit.Name {
		case "":
			all = append(all, l.budget(limit, app.Name, op.Name, connection, base))
		case op.Limit:
			named = append(named, l.budget(limit, app.Name, op.Name, connection, base))
		}
	}
	slices.SortStableFunc(all, func(a, b *budget) int { return cmp.Compare(b.limit.Per, a.limit.Per) })
	all = append(all, named...)
	if len(all) == 0 {
		all = append(all, l.budget(bindings.Limit{Scope: bindings.PerConnection}, app.Name, op.Name, connection, base))
	}
	return all
}

func (l *limiter) budget(limit bindings.Limit, app, op, connection, base string) *budget {
	key := app + " " + limit.Name + " " + limit.Per.String() + " "
	switch limit.Scope {
	case bindings.PerHost:
		key += base
	case bindings.PerOperation:
		key += connection + " " + op
	default:
		key += connection
	}
	b := l.budgets[key]
	if b == nil {
		b = &budget{limit: limit}
		l.budgets[key] = b
	}
	return b
}

// pauseUntil pauses a budget until a time that the vendor named.
func (l *limiter) pauseUntil(b *budget, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(b.pausedUntil) {
		b.pausedUntil = until
	}
}

// earliest is when a budget allows a request that has this many others before
// it.
func (b *budget) earliest(others int, now time.Time) time.Time {
	at := now
	if b.pausedUntil.After(at) {
		at = b.pausedUntil
	}
	n := b.limit.Requests
	if n <= 0 {
		return at
	}
	if others -= n - len(b.due); others < 0 {
		return at
	}
	// The oldest request is the first to leave the window.
	next := b.due[(b.count+others)%len(b.due)].Add(b.limit.Per * time.Duration(1+others/len(b.due)))
	if next.After(at) {
		at = next
	}
	return at
}

// reserve counts a request, and returns its number.
func (b *budget) reserve(at time.Time) (number int) {
	number = b.count
	switch {
	case b.limit.Requests <= 0:
		return number
	case len(b.due) < b.limit.Requests:
		b.due = append(b.due, at)
	default:
		b.due[number%len(b.due)] = at
	}
	b.count++
	return number
}

// arrival is the time of a request; nil if so many came after it that it does not
// matter any more.
func (b *budget) arrival(number int) *time.Time {
	if len(b.due) == 0 || b.count-number > len(b.due) {
		return nil
	}
	return &b.due[number%len(b.due)]
}

// maxTransit is how long after it was written a request is assumed to arrive,
// unless its answer came sooner. Without it a request that took longer to arrive
// than the next would let that one arrive too early. It is much less than most
// answers take, so that slow answers do not delay other requests.
const maxTransit = 100 * time.Millisecond

// setSent records that a request is written at a time.
func (l *limiter) setSent(t *waiter, at time.Time) {
	l.setArrivals(t, func(*time.Time) time.Time { return at.Add(maxTransit) })
}

// setAnswered records that a request was answered at a time, so that it arrived
// before.
func (l *limiter) setAnswered(t *waiter, at time.Time) {
	l.setArrivals(t, func(known *time.Time) time.Time {
		if at.Before(*known) {
			return at
		}
		return *known
	})
}

func (l *limiter) setArrivals(t *waiter, arrival func(known *time.Time) time.Time) {
	if t == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, b := range t.budgets {
		if known := b.arrival(t.numbers[i]); known != nil {
			*known = arrival(known)
		}
	}
}

// applyRemaining uses the vendor's own count: when no request is left, the
// budget is paused for the interval, counted from when the request arrived.
func (l *limiter) applyRemaining(all []*budget, errors bindings.Errors, header http.Header, arrived time.Time) {
	if errors.Remaining == "" || strings.TrimSpace(header.Get(errors.Remaining)) != "0" {
		return
	}
	for _, b := range slices.Backward(all) {
		if b.limit.Name != "" || b.limit.Scope == bindings.PerHost {
			continue
		}
		interval := b.limit.Per
		if ms, err := strconv.ParseInt(header.Get(errors.Interval), 10, 64); err == nil && ms > 0 && ms <= int64(time.Hour/time.Millisecond) {
			interval = time.Duration(ms) * time.Millisecond
		}
		l.pauseUntil(b, arrived.Add(interval))
		return
	}
}

// maxRetryAfter bounds the wait that a Retry-After can ask for.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads seconds or an HTTP date; zero where there is none.
func retryAfter(errors bindings.Errors, header http.Header, now time.Time) time.Duration {
	name := errors.RetryAfter
	if name == "" {
		name = "Retry-After"
	}
	text := strings.TrimSpace(header.Get(name))
	if text == "" {
		return 0
	}
	var wait time.Duration
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if !(seconds >= 0) {
			return 0
		}
		wait = time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
