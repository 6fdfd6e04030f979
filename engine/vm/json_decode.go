package vm

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// maxJSONDepth bounds tables within tables, both ways.
const maxJSONDepth = 128

// maxExact is the largest integer below which a float64 holds all of them.
const maxExact = 1<<53 - 1

// decoder makes Lua values of JSON in the order of the document, so that pairs
// is deterministic.
type decoder struct {
	text []byte
	pos  int
	// catalogue resolves the names of types; nil where nothing is declared.
	catalogue *bindings.Catalogue
	// own says that the text was written by our encoder out of Lua values: its
	// numbers were float64 and become so again.
	own bool
	// charge is told of work and bytes before they are spent; nil: nobody asks.
	charge func(work, bytes int64)

	depth   int
	spent   int64 // bytes not yet charged
	worked  int
	waiting []lua.LValue // keys and values of the tables that are being read
}

// decode reads the whole text as one value of type t; nil means undeclared.
func (d *decoder) decode(t *bindings.Type) (lua.LValue, error) { return d.read(d.shape(t)) }

func (d *decoder) read(s shape) (lua.LValue, error) {
	v, err := d.value(s)
	if err != nil {
		return lua.LNil, err
	}
	if d.space(); d.pos < len(d.text) {
		return lua.LNil, d.unexpected("the end")
	}
	d.settle()
	return v, nil
}

// shape is a type with its names resolved.
type shape struct {
	kind  bindings.Kind
	def   *bindings.Definition
	items *bindings.Type
	of    []bindings.Type
}

func (d *decoder) shape(t *bindings.Type) shape { return shapeOf(d.catalogue, t) }

func shapeOf(c *bindings.Catalogue, t *bindings.Type) shape {
	if t == nil {
		return shape{}
	}
	if t.Kind != bindings.Named {
		return shape{kind: t.Kind, items: t.Items, of: t.Of}
	}
	if c == nil {
		return shape{}
	}
	resolved, def := c.Resolve(t)
	return shape{kind: resolved.Kind, items: resolved.Items, of: resolved.Of, def: def}
}

// fieldShape finds the type of a field. Documents mostly keep the declared
// order, so the search goes on where it last ended.
func fieldShape(c *bindings.Catalogue, s shape, name string, cursor *int) shape {
	if s.kind == bindings.Map {
		return shapeOf(c, s.items)
	}
	if s.def == nil {
		return shape{}
	}
	fields := s.def.Fields
	for i := range fields {
		at := *cursor + i
		if at >= len(fields) {
			at -= len(fields)
		}
		if fields[at].Name == name {
			*cursor = (at + 1) % len(fields)
			return shapeOf(c, &fields[at].Type)
		}
	}
	return shape{}
}

// narrow picks the member of a union that a value of this look belongs to.
func (s shape) narrow(c *bindings.Catalogue, look byte) shape {
	for range 4 {
		if s.kind != bindings.Union {
			return s
		}
		next, found := shape{}, false
		for i := range s.of {
			member := shapeOf(c, &s.of[i])
			if member.kind == bindings.Union || !member.takes(look) {
				if member.kind == bindings.Union && !found {
					next, found = member, true
				}
				continue
			}
			next, found = member, true
			break
		}
		s = next
	}
	return shape{}
}

func (s shape) takes(look byte) bool {
	switch s.kind {
	case bindings.Object, bindings.Map:
		return look == '{'
	case bindings.List:
		return look == '['
	case bindings.Decimal, bindings.Int64, bindings.Number, bindings.Integer:
		return look == '0'
	}
	return look == '"'
}

func (d *decoder) value(s shape) (lua.LValue, error) {
	d.space()
	if d.pos >= len(d.text) {
		return lua.LNil, d.unexpected("a value")
	}
	d.spend(1, 0)
	switch b := d.text[d.pos]; {
	case b == '{':
		if s.kind == bindings.Union {
			s = s.narrow(d.catalogue, '{')
		}
		return d.nested(s, d.object)
	case b == '[':
		if s.kind == bindings.Union {
			s = s.narrow(d.catalogue, '[')
		}
		return d.nested(s, d.list)
	case b == '"':
		text, err := d.string()
		return lua.LString(text), err
	case b == '-' || b >= '0' && b <= '9':
		if s.kind == bindings.Union {
			s = s.narrow(d.catalogue, '0')
		}
		return d.number(s.kind)
	case b == 'n':
		return lua.LNil, d.word("null")
	case b == 't':
		return lua.LTrue, d.word("true")
	case b == 'f':
		return lua.LFalse, d.word("false")
	}
	return lua.LNil, d.unexpected("a value")
}

