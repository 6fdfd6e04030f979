package bindings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// PrintCatalogue writes a catalogue: sorted, one thing a line, without the
// types that nothing reaches. Their names are set.
func PrintCatalogue(operations []*Operation, types []*Definition, triggers []*Trigger) ([]byte, error) {
	r := reach{types: map[string]*Definition{}, reached: map[string]bool{}}
	if err := r.all(operations, types, triggers); err != nil {
		return nil, err
	}
	var lines [][]byte
	add := func(kind, name string, item any) error {
		var b bytes.Buffer
		b.WriteString(kind + " " + name + " ")
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(item); err != nil {
			return fmt.Errorf("%s %q: %w", kind, name, err)
		}
		lines = append(lines, b.Bytes())
		return nil
	}
	for _, o := range operations {
		if err := add("operation", o.Name, o); err != nil {
			return nil, err
		}
	}
	for _, d := range types {
		if !r.reached[d.Name] {
			continue
		}
		if err := add("type", d.Name, d); err != nil {
			return nil, err
		}
	}
	for _, t := range triggers {
		if err := add("trigger", t.Name, t); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(lines, bytes.Compare)
	return bytes.Join(lines, nil), nil
}

// reach finds the types that operations and triggers use, at any depth.
type reach struct {
	types   map[string]*Definition
	reached map[string]bool
}

func (r *reach) all(operations []*Operation, types []*Definition, triggers []*Trigger) error {
	for _, d := range types {
		if r.types[d.Name] != nil {
			return fmt.Errorf("type %q stands twice", d.Name)
		}
		r.types[d.Name] = d
	}
	for _, o := range operations {
		for _, all := range [][]Field{o.PathParams, o.Query, o.Header} {
			if err := r.fields(o.Name, all); err != nil {
				return err
			}
		}
		if o.Body != nil {
			if err := r.follow(o.Name+": body", &o.Body.Type); err != nil {
				return err
			}
		}
		if err := r.follow(o.Name+": answer", o.Answer); err != nil {
			return err
		}
	}
	for _, t := range triggers {
		if err := r.follow(t.Name+": data", t.Data); err != nil {
			return err
		}
	}
	return nil
}

func (r *reach) fields(from string, all []Field) error {
	for i := range all {
		if err := r.follow(from+": "+all[i].Name, &all[i].Type); err != nil {
			return err
		}
	}
	return nil
}

func (r *reach) follow(from string, t *Type) error {
	if t == nil {
		return nil
	}
	if t.Kind == Named && !r.reached[t.Name] {
		d := r.types[t.Name]
		if d == nil {
			return fmt.Errorf("%s: there is no type %q", from, t.Name)
		}
		r.reached[t.Name] = true
		if err := r.fields("type "+d.Name, d.Fields); err != nil {
			return err
		}
		return r.follow("type "+d.Name, d.Is)
	}
	for i := range t.Of {
		if err := r.follow(from, &t.Of[i]); err != nil {
			return err
		}
	}
	return r.follow(from, t.Items)
}
