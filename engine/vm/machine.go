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

// Config makes a Machine.
type Config struct {
	// Apps are what scripts can require.
	Apps []*bindings.App
	// Slots bounds the activations that execute Lua at once; zero means one a core.
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
	// Options is a JSON object of the options table; a function in it stands
	// as true and its name in Functions.
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

// Outcome is how an activation went. All zero means that the handler returned.
type Outcome struct {
	Skipped bool // its where function said false
	// Err is nil, a *ScriptError, a *LimitError, a *Fault, or what ended the
	// activation from outside (it wraps *End, or ctx.Err()).
	Err error
}

// A Machine compiles and runs scripts.
type Machine struct {
	apps   map[string]*bindings.App
	named  map[string]*bindings.App // by what scripts can require: an edition's name too
	limits Limits
	slots  chan struct{}
	pool   sync.Pool // of *meter

	base       *lua.LTable // the globals of every run, shared and never written
	envMeta    *lua.LTable
	stringMeta *lua.LTable
	known      []string // names of globals, sorted
	modules    shelf    // what require gives for apps
}

// New makes a machine.
func New(c Config) *Machine {
	tune()
	slots := c.Slots
	if slots <= 0 {
		slots = runtime.GOMAXPROCS(0)
	}
	m := &Machine{
		apps: map[string]*bindings.App{}, named: map[string]*bindings.App{},
		limits: c.Limits.or(DefaultLimits), slots: make(chan struct{}, slots),
	}
	for _, app := range c.Apps {
		m.apps[app.Name] = app
		for _, module := range app.Modules() {
			m.named[module] = app
		}
	}
	m.openLibraries()
	return m
}

// Load runs the top level of a program and returns the hooks it registers.
func (m *Machine) Load(ctx context.Context, p *Program, s Settings) ([]Registration, error) {
	a := m.newActivation(ctx, p, s, Limits{})
	if err := m.execute(a, func(L *lua.LState) *thrown { return a.topLevel(L) }); err != nil {
		return nil, err
	}
	all := make([]Registration, len(a.registered))
	for i, r := range a.registered {
		all[i] = r.Registration
	}
	return all, nil
}

// Run runs the handler of one registration.
func (m *Machine) Run(ctx context.Context, p *Program, act Activation) Outcome {
	a := m.newActivation(ctx, p, act.Settings, act.Limits)
	a.host = act.Host
	skipped := false
	err := m.execute(a, func(L *lua.LState) *thrown {
		if raised := a.topLevel(L); raised != nil {
			return raised
		}
		if act.Hook < 0 || act.Hook >= len(a.registered) {
			a.end(&Fault{Err: fmt.Errorf("hook %d of %q is wanted, and this time its top level registered %d", act.Hook, p.main, len(a.registered))})
		}
		hook := a.registered[act.Hook]
		a.loading, a.sealed = false, true
		event := eventValue(L, &act)
		if where := hook.functions["where"]; where != nil {
			a.where = true
			L.Push(where)
			L.Push(event)
			if raised := a.protect(L, 1, 1); raised != nil {
				return raised
			}
			a.where = false
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
	return Outcome{Skipped: skipped, Err: err}
}

// topLevel runs the main file from the top.
func (a *activation) topLevel(L *lua.LState) *thrown {
	L.Push(a.function(a.program.files[a.program.main]))
	return a.protect(L, 0, 0)
}

// function makes a file's function in the environment of this run.
func (a *activation) function(f *file) *lua.LFunction {
	return &lua.LFunction{Proto: f.proto, Env: a.env}
}
