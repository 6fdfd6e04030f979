package vm

import (
	"slices"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// module is what require gives for an app or an edition of it. Groups and operations are made when
// a script first names them and then shared by all runs, so that a run pays
// for what it touches.
type module struct {
	app       *bindings.App
	name      string // "highlevel", "highlevel.v3"
	catalogue *bindings.Catalogue
	groups    shelf
	request   *lua.LFunction
}

// group is highlevel.contacts: the operations of one noun.
type group struct {
	module     *module
	name       string // with the app: "highlevel.contacts"
	short      string
	operations shelf
}

// shelf keeps what was made, by name.
type shelf struct{ made sync.Map }

// known gives what was made under a name, nil if nothing was.
func (s *shelf) known(name string) lua.LValue {
	v, _ := s.made.Load(name)
	made, _ := v.(lua.LValue)
	return made
}

func (s *shelf) get(name string, make func() lua.LValue) lua.LValue {
	if made := s.known(name); made != nil {
		return made
	}
	v, _ := s.made.LoadOrStore(name, make())
	return v.(lua.LValue)
}

// newModule makes the module that a name stands for.
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

// memberMeta is the metatable of a module or group: find gives a member or
// raises.
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
	if made := m.groups.known(name); made != nil {
		return made
	}
	if m.catalogue.Group(name) == nil {
		if name == "request" {
			return m.request
		}
		return lua.LNil
	}
	return m.groups.get(name, func() lua.LValue { return newGroup(m, name) })
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
	if made := g.operations.known(name); made != nil {
		return made
	}
	if !slices.Contains(g.list(), name) {
		return lua.LNil
	}
	return g.operations.get(name, func() lua.LValue {
		found, _ := g.module.catalogue.InGroup(g.short, name)
		return newOperation(g.module.app, found)
	})
}

// module gives the module of a name that the machine knows, made once.
func (m *Machine) module(name string) lua.LValue {
	return m.modules.get(name, func() lua.LValue { return newModule(m.named[name], name) })
}
