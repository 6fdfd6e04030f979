package vm

import (
	"maps"
	"slices"

	lua "github.com/yuin/gopher-lua"
)

func requireLibrary(*Machine) map[string]lua.LValue {
	return map[string]lua.LValue{"require": function(require)}
}

// moduleNames are the names of apps and their editions.
func (m *Machine) moduleNames() []string { return slices.Sorted(maps.Keys(m.named)) }

// require gives the module of an app or edition, or runs a file of the script once a run and
// gives what it returned. What a name stands for was settled by Compile.
func require(L *lua.LState) int {
	a := activationOf(L)
	name := L.CheckString(1)
	from := a.meter.scriptFile()
	target, ok := a.program.files[from].requires[name]
	switch {
	case !ok:
		raise(L, "require takes a name written in quotes right behind it, so that the script is known whole before it runs")
	case target.module != "":
		L.Push(a.machine.module(target.module))
		return 1
	}
	if value, ok := a.loaded[target.file]; ok {
		L.Push(value)
		return 1
	}
	was := a.loading
	a.loading = true
	L.Push(a.function(a.program.files[target.file]))
	L.Call(0, 1)
	a.loading = was
	value := L.Get(-1)
	if value == lua.LNil {
		value = lua.LTrue
	}
	if a.loaded == nil {
		a.loaded = map[string]lua.LValue{}
	}
	a.loaded[target.file] = value
	L.Push(value)
	return 1
}
