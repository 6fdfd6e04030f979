package bindings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// PrintCatalogue returns the text of a catalogue: sorted, one entry a line,
// without the types that no operation and no trigger uses. All names must be
// set.
func PrintCatalogue(operations []*Operation, types []*Definition, triggers []*Trigger) ([]byte, error) {
	u := usage{types: map[string]*Definition{}, used: map[string]bool{}}
	if err := u.all(operations, types, triggers); err != nil {
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
		if !u.used[d.Name] {
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

// usage finds the types that operations and triggers use, directly or within
// other types.
type usage struct {
	types map[string]*Definition
	used  map[string]bool
}

func (u *usage) all(operations []*Operation, types []*Definition, triggers []*Trigger) error {
	for _, d := range types {
		if u.types[d.Name] != nil {
			return fmt.Errorf("type %q is declared twice", d.Name)
		}
		u.types[d.Name] = d
	}
	for _, o := range operations {
		for _, fields := range [][]Field{o.PathParams, o.Query, o.Header} {
			if err := u.fields(o.Name, fields); err != nil {
				return err
			}
		}
		if o.Body != nil {
			if err := u.follow(o.Name+": body", &o.Body.Type); err != nil {
				return err
			}
		}
		if err := u.follow(o.Name+": answer", o.Answer); err != nil {
			return err
		}
	}
	for _, t := range triggers {
		if err := u.follow(t.Name+": data", t.Data); err != nil {
			return err
		}
	}
	return nil
}

func (u *usage) fields(from string, all []Field) error {
	for i := range all {
		if err := u.follow(from+": "+all[i].Name, &all[i].Type); err != nil {
			return err
		}
	}
	return nil
}

func (u *usage) follow(from string, t *Type) error {
	if t == nil {
		return nil
	}
	if t.Kind == Named && !u.used[t.Name] {
		d := u.types[t.Name]
		if d == nil {
			return fmt.Errorf("%s: there is no type %q", from, t.Name)
		}
		u.used[t.Name] = true
		if err := u.fields("type "+d.Name, d.Fields); err != nil {
			return err
		}
		return u.follow("type "+d.Name, d.Is)
	}
	for i := range t.OneOf {
		if err := u.follow(from, &t.OneOf[i]); err != nil {
			return err
		}
	}
	return u.follow(from, t.Items)
}
