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

// activation is one execution of a program: the data that a library function
// reaches through its state. Only the goroutine of the activation uses it, and
// it is not used after that goroutine has ended.
//
// How library functions are written:
//
//   - A function is a lua.LGFunction without data of its own: many states call the
//     same *LFunction at once. What belongs to the run is in the activation, what
//     belongs to one Lua object is in its upvalues or user data.
//   - Its Env is nil. It reaches globals through activation.env only.
//   - Before it allocates or loops it calls charge or chargeString. Every loop over
//     more than a handful of values charges one unit for each round.
//   - A string that is part of a longer one is cloned (strings.Clone) before Lua gets
//     it: memory is counted by what a script can reach.
//   - It calls scripts' functions with L.Call, or with protect to get their errors. It
//     never calls L.PCall, L.NewThread, L.Yield or L.SetContext.
//   - It raises with raise, raiseValue or L.ArgError, never with panic.
//   - What a script can reach but is not a Lua value is in user data that is a sizer,
//     or is counted with reserve while it grows.
type activation struct {
	machine  *Machine
	program  *Program
	host     Host // nil in Load
	ctx      context.Context
	settings Settings
	limits   Limits
	meter    *meter
	env      *lua.LTable

	// loading is set while the top level of a file runs, and inWhere while a
	// where function runs. No step is allowed in either.
	loading      bool
	inWhere      bool
	inFind       bool // a function of the option find runs
	topLevelDone bool // the top level of the main file has ended: no hook can be registered any more

	registered []registered
	loaded     map[string]lua.LValue // values of required files
	steps      int
	output     int64
	reserved   int64 // bytes counted with reserve

	// cause is why the activation was ended before its function returned.
	cause error
	// params is the run's params table, nil until the script uses it.
	params lua.LValue
}

// registered is a Registration with the Lua functions of this activation.
type registered struct {
	Registration
	handler   *lua.LFunction
	functions map[string]*lua.LFunction // the options that are functions: "where"
}

// activationOf returns the activation that a state runs.
func activationOf(L *lua.LState) *activation { return L.Context().(*meter).activation }

// register adds a hook. It is called by on and every.
func (a *activation) register(L *lua.LState, r registered) {
	if !a.loading || a.topLevelDone {
		raise(L, "hooks are registered at the top level of a file, not while a hook runs")
	}
	a.charge(L, 100, 1<<10)
	r.Position = a.position(L)
	a.registered = append(a.registered, r)
}

// charge accounts for the work of a library function, in units of one VM
// instruction, and for bytes that it is about to allocate. It ends the
// activation if that exceeds a limit.
func (a *activation) charge(_ *lua.LState, work, bytes int64) { a.meter.charge(work, bytes) }

// chargeString accounts for a string of n bytes that is about to be made.
func (a *activation) chargeString(L *lua.LState, n int) {
	if n > a.limits.StringLength {
		a.end(a.overLimit("string length", bytesText(int64(a.limits.StringLength))+" in one string"))
	}
	a.meter.charge(int64(n)/32+1, int64(n)+16)
}

// grow accounts for bytes that are about to be added to a text of have bytes.
func (a *activation) grow(L *lua.LState, have, more int) {
	if have+more > a.limits.StringLength {
		a.chargeString(L, have+more)
	}
	a.meter.charge(int64(more)/32, int64(more))
}

// step performs a step in the host, without the Lua slot. It raises an app
// error in the script, and ends the activation with any other error.
func (a *activation) step(L *lua.LState, s Step) json.RawMessage {
	result, err := a.tryStep(L, s)
	if err != nil {
		raiseValue(L, appError(L, err, a.steps))
	}
	return result
}

// tryStep is step without raising: it returns an app error.
func (a *activation) tryStep(L *lua.LState, s Step) (json.RawMessage, *bindings.Error) {
	switch {
	case a.loading:
		raise(L, "%s cannot be used at the top level of a file; use it inside a hook's function", s.Name)
	case a.inWhere:
		raise(L, "%s cannot be used in a where function, which only reads the event", s.Name)
	}
	s.Position = a.position(L)
	if a.inFind {
		a.charge(L, 900, 0) // there is no bound of such calls but the instructions
	} else if a.steps++; a.steps > a.limits.Steps {
		a.end(a.overLimit("steps", count(int64(a.limits.Steps), "step")))
	}
	a.charge(L, 100, int64(len(s.Args)))
	perform := a.callHost
	if a.inFind {
		perform = a.findStep
	}
	result, err := perform(L, s)
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

// openSecret returns the text of a secret, for what is computed inside the
// script.
func (a *activation) openSecret(L *lua.LState, name string) string {
	if a.loading {
		raise(L, "the text of a secret cannot be used at the top level of a file")
	}
	var text string
	var err error
	a.withoutSlot(func() { text, err = a.host.Secret(name) })
	if err != nil {
		raise(L, "%v", err)
	}
	return text
}

// log writes a log line of the script. In Load there is no host, and in a
// replay the line is written already: there it is dropped.
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
		a.withoutSlot(func() { a.host.Log(level, text, fields) })
	}
}

// withoutSlot runs f with the Lua slot released and the timer stopped.
func (a *activation) withoutSlot(f func()) {
	a.meter.pause()
	f()
	if err := a.meter.resume(a.ctx); err != nil {
		a.end(err)
	}
}

// end ends the activation at once. Nothing of the script runs after it: no
// pcall returns, no error handler is called.
func (a *activation) end(cause error) {
	if a.cause == nil {
		a.cause = cause
	}
	runtime.Goexit()
}

// overLimit makes the error for a limit that was exceeded at the current line.
func (a *activation) overLimit(limit, bound string) *LimitError {
	return &LimitError{Limit: limit, Bound: bound, Position: a.meter.position()}
}

// position returns the current line of the innermost script function:
// "crm.lua:12".
func (a *activation) position(_ *lua.LState) string { return a.meter.position() }
