package call

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
)

const (
	// maxFailures is how many sendings in a row fail before a circuit opens.
	maxFailures = 5
	// firstProbe and maxProbe are the waits before a sending is tried while a
	// circuit is open: the first, doubled after each that fails, at most the last.
	firstProbe = 5 * time.Second
	maxProbe   = time.Minute
	// maxCircuits bounds the circuits of hosts that fail.
	maxCircuits = 1000
)

// Circuit describes an open circuit: a target to which no call is sent, because
// several in a row had no connection, no answer in time, or one of 502, 503, 504.
type Circuit struct {
	Target
	Failures int       // in a row
	Reason   string    // of the last failure
	Opened   time.Time // when it opened
	Next     time.Time // when one sending is tried
	Probing  bool      // a sending is tried now
}

// String is what the error of a call that is not sent, and findings, have.
func (c *Circuit) String() string {
	next := "the next call is tried at " + c.Next.UTC().Format(time.RFC3339)
	if c.Probing {
		next = "one call is tried now"
	}
	return fmt.Sprintf("%s failed %d times in a row, the last time with: %s; no other call is sent to it until one succeeds, %s", c.Target, c.Failures, c.Reason, next)
}

// sendResult is what a sending shows about its target.
type sendResult int

const (
	inconclusive sendResult = iota // it was canceled, or failed on our side
	answered
	failed
)

// pass permits a sending. Its result counts only if the circuit has not opened
// or closed since: the failures of sendings from before are not those of a
// target that answers again.
type pass struct {
	generation int
	probe      bool
}

// circuit is the state of one target.
type circuit struct {
	generation int // of the circuit; 0 until it opens
	failures   int
	reason     string
	wait       time.Duration // before the next probe; 0: closed
	opened     time.Time
	next       time.Time
	probing    bool
}

func (c *circuit) isOpen() bool { return c.wait > 0 }

// refuses reports whether a sending is refused now.
func (c *circuit) refuses(now time.Time) bool {
	return c.isOpen() && (c.probing || now.Before(c.next))
}

// admit returns the pass of a sending, unless it is refused. While the circuit
// is open the sending is a probe, and all others are refused until it ends.
func (c *circuit) admit(now time.Time) (p pass, ok bool) {
	if c.refuses(now) {
		return pass{}, false
	}
	if c.isOpen() {
		c.probing = true
	}
	return pass{c.generation, c.probing}, true
}

// end adds the result of a sending. It reports whether the circuit has opened or
// closed, or the time of the next probe has changed.
func (c *circuit) end(p pass, r sendResult, reason string, now time.Time, generation int) (changed bool) {
	switch {
	case p.generation != c.generation:
		return false
	case p.probe:
		return c.endProbe(r, reason, now, generation)
	case c.isOpen() || r == inconclusive:
		return false
	case r == answered:
		c.failures, c.reason = 0, ""
		return false
	}
	c.failures, c.reason = c.failures+1, reason
	if c.failures < maxFailures {
		return false
	}
	c.generation, c.wait, c.opened = generation, firstProbe, now
	c.next = now.Add(c.wait)
	return true
}

func (c *circuit) endProbe(r sendResult, reason string, now time.Time, generation int) bool {
	c.probing = false
	switch r {
	case answered:
		*c = circuit{generation: generation}
	case failed:
		c.failures, c.reason = c.failures+1, reason
		c.wait = min(2*c.wait, maxProbe)
		c.next = now.Add(c.wait)
	}
	return true // after an inconclusive one the next sending is a probe
}

// circuits are those of all targets that failed lately. They are in memory only:
// after a start all are closed.
type circuits struct {
	clock   clock.Clock
	log     *slog.Logger
	changed chan struct{} // has one element after a change of an open circuit

	mu         sync.Mutex
	all        map[Target]*circuit
	generation int           // the newest
	opening    chan struct{} // closed and replaced when a circuit opens
}

func newCircuits(clock clock.Clock, log *slog.Logger) *circuits {
	return &circuits{clock: clock, log: log, changed: make(chan struct{}, 1), all: map[Target]*circuit{}, opening: make(chan struct{})}
}

