package subscription

import (
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/script"
)

// care is how far one connection is looked after. One visit goes at a time.
type care struct {
	turn chan struct{} // holds one while a visit goes on

	mu     sync.Mutex
	busy   bool               // Run has a visit under way
	seen   *script.Generation // of the last visit
	next   time.Time          // of the next one
	roused bool
	hinted *script.Generation // for which it was said that nothing is registered
	// What visits remember. A visit that has its turn uses them alone, but for
	// rushed and doubted, which webhooks fill.
	wants           map[place]want
	retries         map[place]retry
	rushed, doubted map[string]bool // by key
}

// want is since when a place is wanted as it now is.
type want struct {
	since time.Time
	as    string
}

// retry is when something that failed is tried again.
type retry struct {
	failures int
	at       time.Time
	problem  string
}

const (
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

// begin marks a visit of Run as begun if there is reason for one, and else
// says how long there will be none.
func (c *care) begin(g *script.Generation, now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.busy:
		return nap
	case c.seen == g && !c.roused && now.Before(c.next):
		return c.next.Sub(now)
	}
	c.busy, c.seen, c.roused = true, g, false
	return 0
}

func (c *care) end(next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy, c.next = false, next
}

// rouse has Run visit the connection now.
func (c *care) rouse() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roused = true
}

// flag notes something about a key that the next visit is to know.
func (c *care) flag(keys map[string]bool, key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys[key], c.roused = true, true
}

// flagged are the keys that were noted. They are noted no longer if take is set.
func (c *care) flagged(keys map[string]bool, take bool) map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	noted := make(map[string]bool, len(keys))
	for key := range keys {
		noted[key] = true
	}
	if take {
		clear(keys)
	}
	return noted
}

// since says from when on a place is wanted as it now is.
func (c *care) since(p place, as string, now time.Time) time.Time {
	if w, known := c.wants[p]; known && w.as == as {
		return w.since
	}
	c.wants[p] = want{now, as}
	return now
}

// failed sets when a place is tried again.
func (c *care) failed(p place, err error, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.retries[p]
	wait := firstRetry << min(r.failures, 10)
	c.retries[p] = retry{failures: r.failures + 1, at: now.Add(min(wait, lastRetry)), problem: fmt.Sprint(err)}
}

func (c *care) succeeded(p place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.retries, p)
}

// resting says until when a place is left alone after a failure.
func (c *care) resting(p place) retry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.retries[p]
}

// problems are what failed last, by place.
func (c *care) problems() map[place]retry {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[place]retry, len(c.retries))
	for p, r := range c.retries {
		all[p] = r
	}
	return all
}
