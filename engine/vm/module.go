package vm

import (
	"slices"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// module is what require returns for an app or an edition of it. Groups and
// operations are made when a script first uses them, and then shared by all
// runs, so that a run pays only for what it uses.
type module struct {
	app       *bindings.App
	name      string // "highlevel", "highlevel.v3"
	catalogue *bindings.Catalogue
	groups    cache
	request   *lua.LFunction
}

// group is highlevel.contacts: the operations of one noun.
type group struct {
	module     *module
	name       string // with the app: "highlevel.contacts"
	short      string
	operations cache
}

// cache stores values by name. Each is made once.
type cache struct{ values sync.Map }

// lookup returns the value that is stored under a name, nil if there is none.
func (s *cache) lookup(name string) lua.LValue {
	v, _ := s.values.Load(name)
	made, _ := v.(lua.LValue)
	return made
}

func (s *cache) getOrMake(name string, make func() lua.LValue) lua.LValue {
	if made := s.lookup(name); made != nil {
		return made
	}
	v, _ := s.values.LoadOrStore(name, make())
	return v.(lua.LValue)
}

// newModule makes the module that is required by a name.
func newModule(app *bindings.App, name string) lua.LValue {
	m := &module{app: app, name: name}
	m.catalogue, _ = app.Module(name)
	m.request = requestFunction(app, name)
	return &lua.LUserData{Value: m, Metatable: memberMeta(m.name, func(L *lua.LState, name string) lua.LValue {
		if v := m.member(name); v != lua.LNil {
			return v
		}
		raise(L, "%s has no group '%s'%s", m.name, brief(name, 60), m.hint(name))
		return lua.LNil
	})}
}

// memberMeta makes the metatable of a module or group. find returns a member or
// raises an error.
func memberMeta(name string, find func(L *lua.LState, name string) lua.LValue) *lua.LTable {
	return sharedTable(map[string]lua.LValue{
		"__index": function(func(L *lua.LState) int {
			key, ok := L.Get(2).(lua.LString)
			if !ok {
				raise(L, "%s has no member that is %s", name, describe(L.Get(2)))
			}
			L.Push(find(L, string(key)))
			return 1
		}),
		"__newindex":  function(func(L *lua.LState) int { raise(L, "%s cannot be changed", name); return 0 }),
		"__call":      function(func(L *lua.LState) int { raise(L, "%s is no function; call one of its operations", name); return 0 }),
		"__tostring":  function(func(L *lua.LState) int { L.Push(lua.LString(name)); return 1 }),
		"__metatable": lua.LFalse,
	})
}

func (m *module) describe() string { return "the module " + m.name }

func (m *module) list() []string { return m.catalogue.Groups() }

func (m *module) member(name string) lua.LValue {
	if made := m.groups.lookup(name); made != nil {
		return made
	}
	if m.catalogue.Group(name) == nil {
		if name == "request" {
			return m.request
		}
		return lua.LNil
	}
	return m.groups.getOrMake(name, func() lua.LValue { return newGroup(m, name) })
}

func newGroup(m *module, short string) lua.LValue {
	g := &group{module: m, short: short, name: m.name + "." + short}
	return &lua.LUserData{Value: g, Metatable: memberMeta(g.name, func(L *lua.LState, name string) lua.LValue {
		if v := g.member(name); v != lua.LNil {
			return v
		}
		raise(L, "%s has no '%s'%s", g.name, brief(name, 60), g.hint(name))
		return lua.LNil
	})}
}

func (g *group) describe() string { return "the group " + g.name }

func (g *group) list() []string { return g.module.catalogue.Group(g.short) }

func (g *group) member(name string) lua.LValue {
	if made := g.operations.lookup(name); made != nil {
		return made
	}
	if !slices.Contains(g.list(), name) {
		return lua.LNil
	}
	return g.operations.getOrMake(name, func() lua.LValue {
		found, _ := g.module.catalogue.InGroup(g.short, name)
		return newOperation(g.module.app, found)
	})
}

// module returns the module with a name of modulesByName. It is made once.
func (m *Machine) module(name string) lua.LValue {
	return m.modules.getOrMake(name, m.modulesByName[name])
}
