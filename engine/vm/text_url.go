package vm

import (
	"net/url"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// textURLEncode is text.urlencode(s): the text as a part of an address, with all but
// letters, digits and -._~ as %XX of their bytes.
func textURLEncode(L *lua.LState) int {
	s := wantText(L, 1, "text.urlencode: the text")
	a := activationOf(L)
	a.charge(L, int64(len(s))/4, int64(len(s))*3)
	encoded := strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	L.Push(lua.LString(encoded))
	return 1
}

// textURLDecode is text.urldecode(s): the text of a part of an address or of a form, in
// which + is a space.
func textURLDecode(L *lua.LState) int {
	const function = "text.urldecode"
	s := wantText(L, 1, function+": the text")
	activationOf(L).charge(L, int64(len(s))/4, int64(len(s))*2)
	decoded, err := url.QueryUnescape(s)
	if err != nil {
		at := strings.IndexByte(s, '%')
		for at >= 0 && at+2 < len(s) && isHex(s[at+1]) && isHex(s[at+2]) {
			next := strings.IndexByte(s[at+3:], '%')
			if next < 0 {
				break
			}
			at += 3 + next
		}
		raise(L, "%s: byte %d: expected two hexadecimal digits after %%, found %q", function, at+1, brief(s[at:], 3))
	}
	L.Push(lua.LString(decoded))
	return 1
}

func isHex(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
}
