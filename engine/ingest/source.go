package ingest

import (
	"slices"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// source is an app that sends webhooks, with its triggers by the vendor's types.
type source struct {
	app      *bindings.App
	triggers map[vendorType][]*bindings.Trigger
}

// vendorType is the vendor's name of an event's type, with the name of the form
// that contains it; that is empty for a body of JSON.
type vendorType struct{ form, name string }

func newSource(app *bindings.App) *source {
	s := &source{app: app, triggers: map[vendorType][]*bindings.Trigger{}}
	if app.Catalogue == nil {
		return s
	}
	for _, name := range app.Catalogue.Triggers() {
		if t, _ := app.Catalogue.Trigger(name); t.Vendor != "" {
			key := vendorType{t.Form, t.Vendor}
			s.triggers[key] = append(s.triggers[key], t)
		}
	}
	for _, list := range s.triggers { // the trigger with the most conditions first
		slices.SortStableFunc(list, func(a, b *bindings.Trigger) int { return len(b.When) - len(a.When) })
	}
	return s
}

// trigger returns the trigger for a type and a content, among those that match
// one of the patterns; nil if there is none. All match if patterns is nil.
func (s *source) trigger(key vendorType, content []byte, patterns []string) *bindings.Trigger {
	for _, t := range s.triggers[key] {
		named := func(pattern string) bool { return journal.MatchTrigger(pattern, t.Name) }
		if (patterns == nil || slices.ContainsFunc(patterns, named)) && matches(t.When, content) {
			return t
		}
	}
	return nil
}

func matches(when map[string]string, content []byte) bool {
	for path, want := range when {
		if jsonpath.Text(content, path) != want {
			return false
		}
	}
	return true
}
