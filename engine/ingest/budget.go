package ingest

import (
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
)

// verifiedFor is how long after a verified event a path may use the half of the
// budget that other paths cannot use.
const verifiedFor = time.Hour

// budget bounds the memory, in bytes, of all bodies that are being read or stored.
// Of it one path may use a quarter, one sender an eighth, and all paths that had no
// verified event for an hour together a half.
type budget struct {
	max   int64
	clock clock.Clock

	mu         sync.Mutex
	used       int64
	unverified int64 // the part of used that is of paths without verified events
	paths      map[string]int64
	senders    map[string]int64
	verified   map[string]time.Time // the last verified event of a path
}

func newBudget(max int64, clock clock.Clock) *budget {
	return &budget{max: max, clock: clock, paths: map[string]int64{}, senders: map[string]int64{}, verified: map[string]time.Time{}}
}

// reservation is the part of a budget that one request uses.
type reservation struct {
	budget       *budget
	path, sender string
	unverified   bool
	bytes        int64
}

// reservation returns an empty one. Paths must be those of known addresses, so
// that their number is bounded.
func (b *budget) reservation(path, sender string) *reservation {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, found := b.verified[path]
	return &reservation{budget: b, path: path, sender: sender, unverified: !found || b.clock.Now().Sub(at) > verifiedFor}
}

// verify records a verified event of a path.
func (b *budget) verify(path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.verified[path] = b.clock.Now()
}

// add reserves further bytes. It reports false, and changes nothing, if that would
// exceed the budget.
func (r *reservation) add(bytes int64) bool {
	b := r.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.used+bytes > b.max, b.paths[r.path]+bytes > b.max/4, b.senders[r.sender]+bytes > b.max/8,
		r.unverified && b.unverified+bytes > b.max/2:
		return false
	}
	r.change(bytes)
	return true
}

// release ends the reservation.
func (r *reservation) release() {
	b := r.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	r.change(-r.bytes)
	if b.paths[r.path] == 0 {
		delete(b.paths, r.path)
	}
	if b.senders[r.sender] == 0 {
		delete(b.senders, r.sender)
	}
}

// change adds bytes, which may be negative, to all counts. The caller holds the
// lock.
func (r *reservation) change(bytes int64) {
	b := r.budget
	r.bytes += bytes
	b.used += bytes
	b.paths[r.path] += bytes
	b.senders[r.sender] += bytes
	if r.unverified {
		b.unverified += bytes
	}
}
