package vm

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// eventValue makes the event table of a handler, a new one for each activation.
// Its data is decoded by the declared type.
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

// paramsValue returns the params of a run: a table that only this run has.
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