// admit returns the pass of a sending to a target, or the circuit that refuses
// it.
func (c *circuits) admit(t Target) (pass, *Circuit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.all[t]
	if one == nil {
		return pass{}, nil
	}
	p, ok := one.admit(c.clock.Now())
	if !ok {
		return pass{}, one.describe(t)
	}
	return p, nil
}

// refusing returns the circuit that refuses a sending to a target now, nil if
// there is none, and a channel that is closed when a circuit opens.
func (c *circuits) refusing(t Target) (*Circuit, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one := c.all[t]; one != nil && one.refuses(c.clock.Now()) {
		return one.describe(t), c.opening
	}
	return nil, c.opening
}

// end adds the result of a sending.
func (c *circuits) end(t Target, p pass, r sendResult, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.all[t]
	if one == nil {
		if r != failed || p.generation != 0 {
			return
		}
		c.drop()
		one = &circuit{}
		c.all[t] = one
	}
	was := *one
	if one.end(p, r, reason, c.clock.Now(), c.generation+1) {
		c.report(t, &was, one)
	}
	if one.generation == 0 && one.failures == 0 {
		delete(c.all, t)
	}
}

// report logs a change of a circuit and wakes what waits for it.
func (c *circuits) report(t Target, was, is *circuit) {
	attrs := []any{"app", t.App, "host", t.Host}
	if t.Lookup {
		attrs = append(attrs, "lookups", true)
	}
	switch {
	case is.isOpen() && !was.isOpen():
		c.log.Warn("no calls are sent to a host: several in a row failed", append(attrs, "failures", is.failures, "last", is.reason, "next_try", is.next.UTC().Format(time.RFC3339))...)
		close(c.opening)
		c.opening = make(chan struct{})
	case is.isOpen() && is.next.After(was.next):
		c.log.Warn("a host still fails", append(attrs, "failures", is.failures, "last", is.reason, "next_try", is.next.UTC().Format(time.RFC3339))...)
	case was.isOpen() && !is.isOpen():
		c.log.Info("calls are sent to a host again", append(attrs, "after", c.clock.Now().Sub(was.opened).Round(time.Second))...)
	}
	c.generation = max(c.generation, is.generation)
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// drop makes space for one more circuit: the failures of hosts that are not
// called again need not be counted for ever.
func (c *circuits) drop() {
	if len(c.all) < maxCircuits {
		return
	}
	now := c.clock.Now()
	for t, one := range c.all {
		if !one.probing && now.After(one.next.Add(maxProbe)) {
			delete(c.all, t)
		}
	}
}

func (c *circuit) describe(t Target) *Circuit {
	return &Circuit{Target: t, Failures: c.failures, Reason: c.reason, Opened: c.opened, Next: c.next, Probing: c.probing}
}

// OpenCircuits returns the open circuits, by app and host.
func (c *Client) OpenCircuits() []Circuit {
	c.circuits.mu.Lock()
	defer c.circuits.mu.Unlock()
	var open []Circuit
	for t, one := range c.circuits.all {
		if one.isOpen() {
			open = append(open, *one.describe(t))
		}
	}
	slices.SortFunc(open, func(a, b Circuit) int {
		return cmp.Or(strings.Compare(a.App+" "+a.Host, b.App+" "+b.Host), strings.Compare(a.Target.String(), b.Target.String()))
	})
	return open
}

// CircuitsChanged returns a channel that receives after a circuit has opened or
// closed, or the time of its next try has changed. It is for one receiver.
func (c *Client) CircuitsChanged() <-chan struct{} { return c.circuits.changed }

// target returns where the requests of a job go.
func (j *job) target() Target {
	t := Target{Host: HostOf(j.wire.url), Lookup: j.caller.Lookup}
	if j.app != nil {
		t.App = j.app.Name
	}
	return t
}

// sendResult returns what a sending shows about its target. Only the answers
// that a target makes when it is down, and none at all, are failures; an unknown
// host, a wrong certificate and an address that is not allowed are errors of the
// address.
func (r reply) sendResult() sendResult {
	switch r.class {
	case canceledUnsent, canceledSent:
		return inconclusive
	case noConnection, noAnswer, cutOff, gatewayDown:
		return failed
	case unreachable:
		if r.err.Kind == bindings.Timeout {
			return failed
		}
		return inconclusive
	}
	return answered
}
