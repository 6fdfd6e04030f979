package subscription

import (
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/script"
)

// connState is the state of the syncs of one connection. There is one sync at a
// time.
type connState struct {
	syncing chan struct{} // has one element during a sync

	mu        sync.Mutex
	busy      bool               // Run has started a sync that has not ended
	seen      *script.Generation // of the last sync
	next      time.Time          // of the next sync
	requested bool
	warned    *script.Generation // for which the log has that nothing is registered
	// What syncs store for the next one. Only the sync that runs uses them, but
	// webhooks fill expiring and lost.
	surpluses      map[place]surplus
	retries        map[place]retry
	expiring, lost map[string]bool // by key
}

// surplus is what is registered at a place and not needed, and since when.
type surplus struct {
	since time.Time
	what  string
}

// retry is when a failed place is tried again.
type retry struct {
	failures int
	at       time.Time
	problem  string
}

const (
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

// begin returns 0 if Run is to start a sync, and else how long to wait before
// the next call.
func (c *connState) begin(g *script.Generation, now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.busy:
		return maxSleep
	case c.seen == g && !c.requested && now.Before(c.next):
		return c.next.Sub(now)
	}
	c.busy, c.seen, c.requested = true, g, false
	return 0
}

func (c *connState) end(next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy, c.next = false, next
}

// request requests a sync of the connection by Run.
func (c *connState) request() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requested = true
}

// add adds a key to expiring or lost, and requests a sync.
func (c *connState) add(keys map[string]bool, key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys[key], c.requested = true, true
}

// flags returns a copy of expiring or lost, and clears it if reset is set.
func (c *connState) flags(keys map[string]bool, reset bool) map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	noted := make(map[string]bool, len(keys))
	for key := range keys {
		noted[key] = true
	}
	if reset {
		clear(keys)
	}
	return noted
}

// since returns since when the surplus of a place is what it is now.
func (c *connState) since(p place, what string, now time.Time) time.Time {
	if w, known := c.surpluses[p]; known && w.what == what {
		return w.since
	}
	c.surpluses[p] = surplus{now, what}
	return now
}

// failed sets when a place is tried again.
func (c *connState) failed(p place, err error, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.retries[p]
	wait := firstRetry << min(r.failures, 10)
	c.retries[p] = retry{failures: r.failures + 1, at: now.Add(min(wait, lastRetry)), problem: fmt.Sprint(err)}
}

func (c *connState) succeeded(p place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.retries, p)
}

// retryOf returns when a place is tried again after a failure.
func (c *connState) retryOf(p place) retry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.retries[p]
}

// problems are the last failures, by place.
func (c *connState) problems() map[place]retry {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[place]retry, len(c.retries))
	for p, r := range c.retries {
		all[p] = r
	}
	return all
}
