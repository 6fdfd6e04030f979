package vm

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	lua "github.com/yuin/gopher-lua"
)

// spareFrames is the room of the call stack above the limit of depth: for the
// calls that libraries make before the meter sees the next instruction.
const spareFrames = 20

// maxRegisters bounds the values on the stack of one state.
const (
	firstRegisters = 512
	maxRegisters   = 1 << 17
	keptRegisters  = 1 << 12 // a state whose stack grew beyond is not kept
)

// tune sets what gopher-lua keeps in package variables.
var tune = sync.OnceFunc(func() {
	lua.CompatVarArg = false
	lua.MaxArrayIndex = maxArrayIndex
	if err := checkMirror(); err != nil {
		panic(err)
	}
})

// maxArrayIndex is the first whole number that is kept in a table's hash part.
// A table filled up to there is above any sensible limit of memory.
const maxArrayIndex = 1 << 24

func (m *Machine) newMeter() *meter {
	L := lua.NewState(lua.Options{
		CallStackSize: m.limits.Depth + spareFrames, RegistrySize: firstRegisters,
		RegistryMaxSize: maxRegisters, RegistryGrowStep: 1 << 10, SkipOpenLibs: true,
	})
	L.Panic = throw
	L.SetMetatable(lua.LString(""), m.stringMeta)
	mt := &meter{L: L, state: mirrorOf(L), slots: m.slots}
	mt.state.raiseWithoutClosing()
	// Numbers live in blocks that stay as long as one of them does. Small
	// blocks keep a script from holding 256 bytes for every number it keeps.
	mt.state.alloc.size = 8
	L.SetContext(mt)
	return mt
}

// execute runs body in a goroutine of its own with a state of the pool, and
// returns what ended it: nil, *ScriptError, *LimitError, *Fault, or a cause
// from outside.
func (m *Machine) execute(a *activation, body func(L *lua.LState) *thrown) (err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		mt, ok := m.pool.Get().(*meter)
		if !ok {
			mt = m.newMeter()
		}
		returned := false
		defer func() {
			if r := recover(); r != nil {
				if raised, ok := r.(*thrown); ok { // outside of any call of the script's
					a.cause = a.scriptError(raised)
				} else {
					a.cause = &Fault{Err: fmt.Errorf("panic: %v", r), Stack: string(debug.Stack())}
				}
			}
			if mt.finish() && returned && mt.clean() {
				m.pool.Put(mt)
			}
		}()
		a.meter = mt
		mt.start(a)
		if a.cause = mt.resume(a.ctx); a.cause != nil {
			return
		}
		m.openEnv(a)
		if raised := body(mt.L); raised != nil {
			a.cause = a.scriptError(raised)
			return
		}
		returned = true
	}()
	<-done
	return a.cause
}

// clean reports whether the state is as it was made, nothing on its stack and
// nothing set where only the engine could set it, and lets go of what the
// stack still remembers.
func (m *meter) clean() bool {
	s := m.state
	if s.reg.top != 0 || s.stack.data.sp != 0 || s.currentFrame != nil || s.uvcache != nil ||
		len(s.reg.array) > keptRegisters {
		return false
	}
	clear(s.reg.array)
	for i := range s.stack.data.array {
		if s.stack.data.array[i].Fn == nil {
			break
		}
		s.stack.data.array[i] = frameMirror{}
	}
	return true
}

// openEnv makes the table of a run's globals. Reading falls through to the
// shared base; writing stays in the run.
func (m *Machine) openEnv(a *activation) {
	a.env = &lua.LTable{Metatable: m.envMeta}
	for _, g := range runGlobals {
		if a.program.names[g.name] || a.program.names["_G"] {
			a.env.RawSetString(g.name, g.value(a))
		}
	}
}

// newActivation makes what all activations share.
func (m *Machine) newActivation(ctx context.Context, p *Program, s Settings, l Limits) *activation {
	a := &activation{machine: m, program: p, ctx: ctx, settings: s, limits: l.or(m.limits), loading: true}
	a.limits.Depth = min(a.limits.Depth, m.limits.Depth)
	return a
}
