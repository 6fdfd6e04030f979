package vm

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// Config is the configuration of a Machine.
type Config struct {
	// Apps are the apps that scripts can require.
	Apps []*bindings.App
	// Libraries are modules of Go functions that scripts can require. They have
	// passed CheckLibraries.
	Libraries []Library
	// Slots bounds the activations that execute Lua at the same time; zero
	// means one for each core.
	Slots int
	// Limits are the defaults; zero fields mean DefaultLimits.
	Limits Limits
}

// Settings are what a script's top level may read.
type Settings struct {
	Params json.RawMessage // an object
	Zone   *time.Location
}

// Registration is one on(…) or every(…) of a script.
type Registration struct {
	Triggers []string // of on
	Every    string   // of every
	// Options is a JSON object of the options table. A function in it is
	// encoded as true, and its name is in Functions.
	Options   json.RawMessage
	Functions []string
	Secrets   map[string]Secret // by JSON pointer into Options
	Position  string
}

// Activation is one run of a handler.
type Activation struct {
	Settings
	Hook   int             // index of the registration
	Event  json.RawMessage // the event table: id, type, connection, …, data
	App    *bindings.App   // with Data: decodes event.data by its declared type
	Data   *bindings.Type
	Host   Host
	Limits Limits // overrides, zero fields mean the machine's
}

// Result is the result of an activation. The zero Result means that the handler
// returned.
type Result struct {
	Skipped bool // the where function returned false or nil
	// Err is nil, a *ScriptError, a *LimitError, a *Fault, or the cause that
	// ended the activation from outside (it wraps *End, or ctx.Err()).
	Err error
}

// A Machine compiles and runs scripts.
type Machine struct {
	apps          map[string]*bindings.App
	modulesByName map[string]func() lua.LValue // make what require returns for apps, their editions and libraries
	limits        Limits
	slots         *slots
	pool          sync.Pool // of *meter

	base        *lua.LTable // the globals of every run, shared and never changed
	envMeta     *lua.LTable
	stringMeta  *lua.LTable
	globalNames []string // names of globals, sorted
	modules     cache    // of modulesByName
}

// New makes a machine.
func New(c Config) *Machine {
	setPackageVariables()
	slots := c.Slots
	if slots <= 0 {
		slots = runtime.GOMAXPROCS(0)
	}
	m := &Machine{
		apps: map[string]*bindings.App{}, modulesByName: map[string]func() lua.LValue{},
		limits: c.Limits.or(DefaultLimits), slots: newSlots(slots),
	}
	for _, app := range c.Apps {
		m.apps[app.Name] = app
		for _, module := range app.Modules() {
			m.modulesByName[module] = func() lua.LValue { return newModule(app, module) }
		}
	}
	for _, l := range c.Libraries {
		m.modulesByName[l.Name] = func() lua.LValue { return newLibrary(l) }
	}
	m.openLibraries()
	return m
}

// Load runs the top level of a program and returns the hooks it registers. It may
// execute for LoadTime, so that a file that loops does not hold up others for long.
func (m *Machine) Load(ctx context.Context, p *Program, s Settings) ([]Registration, error) {
	a := m.newActivation(ctx, p, s, Limits{Time: LoadTime})
	if err := m.execute(a, func(L *lua.LState) *luaError { return a.topLevel(L) }); err != nil {
		return nil, err
	}
	all := make([]Registration, len(a.registered))
	for i, r := range a.registered {
		all[i] = r.Registration
	}
	return all, nil
}

// Run runs the handler of one registration.
func (m *Machine) Run(ctx context.Context, p *Program, act Activation) Result {
	a := m.newActivation(ctx, p, act.Settings, act.Limits)
	a.host = act.Host
	skipped := false
	err := m.execute(a, func(L *lua.LState) *luaError {
		if raised := a.topLevel(L); raised != nil {
			return raised
		}
		if act.Hook < 0 || act.Hook >= len(a.registered) {
			a.end(&Fault{Err: fmt.Errorf("hook %d of %q is missing: this time its top level registered %d", act.Hook, p.main, len(a.registered))})
		}
		hook := a.registered[act.Hook]
		a.loading, a.topLevelDone = false, true
		event := eventValue(L, &act)
		if where := hook.functions["where"]; where != nil {
			a.inWhere = true
			L.Push(where)
			L.Push(event)
			if raised := a.protect(L, 1, 1); raised != nil {
				return raised
			}
			a.inWhere = false
			wanted := L.Get(-1)
			L.Pop(1)
			if lua.LVIsFalse(wanted) {
				skipped = true
				return nil
			}
		}
		L.Push(hook.handler)
		L.Push(event)
		return a.protect(L, 1, 0)
	})
	return Result{Skipped: skipped, Err: err}
}

// topLevel runs the main file from the top.
func (a *activation) topLevel(L *lua.LState) *luaError {
	L.Push(a.function(a.program.files[a.program.main]))
	return a.protect(L, 0, 0)
}

// function makes a file's function in the environment of this run.
func (a *activation) function(f *file) *lua.LFunction {
	return &lua.LFunction{Proto: f.proto, Env: a.env}
}
