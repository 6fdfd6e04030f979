package vm

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// reserve returns a charge for Go values that Lua does not refer to yet. Their
// bytes count as the script's memory until release is called, when Lua refers
// to the result.
func (a *activation) reserve(L *lua.LState) (charge func(work, bytes int64), release func()) {
	charged := int64(0)
	charge = func(work, bytes int64) {
		charged += bytes
		a.reserved += bytes
		a.charge(L, work, bytes)
	}
	return charge, func() { a.reserved -= charged }
}

// read decodes JSON with d.
func (a *activation) read(L *lua.LState, d decoder, s shape) (lua.LValue, error) {
	charge, release := a.reserve(L)
	defer release()
	d.charge = charge
	return d.read(s)
}

// decode decodes an answer of the host, declared as t. fromEncoder is set if an
// encoder of this package wrote it.
func (a *activation) decode(L *lua.LState, raw []byte, c *bindings.Catalogue, t *bindings.Type, fromEncoder bool) lua.LValue {
	return a.decodeWith(L, decoder{text: raw, catalogue: c, fromEncoder: fromEncoder}, t)
}

func (a *activation) decodeWith(L *lua.LState, d decoder, t *bindings.Type) lua.LValue {
	if isEmptyJSON(d.text) {
		return lua.LNil
	}
	v, err := a.read(L, d, shapeOf(d.catalogue, t))
	if err != nil {
		raise(L, "the answer is not JSON: %v", err)
	}
	return v
}

// decodeAnswer makes the step of a call, and decodes its answer, declared as t.
func (a *activation) decodeAnswer(L *lua.LState, s Step, c *bindings.Catalogue, t *bindings.Type) lua.LValue {
	return a.decodeWith(L, decoder{text: a.step(L, s), catalogue: c, nulls: s.Options.Nulls}, t)
}

// write calls f, which encodes with e, and charges for it.
func (a *activation) write(L *lua.LState, e *encoder, f func() error) error {
	charge, release := a.reserve(L)
	defer release()
	e.charge = charge
	err := f()
	if err == nil {
		e.flushCharge()
	}
	return err
}

// decodeStep performs a step whose answer was written by an encoder of this
// package, and decodes the answer.
func (a *activation) decodeStep(L *lua.LState, s Step) lua.LValue {
	return a.decode(L, a.step(L, s), nil, nil, true)
}

// arguments encodes the arguments of a step one after the other.
type arguments struct {
	L        *lua.LState
	function string
	e        *encoder
}

func (a *activation) arguments(L *lua.LState, function string) *arguments {
	return &arguments{L: L, function: function, e: &encoder{secrets: map[string]Secret{}}}
}

// set writes a field; a nil value leaves it out.
func (g *arguments) set(name string, v lua.LValue) *arguments {
	if v == lua.LNil {
		return g
	}
	e := g.e
	if len(e.out) > 0 {
		e.out = append(e.out, ',')
	}
	e.path = append(e.path[:0], pathStep{field: name})
	err := activationOf(g.L).write(g.L, e, func() error {
		_ = e.text(name) // names of arguments are valid text
		e.out = append(e.out, ':')
		return e.value(v, shape{})
	})
	if err != nil {
		raise(g.L, "%s: %v", g.function, err)
	}
	return g
}

func (g *arguments) text(name, s string) *arguments { return g.set(name, lua.LString(s)) }

// step returns the step with the arguments that were set.
func (g *arguments) step(kind StepKind) Step {
	args := make([]byte, 0, len(g.e.out)+2)
	args = append(append(append(args, '{'), g.e.out...), '}')
	s := Step{Kind: kind, Name: g.function, Args: args}
	if len(g.e.secrets) > 0 {
		s.Secrets = g.e.secrets
	}
	return s
}
