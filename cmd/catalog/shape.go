package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// shapes collects the types that a reader makes.
type shapes struct {
	list []*bindings.Definition
}

// add makes a type of this name, or finds the one that is the same.
func (s *shapes) add(name string, fields []bindings.Field) (*bindings.Type, error) {
	for _, d := range s.list {
		if d.Name != name {
			continue
		}
		if !reflect.DeepEqual(d.Fields, fields) {
			return nil, fmt.Errorf("type %q has the fields %s, and then %s", name, list(d.Fields), list(fields))
		}
		return &bindings.Type{Kind: bindings.Named, Name: name}, nil
	}
	s.list = append(s.list, &bindings.Definition{Name: name, Fields: fields})
	return &bindings.Type{Kind: bindings.Named, Name: name}, nil
}

// share finds a type with these very fields, whatever its name, or makes one
// with the first of the names that is free.
func (s *shapes) share(fields []bindings.Field, names ...string) (*bindings.Type, error) {
	taken := map[string]bool{}
	for _, d := range s.list {
		if reflect.DeepEqual(d.Fields, fields) {
			return &bindings.Type{Kind: bindings.Named, Name: d.Name}, nil
		}
		taken[d.Name] = true
	}
	for _, name := range names {
		if !taken[name] {
			return s.add(name, fields)
		}
	}
	return nil, fmt.Errorf("the type names %s are taken", strings.Join(names, ", "))
}

// enum is the type of one of these texts.
func enum(values []string) bindings.Type {
	t := bindings.Type{Kind: bindings.Enum}
	for _, v := range values {
		literal, _ := json.Marshal(v) // text always has a literal
		t.Values = append(t.Values, string(literal))
	}
	return t
}

// camel turns "client_invoice" into "ClientInvoice".
func camel(text string) string {
	var b strings.Builder
	for _, word := range strings.Split(bindings.Snake(text), "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
