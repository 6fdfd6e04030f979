package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/source"
)

// corrections is an app's corrections.txt: where the vendor's documents err or
// are silent. It stands in paragraphs; each begins with its reason, in lines
// that begin with "#", and then says, one a line:
//
//	operation contacts.list {"pages":{…}}     sets these keys of an operation; null clears one
//	trigger highlevel.contact.created {…}     the same of a trigger, made where there is none if its vendor's type or its data is given
//	type Contact {"fields":[…]}               the same of a type, made where there is none
//	field Contact age: string -> age: number  replaces a field of a type
//	query contacts.list limit: string -> …    replaces a parameter; also path and header
//
// In the file of an edition, "not" before a line of its app's own corrections
// says that it does not hold there.
//
// A field or parameter is added where nothing stands before "->", and taken
// away where nothing stands behind it. What is replaced must stand so in the
// documents, so that a correction which they have caught up with is noticed.
type corrections struct {
	path    string
	list    []correction
	without []correction // whose text is a line of the app's
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
			return nil, fmt.Errorf("%s:%d: a correction needs its reason above it, behind %q", path, number, "#")
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

// String is the line that says it.
func (c correction) String() string { return c.kind + " " + c.name + " " + c.text }

func (c *corrections) apply(from *source.Source) error {
	var wrong []error
	for _, one := range c.list {
		if err := one.apply(from); err != nil {
			wrong = append(wrong, fmt.Errorf("%s:%d: %s %s: %w", c.path, one.line, one.kind, one.name, err))
		}
	}
	return errors.Join(wrong...)
}

func (c correction) apply(from *source.Source) error {
	switch c.kind {
	case "operation":
		o, err := from.Operation(c.name)
		if err != nil {
			return err
		}
		return c.set(&o.Operation)
	case "trigger":
		t, err := from.Trigger(c.name)
		if err == nil {
			return c.set(&t.Trigger)
		}
		// A name that is spelt wrong makes no trigger.
		made := &source.Trigger{From: "corrections.txt"}
		made.Name = c.name
		if wrong := c.set(&made.Trigger); wrong != nil {
			return wrong
		}
		if made.Vendor == "" && made.Data == nil {
			return err
		}
		from.Triggers = append(from.Triggers, made)
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
	return fmt.Errorf("unknown kind; expected operation, trigger, type, field, query, path or header")
}

// set decodes the correction's keys over what stands there.
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
			return fmt.Errorf("%q stands there already, as %q", f.Name, f)
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
