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
	setFiles(L, v)
	return v
}

// setFiles replaces the fields of the event's data that event.files names by
// files.
func setFiles(L *lua.LState, event lua.LValue) {
	table, _ := event.(*lua.LTable)
	if table == nil {
		return
	}
	names, _ := table.RawGetString("files").(*lua.LTable)
	data, _ := table.RawGetString("data").(*lua.LTable)
	if names == nil || data == nil {
		return
	}
	for i := 1; i <= names.MaxN(); i++ {
		activationOf(L).charge(L, 1, 0)
		name := textOf(names.RawGetInt(i))
		value, _ := data.RawGetString(name).(*lua.LTable)
		switch {
		case value == nil:
		case !isList(value):
			data.RawSetString(name, fileOfTable(L, value))
		default:
			for j := 1; j <= value.MaxN(); j++ {
				activationOf(L).charge(L, 1, 0)
				if item, ok := value.RawGetInt(j).(*lua.LTable); ok {
					value.RawSetInt(j, fileOfTable(L, item))
				}
			}
		}
	}
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
