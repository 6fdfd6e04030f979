package call

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
)

// value checks a value against a type and adds the first problem. What is the
// word for the place in a message: "argument" or "field".
func (k *checker) value(what, path string, value gjson.Result, declared *bindings.Type) bool {
	if value.Type == gjson.Null {
		return true // null clears a field; the vendor decides which fields can be empty
	}
	t, definition := k.shape.resolve(declared)
	good := true
	switch t.Kind {
	case bindings.Any:
	case bindings.String:
		good = value.Type == gjson.String || hasFileField(value) // a file as a part of a multipart body
	case bindings.Number:
		good = value.Type == gjson.Number || k.digits(value, isJSONNumber)
	case bindings.Integer, bindings.Int64:
		good = value.Type == gjson.Number && isWhole(value.Num) || k.digits(value, isJSONInteger)
	case bindings.Decimal:
		good = value.Type == gjson.Number || value.Type == gjson.String && isDecimal(value.Str)
	case bindings.Boolean:
		good = value.IsBool()
	case bindings.File:
		good = value.Type == gjson.String || value.IsObject() && isFile(value)
	case bindings.Enum:
		return k.enum(what, path, value, t.Values)
	case bindings.Union:
		return k.union(what, path, value, &t)
	case bindings.List:
		if good = value.IsArray(); good {
			return k.list(path, value, t.Items)
		}
	case bindings.Map:
		if good = value.IsObject(); good {
			return k.entries(path, value, t.Items)
		}
	case bindings.Object:
		if good = value.IsObject(); good && definition != nil {
			return k.object(path, value, definition)
		}
	}
	if !good {
		k.addProblem("%s %q: expected %s, found %s", what, path, k.shape.expected(t, definition), kindOf(value))
	}
	return good
}

func (k *checker) list(path string, value gjson.Result, items *bindings.Type) bool {
	good, i := true, 0
	value.ForEach(func(_, item gjson.Result) bool {
		i++
		good = k.value("field", path+"["+strconv.Itoa(i)+"]", item, items)
		return good
	})
	return good
}

func (k *checker) entries(path string, value gjson.Result, items *bindings.Type) bool {
	good := true
	value.ForEach(func(key, item gjson.Result) bool {
		good = k.value("field", path+"."+key.String(), item, items)
		return good
	})
	return good
}

func (k *checker) object(path string, value gjson.Result, d *bindings.Definition) bool {
	before := len(k.problems)
	closed := !d.Open && len(d.Fields) > 0
	hint := ""
	value.ForEach(func(key, item gjson.Result) bool {
		name := key.String()
		if f := d.Field(name); f != nil {
			k.value("field", path+"."+name, item, &f.Type)
			if f.Name != name && hasKey(value, f.Name) {
				k.addProblem("field %q: expected only one of it and %q, which is the same field", path+"."+name, f.Name)
			}
			return true
		}
		if closed {
			fields := make([]string, len(d.Fields))
			for i, f := range d.Fields {
				fields[i] = f.Name
			}
			if hint = bindings.Nearest(name, fields); hint != "" {
				k.addProblem("unknown field %q; did you mean %q?", path+"."+name, path+"."+hint)
			} else {
				k.addProblem("unknown field %q; expected %s", path+"."+name, listSome(fields))
			}
		}
		return true
	})
	for _, f := range d.Fields {
		if f.Required && f.Name != hint && !hasField(value, d, f.Name) {
			k.addProblem("missing field %q", path+"."+f.Name)
		}
	}
	return len(k.problems) == before
}

// hasField reports whether an object has a field under its own name or an alias.
func hasField(value gjson.Result, d *bindings.Definition, name string) bool {
	found := hasKey(value, name)
	for alias, of := range d.Aliases {
		found = found || of == name && hasKey(value, alias)
	}
	return found
}

func hasKey(value gjson.Result, name string) bool {
	found := false
	value.ForEach(func(key, _ gjson.Result) bool {
		found = key.String() == name
		return !found
	})
	return found
}

func (k *checker) enum(what, path string, value gjson.Result, values []string) bool {
	words := make([]string, len(values))
	for i, literal := range values {
		v := gjson.Parse(literal)
		if v.Type == value.Type && v.Str == value.Str && v.Num == value.Num {
			return true
		}
		words[i] = v.String()
	}
	found := kindOf(value)
	if value.Type == gjson.String && len(value.Str) <= 40 || value.Type == gjson.Number {
		found = value.Raw
	}
	hint := ""
	if value.Type == gjson.String {
		if near := bindings.Nearest(value.Str, words); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
	}
	expected := listSome(values)
	if len(values) > 1 {
		expected = "one of " + expected
	}
	k.addProblem("%s %q: expected %s, found %s%s", what, path, expected, found, hint)
	return false
}

// union accepts a value that one of the types accepts. Otherwise the problems with the
// types of the value's own kind are reported, of those with the fewest.
func (k *checker) union(what, path string, value gjson.Result, t *bindings.Type) bool {
	if k.shape.member(value, t, k.noDigits) != nil {
		return true
	}
	var nearest [][]string // the problems with each of the types that are reported
	for i := range t.OneOf {
		of, _ := k.shape.resolve(&t.OneOf[i])
		if !sameKind(value, of.Kind) {
			continue
		}
		one := checker{shape: k.shape, noDigits: k.noDigits}
		one.value(what, path, value, &t.OneOf[i])
		if len(nearest) > 0 && len(one.problems) < len(nearest[0]) {
			nearest = nil
		}
		if len(nearest) == 0 || len(one.problems) == len(nearest[0]) {
			nearest = append(nearest, one.problems)
		}
	}
	if problems := joinProblems(nearest); problems != nil {
		k.problems = append(k.problems, problems...)
		return false
	}
	k.addProblem("%s %q: expected %s, found %s", what, path, k.shape.expected(*t, nil), kindOf(value))
	return false
}

