package vm

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// meter is the context of a state. The VM calls Done before every instruction,
// in the goroutine of the script. There the meter counts the instruction,
// checks whether the time is over, and charges for what the instruction is
// about to allocate. Done never returns a channel: an activation is ended by
// Goexit.
type meter struct {
	L          *lua.LState
	state      *stateMirror
	activation *activation

	left  int64 // instructions
	bytes int64 // that may be allocated before the next measure
	depth int

	replaying        bool  // what the script does is not charged
	leftBeforeReplay int64 // instructions left when the replay began

	stopped    atomic.Bool // the time is over or the context is done
	timerFired bool        // a timer fired while it was being stopped

	slots         chan struct{}
	scriptRaised  bool      // the next error is raised by the script or a library, not by the VM
	caught        *luaError // the last error that protect caught
	hasSlot       bool
	timerRunning  bool // timer counts the time
	used          time.Duration
	since         time.Time
	timer         *time.Timer
	stopAfterFunc func() bool // of the context.AfterFunc that sets stopped
}

func (m *meter) Done() <-chan struct{} {
	if m.left--; m.left < 0 || m.stopped.Load() {
		m.stop()
	}
	f := m.state.currentFrame
	inst := f.Fn.Proto.Code[f.Pc-1]
	if allocating[inst>>26] {
		m.chargeInstruction(f, inst)
	}
	if f.Idx >= m.depth {
		m.tooDeep()
	}
	return nil
}

// The other methods of context.Context, which the VM does not use.
func (m *meter) Deadline() (time.Time, bool) { return time.Time{}, false }
func (m *meter) Err() error                  { return nil }
func (m *meter) Value(any) any               { return nil }

func (m *meter) stop() {
	a := m.activation
	if err := a.ctx.Err(); err != nil {
		if cause := context.Cause(a.ctx); cause != err {
			err = fmt.Errorf("%w: %w", err, cause)
		}
		a.end(err)
	}
	if m.left < 0 {
		if m.replaying {
			a.end(a.overLimit("instructions", count(m.replayLimit(), "instruction")+" between two recorded steps"))
		}
		a.end(a.overLimit("instructions", count(a.limits.Instructions, "instruction")))
	}
	a.end(a.overLimit("time", a.limits.Time.String()+" of executing"))
}

func (m *meter) tooDeep() {
	a := m.activation
	a.end(a.overLimit("depth", count(int64(a.limits.Depth), "call")+" within calls"))
}

func (m *meter) charge(work, bytes int64) {
	if m.left -= work; m.left < 0 || m.stopped.Load() {
		m.stop()
	}
	if m.bytes -= bytes; m.bytes < 0 {
		m.measure(bytes)
	}
}

// start prepares the meter for an activation.
func (m *meter) start(a *activation) {
	m.activation = a
	m.left, m.bytes, m.depth = a.limits.Instructions, a.limits.Memory, a.limits.Depth
	m.replaying = false
	if a.host != nil {
		m.replay(a.host.Replaying())
	}
	m.stopped.Store(false)
	m.timerFired, m.scriptRaised, m.caught, m.used = false, false, nil, 0
	m.stopAfterFunc = nil
	if a.ctx.Done() != nil {
		m.stopAfterFunc = context.AfterFunc(a.ctx, func() { m.stopped.Store(true) })
	}
}

// replayFactor bounds the instructions between two recorded steps, in limits of
// one activation. A replay is not charged, but one that does not come to its
// next step must end.
const replayFactor = 10

// replay sets whether the script is replaying and its work is not charged. It
// is called while the timer is stopped.
func (m *meter) replay(on bool) {
	if on && !m.replaying {
		m.leftBeforeReplay = m.left
	}
	switch {
	case on:
		m.left = m.replayLimit()
	case m.replaying:
		m.left = m.leftBeforeReplay
	}
	m.replaying = on
}

func (m *meter) replayLimit() int64 {
	return min(m.activation.limits.Instructions, math.MaxInt64/replayFactor) * replayFactor
}

// finish releases the slot, the timer and the activation. It reports whether
// the meter can be used for another activation: a timer that fires late would
// stop that one.
func (m *meter) finish() (reusable bool) {
	m.pause()
	if m.stopAfterFunc != nil && !m.stopAfterFunc() {
		m.timerFired = true
	}
	m.activation, m.caught = nil, nil
	return !m.timerFired
}

// pause stops the timer and releases the slot.
func (m *meter) pause() {
	if !m.hasSlot {
		return
	}
	if m.timerRunning && !m.timer.Stop() {
		m.timerFired = true
	}
	if m.timerRunning {
		m.used += time.Since(m.since)
	}
	m.hasSlot = false
	<-m.slots
}

// resume waits for a slot and starts the timer.
func (m *meter) resume(ctx context.Context) error {
	select {
	case m.slots <- struct{}{}:
	default:
		select {
		case m.slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	m.hasSlot, m.timerRunning = true, !m.replaying
	if m.replaying {
		return nil
	}
	m.since = time.Now()
	left := max(m.activation.limits.Time-m.used, 0)
	if m.timer == nil {
		m.timer = time.AfterFunc(left, func() { m.stopped.Store(true) })
	} else {
		m.timer.Reset(left)
	}
	return nil
}

// position returns the current line of the innermost script function:
// "crm.lua:12".
func (m *meter) position() string {
	for f := m.state.currentFrame; f != nil; f = f.Parent {
		if !f.Fn.IsG {
			return f.Fn.Proto.SourceName + ":" + strconv.Itoa(f.line())
		}
	}
	return ""
}

// positionAt returns the current line of the function at a level: 1 is the
// function that called the Go function that runs now. It is empty for a Go
// function.
func (m *meter) positionAt(level int) string {
	f := m.state.currentFrame
	for ; f != nil && level > 0; level-- {
		f = f.Parent
	}
	if f == nil || f.Fn.IsG {
		return ""
	}
	return f.Fn.Proto.SourceName + ":" + strconv.Itoa(f.line())
}

// scriptFile returns the file of the innermost script function.
func (m *meter) scriptFile() string {
	for f := m.state.currentFrame; f != nil; f = f.Parent {
		if !f.Fn.IsG {
			return f.Fn.Proto.SourceName
		}
	}
	return ""
}
