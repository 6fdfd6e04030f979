package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// schema is what we use of a JSON Schema in an OpenAPI document.
type schema struct {
	Ref                  string `json:"$ref"`
	Type                 string
	Format               string
	Properties           ordered[*schema]
	Required             []string
	Items                *schema
	AllOf, OneOf, AnyOf  []*schema
	Enum                 []json.RawMessage
	AdditionalProperties json.RawMessage
}

// convert gives the type of a schema. Objects with properties become types of
// their own, called by the name of their component or by path, which says
// where an inline one stands: CreateContactDto.address.
func (api *openAPI) convert(d *document, path string, s *schema) (bindings.Type, error) {
	if s == nil {
		return bindings.Type{}, nil
	}
	switch {
	case s.Ref != "":
		t, err := api.reference(d, s.Ref)
		if err != nil {
			return t, fmt.Errorf("%s: %w", path, err)
		}
		return t, nil
	case len(s.AllOf) == 1 && len(s.Properties) == 0:
		return api.convert(d, path, s.AllOf[0])
	case len(s.AllOf) > 0 || len(s.Properties) > 0:
		return api.object(d, path, s)
	case len(s.OneOf) > 0:
		return api.union(d, path, s.OneOf)
	case len(s.AnyOf) > 0:
		return api.union(d, path, s.AnyOf)
	case len(s.Enum) > 0 && s.Type != "array" && s.Type != "object":
		if t, ok := enumOf(s.Enum); ok {
			return t, nil
		}
	}
	switch s.Type {
	case "string":
		if s.Format == "binary" {
			return bindings.Type{Kind: bindings.File}, nil
		}
		return bindings.Type{Kind: bindings.String}, nil
	case "number":
		return bindings.Type{Kind: bindings.Number}, nil
	case "integer":
		if s.Format == "int64" {
			return bindings.Type{Kind: bindings.Int64}, nil
		}
		return bindings.Type{Kind: bindings.Integer}, nil
	case "boolean":
		return bindings.Type{Kind: bindings.Boolean}, nil
	case "array":
		items, err := api.convert(d, path, s.Items)
		if err != nil {
			return items, err
		}
		return bindings.Type{Kind: bindings.List, Items: &items}, nil
	case "object":
		return api.free(d, path, s.AdditionalProperties)
	case "", "any":
		return bindings.Type{}, nil
	}
	return bindings.Type{}, fmt.Errorf("%s: unknown type %q", path, s.Type)
}

// reference follows "#/components/schemas/X" and "../common/other.json#/…/X".
func (api *openAPI) reference(d *document, ref string) (bindings.Type, error) {
	file, name, found := strings.Cut(ref, "#/components/schemas/")
	if !found {
		return bindings.Type{}, fmt.Errorf("$ref %q: expected %q", ref, "#/components/schemas/…")
	}
	if file != "" {
		base := strings.TrimSuffix(file[strings.LastIndex(file, "/")+1:], ".json")
		if d = api.documents[base]; d == nil {
			return bindings.Type{}, fmt.Errorf("$ref %q: there is no document %q", ref, base)
		}
	}
	s, found := d.Components.Schemas.get(name)
	if !found {
		return bindings.Type{}, fmt.Errorf("$ref %q leads nowhere", ref)
	}
	name = typeName(name)
	named := bindings.Type{Kind: bindings.Named, Name: name}
	if api.types[d.name][name] != nil {
		return named, nil
	}
	definition := api.define(d, name)
	if len(s.Properties) > 0 || len(s.AllOf) > 1 {
		return named, api.fill(d, definition, s)
	}
	t, err := api.convert(d, name, s)
	if err != nil {
		return t, err
	}
	if t.Kind == bindings.Named && t.Name == name {
		return t, fmt.Errorf("%s: %s is itself", d.name, name)
	}
	definition.Is = &t
	return named, nil
}

func (api *openAPI) define(d *document, name string) *bindings.Definition {
	definition := &bindings.Definition{Name: name}
	api.types[d.name][name] = definition
	api.order = append(api.order, &typeOf{d.name, definition})
	return definition
}

