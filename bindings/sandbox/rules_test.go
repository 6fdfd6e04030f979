package sandbox_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

// TestRulesMatchCatalogue finds rules for operations or resources that the
// catalogue no longer has.
func TestRulesMatchCatalogue(t *testing.T) {
	for _, def := range all.Apps() {
		t.Run(def.Name, func(t *testing.T) {
			a := newSandbox(t, def, false).ResetApp(def.Name)
			r := a.Rules()
			operations, used := map[string]bool{}, map[string]bool{}
			for _, p := range a.Plans() {
				operations[p.Operation.Method+" "+p.Operation.Path], used[p.Resource] = true, true
			}
			for _, name := range slices.Sorted(maps.Keys(r.Operations)) {
				if !operations[name] {
					t.Errorf("a rule is for %q, which the catalogue does not have", name)
				}
				if trigger := r.Operations[name].Trigger; trigger != "" {
					checkTrigger(t, def, trigger)
				}
			}
			for _, name := range slices.Sorted(maps.Keys(r.Seeds)) {
				if !used[name] {
					t.Errorf("seeds are for %q, which no operation is about", name)
				}
			}
			for _, table := range []map[string]string{r.Triggers, r.FieldTriggers} {
				for _, key := range slices.Sorted(maps.Keys(table)) {
					if table[key] != "" {
						checkTrigger(t, def, table[key])
					}
					if name, _, _ := strings.Cut(key, " "); !used[name] {
						t.Errorf("%q: no operation is about %q", key, name)
					}
				}
			}
			for _, samples := range []map[string]sandbox.Object{r.Sample.Body, r.Sample.Query} {
				for line := range samples {
					if !operations[line] {
						t.Errorf("a sample is for %q, which the catalogue does not have", line)
					}
				}
			}
			for name := range r.Unique {
				if !used[name] {
					t.Errorf("unique: no operation is about %q", name)
				}
			}
		})
	}
}

func checkTrigger(t *testing.T, app *bindings.App, name string) {
	t.Helper()
	if _, found := app.Catalogue.Trigger(app.Name + "." + name); !found {
		t.Errorf("no trigger %q", name)
	}
}
