package run

import (
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// current is what an activation does now, for people who look at the run. Its
// Began is not set.
type current struct {
	mu  sync.Mutex
	now journal.Current
}

func (c *current) begin(step journal.Step) {
	c.mu.Lock()
	c.now = journal.Current{Step: step.Number, Name: step.Name, Position: step.Position, Started: step.Started}
	c.mu.Unlock()
}

func (c *current) end() {
	c.mu.Lock()
	c.now = journal.Current{}
	c.mu.Unlock()
}

func (c *current) get() journal.Current {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// wait is the Waits of a call.Caller.
func (c *current) wait(what string, until time.Time) {
	c.mu.Lock()
	c.now.Waits, c.now.Until = what, until
	c.mu.Unlock()
}

// Current returns what a run does that executes now, or what calls it waits for
// without a place; nil for any other run.
func (r *Runner) Current(run string) *journal.Current {
	r.mu.Lock()
	h := r.executing[run].host
	r.mu.Unlock()
	if h == nil {
		return r.bulkhead.current(run)
	}
	now := h.current.get()
	now.Began = h.began
	return &now
}