func (d *decoder) nested(s shape, read func(shape) (lua.LValue, error)) (lua.LValue, error) {
	if d.depth++; d.depth > maxJSONDepth {
		return lua.LNil, fmt.Errorf("byte %d: tables within tables more than %d deep", d.pos+1, maxJSONDepth)
	}
	d.pos++
	v, err := read(s)
	d.depth--
	return v, err
}

func (d *decoder) object(s shape) (lua.LValue, error) {
	base := len(d.waiting)
	cursor := 0
	for first := true; ; first = false {
		if d.space(); d.take('}') {
			if !first && d.text[d.pos-2] == ',' {
				d.pos--
				return lua.LNil, d.unexpected("a name")
			}
			break
		}
		if !first {
			if !d.take(',') {
				return lua.LNil, d.unexpected(`"," or "}"`)
			}
			d.space()
		}
		if d.pos >= len(d.text) || d.text[d.pos] != '"' {
			return lua.LNil, d.unexpected("a name")
		}
		key, err := d.string()
		if err != nil {
			return lua.LNil, err
		}
		if d.space(); !d.take(':') {
			return lua.LNil, d.unexpected(`":"`)
		}
		v, err := d.value(fieldShape(d.catalogue, s, key, &cursor))
		if err != nil {
			return lua.LNil, err
		}
		d.waiting = append(d.waiting, lua.LString(key), v)
	}
	entries := d.waiting[base:]
	d.spend(0, int64(200+64*len(entries)))
	table := newTable(0, len(entries)/2)
	fill(table, entries)
	d.forget(base)
	return table, nil
}

// fill sets the fields of a new table, names and values in turn. It does what
// RawSetString does, with maps of the right size and without making each name
// a second time. A name that stands twice counts as it stands last.
func fill(table *lua.LTable, entries []lua.LValue) {
	if len(entries) == 0 {
		return
	}
	t := tableOf(table)
	t.keys = make([]lua.LValue, 0, len(entries)/2)
	t.k2i = make(map[lua.LValue]int, len(entries)/2)
	for i := 0; i < len(entries); i += 2 {
		key, value := entries[i], entries[i+1]
		name := string(key.(lua.LString))
		if value == lua.LNil {
			delete(t.strdict, name)
			continue
		}
		t.strdict[name] = value
		if _, found := t.k2i[key]; !found {
			t.k2i[key] = len(t.keys)
			t.keys = append(t.keys, key)
		}
	}
}

func (d *decoder) list(s shape) (lua.LValue, error) {
	items := shape{}
	if s.kind == bindings.List {
		items = d.shape(s.items)
	}
	base := len(d.waiting)
	if d.space(); !d.take(']') {
		for {
			v, err := d.value(items)
			if err != nil {
				return lua.LNil, err
			}
			if v == lua.LNil {
				v = null
			}
			d.waiting = append(d.waiting, v)
			d.space()
			if d.take(']') {
				break
			}
			if !d.take(',') {
				return lua.LNil, d.unexpected(`"," or "]"`)
			}
		}
	}
	entries := d.waiting[base:]
	d.spend(0, int64(120+16*len(entries)))
	table := newTable(len(entries), 0)
	for _, v := range entries {
		table.Append(v)
	}
	d.forget(base)
	return asList(table), nil
}

func (d *decoder) forget(base int) {
	clear(d.waiting[base:])
	d.waiting = d.waiting[:base]
}

func (d *decoder) number(kind bindings.Kind) (lua.LValue, error) {
	start, whole := d.pos, true
	d.take('-')
	if !d.take('0') && d.digits() == 0 {
		return lua.LNil, d.unexpected("a digit")
	}
	if d.take('.') {
		if whole = false; d.digits() == 0 {
			return lua.LNil, d.unexpected("a digit")
		}
	}
	if d.take('e') || d.take('E') {
		whole = false
		if !d.take('+') {
			d.take('-')
		}
		if d.digits() == 0 {
			return lua.LNil, d.unexpected("a digit")
		}
	}
	literal := d.text[start:d.pos]
	d.spend(0, 24)
	if kind == bindings.Decimal || kind == bindings.Int64 {
		return d.digitsAsText(literal), nil
	}
	if whole && len(literal) <= 15 {
		return lua.LNumber(smallInteger(literal)), nil
	}
	n, err := strconv.ParseFloat(string(literal), 64)
	if err != nil {
		return d.digitsAsText(literal), nil
	}
	if whole && !d.own && kind != bindings.Number && (n > maxExact || n < -maxExact) {
		return d.digitsAsText(literal), nil
	}
	return lua.LNumber(n), nil
}

func (d *decoder) digitsAsText(literal []byte) lua.LValue {
	d.spend(0, int64(len(literal)))
	return lua.LString(literal)
}

func smallInteger(literal []byte) float64 {
	negative := literal[0] == '-'
	if negative {
		literal = literal[1:]
	}
	n := int64(0)
	for _, b := range literal {
		n = n*10 + int64(b-'0')
	}
	if negative {
		n = -n
	}
	return float64(n)
}

