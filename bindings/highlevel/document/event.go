package document

import (
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/openapi"
	"github.com/tidewire/tidewire/bindings/source"
)

// dataOf makes the type of an event's body from its declared fields, and from its
// example what they do not declare: fields that are left out, and the content of
// objects and lists. It is open: bodies get new fields.
func dataOf(made *source.Source, e eventFacts) (*bindings.Type, error) {
	if e.Fields.Len() == 0 && e.Example.Len() == 0 {
		return nil, nil
	}
	name := source.EventTypes + e.Type
	d := &bindings.Definition{Name: name, Open: true}
	var failed error
	e.Fields.Each(func(field string, word *openapi.Node) {
		t, err := eventField(made, name+"."+field, word.Text, e.Example.Get(field))
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("field %q: %w", field, err))
		}
		add(d, bindings.Field{Name: field, Type: t})
	})
	if failed != nil {
		return nil, failed
	}
	e.Example.Each(func(field string, value *openapi.Node) {
		if e.Fields.Get(field) == nil {
			add(d, bindings.Field{Name: field, Type: fromExample(made, name+"."+field, value)})
		}
	})
	// Every body has these, which the list of events leaves out.
	for _, name := range []string{"webhookId", "timestamp"} {
		if e.Fields.Get(name) == nil {
			add(d, bindings.Field{Name: name, Type: bindings.Type{Kind: bindings.String}})
		}
	}
	made.Types = append(made.Types, d)
	return &bindings.Type{Kind: bindings.Named, Name: name}, nil
}

func eventField(made *source.Source, path, declared string, example *openapi.Node) (bindings.Type, error) {
	switch declared {
	case "string":
		return bindings.Type{Kind: bindings.String}, nil
	case "number":
		return bindings.Type{Kind: bindings.Number}, nil
	case "boolean":
		return bindings.Type{Kind: bindings.Boolean}, nil
	case "object":
		if t := fromExample(made, path, example); t.Kind == bindings.Named {
			return t, nil
		}
		return bindings.Type{Kind: bindings.Object}, nil
	case "array":
		if t := fromExample(made, path, example); t.Kind == bindings.List {
			return t, nil
		}
		return bindings.Type{Kind: bindings.List, Items: &bindings.Type{}}, nil
	case "null":
		return bindings.Type{}, nil
	case "Email/SMS":
		return bindings.Type{Kind: bindings.Enum, Values: []string{`"Email"`, `"SMS"`}}, nil
	}
	return bindings.Type{}, fmt.Errorf("unknown type %q", declared)
}

// fromExample returns the type of a value.
func fromExample(made *source.Source, path string, example *openapi.Node) bindings.Type {
	if example == nil {
		return bindings.Type{}
	}
	switch example.Kind {
	case openapi.Text:
		// Some examples have the names of types instead of values.
		if example.Text == "boolean" {
			return bindings.Type{Kind: bindings.Boolean}
		}
		return bindings.Type{Kind: bindings.String}
	case openapi.Boolean:
		return bindings.Type{Kind: bindings.Boolean}
	case openapi.Number:
		return bindings.Type{Kind: bindings.Number}
	case openapi.Object:
		if example.Len() == 0 {
			return bindings.Type{Kind: bindings.Object}
		}
		d := &bindings.Definition{Name: openapi.TypeName(path), Open: true}
		example.Each(func(name string, value *openapi.Node) {
			add(d, bindings.Field{Name: name, Type: fromExample(made, path+"."+name, value)})
		})
		made.Types = append(made.Types, d)
		return bindings.Type{Kind: bindings.Named, Name: d.Name}
	case openapi.List:
		list := bindings.Type{Kind: bindings.List, Items: &bindings.Type{}}
		if example.Len() > 0 {
			first := fromExample(made, path, example.All[0])
			list.Items = &first
		}
		return list
	}
	return bindings.Type{}
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
