package script

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// runFailed is the trigger of the engine's own event about a failed run.
const runFailed = "run.failed"

// tick is the type of the events of schedules.
const tick = "every"

// emitPrefix is the prefix of the types of events that scripts emit.
const emitPrefix = "emit:"

// triggers are the triggers of all apps.
type triggers struct {
	apps   []string
	names  map[string][]string          // by app, sorted
	byName map[string]*bindings.Trigger // those of the catalogues
}

func newTriggers(apps []*bindings.App) *triggers {
	t := &triggers{names: map[string][]string{}, byName: map[string]*bindings.Trigger{}}
	for _, app := range apps {
		t.apps = append(t.apps, app.Name)
		// The trigger of what the vendor sends and the catalogue does not have.
		names := []string{app.Name + ".event.other"}
		if app.Catalogue != nil {
			names = append(names, app.Catalogue.Triggers()...)
			for _, name := range app.Catalogue.Triggers() {
				t.byName[name], _ = app.Catalogue.Trigger(name)
			}
		}
		t.names[app.Name] = names
	}
	return t
}

// check returns an error if a script cannot name a trigger.
func (t *triggers) check(name string) error {
	if path, found := strings.CutPrefix(name, "in:"); found {
		if !strings.HasPrefix(path, "/") || len(path) < 2 || len(path) > 200 || strings.Trim(path, pathBytes) != "" ||
			strings.Contains(path, "//") || strings.HasSuffix(path, "/") || strings.Contains(path, "/.") {
			return fmt.Errorf(`trigger %q: expected "in:/path" of letters, digits, "-", "_", "." and "/", without a slash at the end`, name)
		}
		return nil
	}
	if kind, found := strings.CutPrefix(name, emitPrefix); found {
		if kind == "" || len(kind) > 200 || strings.Trim(kind, pathBytes+":*") != "" {
			return fmt.Errorf(`trigger %q: expected "emit:" and a type of letters, digits, "-", "_", ".", ":" and "/"`, name)
		}
		return nil
	}
	if name == runFailed {
		return nil
	}
	app, rest, _ := strings.Cut(name, ".")
	names := t.names[app]
	if names == nil {
		if app == "run" {
			return fmt.Errorf("unknown trigger %q; the engine's own is %q", name, runFailed)
		}
		if rest == "" {
			return fmt.Errorf(`unknown trigger %q; expected app.noun.verb, such as %q, "in:/path", "emit:type" or %q`, name, "qonto.client.created", runFailed)
		}
		return fmt.Errorf("trigger %q: unknown app %q%s", name, app, suggestion(app, t.apps, "apps are"))
	}
	if len(t.match(name)) > 0 {
		return nil
	}
	if strings.Contains(name, "*") {
		return fmt.Errorf("trigger %q matches nothing; a * is one of the three parts: %q, %q", name, app+".*.*", exampleWildcard(names))
	}
	if near := bindings.Nearest(name, names); near != "" {
		return fmt.Errorf("unknown trigger %q; did you mean %q?", name, near)
	}
	return fmt.Errorf("unknown trigger %q%s", name, listNames(names, "the app's are"))
}

// awaited checks the triggers that a script waits for. They are literals, whose
// line can be found.
func (w validation) awaited(script *Script) []Problem {
	if w.unchecked {
		return nil
	}
	var problems []Problem
	for _, name := range script.Awaits {
		if err := w.triggers.check(name); err != nil {
			file, position := positionOf(script.Version, name)
			problems = append(problems, Problem{File: file, Position: position, Message: "wait_for: " + err.Error()})
		}
	}
	return problems
}

// positionOf returns the first line of a version's sources that has a text in
// quotes.
func positionOf(version journal.Version, text string) (file, position string) {
	for _, name := range slices.Sorted(maps.Keys(version.Sources)) {
		line := 0
		for source := range strings.Lines(version.Sources[name]) {
			line++
			if strings.Contains(source, `"`+text+`"`) || strings.Contains(source, `'`+text+`'`) {
				return name, fmt.Sprintf("%s:%d", name, line)
			}
		}
	}
	return version.Main, ""
}

const pathBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./"

func exampleWildcard(names []string) string {
	return bindings.TriggerName(names[len(names)-1]).AppNoun() + ".*"
}

// match returns the triggers of apps with a name, or all that match a wildcard.
func (t *triggers) match(name string) []string {
	var matched []string
	for _, known := range t.names[bindings.TriggerName(name).App()] {
		if journal.MatchTrigger(name, known) {
			matched = append(matched, known)
		}
	}
	return matched
}

// hasRecord reports whether the catalogue has the record of a trigger's events.
func (t *triggers) hasRecord(name string) bool {
	for _, matched := range t.match(name) {
		if trigger := t.byName[matched]; trigger != nil && trigger.Record != "" {
			return true
		}
	}
	return false
}
