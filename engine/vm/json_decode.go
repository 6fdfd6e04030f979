package vm

import (
	"fmt"
	"strconv"
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
func (d *decoder) decode(t *bindings.Type) (lua.LValue, error) {
	return d.read(shapeOf(d.catalogue, t))
}

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
		key, err := d.name()
		if err != nil {
			return lua.LNil, err
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

// name reads the name of a field and its colon.
func (d *decoder) name() (string, error) {
	if d.pos >= len(d.text) || d.text[d.pos] != '"' {
		return "", d.unexpected("a name")
	}
	name, err := d.string()
	if err != nil {
		return "", err
	}
	if d.space(); !d.take(':') {
		return "", d.unexpected(`":"`)
	}
	return name, nil
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
		items = shapeOf(d.catalogue, s.items)
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
