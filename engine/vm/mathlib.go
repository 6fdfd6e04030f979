package vm

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// mathLibrary is Lua's math without random numbers. Those are steps, because a
// replayed run must get the same ones.
func mathLibrary(*Machine) map[string]lua.LValue {
	functions := map[string]lua.LGFunction{
		"max": mathMax, "min": mathMin, "fmod": mathFmod, "modf": mathModf, "frexp": mathFrexp, "ldexp": mathLdexp, "pow": mathPow,
		"atan2": mathAtan2,
	}
	for name, f := range map[string]func(float64) float64{
		"abs": math.Abs, "acos": math.Acos, "asin": math.Asin, "atan": math.Atan, "ceil": math.Ceil, "cos": math.Cos,
		"cosh": math.Cosh, "exp": exp, "floor": math.Floor, "log": log, "log10": log10, "sin": math.Sin,
		"sinh": math.Sinh, "sqrt": math.Sqrt, "tan": math.Tan, "tanh": math.Tanh,
		"deg": func(x float64) float64 { return x * 180 / math.Pi }, "rad": func(x float64) float64 { return x * math.Pi / 180 },
	} {
		functions[name] = func(L *lua.LState) int { L.Push(lua.LNumber(f(checkNumber(L, 1)))); return 1 }
	}
	return map[string]lua.LValue{"math": freeze("math", functions, map[string]lua.LValue{
		"pi": lua.LNumber(math.Pi), "huge": lua.LNumber(math.Inf(1)),
	})}
}

// checkNumber returns a number argument; a text that is a number counts.
func checkNumber(L *lua.LState, n int) float64 {
	switch v := L.Get(n).(type) {
	case lua.LNumber:
		return float64(v)
	case lua.LString:
		if f, ok := parseNumber(string(v)); ok {
			return f
		}
	}
	L.ArgError(n, "a number is needed, found "+describe(L.Get(n)))
	return 0
}

func mathMax(L *lua.LState) int { return extreme(L, func(x, best float64) bool { return x > best }) }
func mathMin(L *lua.LState) int { return extreme(L, func(x, best float64) bool { return x < best }) }

func extreme(L *lua.LState, better func(x, best float64) bool) int {
	best := checkNumber(L, 1)
	for i := 2; i <= L.GetTop(); i++ {
		if x := checkNumber(L, i); better(x, best) {
			best = x
		}
	}
	L.Push(lua.LNumber(best))
	return 1
}

func mathFmod(L *lua.LState) int {
	L.Push(lua.LNumber(math.Mod(checkNumber(L, 1), checkNumber(L, 2))))
	return 1
}

func mathModf(L *lua.LState) int {
	x := checkNumber(L, 1)
	whole := math.Trunc(x)
	rest := x - whole
	if math.IsInf(x, 0) {
		rest = 0
	}
	L.Push(lua.LNumber(whole))
	L.Push(lua.LNumber(rest))
	return 2
}

func mathFrexp(L *lua.LState) int {
	fraction, exponent := math.Frexp(checkNumber(L, 1))
	L.Push(lua.LNumber(fraction))
	L.Push(lua.LNumber(exponent))
	return 2
}

func mathLdexp(L *lua.LState) int {
	L.Push(lua.LNumber(math.Ldexp(checkNumber(L, 1), checkInt(L, 2))))
	return 1
}

// exp is also right where the result is near the largest number: on amd64
// math.Exp returns infinity from 709.5 on.
func exp(x float64) float64 {
	if x > 709 && x < 710 {
		return math.Exp(x-1) * math.E
	}
	return math.Exp(x)
}

// log is also right for numbers below 2^-1022, which math.Log is not on amd64.
func log(x float64) float64 {
	if x > 0 && x < 0x1p-1022 {
		return math.Log(x*0x1p60) - 60*math.Ln2
	}
	return math.Log(x)
}

// log10 is exact for powers of ten: scripts count digits with it.
func log10(x float64) float64 {
	if exponent, ok := strings.CutPrefix(strconv.FormatFloat(x, 'e', -1, 64), "1e"); ok {
		n, _ := strconv.Atoi(exponent)
		return float64(n)
	}
	if x > 0 && x < 0x1p-1022 {
		return log(x) / math.Ln10
	}
	return math.Log10(x)
}

func mathPow(L *lua.LState) int {
	L.Push(lua.LNumber(math.Pow(checkNumber(L, 1), checkNumber(L, 2))))
	return 1
}

func mathAtan2(L *lua.LState) int {
	L.Push(lua.LNumber(math.Atan2(checkNumber(L, 1), checkNumber(L, 2))))
	return 1
}
