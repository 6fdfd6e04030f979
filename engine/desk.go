package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/ingest"
	"github.com/tidewire/tidewire/engine/script"
)

// desk answers about connections: the running engine's, or those of an
// installation without one.
type desk struct {
	apps       []*bindings.App
	set        *connection.Set
	calls      *call.Client
	generation func() *script.Generation // may give nil
}

func (d desk) list() []connection.Status {
	all := []connection.Status{}
	for _, c := range d.set.All() {
		all = append(all, c.Status())
	}
	return all
}

// test asks the vendor whose a connection is, also where it is known as
// broken: the vendor may have changed its mind.
func (d desk) test(ctx context.Context, name string) (control.ConnectionTest, error) {
	c, found := d.set.Get(name)
	if !found {
		return control.ConnectionTest{}, d.unknown(name)
	}
	if err := d.set.Mend(ctx, c.Name()); err != nil {
		return control.ConnectionTest{}, err
	}
	var t control.ConnectionTest
	who, err := d.calls.Identify(ctx, c.Name())
	var e *bindings.Error
	switch {
	case errors.Is(err, call.ErrNoTest):
		t.Untested = true
	case errors.As(err, &e):
		t.Problem = e.Message
	case err != nil:
		t.Problem = err.Error()
	}
	t.Status = c.Status()
	t.Operation, t.Names = who.Operation, who.Names
	if t.Account == "" {
		t.Account = who.Account
	}
	if who.Scopes != nil {
		t.Scopes = who.Scopes
	}
	if t.Problem == "" && who.Account != "" && c.Account() != "" && who.Account != c.Account() {
		t.Problem = fmt.Sprintf("the vendor says that its %s is %q, and it is set to %q", c.App().Account.Noun, who.Account, c.Account())
	}
	t.Needs, t.Unseen = d.needs(c.App())
	if len(t.Scopes) > 0 {
		t.Lacks = slices.DeleteFunc(slices.Clone(t.Needs), func(n control.Need) bool {
			return slices.ContainsFunc(n.Scopes, func(scope string) bool { return slices.Contains(t.Scopes, scope) })
		})
	}
	return t, nil
}

func (d desk) unknown(name string) error {
	var names []string
	for _, c := range d.set.All() {
		names = append(names, c.Name())
	}
	text := fmt.Sprintf("there is no connection %q", name)
	if near := bindings.Nearest(name, names); near != "" {
		text += fmt.Sprintf("; did you mean %s?", near)
	} else if len(names) > 0 {
		text += "; there are " + strings.Join(names, ", ")
	}
	return &bindings.Error{Kind: bindings.NotFound, Message: text}
}

// needs are the scopes that the scripts present need of an app: for what they
// call, as far as their text shows it, and for what they listen to.
func (d desk) needs(app *bindings.App) (needs []control.Need, unseen []string) {
	g := d.generation()
	if g == nil {
		return nil, nil
	}
	by := needed{}
	uses, hidden := g.Uses(d.apps)
	for _, use := range uses {
		if use.App != app.Name {
			continue
		}
		op, _ := app.Operation(use.Operation)
		what := use.Operation + " at " + use.Position
		by.each(op.Scopes, what)
		if len(op.AnyScope) > 0 {
			by.add(op.AnyScope, what)
		}
	}
	for _, use := range hidden {
		if use.App == app.Name {
			unseen = append(unseen, use.Position)
		}
	}
	for _, s := range g.Scripts {
		for _, hook := range s.Hooks {
			by.triggers(app, hook.Triggers, s.Name)
		}
	}
	return by.sorted(), unseen
}

// needed are needs by their scopes.
type needed map[string]*control.Need

// add adds what any of the scopes is needed for.
func (n needed) add(scopes []string, what string) {
	key := strings.Join(scopes, " ")
	if n[key] == nil {
		n[key] = &control.Need{Scopes: scopes}
	}
	if need := n[key]; !slices.Contains(need.For, what) {
		need.For = append(need.For, what)
	}
}

// each adds what each of the scopes is needed for.
func (n needed) each(scopes []string, what string) {
	for _, scope := range scopes {
		n.add([]string{scope}, what)
	}
}

// triggers adds the scopes of the triggers that are of the app.
func (n needed) triggers(app *bindings.App, names []string, script string) {
	for _, name := range names {
		if trigger, found := app.Catalogue.Trigger(name); found {
			n.each(trigger.Scopes, name+" in "+script)
		}
	}
}

func (n needed) sorted() (all []control.Need) {
	for _, key := range slices.Sorted(maps.Keys(n)) {
		slices.Sort(n[key].For)
		all = append(all, *n[key])
	}
	return all
}

// Connections lists how the engine's connections stand.
func (e *Engine) Connections(context.Context) ([]connection.Status, error) {
	return e.desk().list(), nil
}

func (e *Engine) desk() desk {
	return desk{apps: e.config.Apps, set: e.connections, calls: e.calls, generation: e.scripts.Generation}
}

// TestConnection makes one harmless call on a connection. If that mended it,
// the runs that it stopped go on.
func (e *Engine) TestConnection(ctx context.Context, name string) (control.ConnectionTest, error) {
	t, err := e.desk().test(ctx, name)
	if err == nil && t.State == connection.Connected {
		err = e.runner.Mended(ctx, t.Name)
	}
	return t, err
}

// ReloadConnections takes up what changed in the vault, and lets the runs go on
// that a connection stopped which can be used now.
func (e *Engine) ReloadConnections(ctx context.Context, key string) ([]string, error) {
	mended, err := e.connections.Reload(key)
	if err != nil {
		return nil, fmt.Errorf("the connections cannot be taken up:\n%w", err)
	}
	if len(mended) == 0 {
		return nil, nil
	}
	e.config.Log.Info("connections can be used", "connections", strings.Join(mended, ", "))
	// A script may have waited for one by name.
	return mended, errors.Join(e.scripts.Retry(ctx), e.runner.Mended(ctx, mended...))
}

// life takes a vendor's word about installations.
func (e *Engine) life(ctx context.Context, l ingest.Life) error {
	if !l.Began {
		return e.connections.Uninstalled(ctx, l.Connection, l.Account, l.At)
	}
	mended, err := e.connections.Installed(ctx, l.Connection, l.Account, l.At)
	if err != nil {
		return err
	}
	return e.runner.Mended(ctx, mended...)
}
