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
// in the goroutine of the script; there the meter counts, looks whether the
// time is over, and charges for what the instruction is about to allocate.
// Done never returns a channel: an activation is ended by Goexit.
type meter struct {
	L          *lua.LState
	state      *stateMirror
	activation *activation

	left  int64 // instructions
	bytes int64 // that may be allocated before the next count of what is alive
	depth int

	replaying bool  // what the script does is not charged
	charged   int64 // instructions left when the replay began

	stopped atomic.Bool // the time is over or the context is done
	late    bool        // a timer fired while it was being stopped

	slots   chan struct{}
	raising bool    // what is thrown next is the script's or a library's, not the VM's
	caught  *thrown // last, by protect
	holding bool    // a slot
	timing  bool    // the clock runs
	used    time.Duration
	since   time.Time
	timer   *time.Timer
	release func() bool // of the context's AfterFunc
}

func (m *meter) Done() <-chan struct{} {
	if m.left--; m.left < 0 || m.stopped.Load() {
		m.stop()
	}
	f := m.state.currentFrame
	inst := f.Fn.Proto.Code[f.Pc-1]
	if watched[inst>>26] {
		m.watch(f, inst)
	}
	if f.Idx >= m.depth {
		m.tooDeep()
	}
	return nil
}

// The rest of context.Context; nobody waits on a meter.
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
			a.end(a.overLimit("instructions", count(m.replayed(), "instruction")+" between two recorded steps"))
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

// start readies the meter for an activation.
func (m *meter) start(a *activation) {
	m.activation = a
	m.left, m.bytes, m.depth = a.limits.Instructions, a.limits.Memory, a.limits.Depth
	m.replaying = false
	if a.host != nil {
		m.replay(a.host.Replaying())
	}
	m.stopped.Store(false)
	m.late, m.raising, m.caught, m.used = false, false, nil, 0
	m.release = nil
	if a.ctx.Done() != nil {
		m.release = context.AfterFunc(a.ctx, func() { m.stopped.Store(true) })
	}
}

// replayFactor bounds what stands between two recorded steps, in limits of
// one activation: a replay is not charged, and one that went astray must end.
const replayFactor = 10

// replay says whether what the script does now is charged. It is called while
// the clock stands.
func (m *meter) replay(on bool) {
	if on && !m.replaying {
		m.charged = m.left
	}
	switch {
	case on:
		m.left = m.replayed()
	case m.replaying:
		m.left = m.charged
	}
	m.replaying = on
}

func (m *meter) replayed() int64 {
	return min(m.activation.limits.Instructions, math.MaxInt64/replayFactor) * replayFactor
}

// finish lets go of all that the activation held. It says whether the meter
// may serve another one: no timer of this one can fire any more.
func (m *meter) finish() (quiet bool) {
	m.pause()
	if m.release != nil && !m.release() {
		m.late = true
	}
	m.activation, m.caught = nil, nil
	return !m.late
}

// pause stops the clock and gives the slot back.
func (m *meter) pause() {
	if !m.holding {
		return
	}
	if m.timing && !m.timer.Stop() {
		m.late = true
	}
	if m.timing {
		m.used += time.Since(m.since)
	}
	m.holding = false
	<-m.slots
}

// resume waits for a slot and lets the clock run.
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
	m.holding, m.timing = true, !m.replaying
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

// position is that of the innermost script function: "crm.lua:12".
func (m *meter) position() string {
	for f := m.state.currentFrame; f != nil; f = f.Parent {
		if !f.Fn.IsG {
			return f.Fn.Proto.SourceName + ":" + strconv.Itoa(f.line())
		}
	}
	return ""
}

// positionAt is that of the function at a level, 1 being the one that called
// the Go function that runs now. It is empty for a Go function.
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

// scriptFile names the file of the innermost script function.
func (m *meter) scriptFile() string {
	for f := m.state.currentFrame; f != nil; f = f.Parent {
		if !f.Fn.IsG {
			return f.Fn.Proto.SourceName
		}
	}
	return ""
}
