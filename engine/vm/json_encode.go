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
)

// encoder writes Lua values as JSON, fields in the order in which the script
// wrote them. It is lenient where a declared type and a value disagree: the
// host compares them and knows how to say it.
type encoder struct {
	out       []byte
	catalogue *bindings.Catalogue
	// secrets takes the secrets met, by JSON pointer; nil refuses them.
	secrets map[string]Secret
	// files lets files stand here.
	files bool
	// functions takes the paths of functions met, which stand as true; nil
	// refuses them.
	functions *[]string
	// charge is told of work and bytes before they are spent; nil: nobody asks.
	charge func(work, bytes int64)
	// indent is put before each line, once a level; empty: everything in one line.
	indent string
	// most bounds the bytes written where nobody charges; zero: no bound.
	most int

	path   []spot
	worked int64
	paid   int // bytes of out that are charged
}

// spot is one step of the way to a value: a field or, from 1, an item.
type spot struct {
	table *lua.LTable
	field string
	item  int
}

// encodeError says what cannot be sent and where it stands.
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

// where writes the path as the script would: items[3].name.
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

// pointer writes the path as RFC 6901 does, items from 0.
func (e *encoder) pointer() string {
	var b strings.Builder
	for _, p := range e.path {
		b.WriteByte('/')
		if p.item > 0 {
			b.WriteString(strconv.Itoa(p.item - 1))
		} else {
			b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(p.field))
		}
	}
	return b.String()
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
	if e.worked++; e.worked > 256 || len(e.out)-e.paid > 4096 {
		e.settle()
	}
	if e.most > 0 && len(e.out) > e.most {
		return e.fail("longer than %s", bytesText(int64(e.most)))
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
		return e.special(v)
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

func (e *encoder) special(u *lua.LUserData) error {
	switch v := u.Value.(type) {
	case nullValue:
		e.out = append(e.out, "null"...)
	case exactNumber:
		e.out = append(e.out, v...)
	case Secret:
		if e.secrets == nil {
			return e.fail("a secret cannot stand here: only app calls, http, hmac and verify open it")
		}
		e.secrets[e.pointer()] = v
		return e.text(v.String())
	case *fileValue:
		if !e.files {
			return e.fail("a file cannot stand here: only app calls and http take it")
		}
		text, err := json.Marshal(v)
		if err != nil {
			return e.fail("%v", err)
		}
		if e.charge != nil {
			e.charge(int64(len(text))/64, int64(len(text)))
		}
		e.out = append(e.out, text...)
		e.paid += len(text)
	default:
		return e.fail("%s cannot be sent", describe(u))
	}
	return nil
}

// number writes the shortest digits that give the same float64, integers
// without an exponent. A field declared decimal or int64 travels as text.
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
			return e.fail("this table stands within itself")
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
	e.path = append(e.path, spot{table: t})
	for i := 1; i <= items; i++ {
		e.path[len(e.path)-1].item = i
		v := t.RawGetInt(i)
		if v == lua.LNil {
			return e.fail("the list has a hole here, but %d items; put json.null where a place is to be kept", items)
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
	e.path = append(e.path, spot{table: t})
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

// line begins a new line when the text is to be read by people.
func (e *encoder) line() {
	if e.indent == "" {
		return
	}
	e.out = append(e.out, '\n')
	for range e.path {
		e.out = append(e.out, e.indent...)
	}
}

func (e *encoder) settle() {
	if e.charge != nil {
		e.charge(e.worked, int64(len(e.out)-e.paid))
	}
	e.worked, e.paid = 0, len(e.out)
}
