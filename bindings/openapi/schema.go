package openapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// types converts schemas into types, each component once.
type types struct {
	documents *documents
	byRef     map[string]*bindings.Definition
	byName    map[scopedName]*bindings.Definition
	order     []*bindings.Definition
	depth     int
	// perFile is set if names are unique only within a file; fileOf is the file
	// of each type.
	perFile bool
	fileOf  map[*bindings.Definition]string
}

// scopedName is a name within a file, or, without a file, within all of them.
type scopedName struct{ file, name string }

func newTypes(d *documents) *types {
	return &types{documents: d, byRef: map[string]*bindings.Definition{}, byName: map[scopedName]*bindings.Definition{}, fileOf: map[*bindings.Definition]string{}}
}

func (t *types) scoped(file, name string) scopedName {
	if !t.perFile {
		file = ""
	}
	return scopedName{file, name}
}

// maxNested bounds schemas within schemas.
const maxNested = 64

// convert returns the type of a schema. Objects with properties become named
// types. Their name is that of their component, or, for an inline object, path:
// CreateOrderBody.address.
func (t *types) convert(path string, s place) (bindings.Type, error) {
	if s.Node == nil || s.Kind != Object { // true, false or missing
		return bindings.Type{}, nil
	}
	if t.depth++; t.depth > maxNested {
		return bindings.Type{}, fmt.Errorf("%s: schemas within schemas more than %d deep", path, maxNested)
	}
	defer func() { t.depth-- }()
	if s.Str("$ref") != "" {
		return t.component(s)
	}
	kinds, nullable := kindsOf(s)
	allOf, oneOf := s.Items("allOf"), append(s.Items("oneOf"), s.Items("anyOf")...)
	if nullable || len(kinds) > 1 {
		oneOf = slices.DeleteFunc(oneOf, func(n *Node) bool { return n.Str("type") == "null" })
	}
	switch {
	case len(allOf) == 1 && s.Get("properties") == nil:
		return t.convert(path, place{allOf[0], s.file})
	case len(allOf) > 0, s.Get("properties") != nil && len(s.Get("properties").Keys) > 0:
		return t.inline(path, s)
	case len(oneOf) > 0:
		return t.union(path, s.file, oneOf)
	case s.Get("const") != nil:
		return enumOf([]*Node{s.Get("const")}), nil
	case len(s.Items("enum")) > 0 && !slices.Contains(kinds, "array") && !slices.Contains(kinds, "object"):
		return enumOf(s.Items("enum")), nil
	}
	if len(kinds) > 1 {
		var of []bindings.Type
		for _, kind := range kinds {
			one, err := t.plain(path, kind, s)
			if err != nil || one.Kind == bindings.Any {
				return one, err
			}
			of = append(of, one)
		}
		return joined(of), nil
	}
	if len(kinds) == 0 {
		switch {
		case s.Get("items") != nil:
			kinds = []string{"array"}
		case s.Get("additionalProperties") != nil:
			kinds = []string{"object"}
		default:
			return bindings.Type{}, nil
		}
	}
	return t.plain(path, kinds[0], s)
}

// kindsOf returns the value of type, one word or, since 3.1, a list, without
// null.
func kindsOf(s place) (kinds []string, nullable bool) {
	kinds = s.Texts("type")
	if one := s.Str("type"); one != "" {
		kinds = []string{one}
	}
	n := len(kinds)
	kinds = slices.DeleteFunc(kinds, func(kind string) bool { return kind == "null" })
	return kinds, n > len(kinds) || s.Is("nullable") || s.Is("x-nullable")
}

// plain returns the type of a schema with one word as its type.
func (t *types) plain(path, kind string, s place) (bindings.Type, error) {
	switch kind {
	case "string":
		if f := s.Str("format"); f == "binary" || s.Str("contentMediaType") == "application/octet-stream" {
			return bindings.Type{Kind: bindings.File}, nil
		}
		if s.Str("format") == "decimal" {
			return bindings.Type{Kind: bindings.Decimal}, nil
		}
		return bindings.Type{Kind: bindings.String}, nil
	case "file":
		return bindings.Type{Kind: bindings.File}, nil
	case "number":
		return bindings.Type{Kind: bindings.Number}, nil
	case "integer":
		if s.Str("format") == "int64" {
			return bindings.Type{Kind: bindings.Int64}, nil
		}
		return bindings.Type{Kind: bindings.Integer}, nil
	case "boolean":
		return bindings.Type{Kind: bindings.Boolean}, nil
	case "array":
		items, err := t.convert(path, place{s.Get("items"), s.file})
		return bindings.Type{Kind: bindings.List, Items: &items}, err
	case "object":
		more := s.Get("additionalProperties")
		if more == nil || more.Kind != Object || len(more.Keys) == 0 {
			return bindings.Type{Kind: bindings.Object}, nil
		}
		items, err := t.convert(path, place{more, s.file})
		return bindings.Type{Kind: bindings.Map, Items: &items}, err
	case "any":
		return bindings.Type{}, nil
	}
	return bindings.Type{}, fmt.Errorf("%s: there is no type %q", path, kind)
}

