package vm

import (
	lua "github.com/yuin/gopher-lua"
)

// jsonLibrary is json: encode, decode, array, number and null.
func jsonLibrary(*Machine) map[string]lua.LValue {
	return map[string]lua.LValue{"json": freeze("json", map[string]lua.LGFunction{
		"encode": jsonEncode, "decode": jsonDecode, "array": jsonArray, "number": jsonNumber,
	}, map[string]lua.LValue{"null": null})}
}

// jsonEncode is json.encode(value [, { pretty = true }]).
func jsonEncode(L *lua.LState) int {
	options := wantOptions(L, 2, "json.encode", "pretty")
	if L.GetTop() == 0 {
		raise(L, "json.encode needs a value")
	}
	a := activationOf(L)
	e := &encoder{fileInfo: true}
	if lua.LVAsBool(option(options, "pretty")) {
		e.indent = "  "
	}
	if err := a.write(L, e, func() error { return e.value(L.Get(1), shape{}) }); err != nil {
		raise(L, "json.encode: %v", err)
	}
	a.chargeString(L, len(e.out))
	L.Push(lua.LString(e.out))
	return 1
}

// jsonDecode is json.decode(text): tables in the order of the text, without
// fields that are null, and with the metatable of lists for lists. A byte order
// mark decides the charset of the text, else it is UTF-8.
func jsonDecode(L *lua.LState) int {
	text := wantText(L, 1, "json.decode: the text")
	a := activationOf(L)
	a.charge(L, int64(len(text))/16, int64(len(text)))
	decoded, err := decodeText(L, []byte(text))
	if err != nil {
		raise(L, "json.decode: %v; %s", err, otherCharset)
	}
	v, err := a.read(L, decoder{text: decoded}, shape{})
	if err != nil {
		raise(L, "json.decode: %v", err)
	}
	L.Push(v)
	return 1
}

// jsonArray is json.array([table]): makes a table a list, which is sent as []
// also when it is empty.
func jsonArray(L *lua.LState) int {
	if L.Get(1) == lua.LNil {
		activationOf(L).charge(L, 1, 128)
		L.Push(asList(newTable(0, 0)))
		return 1
	}
	t := wantTable(L, 1, "json.array: the list")
	if t.Metatable != lua.LNil && !isList(t) {
		raise(L, "json.array: this table has a metatable; pass a table without one")
	}
	if key := firstField(t); key != lua.LNil {
		raise(L, "json.array: the table has the field %s; a list has only items", fieldText(key))
	}
	L.Push(asList(t))
	return 1
}

// jsonNumber is json.number(digits): a number that is sent in the same digits.
func jsonNumber(L *lua.LState) int {
	text := wantText(L, 1, "json.number: the digits")
	d := decoder{text: []byte(text)}
	if len(text) > maxDigits || len(text) == 0 || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		raise(L, "json.number: %q is no number as JSON writes them", brief(text, 40))
	}
	if _, err := d.number(0); err != nil || d.pos < len(text) {
		raise(L, "json.number: %q is no number as JSON writes them", brief(text, 40))
	}
	activationOf(L).charge(L, 1, int64(len(text))+100)
	L.Push(&lua.LUserData{Value: exactNumber(text), Metatable: numberMeta})
	return 1
}
