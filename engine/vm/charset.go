package vm

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/engine/charset"
)

// textDecode is text.decode(bytes, charset): the text as UTF-8, without a byte
// order mark.
func textDecode(L *lua.LState) int {
	return convert(L, "text.decode", "the bytes", func(bytes, name string) ([]byte, error) {
		return charset.DecodeAs([]byte(bytes), name)
	})
}

// textEncode is text.encode(text, charset): the bytes of a text in a charset.
func textEncode(L *lua.LState) int {
	return convert(L, "text.encode", "the text", charset.Encode)
}

func convert(L *lua.LState, function, what string, f func(text, name string) ([]byte, error)) int {
	text := wantText(L, 1, function+": "+what)
	name := wantText(L, 2, function+": the charset")
	a := activationOf(L)
	chargeCharset(L, len(text))
	converted, err := f(text, name)
	if err != nil {
		raise(L, "%s: %v", function, err)
	}
	a.chargeString(L, len(converted))
	L.Push(lua.LString(converted))
	return 1
}

// decodeText returns, as UTF-8, bytes that a library reads as text. Their
// charset is that of their byte order mark, else UTF-8.
func decodeText(L *lua.LState, bytes []byte) ([]byte, error) {
	chargeCharset(L, len(bytes))
	return charset.Decode(bytes, "")
}

// otherCharset is the end of an error for bytes that are not UTF-8: what to do.
const otherCharset = `text.decode(bytes, "windows-1252") reads another charset`

// chargeCharset accounts for n bytes that are about to be converted. The
// result, and the copies while it grows, may have four times as many bytes.
func chargeCharset(L *lua.LState, n int) { activationOf(L).charge(L, int64(n)/8+20, 4*int64(n)+64) }
