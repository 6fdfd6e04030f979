package vm

import (
	"maps"
	"slices"

	lua "github.com/yuin/gopher-lua"
)

// library returns the globals that a file of this package adds. It is called
// once, when the machine is made.
type library func(m *Machine) map[string]lua.LValue

// frozen is the Value of user data that is a library for scripts: members that
// cannot be changed, shared by all runs. type() returns "table" for it and
// pairs lists it. All other functions that change or list tables refuse it.
type frozen struct {
	name    string
	members map[string]lua.LValue
	names   []string // sorted
}

// freeze makes a library of functions and values. It is made once for a machine
// and shared. Reading an unknown name is an error that suggests a similar one.
func freeze(name string, functions map[string]lua.LGFunction, values map[string]lua.LValue) lua.LValue {
	f := &frozen{name: name, members: maps.Clone(values)}
	if f.members == nil {
		f.members = map[string]lua.LValue{}
	}
	for n, fn := range functions {
		f.members[n] = function(fn)
	}
	f.names = slices.Sorted(maps.Keys(f.members))
	members := sharedTable(f.members)
	members.Metatable = sharedTable(map[string]lua.LValue{
		"__index": function(func(L *lua.LState) int {
			member := textOf(L.Get(2))
			if instead, ok := removedMembers[name+"."+member]; ok {
				raise(L, "%s.%s is not there: %s", name, member, instead)
			}
			raise(L, "%s has no '%s'%s", name, member, didYouMean(member, f.names))
			return 0
		}),
	})
	return &lua.LUserData{Value: f, Metatable: sharedTable(map[string]lua.LValue{
		"__index":     members,
		"__newindex":  function(func(L *lua.LState) int { raise(L, "%s cannot be changed", name); return 0 }),
		"__metatable": lua.LFalse,
	})}
}

// function makes a Lua function of a Go function. States may share it.
func function(f lua.LGFunction) *lua.LFunction { return &lua.LFunction{IsG: true, GFunction: f} }

// sharedTable makes a table that all states share. It must never be changed,
// and no script may get it.
func sharedTable(values map[string]lua.LValue) *lua.LTable {
	t := &lua.LTable{Metatable: lua.LNil}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		t.RawSetString(name, values[name])
	}
	return t
}

// openLibraries makes the base table, in which globals are looked up that a run
// has not set.
func (m *Machine) openLibraries() {
	globals := map[string]lua.LValue{}
	for _, open := range libraries {
		maps.Copy(globals, open(m))
	}
	m.base = sharedTable(globals)
	m.envMeta = sharedTable(map[string]lua.LValue{"__index": m.base, "__metatable": lua.LFalse})
	m.globalNames = slices.Sorted(maps.Keys(globals))
	members := globals["string"].(*lua.LUserData).Metatable.(*lua.LTable).RawGetString("__index")
	text := textArithmetic()
	text["__index"], text["__metatable"] = members, lua.LFalse
	m.stringMeta = sharedTable(text)
}
