package vm

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// moneyLibrary is money: exact decimals written as text. Results are texts with
// as many places as the exact value needs. Values are rounded only by functions
// with places or rounding.
func moneyLibrary(*Machine) map[string]lua.LValue {
	return map[string]lua.LValue{"money": freeze("money", map[string]lua.LGFunction{
		"add": moneyAdd, "sub": moneySub, "mul": moneyMul, "compare": moneyCompare,
		"round": moneyRound, "format": moneyFormat,
	}, nil)}
}

func wantDecimal(L *lua.LState, n int, function string) decimal {
	text := wantText(L, n, function+": an amount")
	activationOf(L).charge(L, 10+int64(len(text))/8, 256)
	d, err := parseDecimal(text)
	if err != nil {
		raise(L, "%s: %v", function, err)
	}
	return d
}

func pushDecimal(L *lua.LState, function string, d decimal) int {
	text := d.String()
	if len(text) > maxDigits+2 {
		raise(L, "%s: the result has more than %d digits", function, maxDigits)
	}
	activationOf(L).chargeString(L, len(text))
	L.Push(lua.LString(text))
	return 1
}

// moneyAdd is money.add(a, b, …).
func moneyAdd(L *lua.LState) int {
	sum := wantDecimal(L, 1, "money.add")
	for i := 2; i <= L.GetTop(); i++ {
		sum = sum.add(wantDecimal(L, i, "money.add"))
	}
	return pushDecimal(L, "money.add", sum)
}

// moneySub is money.sub(a, b, …): a less all others.
func moneySub(L *lua.LState) int {
	rest := wantDecimal(L, 1, "money.sub")
	for i := 2; i <= L.GetTop(); i++ {
		rest = rest.add(wantDecimal(L, i, "money.sub").negated())
	}
	return pushDecimal(L, "money.sub", rest)
}

// moneyMul is money.mul(a, b [, places [, rounding]]), exact without places.
func moneyMul(L *lua.LState) int {
	product := wantDecimal(L, 1, "money.mul").mul(wantDecimal(L, 2, "money.mul"))
	if L.Get(3) != lua.LNil {
		product = product.round(wantPlaces(L, 3, "money.mul"), wantRounding(L, 4, "money.mul"))
	}
	return pushDecimal(L, "money.mul", product)
}

// moneyRound is money.round(a, places [, rounding]).
func moneyRound(L *lua.LState) int {
	d := wantDecimal(L, 1, "money.round")
	return pushDecimal(L, "money.round", d.round(wantPlaces(L, 2, "money.round"), wantRounding(L, 3, "money.round")))
}

// moneyCompare is money.compare(a, b): -1, 0 or 1. "1.50" and "1.5" are equal.
func moneyCompare(L *lua.LState) int {
	L.Push(lua.LNumber(wantDecimal(L, 1, "money.compare").compare(wantDecimal(L, 2, "money.compare"))))
	return 1
}

// moneyFormat is money.format(a [, currency [, options]]): rounded half up to
// the places of the currency, "1,234.50 EUR". Options: places, rounding, group
// (default ","), point (default ".").
func moneyFormat(L *lua.LState) int {
	const function = "money.format"
	d := wantDecimal(L, 1, function)
	options := wantOptions(L, 3, function, "places", "rounding", "group", "point")
	currency, places := "", d.places
	if L.Get(2) != lua.LNil {
		currency = strings.ToUpper(wantText(L, 2, function+": the currency"))
		if len(currency) != 3 || strings.Trim(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			raise(L, "%s: the currency must have three letters such as EUR, found %q", function, brief(currency, 20))
		}
		places = currencyPlaces(currency)
	}
	mode := halfUp
	if s := textOption(L, options, function, "rounding"); s != "" {
		mode = roundingNamed(L, s, function)
	}
	places = min(countOption(L, options, function, "places", 0, places), maxDigits)
	group, point := ",", "."
	if option(options, "group") != lua.LNil {
		group = brief(textOption(L, options, function, "group"), 8)
	}
	if s := textOption(L, options, function, "point"); s != "" {
		point = brief(s, 8)
	}
	text := d.round(places, mode).text(group, point)
	if currency != "" {
		text += " " + currency
	}
	activationOf(L).chargeString(L, len(text))
	L.Push(lua.LString(strings.Clone(text))) // text has room for more
	return 1
}

func wantPlaces(L *lua.LState, n int, function string) int {
	v, ok := L.Get(n).(lua.LNumber)
	if !ok || float64(v) != float64(int(v)) || v < 0 || v > 100 {
		raise(L, "%s: places must be a whole number from 0 to 100, found %s", function, describe(L.Get(n)))
	}
	return int(v)
}

// wantRounding returns argument n, which must be a kind of rounding; half_up if
// it is left out.
func wantRounding(L *lua.LState, n int, function string) rounding {
	if L.Get(n) == lua.LNil {
		return halfUp
	}
	return roundingNamed(L, wantText(L, n, function+": the rounding"), function)
}

func roundingNamed(L *lua.LState, name, function string) rounding {
	switch r := rounding(name); r {
	case halfUp, halfEven, up, down:
		return r
	}
	raise(L, "%s: rounding is half_up, half_even, up or down, found %q", function, brief(name, 20))
	return halfUp
}
