package vm

import (
	"sort"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// tableLibrary is Lua's table with a charge in every function.
func tableLibrary(*Machine) map[string]lua.LValue {
	return map[string]lua.LValue{"table": freeze("table", map[string]lua.LGFunction{
		"insert": tableInsert, "remove": tableRemove, "sort": tableSort, "concat": tableConcat, "maxn": tableMaxn,
		"getn": tableGetn, "unpack": baseUnpack,
	}, nil)}
}

func tableInsert(L *lua.LState) int {
	t := checkTable(L, 1)
	a := activationOf(L)
	switch L.GetTop() {
	case 2:
		a.chargeField(t, lua.LNumber(t.Len()+1))
		t.Append(L.Get(2))
	case 3:
		at, n := checkInt(L, 2), t.Len()
		if at < 1 || at > n+1 {
			L.ArgError(2, "position "+grouped(int64(at))+" is outside of the list of "+count(int64(n), "value"))
		}
		a.charge(L, int64(n-at)/16+1, 3*slotBytes)
		t.Insert(at, L.Get(3))
	default:
		raise(L, "table.insert needs a table, optionally a position, and a value")
	}
	return 0
}

func tableRemove(L *lua.LState) int {
	t := checkTable(L, 1)
	n := t.Len()
	at := optInt(L, 2, n)
	if at < 1 || at > n {
		return 0
	}
	activationOf(L).charge(L, int64(n-at)/16+1, 0)
	// LTable.Remove counts the nils behind the last value. Moving the values
	// here does not.
	array := tableOf(t).array
	value := array[at-1]
	copy(array[at-1:n], array[at:n])
	array[n-1] = lua.LNil
	clear(array[n:])
	tableOf(t).array = array[:n-1]
	L.Push(value)
	return 1
}

func tableConcat(L *lua.LState) int {
	t := checkTable(L, 1)
	separator := ""
	if L.Get(2) != lua.LNil {
		separator = checkText(L, 2)
	}
	first, last := optInt(L, 3, 1), optInt(L, 4, t.Len())
	a := activationOf(L)
	var out strings.Builder
	for i := first; i <= last; i++ {
		var part string
		switch v := t.RawGet(lua.LNumber(i)).(type) {
		case lua.LString:
			part = string(v)
		case lua.LNumber:
			part = numberText(v)
		default:
			raise(L, "table.concat: value %d is %s, not a text or number", i, describe(v))
		}
		if i < last {
			part += separator
		}
		a.grow(L, out.Len(), len(part))
		a.charge(L, 1, 0)
		out.WriteString(part)
	}
	L.Push(lua.LString(out.String()))
	return 1
}

func tableMaxn(L *lua.LState) int {
	t := checkTable(L, 1)
	highest := lua.LNumber(t.MaxN())
	a := activationOf(L)
	for key := range tableOf(t).dict {
		a.charge(L, 1, 0)
		if n, ok := key.(lua.LNumber); ok {
			highest = max(highest, n)
		}
	}
	L.Push(highest)
	return 1
}

func tableGetn(L *lua.LState) int {
	L.Push(lua.LNumber(checkTable(L, 1).Len()))
	return 1
}

func tableSort(L *lua.LState) int {
	t := checkTable(L, 1)
	n := t.Len()
	s := &sorting{L: L, a: activationOf(L), values: tableOf(t).array[:n]}
	switch less := L.Get(2).(type) {
	case *lua.LNilType:
	case *lua.LFunction:
		s.less = less
	default:
		L.ArgError(2, "a function is needed, found "+describe(less))
	}
	// A copy is sorted: the order function may change the table meanwhile.
	s.a.charge(L, int64(n)/16+1, int64(n)*slotBytes)
	s.values = append([]lua.LValue(nil), s.values...)
	sort.Stable(s) // the same order in every version of Go
	copy(tableOf(t).array, s.values)
	return 0
}

type sorting struct {
	L      *lua.LState
	a      *activation
	less   *lua.LFunction
	values []lua.LValue
}

func (s *sorting) Len() int      { return len(s.values) }
func (s *sorting) Swap(i, j int) { s.values[i], s.values[j] = s.values[j], s.values[i] }

func (s *sorting) Less(i, j int) bool {
	s.a.charge(s.L, 2, 0)
	x, y := s.values[i], s.values[j]
	if s.less == nil {
		if x.Type() != y.Type() {
			raise(s.L, "table.sort: cannot compare %s with %s", describe(x), describe(y))
		}
		return s.L.LessThan(x, y)
	}
	s.L.Push(s.less)
	s.L.Push(x)
	s.L.Push(y)
	s.L.Call(2, 1)
	is := lua.LVAsBool(s.L.Get(-1))
	s.L.Pop(1)
	return is
}
