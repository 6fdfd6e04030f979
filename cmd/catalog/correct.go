package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/source"
)

// corrections is an app's corrections.txt: what is wrong or missing in the
// vendor's documents. A paragraph begins with its reason, in lines that begin
// with "#". Each of its other lines is a correction:
//
//	operation contacts.list {"pages":{…}}     sets these keys of an operation; null clears one
//	added contacts.find {"id":…}              adds an operation that is not in the documents
//	trigger highlevel.contact.created {…}     sets keys of a trigger; adds one that does not exist if a vendor's type or data is among them
//	type Contact {"fields":[…]}               sets keys of a type; adds one that does not exist
//	field Contact age: string -> age: number  replaces a field of a type
//	query contacts.list limit: string -> …    replaces a parameter; also path and header
//
// In the file of an edition, "not" before a line of its app's own corrections
// means that this line is not applied to the edition.
//
// With no text before "->" a field or parameter is added, with no text after it
// one is removed. What is replaced must be in the documents exactly so: a
// correction that the vendor has made in the documents is then an error.
type corrections struct {
	path    string
	list    []correction
	without []correction // their text is a line of the app's file
}

type correction struct {
	line int
	kind string
	name string
	text string // JSON, or "old -> new"
}

func readCorrections(path string) (*corrections, error) {
	c := &corrections{path: path}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	reason := false
	for number := 1; lines.Scan(); number++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			reason = false
			continue
		}
		if remark, found := strings.CutPrefix(text, "#"); found {
			reason = reason || strings.TrimSpace(remark) != ""
			continue
		}
		if !reason {
			return nil, fmt.Errorf("%s:%d: a correction needs its reason above it, after %q", path, number, "#")
		}
		if line, found := strings.CutPrefix(text, "not "); found {
			c.without = append(c.without, correction{line: number, kind: "not", text: line})
			continue
		}
		words := strings.SplitN(text, " ", 3)
		if len(words) != 3 {
			return nil, fmt.Errorf("%s:%d: expected %q, found %q", path, number, "kind name change", text)
		}
		c.list = append(c.list, correction{line: number, kind: words[0], name: words[1], text: words[2]})
	}
	return c, lines.Err()
}

// String returns the correction as a line of the file.
func (c correction) String() string { return c.kind + " " + c.name + " " + c.text }

func (c *corrections) apply(from *source.Source) error {
	var problems []error
	for _, one := range c.list {
		if err := one.apply(from); err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %s %s: %w", c.path, one.line, one.kind, one.name, err))
		}
	}
	return errors.Join(problems...)
}

func (c correction) apply(from *source.Source) error {
	switch c.kind {
	case "operation":
		o, err := from.Operation(c.name)
		if err != nil {
			return err
		}
		return c.set(&o.Operation)
	case "added":
		return c.add(from)
	case "trigger":
		t, err := from.Trigger(c.name)
		if err == nil {
			return c.set(&t.Trigger)
		}
		added := &source.Trigger{From: "corrections.txt"}
		added.Name = c.name
		if problem := c.set(&added.Trigger); problem != nil {
			return problem
		}
		if added.Vendor == "" && added.Data == nil {
			return err // the name is probably misspelt
		}
		from.Triggers = append(from.Triggers, added)
		return nil
	case "type":
		d := from.Definition(c.name)
		if d == nil {
			d = &bindings.Definition{Name: c.name}
			from.Types = append(from.Types, d)
		}
		return c.set(d)
	case "field":
		d := from.Definition(c.name)
		if d == nil {
			return fmt.Errorf("there is no such type")
		}
		return c.replace(&d.Fields)
	case "query", "path", "header":
		o, err := from.Operation(c.name)
		if err != nil {
			return err
		}
		return c.replace(map[string]*[]bindings.Field{"query": &o.Query, "path": &o.PathParams, "header": &o.Header}[c.kind])
	}
	return fmt.Errorf("unknown kind; expected operation, added, trigger, type, field, query, path or header")
}

// add adds an operation. It is an error if the documents have its name or endpoint.
func (c correction) add(from *source.Source) error {
	added := &source.Operation{From: "corrections.txt"}
	added.Name = c.name
	if err := c.set(&added.Operation); err != nil {
		return err
	}
	if added.ID == "" || added.Method == "" || added.Path == "" {
		return fmt.Errorf("expected an id, a method and a path")
	}
	for _, o := range from.Operations {
		if o.Name == c.name || endpointOf(&o.Operation) == endpointOf(&added.Operation) && maps.Equal(o.Fixed, added.Fixed) {
			return fmt.Errorf("the documents have it, as %s", o.Name)
		}
	}
	from.Operations = append(from.Operations, added)
	return nil
}

// set decodes the correction's keys into target. Other keys are not changed.
func (c correction) set(target any) error {
	d := json.NewDecoder(strings.NewReader(c.text))
	d.DisallowUnknownFields()
	if err := d.Decode(target); err != nil {
		return err
	}
	if d.More() {
		return fmt.Errorf("expected one JSON object")
	}
	return nil
}

func (c correction) replace(fields *[]bindings.Field) error {
	before, after, found := strings.Cut(" "+c.text+" ", " -> ")
	if !found {
		return fmt.Errorf("expected %q", "old -> new")
	}
	before, after = strings.TrimSpace(before), strings.TrimSpace(after)
	var changed []bindings.Field
	if after != "" {
		field, err := bindings.ParseField(after)
		if err != nil {
			return err
		}
		changed = append(changed, field)
	}
	at := len(*fields)
	for i, f := range *fields {
		switch {
		case before != "" && f.String() == before:
			at = i
		case len(changed) > 0 && f.Name == changed[0].Name && before == "":
			return fmt.Errorf("%q exists already, as %q", f.Name, f)
		}
	}
	rest := at
	if before != "" {
		if at == len(*fields) {
			return fmt.Errorf("no field %q; has %s", before, source.FieldList(*fields))
		}
		rest = at + 1
	}
	*fields = append(append(append([]bindings.Field(nil), (*fields)[:at]...), changed...), (*fields)[rest:]...)
	return nil
}
