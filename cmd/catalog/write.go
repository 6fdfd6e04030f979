package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"

	"github.com/tidewire/tidewire/bindings"
)

// write prints a source as a catalogue: sorted, one thing a line, without the
// types that nothing reaches.
func write(source *Source) ([]byte, error) {
	reached, err := reach(source)
	if err != nil {
		return nil, err
	}
	var lines []string
	add := func(kind, name string, item any) error {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(item); err != nil {
			return fmt.Errorf("%s %q: %w", kind, name, err)
		}
		lines = append(lines, kind+" "+name+" "+b.String())
		return nil
	}
	for _, o := range source.Operations {
		if err := add("operation", o.Name, o.Operation); err != nil {
			return nil, err
		}
	}
	for _, d := range source.Types {
		if !reached[d.Name] {
			continue
		}
		if err := add("type", d.Name, d); err != nil {
			return nil, err
		}
	}
	for _, t := range source.Triggers {
		if err := add("trigger", t.Name, t.Trigger); err != nil {
			return nil, err
		}
	}
	sort.Strings(lines)
	var text bytes.Buffer
	for _, line := range lines {
		text.WriteString(line)
	}
	return text.Bytes(), nil
}

// reach finds the types that operations and triggers use, at any depth.
func reach(source *Source) (map[string]bool, error) {
	types := map[string]*bindings.Definition{}
	for _, d := range source.Types {
		if types[d.Name] != nil {
			return nil, fmt.Errorf("type %q stands twice", d.Name)
		}
		types[d.Name] = d
	}
	reached := map[string]bool{}
	var follow func(from string, t *bindings.Type) error
	fields := func(from string, all []bindings.Field) error {
		for i := range all {
			if err := follow(from+": "+all[i].Name, &all[i].Type); err != nil {
				return err
			}
		}
		return nil
	}
	follow = func(from string, t *bindings.Type) error {
		if t == nil {
			return nil
		}
		if t.Kind == bindings.Named && !reached[t.Name] {
			d := types[t.Name]
			if d == nil {
				return fmt.Errorf("%s: there is no type %q", from, t.Name)
			}
			reached[t.Name] = true
			if err := fields("type "+d.Name, d.Fields); err != nil {
				return err
			}
			return follow("type "+d.Name, d.Is)
		}
		for i := range t.Of {
			if err := follow(from, &t.Of[i]); err != nil {
				return err
			}
		}
		return follow(from, t.Items)
	}
	for _, o := range source.Operations {
		for _, all := range [][]bindings.Field{o.PathParams, o.Query, o.Header} {
			if err := fields(o.Name, all); err != nil {
				return nil, err
			}
		}
		if o.Body != nil {
			if err := follow(o.Name+": body", &o.Body.Type); err != nil {
				return nil, err
			}
		}
		if err := follow(o.Name+": answer", o.Answer); err != nil {
			return nil, err
		}
	}
	for _, t := range source.Triggers {
		if err := follow(t.Name+": data", t.Data); err != nil {
			return nil, err
		}
	}
	return reached, nil
}