// joinProblems returns the problems with several types as those with one. What is
// expected at the same place is joined by "or"; of problems at several places, those with
// the longest path count, as that type fits the value further.
func joinProblems(all [][]string) []string {
	if len(all) == 0 {
		return nil
	}
	joined := slices.Clone(all[0])
	for _, problems := range all[1:] {
		for i, problem := range problems {
			place, rest, _ := strings.Cut(joined[i], expectedWord)
			otherPlace, other, typed := strings.Cut(problem, expectedWord)
			expected, found, _ := strings.Cut(rest, foundWord)
			another, _, _ := strings.Cut(other, foundWord)
			switch {
			case len(otherPlace) > len(place):
				joined[i] = problem
			case typed && place == otherPlace && !slices.Contains(strings.Split(expected, orWord), another):
				joined[i] = place + expectedWord + expected + orWord + another + foundWord + found
			}
		}
	}
	return joined
}

// The words of a problem around what is expected and found.
const (
	expectedWord = ": expected "
	foundWord    = ", found "
	orWord       = ", or "
)

// member returns the type of a union that a value belongs to, nil if there is none. A
// text belongs to a number only if no other type accepts it, and never with noDigits.
func (s *shape) member(value gjson.Result, t *bindings.Type, noDigits bool) *bindings.Type {
	for i := range t.OneOf {
		one := checker{shape: s, noDigits: true}
		if one.value("", "", value, &t.OneOf[i]) {
			return &t.OneOf[i]
		}
	}
	for i := range t.OneOf {
		one := checker{shape: s}
		if !noDigits && one.value("", "", value, &t.OneOf[i]) {
			return &t.OneOf[i]
		}
	}
	return nil
}

func sameKind(value gjson.Result, kind bindings.Kind) bool {
	switch kind {
	case bindings.Object, bindings.Map:
		return value.IsObject()
	case bindings.List:
		return value.IsArray()
	case bindings.Enum, bindings.String:
		return value.Type == gjson.String
	}
	return false
}

// listSome joins values; of many it shows a dozen.
func listSome(values []string) string {
	if more := len(values) - 12; more > 1 {
		return strings.Join(values[:12], ", ") + fmt.Sprintf(" … %d more", more)
	}
	return strings.Join(values, ", ")
}

// kindOf is the type of a value in Lua, for messages.
func kindOf(value gjson.Result) string {
	switch {
	case value.IsObject():
		return "a table"
	case value.IsArray():
		return "a list"
	case value.IsBool():
		return "a boolean"
	}
	switch value.Type {
	case gjson.String:
		return "a string"
	case gjson.Number:
		return "the number " + value.Raw
	}
	return "nothing"
}

// expected returns a type for messages, without the names of the catalogue's types.
func (s *shape) expected(t bindings.Type, d *bindings.Definition) string {
	switch t.Kind {
	case bindings.String:
		return "a string"
	case bindings.Number:
		return "a number"
	case bindings.Integer:
		return "a whole number"
	case bindings.Int64:
		return "a whole number, or its digits as a string"
	case bindings.Decimal:
		return `a decimal such as "12.50"`
	case bindings.Boolean:
		return "true or false"
	case bindings.File:
		return `a file, a string, or a table { name, content_type, text or base64 }`
	case bindings.List:
		return "a list"
	case bindings.Union:
		var all []string
		for i := range t.OneOf {
			if text := s.expected(s.resolve(&t.OneOf[i])); !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
		return strings.Join(all, orWord)
	case bindings.Enum:
		return listSome(t.Values)
	case bindings.Object, bindings.Map:
		if d != nil && len(d.Fields) > 0 {
			fields := make([]string, len(d.Fields))
			for i, f := range d.Fields {
				fields[i] = f.Name
			}
			return "a table with " + listSome(fields)
		}
		return "a table"
	}
	return t.String()
}

func isWhole(n float64) bool { return n == math.Trunc(n) && !math.IsInf(n, 0) }

// digits reports whether a value is a text of a number, which a script has where a
// float64 would lose digits.
func (k *checker) digits(value gjson.Result, isNumber func(string) bool) bool {
	return !k.noDigits && value.Type == gjson.String && isNumber(value.Str)
}

// isJSONNumber reports whether a text is a number as JSON writes it.
func isJSONNumber(text string) bool {
	return text != "" && (text[0] == '-' || text[0] >= '0' && text[0] <= '9') && strings.TrimSpace(text) == text && json.Valid([]byte(text))
}

// isJSONInteger reports whether a text is a whole number, without point and exponent,
// as JSON writes it.
func isJSONInteger(text string) bool { return isJSONNumber(text) && !strings.ContainsAny(text, ".eE") }

// isDecimal reports whether a text is digits with an optional sign before and
// an optional point among them.
func isDecimal(text string) bool {
	text = strings.TrimPrefix(text, "-")
	digits, point := 0, 0
	for i := range len(text) {
		switch {
		case text[i] >= '0' && text[i] <= '9':
			digits++
		case text[i] == '.' && i > 0 && i < len(text)-1:
			point++
		default:
			return false
		}
	}
	return digits > 0 && point <= 1
}
