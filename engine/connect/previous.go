package connect

import (
	"fmt"
	"slices"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
)

// Previous is what a connection that is connected again has. It is the default of
// what the new one gets.
type Previous struct {
	AuthName string
	Scopes   []string // empty where they are not known
	ReadOnly bool

	kind string
}

func previousOf(e *connection.Entry) *Previous {
	previous := &Previous{AuthName: e.AuthName, Scopes: e.Token.Scopes}
	if e.Settings != nil {
		previous.ReadOnly, previous.kind = e.Settings.ReadOnly, e.Settings.As
	}
	return previous
}

// PreviousScopes returns the scopes that the connection has already; none where they
// are not known, or where another kind of connection is to be made.
func (d *AuthDraft) PreviousScopes() []string {
	if d.Previous == nil || d.Previous.kind != d.Settings.As {
		return nil
	}
	return d.Previous.Scopes
}

// MoreScopes returns those scopes that the connection does not have yet; none
// where it is not known which it has.
func (d *AuthDraft) MoreScopes(scopes []string) (more []string) {
	if d.Previous == nil || len(d.Previous.Scopes) == 0 {
		return nil
	}
	for _, scope := range scopes {
		if !slices.Contains(d.Previous.Scopes, scope) {
			more = append(more, scope)
		}
	}
	return more
}

// AllowWrites makes a connection that only reads one that may change something
// too.
func (d *Draft) AllowWrites() error {
	if d.file != nil && d.file.ReadOnly {
		return fmt.Errorf("connections.%s.read_only is true in the configuration; remove it there first", d.Settings.Name)
	}
	d.Settings.ReadOnly = false
	return nil
}

// ReadScopes returns those scopes that no operation needs which may change
// something.
func (d *Draft) ReadScopes(scopes []string) []string {
	changing := map[string]bool{}
	for _, name := range d.App.Operations() {
		op, _ := d.App.Operation(name)
		if op.ReadOnly() {
			continue
		}
		for _, scope := range slices.Concat(op.Scopes, op.AnyScope) {
			changing[scope] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool { return changing[scope] })
}

// authNamed returns the app's Auth of a name, nil if it has none.
func authNamed(app *bindings.App, name string) *bindings.Auth {
	i := slices.IndexFunc(app.Auth, func(a bindings.Auth) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return &app.Auth[i]
}
