package bindings

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Kind is the kind of a type, as it is in requests and answers.
type Kind uint8

// The kinds of value. Decimal and Int64 reach scripts as strings, because a
// float64 cannot hold them exactly.
const (
	Any     Kind = iota
	String       // text
	Number       // float64
	Integer      // an integer that a float64 can represent
	Int64        // a 64-bit integer; a string in Lua
	Decimal      // an exact decimal; a string in Lua
	Boolean      //
	File         // bytes sent as a multipart part
	Object       // a table with undeclared fields
	List         // of Items
	Map          // an object with any names and values of Items
	Named        // a type of the catalogue, by Name
	Enum         // one of Values
	Union        // one of OneOf
)

var kindNames = map[Kind]string{
	Any: "any", String: "string", Number: "number", Integer: "integer", Int64: "int64",
	Decimal: "decimal", Boolean: "boolean", File: "file", Object: "object",
}

// Type is the declared type of a value. Catalogues have it in its text form,
// which ParseType reads and String returns:
//
//	string number integer int64 decimal boolean any object file
//	[string]            a list
//	{number}            a map with any names
//	#Contact            a type named in the same catalogue
//	"paid"|"open"       one of these values
//	string|[string]     one of these types
type Type struct {
	Kind   Kind
	Items  *Type
	Name   string
	Values []string // JSON literals
	OneOf  []Type
}

// Field is a named value of an object or a parameter of an operation. Its text
// form is "name: type", with "!" after the name if it is required. A name has
// the vendor's spelling: "filter[email]", "status[]".
type Field struct {
	Name     string
	Required bool
	Type     Type
}

// Definition is a named type of a catalogue: an object with Fields, or an alias
// of the type Is.
type Definition struct {
	Name   string  `json:"-"`
	Fields []Field `json:"fields,omitempty"`
	// Open is set if there can be fields that are not declared.
	Open bool `json:"open,omitempty"`
	// Aliases maps the names that the vendor's answers have for fields, where they are
	// other ones, to the fields. What was read under such a name is sent as the field.
	Aliases map[string]string `json:"aliases,omitempty"`
	Is      *Type             `json:"is,omitempty"`
}

// Field returns the field that a value with a name is for; nil if there is none.
func (d *Definition) Field(name string) *Field {
	if of, found := d.Aliases[name]; found {
		name = of
	}
	for i := range d.Fields {
		if d.Fields[i].Name == name {
			return &d.Fields[i]
		}
	}
	return nil
}

func (t Type) String() string {
	switch t.Kind {
	case List:
		return "[" + t.Items.String() + "]"
	case Map:
		return "{" + t.Items.String() + "}"
	case Named:
		return "#" + t.Name
	case Enum:
		return strings.Join(t.Values, "|")
	case Union:
		parts := make([]string, len(t.OneOf))
		for i, o := range t.OneOf {
			parts[i] = o.String()
		}
		return strings.Join(parts, "|")
	}
	return kindNames[t.Kind]
}

func (f Field) String() string {
	name := f.Name
	if !plainName(name) {
		name = strconv.Quote(name)
	}
	if f.Required {
		name += "!"
	}
	return name + ": " + f.Type.String()
}

// MarshalText returns the text form.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the text form.
func (t *Type) UnmarshalText(text []byte) (err error) {
	*t, err = ParseType(string(text))
	return err
}

// MarshalText returns the text form.
func (f Field) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the text form.
func (f *Field) UnmarshalText(text []byte) (err error) {
	*f, err = ParseField(string(text))
	return err
}

// ParseType reads the text form of a type.
func ParseType(text string) (Type, error) {
	p := typeParser{text: text}
	t, err := p.union()
	if err == nil && p.pos < len(text) {
		err = p.unexpected("the end")
	}
	return t, err
}

// ParseField reads the text form of a field.
func ParseField(text string) (Field, error) {
	p := typeParser{text: text}
	var f Field
	var err error
	if f.Name, err = p.name(); err != nil {
		return f, err
	}
	f.Required = p.accept("!")
	if !p.accept(": ") {
		return f, p.unexpected(`": "`)
	}
	f.Type, err = p.union()
	if err == nil && p.pos < len(text) {
		err = p.unexpected("the end")
	}
	return f, err
}

