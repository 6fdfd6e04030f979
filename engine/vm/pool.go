package vm

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	lua "github.com/yuin/gopher-lua"
)

// spareFrames are the frames of the call stack above the limit of depth, for
// calls that libraries make before the meter checks the depth at the next
// instruction.
const spareFrames = 20

// maxRegisters bounds the values on the stack of one state.
const (
	firstRegisters     = 512
	maxRegisters       = 1 << 17
	maxPooledRegisters = 1 << 12 // a state with a larger stack does not go back to the pool
)

// setPackageVariables sets gopher-lua's package variables, and panics if its
// layout is not the mirrored one.
var setPackageVariables = sync.OnceFunc(func() {
	lua.CompatVarArg = false
	lua.MaxArrayIndex = maxArrayIndex
	if err := checkMirror(); err != nil {
		panic(err)
	}
})

// maxArrayIndex is the first whole number that is a key in a table's hash part.
// A table with so many items exceeds any sensible limit of memory.
const maxArrayIndex = 1 << 24

// newMeter makes a state for a limit of depth. Only those for the machine's limit are
// pooled: a call stack is as large as its limit.
func (m *Machine) newMeter(depth int) *meter {
	L := lua.NewState(lua.Options{
		CallStackSize: depth + spareFrames, RegistrySize: firstRegisters,
		RegistryMaxSize: maxRegisters, RegistryGrowStep: 1 << 10, SkipOpenLibs: true,
	})
	L.Panic = panicHandler
	L.SetMetatable(lua.LString(""), m.stringMeta)
	mt := &meter{L: L, state: mirrorOf(L), slots: m.slots}
	mt.state.raiseWithoutClosing()
	// Numbers are allocated in blocks, and a block is in use while one of its
	// numbers is. In a small block a number that a script uses for long does
	// not make 256 bytes stay in use.
	mt.state.alloc.size = 8
	L.SetContext(mt)
	return mt
}

// callStack is what a call to an app needs of the stack, with what is above it in
// the script.
const callStack = 32 << 10

// growStack makes the stack of a new goroutine large enough for a call to an app.
// Otherwise the stack grows several times, and is copied each time with all its
// frames, which is about a twentieth of the time of a run.
//
//go:noinline
func growStack(i int) byte {
	var space [callStack]byte
	return space[i]
}

// execute runs body in a goroutine of its own with a state of the pool, and
// returns what ended it: nil, *ScriptError, *LimitError, *Fault, or a cause
// from outside.
func (m *Machine) execute(a *activation, body func(L *lua.LState) *luaError) (err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		growStack(0)
		deep := a.limits.Depth > m.limits.Depth
		var mt *meter
		if !deep {
			mt, _ = m.pool.Get().(*meter)
		}
		if mt == nil {
			mt = m.newMeter(max(a.limits.Depth, m.limits.Depth))
		}
		returned := false
		defer func() {
			if r := recover(); r != nil {
				if raised, ok := r.(*luaError); ok { // outside of any call of the script's
					a.cause = a.scriptError(raised)
				} else {
					a.cause = &Fault{Err: fmt.Errorf("panic: %v", r), Stack: string(debug.Stack())}
				}
			}
			mt.finish()
			if returned && !deep && mt.reset() {
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

// reset clears the stack of the state, so that it refers to no values of the
// run. It reports false, and the state cannot be used again, if something is
// left on the stack or if the stack is large.
func (m *meter) reset() bool {
	s := m.state
	if s.reg.top != 0 || s.stack.data.sp != 0 || s.currentFrame != nil || s.uvcache != nil ||
		len(s.reg.array) > maxPooledRegisters {
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

// openEnv makes the table of a run's globals. Names that the run has not set
// are looked up in the shared base.
func (m *Machine) openEnv(a *activation) {
	a.env = &lua.LTable{Metatable: m.envMeta}
	for _, g := range runGlobals {
		if a.program.names[g.name] || a.program.names["_G"] {
			a.env.RawSetString(g.name, g.value(a))
		}
	}
}

// newActivation makes an activation that is loading, without a host.
func (m *Machine) newActivation(ctx context.Context, p *Program, s Settings, l Limits) *activation {
	return &activation{machine: m, program: p, ctx: ctx, settings: s, limits: l.or(m.limits), loading: true}
}
