package vm

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// A Machine compiles and runs scripts.
type Machine struct {
	apps   map[string]*bindings.App
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
	m := &Machine{apps: map[string]*bindings.App{}, limits: c.Limits.or(DefaultLimits), slots: make(chan struct{}, slots)}
	for _, app := range c.Apps {
		m.apps[app.Name] = app
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
