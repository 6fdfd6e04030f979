package subscription

import (
	"slices"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
)

// wantedTypes reports whether a live hook or wait has a trigger of a subscription
// on a connection, and returns the vendor's types of these triggers, sorted.
func wantedTypes(app *bindings.App, sub *bindings.Subscription, connection string, g *script.Generation) (wanted bool, types []string) {
	for _, name := range app.Catalogue.Triggers() {
		named := func(pattern string) bool { return journal.MatchTrigger(pattern, name) }
		if !slices.ContainsFunc(sub.Triggers, named) || len(g.Match(name, connection)) == 0 && !g.Awaited(name, connection) {
			continue
		}
		wanted = true
		// Events that are received as forms are sent whatever the types are.
		if t, _ := app.Catalogue.Trigger(name); t.Vendor != "" && t.Form == "" && !slices.Contains(types, t.Vendor) {
			types = append(types, t.Vendor)
		}
	}
	slices.Sort(types)
	return wanted, types
}

// target is what scripts need at a place.
type target struct {
	item  *call.Item // nil where there is one for a connection
	types []string
}

// mentions reports whether the arguments of a call have one of these variables.
func mentions(args any, vars ...string) bool {
	seen := false
	// The variables are found by filling in the arguments.
	_, _ = call.Arguments(map[string]any{"args": args}, func(word string) (any, bool) {
		seen = seen || slices.Contains(vars, word)
		return "", true
	})
	return seen
}

// choosesTypes reports whether the request to register contains the types.
func choosesTypes(sub *bindings.Subscription) bool {
	return mentions(sub.Create.Args, "types", "types.text")
}

// isManual reports whether the vendor has no API for a subscription.
func isManual(sub *bindings.Subscription) bool { return sub.Create.Operation == "" }

// polled reports whether all triggers that scripts need of a subscription are
// polled, because no webhook of the vendor contains their events.
func polled(app *bindings.App, sub *bindings.Subscription, connection string, g *script.Generation) bool {
	_, types := wantedTypes(app, sub, connection, g)
	return len(types) == 0 && sub.Poll != ""
}
