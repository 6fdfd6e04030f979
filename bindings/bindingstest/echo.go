package bindingstest

import (
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// testEcho checks writes: that their operations are not read-only, that there
// are triggers for them, and their paths in the answer.
func testEcho(t reporter, app *bindings.App) {
	if app.Echo == nil {
		return
	}
	for _, w := range app.Echo.Writes {
		for _, name := range w.Operations {
			o, found := app.Operation(name)
			switch {
			case !found:
				t.Errorf("write of %s: there is no operation %q", w.Noun, name)
			case o.ReadOnly():
				t.Errorf("write of %s: %s only reads", w.Noun, name)
			default:
				testWrite(t, app, o, w)
			}
		}
		prefix := app.Name + "." + w.Noun + "."
		if !slices.ContainsFunc(app.Catalogue.Triggers(), func(trigger string) bool { return bindings.TriggerName(trigger).Noun() == w.Noun }) {
			t.Errorf("write of %s: there is no trigger %s…", w.Noun, prefix)
		}
		for _, verb := range w.Verbs {
			if _, found := app.Catalogue.Trigger(prefix + verb); !found {
				t.Errorf("write of %s: there is no trigger %s%s", w.Noun, prefix, verb)
			}
		}
	}
}

func testWrite(t reporter, app *bindings.App, o *bindings.Operation, w bindings.Write) {
	c := app.CatalogueOf(o)
	if name, found := strings.CutPrefix(w.Record, bindings.ArgumentPrefix); found {
		if fields, open := arguments(c, o); find(fields, name) == nil && !open {
			t.Errorf("%s: record: %q is none of its arguments", o.Name, name)
		}
	} else if _, _, err := typeAt(c, o.Answer, w.Record); err != nil {
		t.Errorf("%s: record: %v", o.Name, err)
	}
	if w.State != "" && w.State != bindings.Whole {
		if _, _, err := typeAt(c, o.Answer, w.State); err != nil {
			t.Errorf("%s: state: %v", o.Name, err)
		}
	}
}
