package bindingstest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// testCatalogue decodes every line and resolves every name of a type.
func testCatalogue(t reporter, c *bindings.Catalogue) {
	if len(c.Operations()) == 0 {
		t.Error("no operations")
	}
	if err := c.Check(); err != nil {
		t.Error(err)
		return // each entry is decoded below
	}
	check := func(where string, ty *bindings.Type) {
		for _, problem := range problems(c, ty) {
			t.Errorf("%s: %s", where, problem)
		}
	}
	fields := func(where string, all []bindings.Field) {
		seen := map[string]bool{}
		for _, f := range all {
			if seen[f.Name] {
				t.Errorf("%s: %q is declared twice", where, f.Name)
			}
			seen[f.Name] = true
			check(where+": "+f.Name, &f.Type)
		}
	}
	for _, name := range c.Operations() {
		o, _ := c.Operation(name)
		fields(name+" path", o.PathParams)
		fields(name+" query", o.Query)
		fields(name+" header", o.Header)
		if o.Body != nil {
			check(name+" body", &o.Body.Type)
		}
		check(name+" answer", o.Answer)
	}
	for _, name := range c.Types() {
		d, _ := c.Type(name)
		fields("type "+name, d.Fields)
		check("type "+name, d.Is)
		testAliases(t, d)
		if d.Is != nil && (len(d.Fields) > 0 || d.Open) {
			t.Errorf("type %s: is another and has fields of its own", name)
		}
	}
	for _, name := range c.Triggers() {
		trigger, _ := c.Trigger(name)
		check(name, trigger.Data)
	}
}

func testAliases(t reporter, d *bindings.Definition) {
	for alias, of := range d.Aliases {
		if !declares(d, of) || declares(d, alias) {
			t.Errorf("type %s: the alias %q of %q: expected a name that is no field, and the name of a field", d.Name, alias, of)
		}
	}
}

func declares(d *bindings.Definition, name string) bool {
	return slices.ContainsFunc(d.Fields, func(f bindings.Field) bool { return f.Name == name })
}

// problems returns what is wrong with a type: names that no type has, names that
// are their own alias, and lists and enums without content.
func problems(c *bindings.Catalogue, t *bindings.Type) []string {
	if t == nil {
		return nil
	}
	var found []string
	switch t.Kind {
	case bindings.Named:
		seen := map[string]bool{}
		for at := t; at != nil && at.Kind == bindings.Named; {
			if seen[at.Name] {
				found = append(found, fmt.Sprintf("#%s is itself", at.Name))
				break
			}
			seen[at.Name] = true
			d, known := c.Type(at.Name)
			if !known {
				found = append(found, fmt.Sprintf("there is no type #%s", at.Name))
				break
			}
			at = d.Is
		}
	case bindings.List, bindings.Map:
		if t.Items == nil {
			found = append(found, "a list or map of nothing")
		}
	case bindings.Enum:
		if len(t.Values) == 0 {
			found = append(found, "an enum without values")
		}
	}
	for i := range t.OneOf {
		found = append(found, problems(c, &t.OneOf[i])...)
	}
	return append(found, problems(c, t.Items)...)
}

// typeAt returns the type at a path of field names. known is false if that type
// is not declared. It is an error if the path is in a scalar, or if a declared
// object has no such field.
func typeAt(c *bindings.Catalogue, t *bindings.Type, path string) (end bindings.Type, known bool, err error) {
	at, d := c.Resolve(t)
	for _, name := range strings.Split(path, ".") {
		if path == "" {
			break
		}
		if at.Kind == bindings.List && strings.Trim(name, "0123456789") == "" {
			at, d = c.Resolve(at.Items)
			continue
		}
		if at.Kind != bindings.Object || d == nil {
			if at.Kind == bindings.Any || at.Kind == bindings.Object || at.Kind == bindings.Map || at.Kind == bindings.Union {
				return at, false, nil
			}
			return at, false, fmt.Errorf("%q: %q is in a %s", path, name, at)
		}
		f := find(d.Fields, name)
		if f == nil {
			if d.Open {
				return at, false, nil
			}
			return at, false, fmt.Errorf("%q: #%s has no field %q", path, d.Name, name)
		}
		at, d = c.Resolve(&f.Type)
	}
	return at, at.Kind != bindings.Any, nil
}

func find(fields []bindings.Field, name string) *bindings.Field {
	for i := range fields {
		if fields[i].Name == name {
			return &fields[i]
		}
	}
	return nil
}