// typeForms are the text forms of types, for an error.
const typeForms = `a type (string, number, integer, int64, decimal, boolean, any, object, file, [TYPE] for a list, {TYPE} for a map, #Name, or a JSON literal such as "paid")`

// maxTypeDepth bounds brackets within brackets, so that no text can exhaust the
// stack.
const maxTypeDepth = 32

type typeParser struct {
	text  string
	pos   int
	depth int
}

func (p *typeParser) unexpected(want string) error {
	return fmt.Errorf("type %q: expected %s at byte %d", p.text, want, p.pos)
}

func (p *typeParser) accept(s string) bool {
	if strings.HasPrefix(p.text[p.pos:], s) {
		p.pos += len(s)
		return true
	}
	return false
}

func (p *typeParser) name() (string, error) {
	rest := p.text[p.pos:]
	if strings.HasPrefix(rest, `"`) {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return "", p.unexpected("a quoted name")
		}
		p.pos += len(quoted)
		return strconv.Unquote(quoted)
	}
	n := 0
	for n < len(rest) && nameByte(rest[n]) {
		n++
	}
	if n == 0 {
		return "", p.unexpected("a name")
	}
	p.pos += n
	return rest[:n], nil
}

func (p *typeParser) union() (Type, error) {
	first, err := p.single()
	if err != nil || !p.accept("|") {
		return first, err
	}
	all := []Type{first}
	for {
		next, err := p.single()
		if err != nil {
			return next, err
		}
		all = append(all, next)
		if !p.accept("|") {
			return joinTypes(all), nil
		}
	}
}

// joinTypes returns the union of types. Neighbouring literals become one enum.
func joinTypes(all []Type) Type {
	var joined []Type
	for _, t := range all {
		if last := len(joined) - 1; t.Kind == Enum && last >= 0 && joined[last].Kind == Enum {
			joined[last].Values = append(joined[last].Values, t.Values...)
			continue
		}
		joined = append(joined, t)
	}
	if len(joined) == 1 {
		return joined[0]
	}
	return Type{Kind: Union, OneOf: joined}
}

func (p *typeParser) single() (Type, error) {
	if p.depth++; p.depth > maxTypeDepth {
		return Type{}, p.unexpected("fewer brackets")
	}
	defer func() { p.depth-- }()
	rest := p.text[p.pos:]
	switch {
	case p.accept("["):
		return p.bracket(List, "]")
	case p.accept("{"):
		return p.bracket(Map, "}")
	case p.accept("#"):
		n := 0
		for p.pos+n < len(p.text) && typeNameByte(p.text[p.pos+n]) {
			n++
		}
		if n == 0 {
			return Type{}, p.unexpected("a type's name")
		}
		p.pos += n
		return Type{Kind: Named, Name: p.text[p.pos-n : p.pos]}, nil
	case rest != "" && (rest[0] == '"' || rest[0] == '-' || rest[0] >= '0' && rest[0] <= '9'):
		return p.literal()
	}
	word := rest
	if i := strings.IndexAny(rest, "|]}"); i >= 0 {
		word = rest[:i]
	}
	for kind, name := range kindNames {
		if name == word {
			p.pos += len(word)
			return Type{Kind: kind}, nil
		}
	}
	return Type{}, p.unexpected(typeForms)
}

func (p *typeParser) bracket(kind Kind, end string) (Type, error) {
	items, err := p.union()
	if err != nil {
		return items, err
	}
	if !p.accept(end) {
		return items, p.unexpected(strconv.Quote(end))
	}
	return Type{Kind: kind, Items: &items}, nil
}

func (p *typeParser) literal() (Type, error) {
	d := json.NewDecoder(strings.NewReader(p.text[p.pos:]))
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return Type{}, p.unexpected("a JSON literal")
	}
	p.pos += int(d.InputOffset())
	return Type{Kind: Enum, Values: []string{string(raw)}}, nil
}

func plainName(s string) bool {
	for i := range len(s) {
		if !nameByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func nameByte(b byte) bool { return typeNameByte(b) || strings.IndexByte("-$[]@", b) >= 0 }

// typeNameByte is false for brackets, because a bracket ends the type before it.
func typeNameByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '.'
}
