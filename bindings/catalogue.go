package bindings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
)

// Catalogue is all operations, types and triggers of an app. It is text with
// one thing a line:
//
//	operation contacts.upsert {"id":"upsert-contact","method":"POST",…}
//	type UpsertContactDto {"fields":["locationId!: string","email: string"]}
//	trigger highlevel.contact.created {"vendor":"ContactCreate",…}
//
// Parsing it only finds the lines; each is decoded when it is first asked for,
// so that a run pays for what it touches.
type Catalogue struct {
	prefix     string // of the names of operations: "v3.", empty for an app's own
	operations shelf[Operation]
	types      shelf[Definition]
	triggers   shelf[Trigger]
	groups     map[string][]string
}

// shelf holds the entries of one kind by name. They lie in one piece, made for
// as many as the text has: a catalogue is read at every start.
type shelf[T any] struct {
	byName  map[string]*entry[T]
	entries []entry[T]
}

func newShelf[T any](text []byte, kind string) shelf[T] {
	n := bytes.Count(text, []byte("\n"+kind+" ")) + 1
	return shelf[T]{byName: make(map[string]*entry[T], n), entries: make([]entry[T], 0, n)}
}

type entry[T any] struct {
	line int
	text []byte
	once sync.Once
	item *T
	err  error
}

// ParseCatalogue finds the lines of a catalogue; it keeps text and does not
// change it. Lines that are empty or begin with "#" are passed over.
func ParseCatalogue(text []byte) (*Catalogue, error) { return parseCatalogue("", text) }

func parseCatalogue(prefix string, text []byte) (*Catalogue, error) {
	c := &Catalogue{
		prefix:     prefix,
		operations: newShelf[Operation](text, "operation"),
		types:      newShelf[Definition](text, "type"),
		triggers:   newShelf[Trigger](text, "trigger"),
		groups:     map[string][]string{},
	}
	for number := 1; len(text) > 0; number++ {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if err := c.add(number, line); err != nil {
			return nil, fmt.Errorf("catalogue line %d: %w", number, err)
		}
	}
	for _, names := range c.groups {
		sort.Strings(names)
	}
	return c, nil
}

func (c *Catalogue) add(number int, line []byte) error {
	kind, rest, _ := bytes.Cut(line, []byte(" "))
	name, body, found := bytes.Cut(rest, []byte(" "))
	if !found {
		return fmt.Errorf("expected %q, found %.60q", "kind name {…}", line)
	}
	switch string(kind) {
	case "operation":
		whole := string(name)
		group, operation, found := strings.Cut(whole, ".")
		if !found {
			return fmt.Errorf("operation %q: expected group.operation", name)
		}
		c.groups[group] = append(c.groups[group], operation)
		return c.operations.put(number, c.prefix+whole, body)
	case "type":
		return c.types.put(number, string(name), body)
	case "trigger":
		return c.triggers.put(number, string(name), body)
	}
	return fmt.Errorf("unknown kind %q; expected operation, type or trigger", kind)
}

func (s *shelf[T]) put(line int, name string, text []byte) error {
	if s.byName[name] != nil {
		return fmt.Errorf("%q stands twice", name)
	}
	s.entries = append(s.entries, entry[T]{line: line, text: text})
	s.byName[name] = &s.entries[len(s.entries)-1]
	return nil
}

// get decodes an entry once. A catalogue is made by our own generator and read
// whole by a test of each app, so an entry that does not decode is a bug.
func (s *shelf[T]) get(name string, named func(*T)) (*T, bool) {
	e := s.byName[name]
	if e == nil {
		return nil, false
	}
	e.once.Do(func() {
		e.item = new(T)
		e.err = json.Unmarshal(e.text, e.item)
		named(e.item)
	})
	if e.err != nil {
		panic(fmt.Sprintf("catalogue line %d: %q: %v", e.line, name, e.err))
	}
	return e.item, true
}

// Operation finds an operation by "group.operation", with the edition before
// it where the catalogue is that of one.
func (c *Catalogue) Operation(name string) (*Operation, bool) {
	return c.operations.get(name, func(o *Operation) { o.Name, o.catalogue = name, c })
}

// Type finds a type by name, without "#".
func (c *Catalogue) Type(name string) (*Definition, bool) {
	return c.types.get(name, func(d *Definition) { d.Name = name })
}

// Trigger finds a trigger by its whole name.
func (c *Catalogue) Trigger(name string) (*Trigger, bool) {
	return c.triggers.get(name, func(t *Trigger) { t.Name = name })
}

// Resolve follows names until a type that is none, giving the definition of
// an object where there is one. A nil type is Any.
func (c *Catalogue) Resolve(t *Type) (Type, *Definition) {
	if t == nil {
		return Type{}, nil
	}
	for range maxTypeDepth {
		if t.Kind != Named {
			return *t, nil
		}
		d, found := c.Type(t.Name)
		if !found {
			return Type{}, nil
		}
		if d.Is == nil {
			return Type{Kind: Object}, d
		}
		t = d.Is
	}
	return Type{}, nil
}

// FieldsAt names the fields that a type declares at a path such as
// "client.address"; an empty one, or Whole, is the type itself. It is nil where
// nothing is declared there.
func (c *Catalogue) FieldsAt(t *Type, path string) []string {
	_, d := c.Resolve(t)
	for name := range strings.SplitSeq(path, ".") {
		if path == "" || path == Whole {
			break
		}
		if d == nil {
			return nil
		}
		i := slices.IndexFunc(d.Fields, func(f Field) bool { return f.Name == name })
		if i < 0 {
			return nil
		}
		_, d = c.Resolve(&d.Fields[i].Type)
	}
	if d == nil {
		return nil
	}
	names := make([]string, len(d.Fields))
	for i, f := range d.Fields {
		names[i] = f.Name
	}
	return names
}

// Groups are the names of the groups of operations, sorted.
func (c *Catalogue) Groups() []string { return sortedKeys(c.groups) }

// Group lists the operations of a group without the group's name, sorted; nil
// if there is no such group.
func (c *Catalogue) Group(name string) []string { return c.groups[name] }

// Operations are the names of all operations, sorted.
func (c *Catalogue) Operations() []string { return sortedKeys(c.operations.byName) }

// Types are the names of all types, sorted.
func (c *Catalogue) Types() []string { return sortedKeys(c.types.byName) }

// Triggers are the names of all triggers, sorted.
func (c *Catalogue) Triggers() []string { return sortedKeys(c.triggers.byName) }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