// component returns the type of a referenced schema, with the name of the schema.
func (t *types) component(s place) (bindings.Type, error) {
	to, ref, err := t.documents.follow(s)
	if err != nil {
		return bindings.Type{}, err
	}
	if d := t.byRef[ref]; d != nil {
		return bindings.Type{Kind: bindings.Named, Name: d.Name}, nil
	}
	name := ref[strings.LastIndexAny(ref, "/#")+1:]
	if name == "" { // a whole file
		name, _, _ = strings.Cut(to.file[strings.LastIndex(to.file, "/")+1:], ".")
	}
	d := t.define(to.file, name)
	t.byRef[ref] = d
	named := bindings.Type{Kind: bindings.Named, Name: d.Name}
	if to.Node != nil && (len(to.Items("allOf")) > 1 || to.Get("properties") != nil) {
		return named, t.fill(d, to, 0)
	}
	is, err := t.convert(d.Name, to)
	if err != nil {
		return named, err
	}
	if is.Kind == bindings.Named && is.Name == d.Name {
		is = bindings.Type{}
	}
	d.Is = &is
	return named, nil
}

// define defines a type. If its name is used already, a number is added.
func (t *types) define(file, wanted string) *bindings.Definition {
	wanted = TypeName(wanted)
	name := wanted
	for n := 2; t.byName[t.scoped(file, name)] != nil; n++ {
		name = fmt.Sprintf("%s.%d", wanted, n)
	}
	d := &bindings.Definition{Name: name}
	t.byName[t.scoped(file, name)], t.fileOf[d] = d, file
	t.order = append(t.order, d)
	return d
}

// inline defines a type for an object that is no component.
func (t *types) inline(path string, s place) (bindings.Type, error) {
	d := t.define(s.file, path)
	return bindings.Type{Kind: bindings.Named, Name: d.Name}, t.fill(d, s, 0)
}

// fill adds the fields of a schema and of the parts of its allOf to a definition.
func (t *types) fill(d *bindings.Definition, s place, depth int) error {
	if depth > maxHops {
		return fmt.Errorf("%s: allOf leads in a circle", d.Name)
	}
	for _, part := range s.Items("allOf") {
		to, _, err := t.documents.follow(place{part, s.file})
		if err != nil {
			return err
		}
		if err := t.fill(d, to, depth+1); err != nil {
			return err
		}
	}
	required := s.Texts("required")
	var failed error
	s.Get("properties").Each(func(name string, property *Node) {
		if failed != nil {
			return
		}
		var one bindings.Type
		if one, failed = t.convert(d.Name+"."+name, place{property, s.file}); failed == nil {
			addField(d, bindings.Field{Name: name, Type: one})
		}
	})
	for i := range d.Fields {
		d.Fields[i].Required = d.Fields[i].Required || slices.Contains(required, d.Fields[i].Name)
	}
	if more := s.Get("additionalProperties"); more != nil && (more.Kind == Object || more.Text == "true") {
		d.Open = true
	}
	// With oneOf or anyOf the object can have the fields of any of them too.
	if s.Get("properties") != nil && (len(s.Items("oneOf")) > 0 || len(s.Items("anyOf")) > 0) {
		d.Open = true
	}
	return failed
}

func addField(d *bindings.Definition, f bindings.Field) {
	for i, other := range d.Fields {
		if other.Name == f.Name {
			d.Fields[i].Type = f.Type
			return
		}
	}
	d.Fields = append(d.Fields, f)
}

func (t *types) union(path, file string, schemas []*Node) (bindings.Type, error) {
	var of []bindings.Type
	for _, s := range schemas {
		one, err := t.convert(path, place{s, file})
		if err != nil || one.Kind == bindings.Any {
			return one, err
		}
		of = append(of, one)
	}
	return joined(of), nil
}

// joined returns the union of types, each once, with all literals in one enum.
func joined(of []bindings.Type) bindings.Type {
	seen := map[string]bool{}
	var all []bindings.Type
	enum := -1
	for _, one := range of {
		parts := []bindings.Type{one}
		if one.Kind == bindings.Union {
			parts = one.OneOf
		}
		for _, part := range parts {
			key := part.String()
			switch {
			case seen[key]:
			case part.Kind == bindings.Enum && enum >= 0:
				all[enum].Values = withValues(all[enum].Values, part.Values)
			default:
				if part.Kind == bindings.Enum {
					enum = len(all)
					part.Values = slices.Clone(part.Values)
				}
				all = append(all, part)
			}
			seen[key] = true
		}
	}
	switch len(all) {
	case 0:
		return bindings.Type{}
	case 1:
		return all[0]
	}
	return bindings.Type{Kind: bindings.Union, OneOf: all}
}

// withValues adds those of more that values does not have.
func withValues(values, more []string) []string {
	for _, v := range more {
		if !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values
}

// enumOf returns the type of a value that is one of these literals. It is Any if
// one of them is no text and no number.
func enumOf(literals []*Node) bindings.Type {
	t := bindings.Type{Kind: bindings.Enum}
	for _, n := range literals {
		if n.Kind == Null {
			continue
		}
		literal, ok := n.Literal()
		if !ok {
			return bindings.Type{}
		}
		if !slices.Contains(t.Values, literal) {
			t.Values = append(t.Values, literal)
		}
	}
	if len(t.Values) == 0 {
		return bindings.Type{}
	}
	return t
}

// TypeName returns a text with "_" for each character that cannot be in the name
// of a type.
func TypeName(text string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' {
			return r
		}
		return '_'
	}, text)
	if name == "" {
		return "_"
	}
	return name
}
