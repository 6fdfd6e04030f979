package vm

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/jsonpointer"
)

// encoder encodes Lua values as JSON, with fields in the order in which the
// script set them. A value that does not fit its declared type is encoded as it
// is: the host checks types, and its errors are more precise.
type encoder struct {
	out       []byte
	catalogue *bindings.Catalogue
	// secrets gets the secrets in the value, by JSON pointer; if it is nil, a
	// secret is an error.
	secrets map[string]Secret
	// files is set if the value may have files. With fileInfo only their names, types
	// and sizes are written.
	files, fileInfo bool
	// functions gets the paths of the functions in the value, which are encoded
	// as true; if it is nil, a function is an error.
	functions *[]string
	// charge is called with work and bytes before they are used; nil if nothing
	// is charged.
	charge func(work, bytes int64)
	// indent is written at the beginning of each line, once for each level;
	// empty for a text of one line.
	indent string
	// max bounds the bytes of out; zero for no bound. It is used where charge
	// is nil.
	max int

	path          []pathStep
	unchargedWork int64
	chargedBytes  int // bytes of out that are charged
}

// pathStep is one step of the path to a value: a field, or an item from 1.
type pathStep struct {
	table *lua.LTable
	field string
	item  int
}

// encodeError is what cannot be encoded, and its path.
type encodeError struct{ at, problem string }

func (e *encodeError) Error() string {
	if e.at == "" {
		return e.problem
	}
	return e.at + ": " + e.problem
}

func (e *encoder) fail(format string, args ...any) error {
	return &encodeError{at: e.where(), problem: fmt.Sprintf(format, args...)}
}

// where returns the path as a script writes it: items[3].name.
func (e *encoder) where() string {
	var b strings.Builder
	for _, p := range e.path {
		switch {
		case p.item > 0:
			b.WriteString("[" + strconv.Itoa(p.item) + "]")
		case !isName(p.field):
			b.WriteString("[" + strconv.Quote(brief(p.field, 40)) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(p.field)
		}
	}
	return b.String()
}

// pointer returns the path as a JSON pointer (RFC 6901), with items from 0.
func (e *encoder) pointer() string {
	names := make([]string, len(e.path))
	for i, p := range e.path {
		if names[i] = p.field; p.item > 0 {
			names[i] = strconv.Itoa(p.item - 1)
		}
	}
	return jsonpointer.Join(names...)
}

func isName(s string) bool {
	for i, r := range []byte(s) {
		letter := r|0x20 >= 'a' && r|0x20 <= 'z' || r == '_'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// encode appends v, declared as t; nil means undeclared.
func (e *encoder) encode(v lua.LValue, t *bindings.Type) error {
	return e.value(v, shapeOf(e.catalogue, t))
}

func (e *encoder) value(v lua.LValue, s shape) error {
	if e.unchargedWork++; e.unchargedWork > 256 || len(e.out)-e.chargedBytes > 4096 {
		e.flushCharge()
	}
	if e.max > 0 && len(e.out) > e.max {
		return e.fail("longer than %s", bytesText(int64(e.max)))
	}
	switch v := v.(type) {
	case *lua.LNilType:
		e.out = append(e.out, "null"...)
	case lua.LBool:
		e.out = strconv.AppendBool(e.out, bool(v))
	case lua.LNumber:
		return e.number(float64(v), s)
	case lua.LString:
		return e.text(string(v))
	case *lua.LUserData:
		return e.userData(v)
	case *lua.LFunction:
		if e.functions == nil {
			return e.fail("a function cannot be sent; call it, or leave it out")
		}
		*e.functions = append(*e.functions, e.where())
		e.out = append(e.out, "true"...)
	case *lua.LTable:
		return e.table(v, s)
	default:
		return e.fail("%s cannot be sent", describe(v))
	}
	return nil
}

func (e *encoder) userData(u *lua.LUserData) error {
	switch v := u.Value.(type) {
	case nullValue:
		e.out = append(e.out, "null"...)
	case exactNumber:
		e.out = append(e.out, v...)
	case Secret:
		if e.secrets == nil {
			return e.fail("a secret cannot be used here: only app calls, http, hmac and verify open it")
		}
		e.secrets[e.pointer()] = v
		return e.text(v.String())
	case *fileValue:
		if e.fileInfo {
			return e.value(v.info(), shape{})
		}
		if !e.files {
			return e.fail("a file cannot be used here: only app calls and http accept it")
		}
		text, err := json.Marshal(v)
		if err != nil {
			return e.fail("%v", err)
		}
		if e.charge != nil {
			e.charge(int64(len(text))/64, int64(len(text)))
		}
		e.out = append(e.out, text...)
		e.chargedBytes += len(text)
	default:
		return e.fail("%s cannot be sent", describe(u))
	}
	return nil
}

// number writes the shortest digits that are read back as the same float64,
// integers without an exponent. In a field declared decimal or int64 it is
// written as text.
func (e *encoder) number(n float64, s shape) error {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return e.fail("%v is no number that can be sent", n)
	}
	if s.kind == bindings.Union {
		s = s.narrow(e.catalogue, '0')
	}
	if s.kind == bindings.Decimal || s.kind == bindings.Int64 {
		e.out = append(e.out, '"')
		e.out = strconv.AppendFloat(e.out, n, 'f', -1, 64)
		e.out = append(e.out, '"')
		return nil
	}
	e.out = appendNumber(e.out, n)
	return nil
}

func appendNumber(out []byte, n float64) []byte {
	switch size := math.Abs(n); {
	case n == 0:
		return append(out, '0')
	case size <= maxExact && n == math.Trunc(n):
		return strconv.AppendInt(out, int64(n), 10)
	case size >= 1e-6 && size < 1e21:
		return strconv.AppendFloat(out, n, 'f', -1, 64)
	}
	return strconv.AppendFloat(out, n, 'e', -1, 64)
}

const hexDigits = "0123456789abcdef"

func (e *encoder) text(s string) error {
	if e.charge != nil && len(s) > 4096 {
		e.charge(int64(len(s)/64), int64(len(s)))
	}
	e.out = append(e.out, '"')
	done := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				return e.fail("byte %d of the text is not UTF-8; send bytes as base64.encode(…)", i+1)
			}
			i += size
			continue
		}
		if b >= ' ' && b != '"' && b != '\\' {
			i++
			continue
		}
		e.out = append(e.out, s[done:i]...)
		switch b {
		case '"', '\\':
			e.out = append(e.out, '\\', b)
		case '\n':
			e.out = append(e.out, '\\', 'n')
		case '\r':
			e.out = append(e.out, '\\', 'r')
		case '\t':
			e.out = append(e.out, '\\', 't')
		default:
			e.out = append(e.out, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
		}
		i++
		done = i
	}
	e.out = append(e.out, s[done:]...)
	e.out = append(e.out, '"')
	return nil
}

