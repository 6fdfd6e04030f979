package vm

import (
	"log/slog"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// readOnlyTable is the Value of user data that is a table for scripts, whose
// members can be read and listed but not changed: libraries and app modules.
type readOnlyTable interface {
	list() []string // names in the order of pairs
	member(name string) lua.LValue
}

func (f *frozen) list() []string                { return f.names }
func (f *frozen) member(name string) lua.LValue { return f.members[name] }

// baseLibrary returns the functions of Lua that are in no library table.
func baseLibrary(*Machine) map[string]lua.LValue {
	all := map[string]lua.LValue{"_VERSION": lua.LString("Lua 5.1")}
	for name, f := range map[string]lua.LGFunction{
		"assert": baseAssert, "error": baseError, "ipairs": baseIpairs, "next": baseNext, "pairs": basePairs,
		"pcall": basePcall, "xpcall": baseXpcall, "select": baseSelect, "tonumber": baseTonumber,
		"tostring": baseTostring, "type": baseType, "unpack": baseUnpack, "print": basePrint,
		"rawget": baseRawget, "rawset": baseRawset, "rawequal": baseRawequal,
		"setmetatable": baseSetmetatable, "getmetatable": baseGetmetatable,
	} {
		all[name] = function(f)
	}
	return all
}

func baseAssert(L *lua.LState) int {
	if L.GetTop() == 0 {
		raise(L, "assert needs a value to check")
	}
	if lua.LVIsFalse(L.Get(1)) {
		switch message := L.Get(2).(type) {
		case *lua.LNilType:
			raise(L, "assertion failed!")
		default:
			raiseValue(L, message)
		}
	}
	return L.GetTop()
}

// baseError raises its first value. A text or number gets the position of the
// line that the level names: 1 is the function that called error, 2 the one
// that called that. A Go function has no position.
func baseError(L *lua.LState) int {
	value, level := L.Get(1), optInt(L, 2, 1)
	a := activationOf(L)
	if text, ok := concatText(value); ok && level > 0 {
		if at := a.meter.positionAt(level); at != "" {
			text = at + ": " + text
		}
		a.chargeString(L, len(text))
		value = lua.LString(text)
	}
	raiseValue(L, value)
	return 0
}

var (
	nextFunction   = function(baseNext)
	ipairsFunction = function(ipairsNext)
	memberFunction = function(memberNext)
)

func basePairs(L *lua.LState) int {
	switch v := L.Get(1).(type) {
	case *lua.LTable:
		L.Push(nextFunction)
	case *lua.LUserData:
		if _, ok := v.Value.(readOnlyTable); !ok {
			raise(L, "pairs needs a table, found %s", describe(v))
		}
		L.Push(memberFunction)
	default:
		raise(L, "pairs needs a table, found %s", describe(v))
	}
	L.Push(L.Get(1))
	L.Push(lua.LNil)
	return 3
}

func baseNext(L *lua.LState) int {
	t, ok := L.Get(1).(*lua.LTable)
	if !ok {
		if _, isLibrary := L.Get(1).(*lua.LUserData); isLibrary {
			return memberNext(L)
		}
		raise(L, "next needs a table, found %s", describe(L.Get(1)))
	}
	key, value := t.Next(nextFrom(L, t, L.Get(2)))
	if key == lua.LNil {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(key)
	L.Push(value)
	return 2
}

// nextFrom checks a key that was passed to next, and returns the key for
// LTable.Next, which would begin again after the first field for a key that it
// does not find.
func nextFrom(L *lua.LState, t *lua.LTable, key lua.LValue) lua.LValue {
	mirror := tableOf(t)
	if n, ok := key.(lua.LNumber); ok && n == lua.LNumber(int(n)) && n > 0 && n < lua.LNumber(lua.MaxArrayIndex) {
		n = min(n, lua.LNumber(len(mirror.array))) // the list may have become shorter
		if n == 0 {
			return lua.LNil
		}
		return n
	}
	if _, ok := mirror.k2i[key]; !ok && key != lua.LNil {
		raise(L, "next: the table has no field %s", describe(key))
	}
	return key
}

func memberNext(L *lua.LState) int {
	data, _ := L.Get(1).(*lua.LUserData)
	var all readOnlyTable
	if data != nil {
		all, _ = data.Value.(readOnlyTable)
	}
	if all == nil {
		raise(L, "next needs a table, found %s", describe(L.Get(1)))
	}
	after, _ := L.Get(2).(lua.LString)
	names := all.list()
	i := 0
	if after != "" {
		for i < len(names) && names[i] != string(after) {
			i++
		}
		i++
	}
	activationOf(L).charge(L, int64(i)/4, 0)
	if i >= len(names) {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LString(names[i]))
	L.Push(all.member(names[i]))
	return 2
}

func baseIpairs(L *lua.LState) int {
	if _, ok := L.Get(1).(*lua.LTable); !ok {
		raise(L, "ipairs needs a list, found %s", describe(L.Get(1)))
	}
	L.Push(ipairsFunction)
	L.Push(L.Get(1))
	L.Push(lua.LNumber(0))
	return 3
}

func ipairsNext(L *lua.LState) int {
	t, ok := L.Get(1).(*lua.LTable)
	i, isNumber := L.Get(2).(lua.LNumber)
	if !ok || !isNumber {
		raise(L, "ipairs needs a list, found %s", describe(L.Get(1)))
	}
	value := t.RawGet(i + 1)
	if value == lua.LNil {
		return 0
	}
	L.Push(i + 1)
	L.Push(value)
	return 2
}

func basePcall(L *lua.LState) int {
	if L.GetTop() == 0 {
		raise(L, "pcall needs a function to call")
	}
	if raised := activationOf(L).protect(L, L.GetTop()-1, lua.MultRet); raised != nil {
		return caught(L, raised)
	}
	L.Insert(lua.LTrue, 1)
	return L.GetTop()
}

// caught pushes what pcall returns for a raised value.
func caught(L *lua.LState, raised *luaError) int {
	L.SetTop(0)
	L.Push(lua.LFalse)
	L.Push(raised.value)
	return 2
}

// maxHandlerErrors bounds how often the handler of xpcall is called with an
// error of its own. Lua does so until its C stack is full.
const maxHandlerErrors = 20

// baseXpcall calls its second function, the handler, with the raised value, and
// again with an error of the handler itself. The handler runs after the stack
// is unwound. Without a debug library a script cannot find that out.
func baseXpcall(L *lua.LState) int {
	a := activationOf(L)
	handler := L.CheckAny(2)
	L.SetTop(1)
	raised := a.protect(L, 0, lua.MultRet)
	if raised == nil {
		L.Insert(lua.LTrue, 1)
		return L.GetTop()
	}
	for range maxHandlerErrors {
		L.SetTop(0)
		L.Push(lua.LFalse)
		L.Push(handler)
		L.Push(raised.value)
		if raised = a.protect(L, 1, 1); raised == nil {
			return 2
		}
	}
	L.SetTop(1)
	L.Push(lua.LString("error in error handling"))
	return 2
}

// maxResults bounds the number of values that unpack and string.byte return.
const maxResults = 8000

func baseSelect(L *lua.LState) int {
	n := L.GetTop() - 1
	if text, ok := L.Get(1).(lua.LString); ok && text == "#" {
		L.Push(lua.LNumber(n))
		return 1
	}
	i := checkInt(L, 1)
	switch {
	case i < 0:
		i = n + i + 1
	case i > n:
		return 0
	}
	if i < 1 {
		L.ArgError(1, "index out of range")
	}
	return n - i + 1
}

func baseUnpack(L *lua.LState) int {
	t := checkTable(L, 1)
	first, last := optInt(L, 2, 1), optInt(L, 3, t.Len())
	if first > last {
		return 0
	}
	if last-first >= maxResults || last-first < 0 {
		raise(L, "unpack returns at most %s values at once", grouped(maxResults))
	}
	n := last - first + 1
	activationOf(L).charge(L, int64(n), int64(n)*16)
	for i := first; i <= last; i++ {
		L.Push(t.RawGet(lua.LNumber(i)))
	}
	return n
}

func baseTonumber(L *lua.LState) int {
	value := L.CheckAny(1)
	base := optInt(L, 2, 10)
	if base < 2 || base > 36 {
		L.ArgError(2, "a base from 2 to 36 is needed, found "+describe(L.Get(2)))
	}
	if base == 10 {
		if n, ok := value.(lua.LNumber); ok {
			L.Push(n)
			return 1
		}
		if _, ok := value.(lua.LString); !ok {
			L.Push(lua.LNil)
			return 1
		}
	}
	text := checkText(L, 1)
	activationOf(L).charge(L, int64(len(text))/16, 0)
	read := parseNumber
	if base != 10 {
		read = func(text string) (float64, bool) { return parseNumberIn(base, text) }
	}
	if n, ok := read(text); ok {
		L.Push(lua.LNumber(n))
		return 1
	}
	L.Push(lua.LNil)
	return 1
}

func baseTostring(L *lua.LState) int {
	L.Push(lua.LString(toText(L, L.CheckAny(1))))
	return 1
}

func baseType(L *lua.LState) int {
	L.Push(lua.LString(typeName(L.CheckAny(1))))
	return 1
}

func basePrint(L *lua.LState) int {
	var line strings.Builder
	a := activationOf(L)
	for i := 1; i <= L.GetTop(); i++ {
		if i > 1 {
			line.WriteByte('\t')
		}
		text := toText(L, L.Get(i))
		a.grow(L, line.Len(), len(text))
		line.WriteString(text)
	}
	a.log(L, slog.LevelInfo, line.String(), nil)
	return 0
}

func baseRawget(L *lua.LState) int {
	L.Push(checkTable(L, 1).RawGet(L.CheckAny(2)))
	return 1
}

func baseRawset(L *lua.LState) int {
	t, key, value := checkTable(L, 1), L.CheckAny(2), L.CheckAny(3)
	activationOf(L).chargeField(t, key)
	L.RawSet(t, key, value)
	L.SetTop(1)
	return 1
}

func baseRawequal(L *lua.LState) int {
	L.Push(lua.LBool(L.RawEqual(L.CheckAny(1), L.CheckAny(2))))
	return 1
}

func baseSetmetatable(L *lua.LState) int {
	t, ok := L.Get(1).(*lua.LTable)
	if !ok {
		raise(L, "setmetatable needs a table of the script's own, found %s", describe(L.Get(1)))
	}
	if mt, ok := t.Metatable.(*lua.LTable); ok && mt.RawGetString("__metatable") != lua.LNil {
		raise(L, "this table's metatable cannot be changed")
	}
	switch mt := L.CheckAny(2).(type) {
	case *lua.LTable:
		t.Metatable = mt
	case *lua.LNilType:
		t.Metatable = lua.LNil
	default:
		raise(L, "setmetatable needs a table or nil as metatable, found %s", describe(mt))
	}
	L.SetTop(1)
	return 1
}

// baseGetmetatable returns the metatables of tables only. Of libraries, texts
// and other user data it returns false, else nil.
func baseGetmetatable(L *lua.LState) int {
	switch v := L.CheckAny(1).(type) {
	case *lua.LTable:
		L.Push(L.GetMetatable(v))
	case *lua.LUserData, lua.LString:
		L.Push(lua.LFalse)
	default:
		L.Push(lua.LNil)
	}
	return 1
}

// checkTable returns an argument that must be a table of the script. Libraries
// are refused, and the error names them.
func checkTable(L *lua.LState, n int) *lua.LTable {
	t, ok := L.Get(n).(*lua.LTable)
	if !ok {
		L.ArgError(n, "a table is needed, found "+describe(L.Get(n)))
	}
	return t
}
