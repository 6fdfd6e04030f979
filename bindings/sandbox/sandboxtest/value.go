package sandboxtest

import (
	"strconv"
	"strings"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

// Value is the text at a path of a JSON document, empty where there is none:
// "items.0.name". "items.#" counts a list, "items.#.name" gives a list of the
// names, and `\.` is a dot in a name.
func Value(document, path string) string {
	v, err := sandbox.Decode([]byte(document))
	if err != nil {
		return ""
	}
	const dot = "\x00"
	steps := strings.Split(strings.ReplaceAll(path, `\.`, dot), ".")
	for i, step := range steps {
		steps[i] = strings.ReplaceAll(step, dot, ".")
	}
	return sandbox.Text(valueAt(v, steps))
}

func valueAt(v any, steps []string) any {
	for i, step := range steps {
		switch at := v.(type) {
		case sandbox.Object:
			v = at[step]
		case []any:
			if step == "#" && i == len(steps)-1 {
				return strconv.Itoa(len(at))
			}
			if step == "#" {
				all := []any{}
				for _, item := range at {
					if inner := valueAt(item, steps[i+1:]); inner != nil {
						all = append(all, inner)
					}
				}
				return all
			}
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(at) {
				return nil
			}
			v = at[n]
		default:
			return nil
		}
	}
	return v
}
