package bindings

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Catalogue has all operations, types and triggers of an app. It is a text with
// one entry a line:
//
//	operation contacts.upsert {"id":"upsert-contact","method":"POST",…}
//	type UpsertContactDto {"fields":["locationId!: string","email: string"]}
//	trigger highlevel.contact.created {"vendor":"ContactCreate",…}
//
// Parsing it only finds the lines. Each is decoded when it is first used, so
// that a start does not decode what no script needs. Check decodes all.
type Catalogue struct {
	prefix     string // of the names of operations: "v3.", empty for an app's own
	operations index[Operation]
	types      index[Definition]
	triggers   index[Trigger]
	groups     map[string][]string
}

// index has the entries of one kind by name. All entries are in one slice that
// is allocated once, because a catalogue is parsed at every start.
type index[T any] struct {
	byName  map[string]*entry[T]
	entries []entry[T]
}

func newIndex[T any](text []byte, kind string) index[T] {
	n := bytes.Count(text, []byte("\n"+kind+" ")) + 1
	return index[T]{byName: make(map[string]*entry[T], n), entries: make([]entry[T], 0, n)}
}

type entry[T any] struct {
	line int
	text []byte
	once sync.Once
	item *T
	err  error
}

// ParseCatalogue finds the lines of a catalogue. The catalogue uses text later,
// so the caller must not change it. Lines that are empty or begin with "#" are
// skipped.
func ParseCatalogue(text []byte) (*Catalogue, error) { return parseCatalogue("", text) }

func parseCatalogue(prefix string, text []byte) (*Catalogue, error) {
	c := &Catalogue{
		prefix:     prefix,
		operations: newIndex[Operation](text, "operation"),
		types:      newIndex[Definition](text, "type"),
		triggers:   newIndex[Trigger](text, "trigger"),
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
		slices.Sort(names)
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

func (s *index[T]) put(line int, name string, text []byte) error {
	if s.byName[name] != nil {
		return fmt.Errorf("%q is declared twice", name)
	}
	s.entries = append(s.entries, entry[T]{line: line, text: text})
	s.byName[name] = &s.entries[len(s.entries)-1]
	return nil
}

// get finds an entry. It panics if the entry cannot be decoded: catalogues are
// generated, and a test of each app calls Check, so that is a bug.
func (s *index[T]) get(name string, setName func(*T)) (*T, bool) {
	e := s.byName[name]
	if e == nil {
		return nil, false
	}
	if e.decode(name, setName); e.err != nil {
		panic(e.err.Error())
	}
	return e.item, true
}

// decode decodes the entry once.
func (e *entry[T]) decode(name string, setName func(*T)) {
	e.once.Do(func() {
		e.item = new(T)
		if err := decodeStrictly(e.text, e.item); err != nil {
			e.err = fmt.Errorf("catalogue line %d: %s: %w", e.line, name, err)
		}
		setName(e.item)
	})
}

// check decodes all entries and adds their errors, by line.
func (s *index[T]) check(errs map[int]error, setName func(name string) func(*T)) {
	for name, e := range s.byName {
		if e.decode(name, setName(name)); e.err != nil {
			errs[e.line] = e.err
		}
	}
}

// Check decodes all entries. Its errors have the line, the name of the entry,
// and the key or type that is wrong.
func (c *Catalogue) Check() error {
	errs := map[int]error{}
	c.operations.check(errs, c.setOperation)
	if len(errs) == 0 { // what one operation is found with is another
		c.checkFinds(errs)
	}
	c.types.check(errs, c.setType)
	c.triggers.check(errs, c.setTrigger)
	var all []error
	for _, line := range slices.Sorted(maps.Keys(errs)) {
		all = append(all, errs[line])
	}
	return errors.Join(all...)
}

// checkFinds adds what is wrong with how calls are found, by line.
func (c *Catalogue) checkFinds(errs map[int]error) {
	for name, e := range c.operations.byName {
		if err := e.item.CheckFind(); err != nil {
			errs[e.line] = fmt.Errorf("catalogue line %d: %s: %w", e.line, name, err)
		}
	}
}

func (c *Catalogue) setOperation(name string) func(*Operation) {
	return func(o *Operation) { o.Name, o.catalogue = name, c }
}

func (c *Catalogue) setType(name string) func(*Definition) {
	return func(d *Definition) { d.Name = name }
}

func (c *Catalogue) setTrigger(name string) func(*Trigger) {
	return func(t *Trigger) { t.Name = name }
}

// Operation finds an operation by "group.operation", or by
// "edition.group.operation" in the catalogue of an edition.
func (c *Catalogue) Operation(name string) (*Operation, bool) {
	return c.operations.get(name, c.setOperation(name))
}

// Type finds a type by name, without "#".
func (c *Catalogue) Type(name string) (*Definition, bool) {
	return c.types.get(name, c.setType(name))
}

// Trigger finds a trigger by its whole name.
func (c *Catalogue) Trigger(name string) (*Trigger, bool) {
	return c.triggers.get(name, c.setTrigger(name))
}

// Resolve follows the names of types to a type that is not Named. It returns
// the definition too if that type is an object with declared fields. A nil type
// is Any.
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

// FieldsAt returns the names of the fields that a type declares at a path such
// as "client.address"; an empty path, or Whole, is the type itself. It returns
// nil if nothing is declared there.
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

// Groups returns the names of the groups of operations, sorted.
func (c *Catalogue) Groups() []string { return slices.Sorted(maps.Keys(c.groups)) }

// Group returns the names of the operations of a group, without the group's
// name, sorted; nil if there is no such group.
func (c *Catalogue) Group(name string) []string { return c.groups[name] }

// Operations returns the names of all operations, sorted.
func (c *Catalogue) Operations() []string { return slices.Sorted(maps.Keys(c.operations.byName)) }

// Types returns the names of all types, sorted.
func (c *Catalogue) Types() []string { return slices.Sorted(maps.Keys(c.types.byName)) }

// Triggers returns the names of all triggers, sorted.
func (c *Catalogue) Triggers() []string { return slices.Sorted(maps.Keys(c.triggers.byName)) }
