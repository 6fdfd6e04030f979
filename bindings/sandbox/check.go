package sandbox

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// Problem is one thing that is wrong with a value.
type Problem struct {
	Path string // of the value: "contact.tags.0"
	Kind ProblemKind
	Want string
}

// ProblemKind is what is wrong with a value.
type ProblemKind string

// The kinds of problems: a required value is missing, a value is of another
// type, a field is not declared.
const (
	Missing ProblemKind = "missing"
	Wrong   ProblemKind = "wrong"
	Unknown ProblemKind = "unknown"
)

func (p Problem) String() string {
	switch p.Kind {
	case Missing:
		return p.Path + " should not be empty"
	case Unknown:
		return "property " + p.Path + " should not exist"
	}
	return p.Path + " must be " + p.Want
}

// maxDepth bounds how deep values are checked and made; types may refer to
// themselves.
const maxDepth = 12

// checker checks values against the types of one catalogue.
type checker struct {
	catalogue *bindings.Catalogue
	strict    bool // undeclared fields are problems
}

func (c checker) check(t *bindings.Type, v any, path string) []Problem {
	return c.value(t, v, path, 0)
}

func (c checker) value(t *bindings.Type, v any, path string, depth int) []Problem {
	if t == nil || depth > maxDepth {
		return nil
	}
	if t.Kind == bindings.Union {
		return c.union(t, v, path, depth)
	}
	resolved, definition := c.catalogue.Resolve(t)
	switch resolved.Kind {
	case bindings.Union:
		return c.union(&resolved, v, path, depth)
	case bindings.List:
		return c.list(&resolved, v, path, depth)
	case bindings.Map, bindings.Object:
		if definition == nil && resolved.Kind == bindings.Object {
			// Documents write a bare "object" also for dates and texts.
			return nil
		}
		at, isObject := v.(Object)
		if !isObject {
			return []Problem{{path, Wrong, "an object"}}
		}
		if definition != nil {
			return c.object(definition, at, path, depth)
		}
		return c.entries(resolved.Items, at, path, depth)
	}
	if want := scalar(resolved, v); want != "" {
		return []Problem{{path, Wrong, want}}
	}
	return nil
}

func (c checker) union(t *bindings.Type, v any, path string, depth int) []Problem {
	for i := range t.OneOf {
		if len(c.value(&t.OneOf[i], v, path, depth+1)) == 0 {
			return nil
		}
	}
	return []Problem{{path, Wrong, "one of " + t.String()}}
}

func (c checker) list(t *bindings.Type, v any, path string, depth int) []Problem {
	list, isList := v.([]any)
	if !isList {
		return []Problem{{path, Wrong, "an array"}}
	}
	var found []Problem
	for i, e := range list {
		if e != nil {
			found = append(found, c.value(t.Items, e, join(path, strconv.Itoa(i)), depth+1)...)
		}
	}
	return found
}

func (c checker) entries(items *bindings.Type, at Object, path string, depth int) []Problem {
	var found []Problem
	for _, name := range slices.Sorted(maps.Keys(at)) {
		if at[name] != nil {
			found = append(found, c.value(items, at[name], join(path, name), depth+1)...)
		}
	}
	return found
}

func (c checker) object(d *bindings.Definition, at Object, path string, depth int) []Problem {
	var found []Problem
	for i := range d.Fields {
		f := &d.Fields[i]
		v, given := at[f.Name]
		switch {
		case v == nil && f.Required && !given:
			found = append(found, Problem{join(path, f.Name), Missing, ""})
		case v != nil:
			found = append(found, c.value(&f.Type, v, join(path, f.Name), depth+1)...)
		}
	}
	if c.strict && !d.Open && len(d.Fields) > 0 {
		for _, name := range slices.Sorted(maps.Keys(at)) {
			if !declares(d, name) {
				found = append(found, Problem{join(path, name), Unknown, ""})
			}
		}
	}
	return found
}

// scalar returns what was expected of a value; empty if the value has the type.
func scalar(t bindings.Type, v any) string {
	switch t.Kind {
	case bindings.String:
		if _, ok := v.(string); !ok {
			return "a string"
		}
	case bindings.Boolean:
		if _, ok := v.(bool); !ok {
			return "a boolean value"
		}
	case bindings.Number:
		if _, ok := v.(json.Number); !ok {
			return "a number"
		}
	case bindings.Integer:
		if n, ok := v.(json.Number); !ok || !whole(n.String()) {
			return "an integer number"
		}
	case bindings.Int64:
		if !whole(Text(v)) {
			return "an integer number"
		}
	case bindings.Decimal:
		if s := Text(v); !decimal(s) {
			return "a decimal number"
		}
	case bindings.Enum:
		literal := string(Encode(v))
		for _, allowed := range t.Values {
			if allowed == literal {
				return ""
			}
		}
		return "one of the following values: " + strings.Join(t.Values, ", ")
	}
	return ""
}

// whole reports whether the text is a number without a fraction.
func whole(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	if strings.ContainsAny(s, "eE") {
		f, err := strconv.ParseFloat(s, 64)
		return err == nil && f == math.Trunc(f)
	}
	digits, fraction, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return digits != "" && strings.Trim(digits, "0123456789") == "" && strings.Trim(fraction, "0") == ""
}

func decimal(s string) bool {
	if s == "" || len(s) > 64 || strings.Trim(s, "+-.0123456789eE") != "" || strings.ContainsAny(s, "eE") && len(s) > 16 {
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

func declares(d *bindings.Definition, name string) bool {
	for i := range d.Fields {
		if d.Fields[i].Name == name {
			return true
		}
	}
	return false
}

func fieldOf(d *bindings.Definition, name string) *bindings.Field {
	if d == nil {
		return nil
	}
	for i := range d.Fields {
		if d.Fields[i].Name == name {
			return &d.Fields[i]
		}
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// problems writes all problems in one line.
func problems(all []Problem) string {
	lines := make([]string, len(all))
	for i, p := range all {
		lines[i] = p.String()
	}
	return strings.Join(lines, "; ")
}
