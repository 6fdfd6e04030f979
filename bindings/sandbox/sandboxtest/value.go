package sandboxtest

import (
	"strconv"
	"strings"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

// Value is the text at a path of a JSON document, empty if there is none:
// "items.0.name". "items.#" counts a list, "items.#.name" is a list of the
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
			if step == "#" {
				return valuesOf(at, steps[i+1:])
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

// valuesOf counts a list, or returns the values at a path of each of its items.
func valuesOf(list []any, steps []string) any {
	if len(steps) == 0 {
		return strconv.Itoa(len(list))
	}
	all := []any{}
	for _, item := range list {
		if inner := valueAt(item, steps); inner != nil {
			all = append(all, inner)
		}
	}
	return all
}
