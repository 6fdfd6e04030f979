package main

import (
	"encoding/json"
	"fmt"

	"github.com/tidewire/tidewire/bindings"
)

// eventTypes begins the names of types that only events have.
const eventTypes = "event."

// highLevelData makes the type of an event's body from its declared fields,
// and from its example what they are silent about: fields left out, and what
// is in objects and lists. It is open: bodies grow.
func highLevelData(source *Source, e highLevelEvent) (*bindings.Type, error) {
	var example ordered[json.RawMessage]
	if e.shown() {
		if err := json.Unmarshal(e.Example, &example); err != nil {
			return nil, fmt.Errorf("example: %w", err)
		}
	}
	if len(e.Fields) == 0 && len(example) == 0 {
		return nil, nil
	}
	name := eventTypes + e.Type
	d := &bindings.Definition{Name: name, Open: true}
	for _, f := range e.Fields {
		shown, _ := example.get(f.key)
		t, err := eventField(source, name+"."+f.key, f.value, shown)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", f.key, err)
		}
		add(d, bindings.Field{Name: f.key, Type: t})
	}
	for _, m := range example {
		if _, found := e.Fields.get(m.key); !found {
			add(d, bindings.Field{Name: m.key, Type: fromExample(source, name+"."+m.key, m.value)})
		}
	}
	// Every body carries these, which the list of events leaves out.
	for _, name := range []string{"webhookId", "timestamp"} {
		if _, declared := e.Fields.get(name); !declared {
			add(d, bindings.Field{Name: name, Type: bindings.Type{Kind: bindings.String}})
		}
	}
	source.Types = append(source.Types, d)
	return &bindings.Type{Kind: bindings.Named, Name: name}, nil
}

func eventField(source *Source, path, declared string, example json.RawMessage) (bindings.Type, error) {
	switch declared {
	case "string":
		return bindings.Type{Kind: bindings.String}, nil
	case "number":
		return bindings.Type{Kind: bindings.Number}, nil
	case "boolean":
		return bindings.Type{Kind: bindings.Boolean}, nil
	case "object":
		if t := fromExample(source, path, example); t.Kind == bindings.Named {
			return t, nil
		}
		return bindings.Type{Kind: bindings.Object}, nil
	case "array":
		if t := fromExample(source, path, example); t.Kind == bindings.List {
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

// fromExample gives the type that a JSON value has.
func fromExample(source *Source, path string, example json.RawMessage) bindings.Type {
	if len(example) == 0 {
		return bindings.Type{}
	}
	var members ordered[json.RawMessage]
	var items []json.RawMessage
	switch example[0] {
	case '"':
		// Some examples hold the words for types instead of values.
		if string(example) == `"boolean"` {
			return bindings.Type{Kind: bindings.Boolean}
		}
		return bindings.Type{Kind: bindings.String}
	case 't', 'f':
		return bindings.Type{Kind: bindings.Boolean}
	case '{':
		if json.Unmarshal(example, &members) != nil || len(members) == 0 {
			return bindings.Type{Kind: bindings.Object}
		}
		d := &bindings.Definition{Name: typeName(path), Open: true}
		for _, m := range members {
			add(d, bindings.Field{Name: m.key, Type: fromExample(source, path+"."+m.key, m.value)})
		}
		source.Types = append(source.Types, d)
		return bindings.Type{Kind: bindings.Named, Name: d.Name}
	case '[':
		list := bindings.Type{Kind: bindings.List, Items: &bindings.Type{}}
		if json.Unmarshal(example, &items) == nil && len(items) > 0 {
			first := fromExample(source, path, items[0])
			list.Items = &first
		}
		return list
	case 'n':
		return bindings.Type{}
	}
	return bindings.Type{Kind: bindings.Number}
}
