package call

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
)

// Check checks a call's arguments against the catalogue: unknown and missing
// ones, types and enum values. The error is of kind invalid, names what is
// wrong, and shows the operation's signature on further lines. Names that the
// operation does not declare are accepted where its body is open or declares no
// fields.
func (c *Client) Check(app *bindings.App, op *bindings.Operation, args json.RawMessage) error {
	if problems := c.shapes.of(app, op).checkText(args); problems != nil {
		return invalid(app, op, problems)
	}
	return nil
}

// Check is Client.Check without a client; it is slower, since it caches nothing.
func Check(app *bindings.App, op *bindings.Operation, args json.RawMessage) error {
	if problems := newShape(app, op).checkText(args); problems != nil {
		return invalid(app, op, problems)
	}
	return nil
}

// maxProblems bounds how many problems one error names.
const maxProblems = 5

func invalid(app *bindings.App, op *bindings.Operation, problems []string) *bindings.Error {
	if more := len(problems) - maxProblems; more > 0 {
		problems = append(problems[:maxProblems:maxProblems], fmt.Sprintf("and %d more", more))
	}
	message := strings.Join(problems, "; ") + "\n" + Signature(app, op)
	if slices.ContainsFunc(problems, catalogueMayBeWrong) {
		message += uncheckedHint
	}
	return &bindings.Error{Kind: bindings.Invalid, App: app.Name, Operation: op.Name, Message: message}
}

// catalogueMayBeWrong reports whether a problem may be a fault of the
// catalogue, and not of the call.
func catalogueMayBeWrong(problem string) bool {
	return strings.HasPrefix(problem, "unknown ") || strings.Contains(problem, `": expected `)
}

const uncheckedHint = "\nif the vendor does take this, a second table { check = false } sends it as it is"

func (s *shape) checkText(args json.RawMessage) []string {
	if len(args) > 0 && !json.Valid(args) {
		return []string{notJSON}
	}
	return s.check(args)
}

const notJSON = "the arguments are not JSON"

// check returns the problems of arguments in valid JSON; none at all are an
// empty table.
func (s *shape) check(args json.RawMessage) []string {
	if len(args) == 0 {
		args = json.RawMessage("{}")
	}
	table := gjson.ParseBytes(args)
	if !table.IsObject() && !(table.IsArray() && len(table.Array()) == 0) {
		return []string{"expected a table of arguments, found " + kindOf(table)}
	}
	k := checker{shape: s}
	missing := k.members("", s.args, s.index, table, s.anyName)
	k.problems = append(k.problems, missing...)
	return k.problems
}

// checker collects the problems of a table.
type checker struct {
	shape     *shape
	problems  []string
	suggested []string // names that were suggested: they are not reported as missing
	noDigits  bool     // a text is no number
}

func (k *checker) addProblem(message string, args ...any) {
	k.problems = append(k.problems, fmt.Sprintf(message, args...))
}

// members checks a table of arguments; prefix is its path.
func (k *checker) members(prefix string, all []*argument, index map[string]*argument, table gjson.Result, free bool) (missing []string) {
	var buffer [16]*argument
	given := buffer[:0]
	if table.IsObject() {
		table.ForEach(func(key, value gjson.Result) bool {
			name := key.String()
			a := index[name]
			if index == nil {
				a = find(all, name)
			}
			switch {
			case a != nil:
				given = append(given, a)
				k.argument(prefix+name, a, value)
			case free && k.shape.anyType != nil:
				k.value("argument", prefix+name, value, k.shape.anyType)
			case !free:
				k.unknown(prefix, name, all)
			}
			return true
		})
	}
	body := slices.ContainsFunc(given, (*argument).inBody)
	for _, a := range all {
		if (a.required || a.withBody && body) && !slices.Contains(given, a) && !slices.Contains(k.suggested, prefix+a.name) {
			missing = append(missing, fmt.Sprintf("missing argument %q", prefix+a.name))
		}
	}
	return missing
}

func find(all []*argument, name string) *argument {
	for _, a := range all {
		if a.name == name {
			return a
		}
	}
	return nil
}

func (k *checker) unknown(prefix, name string, all []*argument) {
	if near := bindings.Nearest(name, names(all)); near != "" {
		k.suggested = append(k.suggested, prefix+near)
		k.addProblem("unknown argument %q; did you mean %q?", prefix+name, prefix+near)
		return
	}
	if len(all) == 0 {
		k.addProblem("unknown argument %q; it takes none", prefix+name)
		return
	}
	k.addProblem("unknown argument %q", prefix+name)
}

func (k *checker) argument(path string, a *argument, value gjson.Result) {
	if value.Type == gjson.Null {
		if a.required {
			k.addProblem("missing argument %q", path)
		}
		return
	}
	if len(a.members) > 0 && (value.IsObject() || len(a.params) == 0) {
		if !value.IsObject() {
			k.addProblem("argument %q: expected a table with %s, found %s", path, strings.Join(names(a.members), ", "), kindOf(value))
			return
		}
		k.problems = append(k.problems, k.members(path+".", a.members, nil, value, false)...)
		return
	}
	for _, at := range a.params {
		if at.place != inBody && k.fitsText(value, &at.typ) {
			continue
		}
		if !k.value("argument", path, value, &at.typ) {
			return
		}
	}
}

// fitsText accepts for a parameter outside the body, where all is text, a value
// that has the same text: 20 for "20" and the other way round.
func (k *checker) fitsText(value gjson.Result, t *bindings.Type) bool {
	r, _ := k.shape.resolve(t)
	switch r.Kind {
	case bindings.String:
		return value.Type == gjson.Number || value.IsBool()
	case bindings.Number, bindings.Integer:
		_, err := strconv.ParseFloat(value.Str, 64)
		return value.Type == gjson.String && err == nil
	case bindings.Boolean:
		return value.Type == gjson.String && (value.Str == "true" || value.Str == "false")
	case bindings.Enum:
		if value.IsObject() || value.IsArray() {
			return false
		}
		return slices.ContainsFunc(r.Values, func(v string) bool { return gjson.Parse(v).String() == value.String() })
	}
	return false
}
