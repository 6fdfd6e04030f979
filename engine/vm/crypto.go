package vm

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// cryptoLibrary is base64 and hmac.
func cryptoLibrary(*Machine) map[string]lua.LValue {
	hashes := map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}
	functions := map[string]lua.LGFunction{}
	for name, make := range hashes {
		functions[name] = func(L *lua.LState) int { return hmacOf(L, "hmac."+name, make) }
	}
	return map[string]lua.LValue{
		"base64": freeze("base64", map[string]lua.LGFunction{"encode": base64Encode, "decode": base64Decode}, nil),
		"hmac":   freeze("hmac", functions, nil),
	}
}

// base64Encode is base64.encode(text [, { url = true }]). The result is a
// secret if the text is one. With url the alphabet is that of addresses,
// without padding.
func base64Encode(L *lua.LState) int {
	options := wantOptions(L, 2, "base64.encode", "url")
	encoding := base64.StdEncoding
	if lua.LVAsBool(option(options, "url")) {
		encoding = base64.RawURLEncoding
	}
	if s := secretOf(L.Get(1)); s != nil {
		if encoding != base64.StdEncoding {
			raise(L, "base64.encode: a secret can be encoded in the standard alphabet only")
		}
		L.Push(newSecret(L, L.Get(1).(*lua.LUserData).Metatable, Secret{{Of: s}}))
		return 1
	}
	text := wantText(L, 1, "base64.encode: the text")
	activationOf(L).chargeString(L, encoding.EncodedLen(len(text)))
	L.Push(lua.LString(encoding.EncodeToString([]byte(text))))
	return 1
}

// base64Decode is base64.decode(text): either alphabet, with or without padding
// and line breaks; nil if the text is not base64.
func base64Decode(L *lua.LState) int {
	text := wantText(L, 1, "base64.decode: the text")
	activationOf(L).chargeString(L, len(text))
	text = strings.NewReplacer("-", "+", "_", "/", "\n", "", "\r", "", " ", "").Replace(text)
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LString(decoded))
	return 1
}

// hmacOf is hmac.sha256(key, text [, "hex" or "base64"]); the key may be a
// secret.
func hmacOf(L *lua.LState, function string, make func() hash.Hash) int {
	a := activationOf(L)
	key := ""
	if s := secretOf(L.Get(1)); s != nil {
		var err error
		if key, err = s.Open(func(name string) (string, error) { return a.openSecret(L, name), nil }); err != nil {
			raise(L, "%s: %v", function, err)
		}
	} else {
		key = wantText(L, 1, function+": the key")
	}
	text := wantText(L, 2, function+": the text")
	form := "hex"
	if L.Get(3) != lua.LNil {
		form = wantText(L, 3, function+": the form")
	}
	a.charge(L, int64(len(key)+len(text))/16+20, 256)
	h := hmac.New(make, []byte(key))
	h.Write([]byte(text))
	switch form {
	case "hex":
		L.Push(lua.LString(hex.EncodeToString(h.Sum(nil))))
	case "base64":
		L.Push(lua.LString(base64.StdEncoding.EncodeToString(h.Sum(nil))))
	default:
		raise(L, "%s: the form is hex or base64, found %q", function, brief(form, 20))
	}
	return 1
}
