package script

import (
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// suggestion ends a message about an unknown name: with the one that was probably
// meant, or with those that there are.
func suggestion(name string, known []string, intro string) string {
	if near := bindings.Nearest(name, known); near != "" {
		return `; did you mean "` + near + `"?`
	}
	return listNames(known, intro)
}

// listNames lists some names.
func listNames(known []string, intro string) string {
	const most = 12
	switch {
	case len(known) == 0:
		return ""
	case len(known) > most:
		return "; " + intro + " " + strings.Join(known[:most], ", ") + ", …"
	}
	return "; " + intro + " " + strings.Join(known, ", ")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func contains(names []string, name string) bool { return slices.Contains(names, name) }