func (e *encoder) table(t *lua.LTable, s shape) error {
	if len(e.path) >= maxJSONDepth {
		return e.fail("tables within tables more than %d deep", maxJSONDepth)
	}
	for _, p := range e.path {
		if p.table == t {
			return e.fail("this table contains itself")
		}
	}
	if s.kind == bindings.Union {
		s = s.forTable(e.catalogue, t)
	}
	items := t.MaxN()
	first := firstField(t)
	fields := first != lua.LNil
	switch {
	case items > 0 && fields:
		return e.fail("the table has both items (1 to %d) and the field %s; make it a list or an object", items, fieldText(first))
	case isList(t) && fields:
		return e.fail("a list cannot have the field %s", fieldText(first))
	case items > 0, isList(t), !fields && s.kind == bindings.List:
		return e.list(t, items, s)
	}
	return e.object(t, s)
}

func fieldText(key lua.LValue) string {
	if s, ok := key.(lua.LString); ok {
		return strconv.Quote(brief(string(s), 40))
	}
	return describe(key)
}

func (e *encoder) list(t *lua.LTable, items int, s shape) error {
	inner := shape{}
	if s.kind == bindings.List {
		inner = shapeOf(e.catalogue, s.items)
	}
	e.out = append(e.out, '[')
	e.path = append(e.path, pathStep{table: t})
	for i := 1; i <= items; i++ {
		e.path[len(e.path)-1].item = i
		v := t.RawGetInt(i)
		if v == lua.LNil {
			return e.fail("the list has a hole here, but %d items; put json.null where an item is missing", items)
		}
		if i > 1 {
			e.out = append(e.out, ',')
		}
		e.line()
		if err := e.value(v, inner); err != nil {
			return err
		}
	}
	e.path = e.path[:len(e.path)-1]
	if items > 0 {
		e.line()
	}
	e.out = append(e.out, ']')
	return nil
}

func (e *encoder) object(t *lua.LTable, s shape) error {
	e.out = append(e.out, '{')
	e.path = append(e.path, pathStep{table: t})
	cursor, count := 0, 0
	for key, v := t.Next(lua.LNil); key != lua.LNil; key, v = t.Next(key) {
		name, ok := key.(lua.LString)
		if !ok {
			e.path = e.path[:len(e.path)-1]
			if n, number := key.(lua.LNumber); number {
				return e.fail("the table has the item %[1]s; a list begins at 1, and a field is written [\"%[1]s\"]", numberText(n))
			}
			return e.fail("%s cannot be the name of a field", describe(key))
		}
		e.path[len(e.path)-1].field = string(name)
		if count++; count > 1 {
			e.out = append(e.out, ',')
		}
		e.line()
		if err := e.text(string(name)); err != nil {
			return err
		}
		e.out = append(e.out, ':')
		if e.indent != "" {
			e.out = append(e.out, ' ')
		}
		if err := e.value(v, fieldShape(e.catalogue, s, string(name), &cursor)); err != nil {
			return err
		}
	}
	e.path = e.path[:len(e.path)-1]
	if count > 0 {
		e.line()
	}
	e.out = append(e.out, '}')
	return nil
}

// line begins a new line if indent is set.
func (e *encoder) line() {
	if e.indent == "" {
		return
	}
	e.out = append(e.out, '\n')
	for range e.path {
		e.out = append(e.out, e.indent...)
	}
}

func (e *encoder) flushCharge() {
	if e.charge != nil {
		e.charge(e.unchargedWork, int64(len(e.out)-e.chargedBytes))
	}
	e.unchargedWork, e.chargedBytes = 0, len(e.out)
}
