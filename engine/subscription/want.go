package subscription

import (
	"slices"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
)

// wants says whether a live hook or wait names a trigger that a subscription
// brings on a connection, and which of the vendor's types those are, sorted.
func wants(app *bindings.App, sub *bindings.Subscription, connection string, g *script.Generation) (wanted bool, types []string) {
	for _, name := range app.Catalogue.Triggers() {
		named := func(pattern string) bool { return journal.MatchTrigger(pattern, name) }
		if !slices.ContainsFunc(sub.Triggers, named) || len(g.Match(name, connection)) == 0 && !g.Awaited(name, connection) {
			continue
		}
		wanted = true
		// What comes by a form is sent whatever types are asked for.
		if t, _ := app.Catalogue.Trigger(name); t.Vendor != "" && t.Form == "" && !slices.Contains(types, t.Vendor) {
			types = append(types, t.Vendor)
		}
	}
	slices.Sort(types)
	return wanted, types
}

// target is a place that is wanted.
type target struct {
	item  *call.Item // nil where there is one for a connection
	types []string
}

// mentions reports whether one of words stands in the arguments of a call.
func mentions(args any, words ...string) bool {
	seen := false
	// Filling the arguments in is what finds the words.
	_, _ = call.Arguments(map[string]any{"args": args}, func(word string) (any, bool) {
		seen = seen || slices.Contains(words, word)
		return "", true
	})
	return seen
}

// choosesTypes reports whether the vendor is told which types are wanted.
func choosesTypes(sub *bindings.Subscription) bool {
	return mentions(sub.Create.Args, "types", "types.text")
}

// byHand reports whether the vendor has no API for a subscription.
func byHand(sub *bindings.Subscription) bool { return sub.Create.Operation == "" }

// polled reports whether all that scripts want of a subscription is also found
// by looking, since no webhook of the vendor's carries it.
func polled(app *bindings.App, sub *bindings.Subscription, connection string, g *script.Generation) bool {
	_, types := wants(app, sub, connection, g)
	return len(types) == 0 && sub.Poll != ""
}
