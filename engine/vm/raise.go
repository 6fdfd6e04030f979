package vm

import (
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// luaError is the Go panic that a Lua error is while it unwinds the stack.
type luaError struct {
	value lua.LValue
	trace []codeLine // innermost first
}

// codeLine is a line of a script.
type codeLine struct {
	proto *lua.FunctionProto
	line  int
}

func (p codeLine) String() string { return p.proto.SourceName + ":" + strconv.Itoa(p.line) }

// panicHandler is the Panic of every state. It gets the VM's own errors and all
// that is raised, with the frames still in place.
func panicHandler(L *lua.LState) {
	m := activationOf(L).meter
	value := L.Get(-1)
	if m.caught.is(value) && m.position() != m.caught.trace[0].String() {
		m.scriptRaised = false
		panic(m.caught)
	}
	if text, ok := value.(lua.LString); ok && !m.scriptRaised {
		if strings.HasSuffix(string(text), " stack overflow") || strings.HasSuffix(string(text), " registry overflow") {
			m.tooDeep()
		}
		value = lua.LString(m.explainVMError(clip(string(text))))
	}
	m.scriptRaised = false
	m.charge(raiseWork, 0)
	panic(&luaError{value: value, trace: m.trace()})
}

// raiseWork is the charge for unwinding the stack, in instructions.
const raiseWork = 50

// raise raises a script error (a bug) at the current line.
func raise(L *lua.LState, format string, args ...any) {
	m := activationOf(L).meter
	text := clip(fmt.Sprintf(format, args...))
	if at := m.position(); at != "" {
		text = at + ": " + text
	}
	m.charge(0, int64(len(text)))
	raiseValue(L, lua.LString(text))
}

// raiseValue raises any value, as error(value, 0) does.
func raiseValue(L *lua.LState, value lua.LValue) {
	activationOf(L).meter.scriptRaised = true
	L.Error(value, 0)
}

// protect calls the function on the stack below its nargs arguments, as L.Call
// does, and returns the error that it raised, nil if it returned. A Go panic
// ends the activation as a fault of the engine.
func (a *activation) protect(L *lua.LState, nargs, nret int) (raised *luaError) {
	m := a.meter
	s := m.state
	sp, base := s.stack.data.sp, s.reg.top-nargs-1
	var fault *Fault
	func() {
		defer func() {
			r := recover()
			if r == nil {
				return
			}
			var ok bool
			if raised, ok = r.(*luaError); !ok {
				fault = &Fault{Position: m.position(), Err: fmt.Errorf("panic: %v", r), Stack: string(debug.Stack())}
			}
			s.stack.data.sp = sp
			s.currentFrame = nil
			if sp > 0 {
				s.currentFrame = &s.stack.data.array[sp-1]
			}
			s.closeUpvalues(base)
			for i := base; i < s.reg.top; i++ {
				s.reg.array[i] = nil
			}
			s.reg.top = base
		}()
		L.Call(nargs, nret)
	}()
	if fault != nil {
		a.end(fault)
	}
	if raised != nil {
		m.caught = raised
	}
	return raised
}

// is reports whether a raised value is the one that was caught last, which then
// has the trace of the first time. A text is recognized by its position.
func (t *luaError) is(value lua.LValue) bool {
	if t == nil || len(t.trace) == 0 || value != t.value {
		return false
	}
	switch v := value.(type) {
	case *lua.LTable:
		return true
	case lua.LString:
		return strings.HasPrefix(string(v), t.trace[0].String()+": ")
	}
	return false
}

// trace returns the current lines of the script's functions, innermost first.
func (m *meter) trace() []codeLine {
	all := make([]codeLine, 0, 4)
	for f := m.state.currentFrame; f != nil && len(all) < maxTrace; f = f.Parent {
		if !f.Fn.IsG {
			all = append(all, codeLine{f.Fn.Proto, f.line()})
		}
	}
	return all
}

const maxTrace = 20

// scriptError makes the ScriptError for an error that the script did not catch.
func (a *activation) scriptError(t *luaError) *ScriptError {
	e := &ScriptError{}
	for _, p := range t.trace {
		e.Trace = append(e.Trace, p.String())
	}
	if len(e.Trace) > 0 {
		e.Position = e.Trace[0]
	}
	switch v := t.value.(type) {
	case lua.LString:
		e.Message = string(v)
		if at, rest, ok := a.program.cutPosition(e.Message); ok {
			e.Position, e.Message = at, rest
		}
		e.Message = clip(e.Message)
	case lua.LNumber:
		e.Message = numberText(v)
	case *lua.LTable:
		if e.App = appErrorOf(v); e.App != nil {
			e.Message, e.Step = e.App.Error(), stepOf(v)
			break
		}
		e.Message = "an error that is a table"
		if text, ok := v.RawGetString("message").(lua.LString); ok {
			e.Message = clip(string(text))
		}
	default:
		e.Message = "an error that is " + describe(t.value)
	}
	return e
}

// maxMessage bounds, in bytes, the text of an error, which may quote any text
// of the script.
const maxMessage = 4 << 10

func clip(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	return fmt.Sprintf("%s… (%s in all)", strings.ToValidUTF8(text[:maxMessage], ""), bytesText(int64(len(text))))
}

// cutPosition splits "crm.lua:12: text", where crm.lua is a file of the program.
func (p *Program) cutPosition(text string) (at, rest string, ok bool) {
	for name := range p.files {
		after, found := strings.CutPrefix(text, name+":")
		if !found {
			continue
		}
		n := 0
		for n < len(after) && after[n] >= '0' && after[n] <= '9' {
			n++
		}
		if n > 0 && strings.HasPrefix(after[n:], ": ") {
			return text[:len(name)+1+n], after[n+2:], true
		}
	}
	return "", "", false
}
