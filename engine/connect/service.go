package connect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/script"
)

// Service lists and tests connections: those of a running engine, or those of
// an installation without one. All fields are needed.
type Service struct {
	Apps  []*bindings.App
	Set   *connection.Set
	Calls *call.Client
	// Generation returns the scripts present, nil where there are none.
	Generation func() *script.Generation
	Clock      clock.Clock
}

// List returns the state of all connections.
func (s Service) List() []connection.Status {
	all := []connection.Status{}
	for _, c := range s.Set.All() {
		all = append(all, c.Status())
	}
	return all
}

// Test asks the vendor for the account of a connection, with one harmless call.
// It does so for a broken connection too, since the vendor may accept its
// credentials again. A name that does not exist is an error; a refusal by the
// vendor is the result's Problem.
func (s Service) Test(ctx context.Context, name string) (control.ConnectionTest, error) {
	c, found := s.Set.Get(name)
	if !found {
		return control.ConnectionTest{}, s.unknown(name)
	}
	if err := s.Set.ClearBroken(ctx, c.Name()); err != nil {
		return control.ConnectionTest{}, err
	}
	var t control.ConnectionTest
	who, err := s.Calls.Identify(ctx, c.Name())
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
		t.Problem = fmt.Sprintf("the vendor reports that its %s is %q, and it is set to %q", c.App().Account.Noun, who.Account, c.Account())
	}
	t.Needs, t.Unseen = s.needs(c.App())
	if len(t.Scopes) > 0 {
		t.Lacks = slices.DeleteFunc(slices.Clone(t.Needs), func(n control.Need) bool {
			return slices.ContainsFunc(n.Scopes, func(scope string) bool { return slices.Contains(t.Scopes, scope) })
		})
	}
	return t, nil
}

// unknown is the error for a name that no connection has.
func (s Service) unknown(name string) error {
	var names []string
	for _, c := range s.Set.All() {
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

// needs returns the scopes of an app that the scripts present need, for the
// operations in their text and for their triggers, and the places where the
// operation is computed and so not in the text.
func (s Service) needs(app *bindings.App) (needs []control.Need, unseen []string) {
	g := s.Generation()
	if g == nil {
		return nil, nil
	}
	by := needed{}
	uses, hidden := g.Uses(s.Apps)
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
	for _, script := range g.Scripts {
		for _, hook := range script.Hooks {
			by.triggers(app, hook.Triggers, script.Name)
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
