package connection

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// Resolve finds the connection that a call to an app goes to. Wanted is the
// name in the call ("paris", "highlevel/paris", or nothing), event the
// connection of the run's event, if any. The name in the call comes first;
// then, for the event's own app, the event's connection; then what accounts:
// maps to it; then the only connection of the app. Otherwise it is an error.
func (s *Set) Resolve(app, wanted, event string) (*Connection, error) {
	return s.present.Load().resolve(app, wanted, event)
}

func (s *snapshot) resolve(app, wanted, event string) (*Connection, error) {
	all := s.ofApp(app)
	if len(all) == 0 {
		return nil, fmt.Errorf("no connection to %s is configured; connect it with: tidewire connect %s", app, app)
	}
	if wanted != "" {
		return s.wanted(app, wanted, all)
	}
	if event != "" && appOf(event) == app {
		c, found := s.get(event)
		if !found {
			return nil, fmt.Errorf("the event came by connection %q, which is no longer configured; %s has %s", event, app, names(all))
		}
		return c, nil
	}
	for _, name := range s.accounts[event] {
		if appOf(name) == app && s.byName[name] == nil {
			return nil, fmt.Errorf("accounts: in the configuration has %q for %q, and there is no such connection (%s has %s)", name, event, app, names(all))
		}
	}
	choice := all
	if mapped := s.mapped(app, event); len(mapped) > 0 {
		choice = mapped
	}
	if len(choice) == 1 {
		return choice[0], nil
	}
	example := shortName(choice[len(choice)-1])
	if event == "" {
		return nil, fmt.Errorf("%s has %d connections (%s) and nothing selects one; write { connection = %q } in the call's second table",
			app, len(choice), names(choice), example)
	}
	return nil, fmt.Errorf("%s has %d connections (%s) and none is set for %q; map it under accounts: in the configuration, or write { connection = %q } in the call's second table",
		app, len(choice), names(choice), event, example)
}

func (s *snapshot) wanted(app, wanted string, all []*Connection) (*Connection, error) {
	name := wanted
	if wanted != app && !strings.HasPrefix(wanted, app+"/") {
		name = app + "/" + wanted
	}
	if c, found := s.get(name); found {
		return c, nil
	}
	hint := ""
	var candidates []string
	for _, c := range all {
		candidates = append(candidates, shortName(c))
	}
	if near := bindings.Nearest(strings.TrimPrefix(name, app+"/"), candidates); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return nil, fmt.Errorf("there is no connection %q%s (%s has %s)", name, hint, app, names(all))
}

// mapped are the connections of an app that accounts: maps to another
// connection, in the configured direction or else backwards.
func (s *snapshot) mapped(app, event string) []*Connection {
	var forth, back []*Connection
	for _, name := range s.accounts[event] {
		if c := s.byName[name]; c != nil && c.app.Name == app {
			forth = append(forth, c)
		}
	}
	if len(forth) > 0 {
		return forth
	}
	for from, to := range s.accounts {
		if c := s.byName[from]; c != nil && c.app.Name == app && slices.Contains(to, event) {
			back = append(back, c)
		}
	}
	slices.SortFunc(back, func(x, y *Connection) int { return strings.Compare(x.Name(), y.Name()) })
	return back
}

func appOf(name string) string {
	app, _, _ := strings.Cut(name, "/")
	return app
}

// shortName is what a script writes: "paris", or the app for its default one.
func shortName(c *Connection) string {
	_, short, found := strings.Cut(c.Name(), "/")
	if !found {
		return c.Name()
	}
	return short
}

func names(all []*Connection) string {
	words := make([]string, len(all))
	for i, c := range all {
		words[i] = c.Name()
	}
	return strings.Join(words, ", ")
}
