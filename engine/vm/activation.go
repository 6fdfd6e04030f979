package vm

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// activation is one execution of a program: what library functions find behind
// their state. It lives as long as its goroutine and is used by nobody else.
//
// How library functions are written:
//
//   - A function is a lua.LGFunction that keeps nothing: the same *LFunction is
//     called by many states at once. What belongs to the run stands in the
//     activation, what belongs to one Lua object in its upvalues or user data.
//   - Its Env is nil. It reaches globals through activation.env only.
//   - Before it allocates or loops it calls charge or chargeString. Every loop
//     over more than a handful of values charges one unit a turn.
//   - A string that it hands to Lua and that is part of a longer one is cloned
//     (strings.Clone): memory is counted by what a script can reach.
//   - It calls scripts' functions with L.Call, or with protect when it must
//     see errors. It never calls L.PCall, L.NewThread, L.Yield or L.SetContext.
//   - It raises with raise, raiseValue or L.ArgError, never with panic.
//   - What a script keeps alive but Lua cannot show stands in user data that is
//     a sizer, or is counted with holding while it grows.
type activation struct {
	machine  *Machine
	program  *Program
	host     Host // nil in Load
	ctx      context.Context
	settings Settings
	limits   Limits
	meter    *meter
	env      *lua.LTable

	// loading says that a file's top level runs, where the value says that its where function
	// runs: no step is allowed.
	loading bool
	where   bool
	sealed  bool // the main file's top level is done; no hook can come any more

	registered []registered
	loaded     map[string]lua.LValue // values of required files
	steps      int
	output     int64
	held       int64 // bytes told with holding

	// cause is why the activation was ended from inside.
	cause error
	// params is the run's params table once it was asked for.
	params lua.LValue
}

// registered is a Registration with the functions of this execution.
type registered struct {
	Registration
	handler   *lua.LFunction
	functions map[string]*lua.LFunction // the options that are functions: "where"
}

// activationOf finds the activation that a state works for.
func activationOf(L *lua.LState) *activation { return L.Context().(*meter).activation }

// register keeps a hook; on and every call it.
func (a *activation) register(L *lua.LState, r registered) {
	if !a.loading || a.sealed {
		raise(L, "hooks are registered at the top level of a file, not while a hook runs")
	}
	a.charge(L, 100, 1<<10)
	r.Position = a.position(L)
	a.registered = append(a.registered, r)
}

// charge accounts for the work of a library function, in units of one VM
// instruction, and for bytes that it is about to allocate. It ends the
// activation when a limit is passed.
func (a *activation) charge(_ *lua.LState, work, bytes int64) { a.meter.charge(work, bytes) }

// chargeString accounts for a string of n bytes that is about to be made.
func (a *activation) chargeString(L *lua.LState, n int) {
	if n > a.limits.StringLength {
		a.end(a.overLimit("string length", bytesText(int64(a.limits.StringLength))+" in one string"))
	}
	a.meter.charge(int64(n)/32+1, int64(n)+16)
}

// grow accounts for more bytes at the end of a text that is being built.
func (a *activation) grow(L *lua.LState, have, more int) {
	if have+more > a.limits.StringLength {
		a.chargeString(L, have+more)
	}
	a.meter.charge(int64(more)/32, int64(more))
}

// step asks the host for a step and waits for it with the Lua slot given back.
// It raises app errors in the script and ends the activation on any other.
func (a *activation) step(L *lua.LState, s Step) json.RawMessage {
	result, err := a.ask(L, s)
	if err != nil {
		raiseValue(L, appError(L, err, a.steps))
	}
	return result
}

// ask is step for verbs that look at an app error themselves.
func (a *activation) ask(L *lua.LState, s Step) (json.RawMessage, *bindings.Error) {
	switch {
	case a.loading:
		raise(L, "%s cannot be used at the top level of a file; use it inside a hook's function", s.Name)
	case a.where:
		raise(L, "%s cannot be used in a where function, which only looks at the event", s.Name)
	}
	s.Position = a.position(L)
	if a.steps++; a.steps > a.limits.Steps {
		a.end(a.overLimit("steps", count(int64(a.limits.Steps), "step")))
	}
	a.charge(L, 100, int64(len(s.Args)))
	var result json.RawMessage
	var err error
	a.outside(func() {
		result, err = a.host.Step(a.ctx, s)
		a.meter.replay(a.host.Replaying())
	})
	if err == nil {
		a.charge(L, int64(len(result))/32, int64(len(result)))
		return result, nil
	}
	var end *End
	var app *bindings.Error
	switch {
	case errors.As(err, &end), a.ctx.Err() != nil && errors.Is(err, a.ctx.Err()):
		a.end(err)
	case errors.As(err, &app):
		return nil, app
	}
	a.end(&Fault{Position: s.Position, Err: err})
	return nil, nil
}

// secret opens a secret for what is computed inside the script.
func (a *activation) secret(L *lua.LState, name string) string {
	if a.loading {
		raise(L, "the text of a secret cannot be used at the top level of a file")
	}
	var text string
	var err error
	a.outside(func() { text, err = a.host.Secret(name) })
	if err != nil {
		raise(L, "%v", err)
	}
	return text
}

// log writes a line of the script's. In Load, where there is no host, and in a
// replay, where it was written before, it is dropped.
func (a *activation) log(L *lua.LState, level slog.Level, text string, fields json.RawMessage) {
	if a.meter.replaying {
		return
	}
	n := int64(len(text) + len(fields))
	if a.output += n; a.output > a.limits.Output {
		a.end(a.overLimit("output", bytesText(a.limits.Output)+" of log lines"))
	}
	a.charge(L, 20+n/16, n)
	if a.host != nil {
		a.outside(func() { a.host.Log(level, text, fields) })
	}
}

// outside runs f with the Lua slot given back and the clock stopped.
func (a *activation) outside(f func()) {
	a.meter.pause()
	f()
	if err := a.meter.resume(a.ctx); err != nil {
		a.end(err)
	}
}

// end ends the activation where it stands. Nothing of the script runs after
// it: no pcall returns, no handler is called.
func (a *activation) end(cause error) {
	if a.cause == nil {
		a.cause = cause
	}
	runtime.Goexit()
}

// overLimit makes the error for a limit passed at the present line.
func (a *activation) overLimit(limit, bound string) *LimitError {
	return &LimitError{Limit: limit, Bound: bound, Position: a.meter.position()}
}

// position says where the innermost script function stands: "crm.lua:12".
func (a *activation) position(_ *lua.LState) string { return a.meter.position() }
