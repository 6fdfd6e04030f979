package ledger

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
)

// health is the result of the last write, since when it is the same, and what
// was logged about it.
type health struct {
	clock   clock.Clock
	log     *slog.Logger
	failing atomic.Bool

	mu  sync.Mutex
	now journal.Health
}

// written records that a write was committed.
func (h *health) written() {
	if !h.failing.Load() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now.Reason.Ends() { // found while the write was committed
		return
	}
	over := &journal.Outage{Reason: h.now.Reason, Since: h.now.Since, Until: h.clock.Now()}
	h.now = journal.Health{Last: over}
	h.failing.Store(false)
	h.log.Info("the journal is written again", "reason", over.Reason, "after", over.Until.Sub(over.Since).Round(time.Millisecond))
}

// failed records that a write failed, or would fail. It logs each reason once, and
// reports whether it is new.
func (h *health) failed(err error) (isNew bool) {
	reason := journal.ReasonOf(err)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now.Reason == reason {
		return false
	}
	if h.now.Reason == "" {
		h.now.Since = h.clock.Now()
	}
	h.now.Reason, h.now.Error = reason, err.Error()
	h.failing.Store(true)
	text := "events are refused, and runs are stopped, until the journal can be written"
	if reason.Ends() {
		text = "events are refused, and no call is made, until the engine is started again"
	}
	h.log.Error(text, "reason", reason, "error", err)
	return true
}

// Health returns whether the store can be written, by the last write.
func (l *Ledger) Health() journal.Health {
	l.health.mu.Lock()
	defer l.health.mu.Unlock()
	return l.health.now
}

// Fail records why the store cannot be written any more, where that was found
// outside of a write.
func (l *Ledger) Fail(err error) {
	if l.health.failed(err) {
		l.queue.signal() // run is to probe
	}
}
