package vm

import (
	"encoding/json"

	lua "github.com/yuin/gopher-lua"
)

// The values of our own that a script can hold beside Lua's. Each is told by
// its Go type or its metatable, which no script can give to a value of its
// own: getmetatable answers false for all of them.

// nullValue is what json.null holds.
type nullValue struct{}

// exactNumber is what json.number holds: digits that are sent as they stand.
type exactNumber string

// null is json.null, one for the process: it is never written to.
var null = &lua.LUserData{Value: nullValue{}, Metatable: guarded(map[string]lua.LGFunction{
	"__index": func(L *lua.LState) int {
		raise(L, "json.null has no field %q; compare it first: if value ~= json.null then …", L.Get(2).String())
		return 0
	},
	"__tostring": func(L *lua.LState) int { L.Push(lua.LString("null")); return 1 },
})}

// listMark is the metatable of lists: tables that are sent as [] also when
// empty.
var listMark = guarded(nil)

var numberMark = guarded(map[string]lua.LGFunction{"__concat": concatSpecial, "__tostring": textSpecial})

// guarded makes a metatable that scripts can neither see nor replace.
func guarded(functions map[string]lua.LGFunction) *lua.LTable {
	table := newTable(0, len(functions)+1)
	table.RawSetString("__metatable", lua.LFalse)
	for name, f := range functions {
		table.RawSetString(name, function(f))
	}
	return table
}

// newTable makes a table of exactly this size; CreateTable uses no state.
func newTable(items, fields int) *lua.LTable {
	return (*lua.LState)(nil).CreateTable(items, fields)
}

func isNull(v lua.LValue) bool {
	u, ok := v.(*lua.LUserData)
	if !ok {
		return false
	}
	_, ok = u.Value.(nullValue)
	return ok
}

// firstField gives the first field of a table that is no item, nil if it has
// only items.
func firstField(t *lua.LTable) lua.LValue {
	key, _ := t.Next(lua.LNil)
	if items := t.MaxN(); items > 0 {
		key, _ = t.Next(lua.LNumber(items))
	}
	return key
}

// scanWork is the work of reading all fields of a table, to be charged before.
// Fields that were set to nil count: a table still has their places.
func scanWork(t *lua.LTable) int64 {
	m := tableOf(t)
	return 1 + int64(len(m.array)+len(m.keys))/8
}

func isList(t *lua.LTable) bool { return t.Metatable == lua.LValue(listMark) }

func asList(t *lua.LTable) *lua.LTable {
	t.Metatable = listMark
	return t
}

// plainText gives the text of a value that has one: a string, a number as we
// print it, or a number in exact digits.
func plainText(v lua.LValue) (string, bool) {
	switch v := v.(type) {
	case lua.LString:
		return string(v), true
	case lua.LNumber:
		return numberText(v), true
	case *lua.LUserData:
		if n, ok := v.Value.(exactNumber); ok {
			return string(n), true
		}
	}
	return "", false
}

// How these values are named in an error: never by the text of a secret.
func (nullValue) describe() string     { return "json.null" }
func (n exactNumber) describe() string { return "the number " + string(n) }
func (s Secret) describe() string      { return "a secret" }

// size says what these values hold, for the count of memory.
func (n exactNumber) size() (int64, []lua.LValue) { return int64(len(n)) + 64, nil }
func (s Secret) size() (int64, []lua.LValue) {
	parts, bytes, _ := s.weight()
	return int64(64 + 64*parts + bytes), nil
}

// brief cuts a text that an error quotes.
func brief(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}

// isEmptyJSON reports whether a result is nothing or null.
func isEmptyJSON(raw json.RawMessage) bool {
	for i, b := range raw {
		switch b {
		case ' ', '\t', '\n', '\r':
			continue
		}
		return string(raw[i:]) == "null"
	}
	return true
}
