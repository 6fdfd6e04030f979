package poll

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/script"
)

// IndexConfig makes an Index. Connections and Generation are required.
type IndexConfig struct {
	// Connections are all there are.
	Connections func() []*connection.Connection
	Generation  func() *script.Generation

	Clock  clock.Clock    // nil: the machine's
	Random func() float64 // in [0,1); nil: of math/rand
}

// Index is the polls of all connections: which there are, when each is due and
// what was requested. It reads no list; a Poller does. Its methods may be called
// from several goroutines. Make one with NewIndex.
type Index struct {
	config IndexConfig

	mu       sync.Mutex
	jobs     map[jobKey]*job
	requests map[change.PollKey]map[string]bool // not assigned to a job yet, by item
	wakes    map[string]chan struct{}           // of the workers, by connection
}

// jobKey names a poll and its purpose.
type jobKey struct {
	change.PollKey
	source journal.Source // Poll or Reconcile
}

// NewIndex makes an index with the polls of the current generation.
func NewIndex(c IndexConfig) *Index {
	c.Clock = clock.OrSystem(c.Clock)
	if c.Random == nil {
		c.Random = rand.Float64
	}
	x := &Index{config: c, jobs: map[jobKey]*job{}, requests: map[change.PollKey]map[string]bool{}, wakes: map[string]chan struct{}{}}
	x.plan(c.Generation())
	return x
}

// PollSoon requests a scan of a poll of a connection, because a webhook reported
// a change there. Item is the item of the poll's ForEach that changed; empty
// means all. Requests before the scan begins are one scan. A poll whose triggers
// no hook or wait has is not read.
func (x *Index) PollSoon(connection, poll, item string) {
	x.mu.Lock()
	key := change.PollKey{Connection: connection, Poll: poll}
	if x.requests[key] == nil {
		x.requests[key] = map[string]bool{}
	}
	x.requests[key][item] = true
	x.assignRequests()
	x.mu.Unlock()
	x.wake(connection)
}

// Reconcile requests a scan of all polls of a connection that find what webhooks
// lost.
func (x *Index) Reconcile(connection string) {
	x.mu.Lock()
	for key, j := range x.jobs {
		if key.Connection == connection && key.source == journal.Reconcile {
			j.requested = map[string]bool{"": true}
		}
	}
	x.mu.Unlock()
	x.wake(connection)
}

// assignRequests adds the requests to their jobs, and drops those without a job.
// The caller has locked x.mu.
func (x *Index) assignRequests() {
	for key, items := range x.requests {
		for _, source := range []journal.Source{journal.Poll, journal.Reconcile} {
			j := x.jobs[jobKey{key, source}]
			if j == nil {
				continue
			}
			if j.requested == nil {
				j.requested = map[string]bool{}
			}
			for item := range items {
				j.requested[item] = true
			}
		}
		delete(x.requests, key)
	}
}

func (x *Index) connections() (names []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	seen := map[string]bool{}
	for key := range x.jobs {
		if !seen[key.Connection] {
			seen[key.Connection] = true
			names = append(names, key.Connection)
		}
	}
	return names
}

func (x *Index) wakeup(connection string) chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.wakes[connection] == nil {
		x.wakes[connection] = make(chan struct{}, 1)
	}
	return x.wakes[connection]
}

func (x *Index) wake(connection string) {
	select {
	case x.wakeup(connection) <- struct{}{}:
	default:
	}
}

// first returns the job of a connection that is due first, and when; nil if the
// connection has none. The caller has locked x.mu.
func (x *Index) first(connection string) (first *job, at time.Time) {
	for key, j := range x.jobs {
		if key.Connection != connection {
			continue
		}
		due := j.next
		if len(j.requested) > 0 && j.failures == 0 {
			if soon := j.scanned.Add(requestGap); soon.Before(due) {
				due = soon
			}
		}
		if first == nil || due.Before(at) || due.Equal(at) && key.Poll < first.key.Poll {
			first, at = j, due
		}
	}
	return first, at
}
