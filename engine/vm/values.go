package vm

import (
	"encoding/json"

	lua "github.com/yuin/gopher-lua"
)

// The values that scripts have in addition to those of Lua. Each is recognized
// by its Go type or its metatable. No script can set these metatables for its
// own values: getmetatable returns false for all of them.

// nullValue is the value of json.null.
type nullValue struct{}

// exactNumber is the value of json.number: digits that are sent unchanged.
type exactNumber string

// null is json.null, one for the process. It is never changed.
var null = &lua.LUserData{Value: nullValue{}, Metatable: guarded(map[string]lua.LGFunction{
	"__index": func(L *lua.LState) int {
		raise(L, "json.null has no field %q; compare it first: if value ~= json.null then …", L.Get(2).String())
		return 0
	},
	"__tostring": func(L *lua.LState) int { L.Push(lua.LString("null")); return 1 },
})}

// listMeta is the metatable of lists: tables that are sent as [] also when
// empty.
var listMeta = guarded(nil)

var numberMeta = guarded(map[string]lua.LGFunction{"__concat": metaConcat, "__tostring": metaToString})

// guarded makes a metatable that scripts can neither read nor replace.
func guarded(functions map[string]lua.LGFunction) *lua.LTable {
	table := newTable(0, len(functions)+1)
	table.RawSetString("__metatable", lua.LFalse)
	for name, f := range functions {
		table.RawSetString(name, function(f))
	}
	return table
}

// newTable makes a table of exactly this size; CreateTable does not use the
// state.
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

// firstField returns the key of the first field of a table that is no item, nil
// if it has only items.
func firstField(t *lua.LTable) lua.LValue {
	key, _ := t.Next(lua.LNil)
	if items := t.MaxN(); items > 0 {
		key, _ = t.Next(lua.LNumber(items))
	}
	return key
}

// scanWork is the work of reading all fields of a table, to be charged before
// that. Fields that were set to nil count, because a table does not remove
// them.
func scanWork(t *lua.LTable) int64 {
	m := tableOf(t)
	return 1 + int64(len(m.array)+len(m.keys))/8
}

func isList(t *lua.LTable) bool { return t.Metatable == lua.LValue(listMeta) }

func asList(t *lua.LTable) *lua.LTable {
	t.Metatable = listMeta
	return t
}

// plainText returns the text of a value that has one: a string, a number as
// numberText writes it, or the digits of an exact number.
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

// The names of these values in errors. An error never has the text of a secret.
func (nullValue) describe() string     { return "json.null" }
func (n exactNumber) describe() string { return "the number " + string(n) }
func (s Secret) describe() string      { return "a secret" }

// These types implement sizer.
func (n exactNumber) size() (int64, []lua.LValue) { return int64(len(n)) + 64, nil }
func (s Secret) size() (int64, []lua.LValue) {
	parts, bytes, _ := s.weight()
	return int64(64 + 64*parts + bytes), nil
}

// brief cuts a text that an error quotes to n bytes.
func brief(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}

// isEmptyJSON reports whether a result is empty or null.
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
