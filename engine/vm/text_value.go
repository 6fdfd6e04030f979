package vm

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// typeName returns what type(v) returns in a script.
func typeName(v lua.LValue) string {
	if data, ok := v.(*lua.LUserData); ok {
		if _, ok := data.Value.(readOnlyTable); ok {
			return "table"
		}
	}
	return v.Type().String()
}

// described is the Value of user data that has a name of its own in an error.
type described interface{ describe() string }

// describe names a value in an error: "nil", "a table", "the text 'abc'".
func describe(v lua.LValue) string {
	switch v := v.(type) {
	case *lua.LNilType:
		return "nil"
	case lua.LBool:
		return v.String()
	case lua.LNumber:
		return "the number " + numberText(v)
	case lua.LString:
		return "the text " + strconv.Quote(brief(string(v), 40))
	case *lua.LUserData:
		if f, ok := v.Value.(*frozen); ok {
			return "the library " + f.name
		}
		if d, ok := v.Value.(described); ok {
			return d.describe()
		}
	}
	return "a " + typeName(v)
}

// textOf returns a text or number as text, and for other values their type or
// name.
func textOf(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return numberText(v)
	case *lua.LNilType, lua.LBool:
		return v.String()
	case *lua.LFunction:
		return functionName(v)
	}
	return typeName(v)
}

// toText is tostring: it calls __tostring, and prints no address.
func toText(L *lua.LState, v lua.LValue) string {
	if f := L.GetMetaField(v, "__tostring"); f != lua.LNil {
		L.Push(f)
		L.Push(v)
		L.Call(1, 1)
		result := L.Get(-1)
		L.Pop(1)
		if s, ok := result.(lua.LString); ok {
			return string(s)
		}
		return textOf(result)
	}
	return textOf(v)
}

// numberText returns the text of a number: whole numbers up to 2^53 in full,
// others with 14 digits.
func numberText(v lua.LNumber) string {
	f := float64(v)
	switch {
	case f == math.Trunc(f) && math.Abs(f) <= 1<<53:
		return strconv.FormatInt(int64(f), 10)
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 0):
		if f > 0 {
			return "inf"
		}
		return "-inf"
	}
	return cFormatG(f, 14, false)
}

// cFormatG formats as C's %.<precision>g; alternate is its flag #, which does
// not remove zeros at the end.
func cFormatG(f float64, precision int, alternate bool) string {
	trimmed := func(text string) string {
		switch {
		case alternate:
			return withPoint(text)
		case strings.Contains(text, "."):
			return strings.TrimRight(strings.TrimRight(text, "0"), ".")
		}
		return text
	}
	text := strconv.FormatFloat(f, 'e', precision-1, 64)
	mantissa, exponent, _ := strings.Cut(text, "e")
	e, _ := strconv.Atoi(exponent)
	if e < -4 || e >= precision {
		return trimmed(mantissa) + "e" + exponent
	}
	return trimmed(strconv.FormatFloat(f, 'f', precision-1-e, 64))
}

// withPoint writes a decimal point in a number that has none, as C's flag #
// asks for.
func withPoint(text string) string {
	if strings.Contains(text, ".") {
		return text
	}
	mantissa, exponent, scientific := strings.Cut(text, "e")
	if scientific {
		return mantissa + ".e" + exponent
	}
	return mantissa + "."
}
