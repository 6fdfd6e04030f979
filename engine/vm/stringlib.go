package vm

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// stringLibrary is Lua's string with a bound for every function. Its members
// are also the methods of texts.
func stringLibrary(*Machine) map[string]lua.LValue {
	return map[string]lua.LValue{"string": freeze("string", map[string]lua.LGFunction{
		"byte": stringByte, "char": stringChar, "len": stringLen, "lower": stringLower, "upper": stringUpper,
		"rep": stringRep, "reverse": stringReverse, "sub": stringSub, "format": stringFormat,
		"find": stringFind, "match": stringMatch, "gmatch": stringGmatch, "gsub": stringGsub,
	}, nil)}
}

// checkText returns a text argument; a number counts as its text.
func checkText(L *lua.LState, n int) string {
	switch v := L.Get(n).(type) {
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return numberText(v)
	}
	L.ArgError(n, "a text is needed, found "+describe(L.Get(n)))
	return ""
}

// slice returns the bounds of the Go slice for Lua's first and last index in a
// text of n bytes. Negative indexes count from the end.
func slice(first, last, n int) (from, to int) {
	if first < 0 {
		first = max(n+first+1, 1)
	}
	if last < 0 {
		last = n + last + 1
	}
	first, last = max(first, 1), min(last, n)
	if first > last {
		return 0, 0
	}
	return first - 1, last
}

func stringByte(L *lua.LState) int {
	text, first := checkText(L, 1), optInt(L, 2, 1)
	from, to := slice(first, optInt(L, 3, first), len(text))
	if to-from > maxResults {
		raise(L, "string.byte returns at most %s values at once", grouped(maxResults))
	}
	activationOf(L).charge(L, int64(to-from), int64(to-from)*slotBytes)
	for _, b := range []byte(text[from:to]) {
		L.Push(lua.LNumber(b))
	}
	return to - from
}

func stringChar(L *lua.LState) int {
	all := make([]byte, L.GetTop())
	for i := range all {
		code := checkInt(L, i+1)
		if code < 0 || code > 255 {
			L.ArgError(i+1, "a byte from 0 to 255 is needed")
		}
		all[i] = byte(code)
	}
	activationOf(L).chargeString(L, len(all))
	L.Push(lua.LString(all))
	return 1
}

func stringLen(L *lua.LState) int {
	L.Push(lua.LNumber(len(checkText(L, 1))))
	return 1
}

func stringLower(L *lua.LState) int { return letters(L, 'A', 'Z', 'a'-'A') }
func stringUpper(L *lua.LState) int { return letters(L, 'a', 'z', 'A'-'a') }

// letters shifts ASCII letters. Other bytes are not changed, so that UTF-8
// stays valid.
func letters(L *lua.LState, from, to byte, shift int) int {
	text := checkText(L, 1)
	activationOf(L).chargeString(L, len(text))
	all := []byte(text)
	for i, b := range all {
		if b >= from && b <= to {
			all[i] = byte(int(b) + shift)
		}
	}
	L.Push(lua.LString(all))
	return 1
}

func stringRep(L *lua.LState) int {
	text, n := checkText(L, 1), checkInt(L, 2)
	if n <= 0 || text == "" {
		L.Push(lua.LString(""))
		return 1
	}
	a := activationOf(L)
	if n > a.limits.StringLength/len(text) {
		a.chargeString(L, a.limits.StringLength+1)
	}
	a.chargeString(L, n*len(text))
	L.Push(lua.LString(strings.Repeat(text, n)))
	return 1
}

func stringReverse(L *lua.LState) int {
	text := checkText(L, 1)
	activationOf(L).chargeString(L, len(text))
	all := make([]byte, len(text))
	for i := range len(text) {
		all[len(text)-1-i] = text[i]
	}
	L.Push(lua.LString(all))
	return 1
}

// stringSub copies: a slice would keep the whole text in memory uncounted.
func stringSub(L *lua.LState) int {
	text := checkText(L, 1)
	from, to := slice(checkInt(L, 2), optInt(L, 3, -1), len(text))
	L.Push(cloneText(L, text[from:to]))
	return 1
}

// cloneText copies a part of a text.
func cloneText(L *lua.LState, part string) lua.LString {
	activationOf(L).chargeString(L, len(part))
	return lua.LString(strings.Clone(part))
}

// checkInt returns a whole number argument, between -2^40 and 2^40: no text or
// table is longer.
func checkInt(L *lua.LState, n int) int {
	const bound = 1 << 40
	f := checkNumber(L, n)
	switch {
	case f != f:
		L.ArgError(n, "a number is needed, found nan")
	case f > bound:
		return bound
	case f < -bound:
		return -bound
	}
	return int(f)
}

func optInt(L *lua.LState, n, otherwise int) int {
	if L.Get(n) == lua.LNil {
		return otherwise
	}
	return checkInt(L, n)
}
