package source

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// Types are the types that a reader defines.
type Types struct {
	List []*bindings.Definition
}

// Add defines a type with this name, or returns the one that exists. It is an
// error if that has other fields.
func (s *Types) Add(name string, fields []bindings.Field) (*bindings.Type, error) {
	for _, d := range s.List {
		if d.Name != name {
			continue
		}
		if !reflect.DeepEqual(d.Fields, fields) {
			return nil, fmt.Errorf("type %q has the fields %s, and then %s", name, FieldList(d.Fields), FieldList(fields))
		}
		return &bindings.Type{Kind: bindings.Named, Name: name}, nil
	}
	s.List = append(s.List, &bindings.Definition{Name: name, Fields: fields})
	return &bindings.Type{Kind: bindings.Named, Name: name}, nil
}

// Share returns a type with these fields, whatever its name, or defines one with
// the first of the names that no type has.
func (s *Types) Share(fields []bindings.Field, names ...string) (*bindings.Type, error) {
	used := map[string]bool{}
	for _, d := range s.List {
		if reflect.DeepEqual(d.Fields, fields) {
			return &bindings.Type{Kind: bindings.Named, Name: d.Name}, nil
		}
		used[d.Name] = true
	}
	for _, name := range names {
		if !used[name] {
			return s.Add(name, fields)
		}
	}
	return nil, fmt.Errorf("the type names %s are used already", strings.Join(names, ", "))
}

// Enum returns the type of a value that is one of these texts.
func Enum(values []string) bindings.Type {
	t := bindings.Type{Kind: bindings.Enum}
	for _, v := range values {
		literal, _ := json.Marshal(v) // cannot fail for a string
		t.Values = append(t.Values, string(literal))
	}
	return t
}

// Camel turns "client_invoice" into "ClientInvoice".
func Camel(text string) string {
	var b strings.Builder
	for _, word := range strings.Split(bindings.Snake(text), "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// FieldList returns the text forms of fields in one line.
func FieldList(fields []bindings.Field) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = f.String()
	}
	return strings.Join(parts, "; ")
}
