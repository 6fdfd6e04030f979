package vm

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// holding gives a charge for what grows out of Lua's sight: its bytes count as
// the script's until release is called, when Lua can see the result.
func (a *activation) holding(L *lua.LState) (charge func(work, bytes int64), release func()) {
	held := int64(0)
	charge = func(work, bytes int64) {
		held += bytes
		a.held += bytes
		a.charge(L, work, bytes)
	}
	return charge, func() { a.held -= held }
}

// read makes the Lua value of JSON.
func (a *activation) read(L *lua.LState, d decoder, s shape) (lua.LValue, error) {
	charge, release := a.holding(L)
	defer release()
	d.charge = charge
	return d.read(s)
}

// decode makes the Lua value of what the host answers, declared as t. own says
// that it was once written by an encoder of ours.
func (a *activation) decode(L *lua.LState, raw []byte, c *bindings.Catalogue, t *bindings.Type, own bool) lua.LValue {
	if isEmptyJSON(raw) {
		return lua.LNil
	}
	v, err := a.read(L, decoder{text: raw, catalogue: c, own: own}, shapeOf(c, t))
	if err != nil {
		raise(L, "the answer is not JSON: %v", err)
	}
	return v
}

// write encodes what f says with e.
func (a *activation) write(L *lua.LState, e *encoder, f func() error) error {
	charge, release := a.holding(L)
	defer release()
	e.charge = charge
	err := f()
	if err == nil {
		e.settle()
	}
	return err
}

// own makes the step and decodes what an encoder of ours once wrote.
func (a *activation) own(L *lua.LState, s Step) lua.LValue {
	return a.decode(L, a.step(L, s), nil, nil, true)
}

// arguments writes the arguments of a step one after the other.
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
	e.path = append(e.path[:0], spot{field: name})
	err := activationOf(g.L).write(g.L, e, func() error {
		_ = e.text(name) // a name of ours
		e.out = append(e.out, ':')
		return e.value(v, shape{})
	})
	if err != nil {
		raise(g.L, "%s: %v", g.function, err)
	}
	return g
}

func (g *arguments) text(name, s string) *arguments { return g.set(name, lua.LString(s)) }

// step gives the step with all that was set.
func (g *arguments) step(kind StepKind) Step {
	args := make([]byte, 0, len(g.e.out)+2)
	args = append(append(append(args, '{'), g.e.out...), '}')
	s := Step{Kind: kind, Name: g.function, Args: args}
	if len(g.e.secrets) > 0 {
		s.Secrets = g.e.secrets
	}
	return s
}
