package vm

import (
	"context"
	"fmt"
	"math"
	"runtime"
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

	due atomic.Bool // a slice is over or the context is done

	slots         *slots
	scriptRaised  bool      // the next error is raised by the script or a library, not by the VM
	caught        *luaError // the last error that protect caught
	hasSlot       bool
	used          time.Duration // of the thread, without replays
	replayed      time.Duration // of the thread, by replays
	since         time.Duration // the thread's time at the begin of the slice
	timer         *time.Timer   // sets due at the end of a slice
	stopAfterFunc func() bool   // of the context.AfterFunc that sets due
}

func (m *meter) Done() <-chan struct{} {
	if m.left--; m.left < 0 || m.due.Load() {
		m.interrupt()
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

// interrupt ends the activation if it is over a limit or its context is done. Else the
// slice is over, and the slot goes to the next one that waits.
func (m *meter) interrupt() {
	m.due.Store(false)
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
	m.endSlice()
	if m.replayed >= replayTime {
		a.end(a.overLimit("replay", replayTime.String()+" of replaying "+count(int64(a.steps), "step")+"; split the work into several runs with emit"))
	}
	if m.used >= a.limits.Time {
		a.end(a.overLimit("time", a.limits.Time.String()+" of executing"))
	}
	if m.hasSlot && m.slots.contended() {
		m.hasSlot = false
		m.slots.release()
		if err := m.resume(a.ctx); err != nil {
			a.end(err)
		}
		return
	}
	m.beginSlice()
}

func (m *meter) tooDeep() {
	a := m.activation
	a.end(a.overLimit("depth", count(int64(a.limits.Depth), "call")+" within calls"))
}

func (m *meter) charge(work, bytes int64) {
	if m.left -= work; m.left < 0 || m.due.Load() {
		m.interrupt()
	}
	if m.bytes -= bytes; m.bytes < 0 {
		m.measure(bytes)
	}
}

// start prepares the meter for an activation.
func (m *meter) start(a *activation) {
	m.activation = a
	m.left, m.bytes, m.depth = a.limits.Instructions, a.limits.Memory, a.limits.Depth
	m.replaying, m.replayed = false, 0
	if a.host != nil {
		m.replay(a.host.Replaying())
	}
	m.due.Store(false)
	m.scriptRaised, m.caught, m.used = false, nil, 0
	m.stopAfterFunc = nil
	if a.ctx.Done() != nil {
		m.stopAfterFunc = context.AfterFunc(a.ctx, func() { m.due.Store(true) })
	}
}

// replayFactor bounds the instructions between two recorded steps, in limits of
// one activation. A replay is not charged, but one that does not come to its
// next step must end.
const replayFactor = 10

// replayTime bounds what the replays of one activation may use.
const replayTime = 30 * time.Second

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

// finish releases the slot, the timer and the activation. A timer that fires late makes
// another activation look at its limits, which is harmless.
func (m *meter) finish() {
	m.pause()
	if m.stopAfterFunc != nil {
		m.stopAfterFunc()
	}
	m.activation, m.caught = nil, nil
}

// sliceTime is how long an activation has its slot while others wait, and the interval at
// which its time is compared with the limit.
const sliceTime = 10 * time.Millisecond

// beginSlice counts the time of the thread from now on. The goroutine stays on it until
// the slice ends.
func (m *meter) beginSlice() {
	runtime.LockOSThread()
	m.since = cpuTime()
	left := replayTime - m.replayed
	if !m.replaying {
		left = m.activation.limits.Time - m.used
	}
	left = min(max(left, 0), sliceTime)
	if m.timer == nil {
		m.timer = time.AfterFunc(left, func() { m.due.Store(true) })
	} else {
		m.timer.Reset(left)
	}
}

func (m *meter) endSlice() {
	m.timer.Stop()
	if used := cpuTime() - m.since; m.replaying {
		m.replayed += used
	} else {
		m.used += used
	}
	runtime.UnlockOSThread()
}

// machineTime returns the time since the process began.
func machineTime() time.Duration { return time.Since(processBegan) }

var processBegan = time.Now()

// pause ends the slice and releases the slot.
func (m *meter) pause() {
	if !m.hasSlot {
		return
	}
	m.endSlice()
	m.hasSlot = false
	m.slots.release()
}

// resume waits for a slot and begins a slice.
func (m *meter) resume(ctx context.Context) error {
	if err := m.slots.acquire(ctx, m.activation.program.main); err != nil {
		return err
	}
	m.hasSlot = true
	m.beginSlice()
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