func (d *decoder) digits() int {
	start := d.pos
	for d.pos < len(d.text) && d.text[d.pos] >= '0' && d.text[d.pos] <= '9' {
		d.pos++
	}
	return d.pos - start
}

// string reads a string; bytes that are not UTF-8 become U+FFFD.
func (d *decoder) string() (string, error) {
	d.pos++
	start, ascii := d.pos, true
	for d.pos < len(d.text) {
		switch b := d.text[d.pos]; {
		case b == '"':
			text := d.text[start:d.pos]
			d.pos++
			d.spend(len(text)/64, int64(len(text)+32))
			if ascii || utf8.Valid(text) {
				return string(text), nil
			}
			return strings.ToValidUTF8(string(text), "\uFFFD"), nil
		case b == '\\':
			return d.escaped(start)
		case b < ' ':
			return "", d.unexpected(`"\"" to end the text`)
		default:
			ascii = ascii && b < utf8.RuneSelf
			d.pos++
		}
	}
	return "", d.unexpected(`"\"" to end the text`)
}

// escaped goes on with a string at its first escape.
func (d *decoder) escaped(start int) (string, error) {
	built := append(make([]byte, 0, d.pos-start+32), d.text[start:d.pos]...)
	for d.pos < len(d.text) {
		b := d.text[d.pos]
		switch {
		case b == '"':
			d.pos++
			d.spend(len(built)/32, int64(2*len(built)+32))
			return strings.ToValidUTF8(string(built), "\uFFFD"), nil
		case b < ' ':
			return "", d.unexpected(`"\"" to end the text`)
		case b != '\\':
			built = append(built, b)
			d.pos++
			continue
		}
		d.pos++
		if d.pos >= len(d.text) {
			break
		}
		switch e := d.text[d.pos]; e {
		case '"', '\\', '/':
			built = append(built, e)
		case 'b':
			built = append(built, '\b')
		case 'f':
			built = append(built, '\f')
		case 'n':
			built = append(built, '\n')
		case 'r':
			built = append(built, '\r')
		case 't':
			built = append(built, '\t')
		case 'u':
			d.pos++
			r, err := d.unicode()
			if err != nil {
				return "", err
			}
			built = utf8.AppendRune(built, r)
			continue
		default:
			return "", d.unexpected("an escape")
		}
		d.pos++
	}
	return "", d.unexpected(`"\"" to end the text`)
}

// unicode reads the digits of \u, and of a second one where the first is half
// of a pair; a half alone is U+FFFD.
func (d *decoder) unicode() (rune, error) {
	first, ok := d.hex(d.pos)
	if !ok {
		return 0, d.unexpected("four hexadecimal digits")
	}
	d.pos += 4
	if !utf16.IsSurrogate(first) {
		return first, nil
	}
	if d.pos+6 <= len(d.text) && d.text[d.pos] == '\\' && d.text[d.pos+1] == 'u' {
		if second, ok := d.hex(d.pos + 2); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				d.pos += 6
				return r, nil
			}
		}
	}
	return utf8.RuneError, nil
}

func (d *decoder) hex(at int) (rune, bool) {
	if at+4 > len(d.text) {
		return 0, false
	}
	r := rune(0)
	for _, b := range d.text[at : at+4] {
		switch {
		case b >= '0' && b <= '9':
			r = r<<4 | rune(b-'0')
		case b|0x20 >= 'a' && b|0x20 <= 'f':
			r = r<<4 | rune(b|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

func (d *decoder) word(w string) error {
	if end := d.pos + len(w); end <= len(d.text) && string(d.text[d.pos:end]) == w {
		d.pos = end
		return nil
	}
	return d.unexpected(w)
}

func (d *decoder) take(b byte) bool {
	if d.pos < len(d.text) && d.text[d.pos] == b {
		d.pos++
		return true
	}
	return false
}

func (d *decoder) space() {
	for d.pos < len(d.text) {
		switch d.text[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

func (d *decoder) unexpected(want string) error {
	if d.pos >= len(d.text) {
		return fmt.Errorf("byte %d: the text ends where %s was expected", d.pos+1, want)
	}
	found := d.text[d.pos:]
	_, size := utf8.DecodeRune(found)
	return fmt.Errorf("byte %d: expected %s, found %q", d.pos+1, want, found[:size])
}

// spend keeps count and charges in portions.
func (d *decoder) spend(work int, bytes int64) {
	d.worked += work
	if d.spent += bytes; d.spent > 4096 || d.worked > 256 {
		d.settle()
	}
}

func (d *decoder) settle() {
	if d.charge != nil && d.spent+int64(d.worked) > 0 {
		d.charge(int64(d.worked), d.spent)
	}
	d.spent, d.worked = 0, 0
}
