package script

import (
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// suggestion is the end of a message about an unknown name: the name that was
// probably meant, or all that there are.
func suggestion(name string, known []string, intro string) string {
	if near := bindings.Nearest(name, known); near != "" {
		return `; did you mean "` + near + `"?`
	}
	return listNames(known, intro)
}

// listNames returns the names, at most twelve of them.
func listNames(known []string, intro string) string {
	const maxNames = 12
	switch {
	case len(known) == 0:
		return ""
	case len(known) > maxNames:
		return "; " + intro + " " + strings.Join(known[:maxNames], ", ") + ", …"
	}
	return "; " + intro + " " + strings.Join(known, ", ")
}

func contains(names []string, name string) bool { return slices.Contains(names, name) }
