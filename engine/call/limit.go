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

// limiter spaces requests so that no window of a vendor's rate limit sees more
// than it allows. It counts in the window itself instead of filling a bucket
// at a steady rate: after a full burst a bucket would let through, at once,
// what a vendor who counts in windows refuses.
type limiter struct {
	mu      sync.Mutex
	buckets map[string]*bucket
}

// bucket is one budget. It remembers when its last requests were due, of
// which the oldest says when the next may be.
type bucket struct {
	limit       bindings.Limit
	due         []time.Time // a ring once it is full
	next        int
	pausedUntil time.Time // the vendor wants nothing before
	queue       queue
}

// bucketsFor finds the budgets that an operation draws on, the narrowest last. There
// is always one, so that a vendor's Retry-After has something to hold.
func (l *limiter) bucketsFor(app *bindings.App, op *bindings.Operation, connection, base string) []*bucket {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all, named []*bucket
	for _, limit := range app.Limits {
		switch limit.Name {
		case "":
			all = append(all, l.bucket(limit, app.Name, op.Name, connection, base))
		case op.Limit:
			named = append(named, l.bucket(limit, app.Name, op.Name, connection, base))
		}
	}
	slices.SortStableFunc(all, func(a, b *bucket) int { return cmp.Compare(b.limit.Per, a.limit.Per) })
	all = append(all, named...)
	if len(all) == 0 {
		all = append(all, l.bucket(bindings.Limit{Scope: bindings.PerConnection}, app.Name, op.Name, connection, base))
	}
	return all
}

func (l *limiter) bucket(limit bindings.Limit, app, op, connection, base string) *bucket {
	key := app + " " + limit.Name + " " + limit.Per.String() + " "
	switch limit.Scope {
	case bindings.PerHost:
		key += base
	case bindings.PerOperation:
		key += connection + " " + op
	default:
		key += connection
	}
	b := l.buckets[key]
	if b == nil {
		b = &bucket{limit: limit}
		l.buckets[key] = b
	}
	return b
}

// pauseUntil keeps a budget still until a time that the vendor named.
func (l *limiter) pauseUntil(b *bucket, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(b.pausedUntil) {
		b.pausedUntil = until
	}
}

// earliest says when a budget takes a request before which others, that many,
// still have to be taken.
func (b *bucket) earliest(others int, now time.Time) time.Time {
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
	next := b.due[(b.next+others)%len(b.due)].Add(b.limit.Per * time.Duration(1+others/len(b.due)))
	if next.After(at) {
		at = next
	}
	return at
}

func (b *bucket) reserve(at time.Time) {
	switch {
	case b.limit.Requests <= 0:
	case len(b.due) < b.limit.Requests:
		b.due = append(b.due, at)
	default:
		b.due[b.next] = at
		b.next = (b.next + 1) % len(b.due)
	}
}

// applyRemaining follows the vendor's own count: when nothing is left, the interval has
// to pass, counted from when the request was sent.
func (l *limiter) applyRemaining(all []*bucket, errors bindings.Errors, header http.Header, sent time.Time) {
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
		l.pauseUntil(b, sent.Add(interval))
		return
	}
}

// maxRetryAfter bounds what we believe of a Retry-After.
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
