package vm

import (
	"maps"
	"slices"

	lua "github.com/yuin/gopher-lua"
)

func requireLibrary(*Machine) map[string]lua.LValue {
	return map[string]lua.LValue{"require": function(require)}
}

// moduleNames returns the names of apps, their editions and libraries, sorted.
func (m *Machine) moduleNames() []string { return slices.Sorted(maps.Keys(m.modulesByName)) }

// require returns the module of an app, edition or library, or the value of a file of
// the script, which is run once in each run. Compile has found out what each
// name refers to.
func require(L *lua.LState) int {
	a := activationOf(L)
	name := L.CheckString(1)
	from := a.meter.scriptFile()
	target, ok := a.program.files[from].requires[name]
	switch {
	case !ok:
		raise(L, "require takes a name in quotes directly after it, so that all files are compiled before the script runs")
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
