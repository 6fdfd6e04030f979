package bindingstest

import (
	"regexp"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

var editionName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// testEditions checks that an edition has a name that no group has, no triggers,
// and the app's name for each endpoint that the app has too.
func testEditions(t reporter, app *bindings.App) {
	endpoints := endpointsOf(app.Catalogue)
	seen := map[string]bool{}
	for _, e := range app.Editions {
		if !editionName.MatchString(e.Name) || seen[e.Name] || e.Catalogue == nil || e.Catalogue.Edition() != e.Name {
			t.Errorf("edition %q: expected a name of its own in lower-case letters and digits, and a catalogue that ParseEdition read", e.Name)
			continue
		}
		seen[e.Name] = true
		if app.Catalogue.Group(e.Name) != nil {
			t.Errorf("edition %q: the app has a group of this name", e.Name)
		}
		if n := len(e.Catalogue.Triggers()); n > 0 {
			t.Errorf("edition %q has %d triggers; they are the app's", e.Name, n)
		}
		for endpoint, name := range endpointsOf(e.Catalogue) {
			if short := strings.TrimPrefix(name, e.Catalogue.Qualify("")); endpoints[endpoint] != "" && short != endpoints[endpoint] {
				t.Errorf("%s: %s is called %s by the app", name, endpoint, endpoints[endpoint])
			}
		}
	}
}

// endpointsOf returns the names of operations by method and path, without the
// names of the path's parameters.
func endpointsOf(c *bindings.Catalogue) map[string]string {
	endpoints := map[string]string{}
	for _, name := range c.Operations() {
		o, _ := c.Operation(name)
		endpoints[o.Method+" "+template.ReplaceAllString(o.Path, "{}")] = name
	}
	return endpoints
}
