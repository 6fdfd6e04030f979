package vm

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// eventValue makes the event table that a handler gets, a fresh one for each
// activation, its data decoded by the declared type.
func eventValue(L *lua.LState, act *Activation) lua.LValue {
	declared := &bindings.Definition{}
	var catalogue *bindings.Catalogue
	if act.App != nil {
		catalogue = act.App.Catalogue
		if act.Data != nil {
			declared.Fields = []bindings.Field{{Name: "data", Type: *act.Data}}
		}
	}
	v, err := activationOf(L).read(L, decoder{text: act.Event, catalogue: catalogue}, shape{kind: bindings.Object, def: declared})
	if err != nil {
		raise(L, "the event is not JSON: %v", err)
	}
	return v
}

// paramsValue makes the params of a run: a plain table of its own.
func paramsValue(a *activation) lua.LValue {
	L := a.meter.L
	if a.params == nil {
		a.params = a.decode(L, a.settings.Params, nil, nil, true)
		if a.params == lua.LNil {
			a.params = newTable(0, 0)
		}
	}
	return a.params
}