// object defines an inline object under the path where it stands.
func (api *openAPI) object(d *document, path string, s *schema) (bindings.Type, error) {
	name := typeName(path)
	for n := 2; api.types[d.name][name] != nil; n++ {
		name = fmt.Sprintf("%s.%d", typeName(path), n)
	}
	return bindings.Type{Kind: bindings.Named, Name: name}, api.fill(d, api.define(d, name), s)
}

// fill adds to a definition the fields of a schema and of all it is made of.
func (api *openAPI) fill(d *document, definition *bindings.Definition, s *schema) error {
	for _, part := range s.AllOf {
		if part.Ref != "" {
			t, err := api.reference(d, part.Ref)
			if err != nil {
				return err
			}
			from := api.types[d.name][t.Name]
			if from == nil {
				return fmt.Errorf("%s: allOf %q: in another document", definition.Name, part.Ref)
			}
			for _, f := range from.Fields {
				add(definition, f)
			}
			definition.Open = definition.Open || from.Open
			continue
		}
		if err := api.fill(d, definition, part); err != nil {
			return err
		}
	}
	required := map[string]bool{}
	for _, name := range s.Required {
		required[name] = true
	}
	for _, p := range s.Properties {
		t, err := api.convert(d, definition.Name+"."+p.key, p.value)
		if err != nil {
			return err
		}
		add(definition, bindings.Field{Name: p.key, Required: required[p.key], Type: t})
	}
	if more := string(s.AdditionalProperties); more != "" && more != "false" {
		definition.Open = true
	}
	return nil
}

func add(definition *bindings.Definition, f bindings.Field) {
	for i, there := range definition.Fields {
		if there.Name == f.Name {
			definition.Fields[i] = f
			return
		}
	}
	definition.Fields = append(definition.Fields, f)
}

// free is the type of an object without properties.
func (api *openAPI) free(d *document, path string, additional json.RawMessage) (bindings.Type, error) {
	if text := string(additional); text == "" || text == "true" || text == "false" || text == "{}" {
		return bindings.Type{Kind: bindings.Object}, nil
	}
	var s schema
	if err := json.Unmarshal(additional, &s); err != nil {
		return bindings.Type{}, fmt.Errorf("%s: additionalProperties: %w", path, err)
	}
	items, err := api.convert(d, path, &s)
	return bindings.Type{Kind: bindings.Map, Items: &items}, err
}

func (api *openAPI) union(d *document, path string, schemas []*schema) (bindings.Type, error) {
	var of []bindings.Type
	seen := map[string]bool{}
	for _, s := range schemas {
		t, err := api.convert(d, path, s)
		if err != nil {
			return t, err
		}
		if t.Kind == bindings.Any {
			return t, nil
		}
		if text := t.String(); !seen[text] {
			seen[text] = true
			of = append(of, t)
		}
	}
	if len(of) == 1 {
		return of[0], nil
	}
	return bindings.Type{Kind: bindings.Union, Of: of}, nil
}

// enumOf gives the type of some literals, whatever type stands beside them; not
// ok for literals that are no strings and no numbers.
func enumOf(literals []json.RawMessage) (bindings.Type, bool) {
	t := bindings.Type{Kind: bindings.Enum}
	seen := map[string]bool{}
	for _, raw := range literals {
		var value any
		if json.Unmarshal(raw, &value) != nil {
			return t, false
		}
		switch value.(type) {
		case nil:
			continue
		case string, float64:
		case []any: // a list of literals within the list
			var within []json.RawMessage
			if json.Unmarshal(raw, &within) != nil {
				return t, false
			}
			inner, ok := enumOf(within)
			if !ok {
				return t, false
			}
			t.Values = append(t.Values, inner.Values...)
			continue
		default:
			return t, false
		}
		if text := string(raw); !seen[text] {
			seen[text] = true
			t.Values = append(t.Values, text)
		}
	}
	return t, len(t.Values) > 0
}

// typeName keeps the letters of a name that a catalogue takes.
func typeName(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' {
			return r
		}
		return '_'
	}, text)
}
