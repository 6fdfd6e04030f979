package ingest

import (
	"slices"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// source is an app that sends webhooks, with its triggers by what they come as.
type source struct {
	app      *bindings.App
	triggers map[told][]*bindings.Trigger
}

// told is the vendor's type with the name of the form that it comes by.
type told struct{ form, vendor string }

func newSource(app *bindings.App) *source {
	s := &source{app: app, triggers: map[told][]*bindings.Trigger{}}
	if app.Catalogue == nil {
		return s
	}
	for _, name := range app.Catalogue.Triggers() {
		if t, _ := app.Catalogue.Trigger(name); t.Vendor != "" {
			as := told{t.Form, t.Vendor}
			s.triggers[as] = append(s.triggers[as], t)
		}
	}
	for _, list := range s.triggers { // the most particular first
		slices.SortStableFunc(list, func(a, b *bindings.Trigger) int { return len(b.When) - len(a.When) })
	}
	return s
}

// trigger finds what the vendor's type and what a webhook says mean, among the
// triggers that patterns name; nil if we know none. No patterns name all.
func (s *source) trigger(as told, said []byte, patterns []string) *bindings.Trigger {
	for _, t := range s.triggers[as] {
		named := func(pattern string) bool { return journal.MatchTrigger(pattern, t.Name) }
		if (patterns == nil || slices.ContainsFunc(patterns, named)) && matches(t.When, said) {
			return t
		}
	}
	return nil
}

func matches(when map[string]string, said []byte) bool {
	for path, want := range when {
		if jsonpath.Text(said, path) != want {
			return false
		}
	}
	return true
}
