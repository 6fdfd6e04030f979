package bindingstest

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

var (
	operationName = regexp.MustCompile(`^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$`) // without the edition
	template      = regexp.MustCompile(`\{[^{}]*\}`)
)

// keywords are the words that cannot be after a dot in Lua.
var keywords = map[string]bool{
	"and": true, "break": true, "do": true, "else": true, "elseif": true, "end": true, "false": true, "for": true,
	"function": true, "goto": true, "if": true, "in": true, "local": true, "nil": true, "not": true, "or": true,
	"repeat": true, "return": true, "then": true, "true": true, "until": true, "while": true,
}

func testOperations(t reporter, app *bindings.App, c *bindings.Catalogue) {
	limits := map[string]bool{"": true}
	for _, limit := range app.Limits {
		limits[limit.Name] = true
	}
	endpoints := map[string]string{}
	for _, name := range c.Operations() {
		o, _ := c.Operation(name)
		testName(t, app, c, o)
		if o.ID == "" {
			t.Errorf("%s: the vendor's id is missing", name)
		}
		if !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}, o.Method) {
			t.Errorf("%s: method %q", name, o.Method)
		}
		if other := endpoints[o.Method+" "+o.Path]; other != "" {
			t.Errorf("%s and %s are both %s %s", name, other, o.Method, o.Path)
		}
		endpoints[o.Method+" "+o.Path] = name
		testTerms(t, app, o, limits)
		testURLPath(t, o)
		testArguments(t, c, o)
		testFind(t, app, o)
	}
}

// testName checks that a script can write a name.
func testName(t reporter, app *bindings.App, c *bindings.Catalogue, o *bindings.Operation) {
	short := strings.TrimPrefix(o.Name, c.Qualify(""))
	group, verb, _ := strings.Cut(short, ".")
	if !operationName.MatchString(short) || keywords[group] || keywords[verb] {
		t.Errorf("%s: a script cannot write this name", o.Name)
	}
	// request is the app's own function, for endpoints without an entry.
	if group == "request" {
		t.Errorf("%s: the group hides %s.request", o.Name, app.Name)
	}
}

// testTerms checks that the app has the address, the limit and the key of an
// operation, and the scopes and safety for contradictions.
func testTerms(t reporter, app *bindings.App, o *bindings.Operation, limits map[string]bool) {
	if o.Address != "" && !slices.ContainsFunc(app.Auth, func(a bindings.Auth) bool { return slices.Contains(a.Addresses, o.Address) }) {
		t.Errorf("%s: no way to authorise has the address %q", o.Name, o.Address)
	}
	if !limits[o.Limit] {
		t.Errorf("%s: the app has no limit %q", o.Name, o.Limit)
	}
	if o.Key && app.KeyHeader == "" {
		t.Errorf("%s takes an idempotency key and the app has no header for it", o.Name)
	}
	if o.ReadOnly() && o.Idempotent != "" {
		t.Errorf("%s only reads, so it needs no condition for being sent again", o.Name)
	}
	if len(o.Scopes) > 0 && len(o.AnyScope) > 0 || slices.Contains(append(slices.Clone(o.Scopes), o.AnyScope...), "") {
		t.Errorf("%s: scopes %q or any of %q", o.Name, o.Scopes, o.AnyScope)
	}
}

// testURLPath checks that the parameters of the path are declared and required.
func testURLPath(t reporter, o *bindings.Operation) {
	if !strings.HasPrefix(o.Path, "/") || strings.ContainsAny(o.Path, "? #") {
		t.Errorf("%s: path %q", o.Name, o.Path)
	}
	var names []string
	for _, f := range o.PathParams {
		names = append(names, f.Name)
		if !f.Required {
			t.Errorf("%s: path parameter %q is not required", o.Name, f.Name)
		}
	}
	var inPath []string
	for _, part := range template.FindAllString(o.Path, -1) {
		inPath = append(inPath, strings.Trim(part, "{}"))
	}
	slices.Sort(names)
	slices.Sort(inPath)
	if !slices.Equal(names, inPath) {
		t.Errorf("%s: path %s has %q, declared are %q", o.Name, o.Path, inPath, names)
	}
}

// arguments returns the arguments of an operation. open reports whether there can
// be others too.
func arguments(c *bindings.Catalogue, o *bindings.Operation) (fields []bindings.Field, open bool) {
	fields = slices.Concat(o.PathParams, o.Query, o.Header)
	if o.Body == nil {
		return fields, false
	}
	kind, d := c.Resolve(&o.Body.Type)
	if d != nil {
		return append(fields, d.Fields...), d.Open
	}
	return fields, kind.Kind == bindings.Object || kind.Kind == bindings.Any
}

func testArguments(t reporter, c *bindings.Catalogue, o *bindings.Operation) {
	fields, open := arguments(c, o)
	for _, name := range append(slices.Sorted(maps.Keys(o.AccountWith)), o.Account, o.Parent) {
		if name != "" && find(fields, name) == nil && !open {
			t.Errorf("%s: the account's parameter %q is none of its arguments", o.Name, name)
		}
	}
	for name := range o.Join {
		if f := find(o.Query, name); f == nil || f.Type.Kind != bindings.List {
			t.Errorf("%s: %q is written as one text, and is no list of the query", o.Name, name)
		}
	}
	for _, name := range slices.Concat(o.IdempotentWith, o.IdempotentWithout) {
		if o.Idempotent == "" || find(fields, name) == nil {
			t.Errorf("%s: idempotent by %q, which is none of its arguments", o.Name, name)
		}
	}
	if o.Body == nil {
		return
	}
	switch o.Body.Encoding {
	case bindings.JSON, bindings.Form, bindings.Multipart:
	default:
		t.Errorf("%s: encoding %q", o.Name, o.Body.Encoding)
	}
	for _, f := range fields {
		if contains(f.Type, bindings.File) && o.Body.Encoding != bindings.Multipart {
			t.Errorf("%s: %q is a file in a body of %s", o.Name, f.Name, o.Body.Encoding)
		}
	}
	if o.Method == "GET" || o.Method == "HEAD" {
		t.Errorf("%s: a %s with a body", o.Name, o.Method)
	}
}

// contains reports whether a type or a type within it is of a kind.
func contains(t bindings.Type, kind bindings.Kind) bool {
	if t.Kind == kind {
		return true
	}
	for _, one := range t.OneOf {
		if contains(one, kind) {
			return true
		}
	}
	return t.Items != nil && contains(*t.Items, kind)
}
