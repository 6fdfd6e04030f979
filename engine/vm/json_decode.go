package vm

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// maxJSONDepth bounds tables within tables, for the decoder and the encoder.
const maxJSONDepth = 128

// maxExact is the largest integer for which a float64 can represent all smaller
// ones.
const maxExact = 1<<53 - 1

// decoder decodes JSON to Lua values, with fields in the order of the document,
// so that pairs is deterministic.
type decoder struct {
	text []byte
	pos  int
	// catalogue resolves the names of types; nil if no type is declared.
	catalogue *bindings.Catalogue
	// fromEncoder is set if the text was written by the encoder of this
	// package. All its numbers were float64, and are decoded to float64.
	fromEncoder bool
	// nulls is set if fields that are null are json.null; else they are left out.
	nulls bool
	// charge is called with work and bytes before they are used; nil if nothing
	// is charged.
	charge func(work, bytes int64)

	depth          int
	unchargedBytes int64 // bytes not yet charged
	unchargedWork  int
	pending        []lua.LValue // keys and values of the tables that are being read
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
	d.flushCharge()
	return v, nil
}

func (d *decoder) value(s shape) (lua.LValue, error) {
	d.space()
	if d.pos >= len(d.text) {
		return lua.LNil, d.unexpected("a value")
	}
	d.addCharge(1, 0)
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
	base := len(d.pending)
	cursor := 0
	for first := true; ; first = false {
		if d.space(); d.accept('}') {
			if !first && d.text[d.pos-2] == ',' {
				d.pos--
				return lua.LNil, d.unexpected("a name")
			}
			break
		}
		if !first {
			if !d.accept(',') {
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
		if d.nulls && v == lua.LNil {
			v = null
		}
		d.push(lua.LString(key), v)
	}
	entries := d.pending[base:]
	d.addCharge(0, tableBytes+fieldsBytes(len(entries)/2))
	table := newTable(0, len(entries)/2)
	fill(table, entries)
	d.truncate(base)
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
	if d.space(); !d.accept(':') {
		return "", d.unexpected(`":"`)
	}
	return name, nil
}

// fill sets the fields of a new table; entries has names and values in turn.
// The result is that of RawSetString, but the maps are made in the right size. If a
// name occurs twice, its last value is used.
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
	if len(t.keys) < cap(t.keys) { // some names were repeated, perhaps most
		t.keys, t.k2i, t.strdict = slices.Clip(slices.Clone(t.keys)), resized(t.k2i), resized(t.strdict)
	}
}

// resized returns a map that is no larger than it must be.
func resized[K comparable, V any](m map[K]V) map[K]V {
	small := make(map[K]V, len(m))
	maps.Copy(small, m)
	return small
}

func (d *decoder) list(s shape) (lua.LValue, error) {
	items := shape{}
	if s.kind == bindings.List {
		items = shapeOf(d.catalogue, s.items)
	}
	base := len(d.pending)
	if d.space(); !d.accept(']') {
		for {
			v, err := d.value(items)
			if err != nil {
				return lua.LNil, err
			}
			if v == lua.LNil {
				v = null
			}
			d.push(v)
			d.space()
			if d.accept(']') {
				break
			}
			if !d.accept(',') {
				return lua.LNil, d.unexpected(`"," or "]"`)
			}
		}
	}
	entries := d.pending[base:]
	d.addCharge(0, tableBytes+slotBytes*int64(len(entries)))
	table := newTable(len(entries), 0)
	for _, v := range entries {
		table.Append(v)
	}
	d.truncate(base)
	return asList(table), nil
}

// push adds values to those that are pending.
func (d *decoder) push(all ...lua.LValue) {
	if n := len(d.pending) + len(all); n > cap(d.pending) {
		d.addCharge(0, int64(n)*slotBytes)
	}
	d.pending = append(d.pending, all...)
}

func (d *decoder) truncate(base int) {
	clear(d.pending[base:])
	d.pending = d.pending[:base]
}

func (d *decoder) number(kind bindings.Kind) (lua.LValue, error) {
	start, whole := d.pos, true
	d.accept('-')
	if !d.accept('0') && d.digits() == 0 {
		return lua.LNil, d.unexpected("a digit")
	}
	if d.accept('.') {
		if whole = false; d.digits() == 0 {
			return lua.LNil, d.unexpected("a digit")
		}
	}
	if d.accept('e') || d.accept('E') {
		whole = false
		if !d.accept('+') {
			d.accept('-')
		}
		if d.digits() == 0 {
			return lua.LNil, d.unexpected("a digit")
		}
	}
	literal := d.text[start:d.pos]
	d.addCharge(0, 24)
	if kind == bindings.Decimal || kind == bindings.Int64 {
		return d.digitsAsText(literal), nil
	}
	if whole && len(literal) <= 15 {
		return lua.LNumber(smallInteger(literal)), nil
	}
	n, err := strconv.ParseFloat(string(literal), 64)
	if err != nil || !d.fromEncoder && losesDigits(string(literal), n, whole, kind) {
		return d.digitsAsText(literal), nil
	}
	return lua.LNumber(n), nil
}

// losesDigits reports whether n, the float64 of a literal, is not what a script of
// that kind of value should have.
func losesDigits(literal string, n float64, whole bool, kind bindings.Kind) bool {
	if kind == bindings.Number {
		return len(literal) > 15 && !sameDigits(literal, n)
	}
	return whole && (n > maxExact || n < -maxExact)
}

// sameDigits reports whether n has the value of a JSON number, of which it is the
// nearest float64, when it is written with the digits that it needs.
func sameDigits(literal string, n float64) bool {
	a, aPoint := significant(literal)
	b, bPoint := significant(strconv.FormatFloat(n, 'e', -1, 64))
	return a == b && (aPoint == bPoint || a == "")
}

// significant returns the digits of a number without zeros at their ends, and where
// its point is, counted from the first of them.
func significant(number string) (digits string, point int) {
	number = strings.TrimPrefix(number, "-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	shift, _ := strconv.Atoi(exponent)
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	point = len(digits) - len(fraction) + shift
	return strings.TrimRight(digits, "0"), point
}

func (d *decoder) digitsAsText(literal []byte) lua.LValue {
	d.addCharge(0, int64(len(literal)))
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

func (d *decoder) accept(b byte) bool {
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

// addCharge adds up work and bytes, and charges them in portions.
func (d *decoder) addCharge(work int, bytes int64) {
	d.unchargedWork += work
	if d.unchargedBytes += bytes; d.unchargedBytes > 4096 || d.unchargedWork > 256 {
		d.flushCharge()
	}
}

func (d *decoder) flushCharge() {
	if d.charge != nil && d.unchargedBytes+int64(d.unchargedWork) > 0 {
		d.charge(int64(d.unchargedWork), d.unchargedBytes)
	}
	d.unchargedBytes, d.unchargedWork = 0, 0
}
