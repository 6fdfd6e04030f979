package sandbox

import (
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings/all"
)

// TestRulesNameWhatIsThere finds rules that a change of a catalogue left behind.
func TestRulesNameWhatIsThere(t *testing.T) {
	for _, def := range all.Apps() {
		t.Run(def.Name, func(t *testing.T) {
			r := rulesOf(Config{}, def.Name).complete()
			m := newModel(def, r)
			operations := map[string]bool{}
			for _, p := range m.plans {
				operations[p.op.Method+" "+p.op.Path] = true
			}
			for _, name := range sorted(r.Operations) {
				if !operations[name] {
					t.Errorf("a rule is for %q, which the catalogue does not have", name)
				}
				if trigger := r.Operations[name].Trigger; trigger != "" {
					checkTrigger(t, m, trigger)
				}
			}
			used := map[string]bool{}
			for _, p := range m.plans {
				used[p.resource.name] = true
			}
			for _, name := range sorted(r.Seeds) {
				if !used[name] {
					t.Errorf("seeds are for %q, which no operation is about", name)
				}
			}
			for _, table := range []map[string]string{r.Triggers, r.FieldTriggers} {
				for _, key := range sorted(table) {
					if table[key] != "" {
						checkTrigger(t, m, table[key])
					}
					if name, _, _ := strings.Cut(key, " "); !used[name] {
						t.Errorf("%q: no operation is about %q", key, name)
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

func checkTrigger(t *testing.T, m *model, name string) {
	t.Helper()
	if _, found := m.app.Catalogue.Trigger(m.app.Name + "." + name); !found {
		t.Errorf("no trigger %q", name)
	}
}
