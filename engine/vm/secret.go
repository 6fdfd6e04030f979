package vm

import (
	"encoding/base64"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// The size of a joined secret is bounded, with base64 within base64, so that a
// few lines cannot make a text of gigabytes.
const (
	maxSecretParts = 64
	maxSecretText  = 64 << 10
	maxSecretDepth = 4
)

// secretMeta is the metatable of secrets. A secret is user data with a Secret:
// a text that looks like one is only text.
var secretMeta = guarded(map[string]lua.LGFunction{
	"__concat":   metaConcat,
	"__tostring": metaToString,
	"__index": func(L *lua.LState) int {
		raise(L, "a secret has no field %s; app calls, http, hmac and verify open it", describe(L.Get(2)))
		return 0
	},
})

// secretFunction is secret "name": the secret called name, which scripts can
// pass on but not read.
func secretFunction(L *lua.LState) int {
	name := wantText(L, 1, "secret: the name")
	if name == "" || strings.ContainsAny(name, " \t\n\"'") {
		raise(L, "secret: %q is no name of a secret", brief(name, 40))
	}
	activationOf(L).charge(L, 1, int64(len(name))+128)
	L.Push(&lua.LUserData{Value: Secret{{Name: strings.Clone(name)}}, Metatable: secretMeta})
	return 1
}

// secretOf returns the secret that a value is, nil if it is none.
func secretOf(v lua.LValue) Secret {
	if u, ok := v.(*lua.LUserData); ok {
		if s, ok := u.Value.(Secret); ok {
			return s
		}
	}
	return nil
}

// joinSecret is .. of a secret and text or another secret.
func joinSecret(L *lua.LState, left, right lua.LValue) lua.LValue {
	parts := func(v lua.LValue) Secret {
		if s := secretOf(v); s != nil {
			return s
		}
		return Secret{{Text: textArg(L, v, "what is joined to a secret")}}
	}
	metatable := left
	if secretOf(left) == nil {
		metatable = right
	}
	return newSecret(L, metatable.(*lua.LUserData).Metatable, append(append(Secret{}, parts(left)...), parts(right)...))
}

// newSecret makes a secret of others; metatable is that of one of them.
func newSecret(L *lua.LState, metatable lua.LValue, s Secret) lua.LValue {
	parts, bytes, depth := s.weight()
	if parts > maxSecretParts || bytes > maxSecretText || depth > maxSecretDepth {
		raise(L, "a secret can be joined of at most %d parts and %d bytes of text, and encoded %d times", maxSecretParts, maxSecretText, maxSecretDepth)
	}
	activationOf(L).charge(L, int64(parts), int64(128+64*parts+bytes))
	return &lua.LUserData{Value: s, Metatable: metatable}
}

// weight returns the number of parts, the bytes of plain text and the depth of
// base64 within base64.
func (s Secret) weight() (parts, bytes, depth int) {
	for _, part := range s {
		p, b, d := part.Of.weight()
		parts += 1 + p
		bytes += len(part.Text) + b
		if part.Of != nil {
			depth = max(depth, d+1)
		}
	}
	return parts, bytes, depth
}

// String returns a secret as it is written in a record: by name, without its
// text.
func (s Secret) String() string {
	var b strings.Builder
	for _, part := range s {
		switch {
		case part.Name != "":
			b.WriteString("secret:" + part.Name)
		case part.Of != nil:
			b.WriteString("base64(" + part.Of.String() + ")")
		default:
			b.WriteString(part.Text)
		}
	}
	return b.String()
}

// joinParts returns the whole text; lookup returns the text of a secret by its
// name.
func joinParts(s Secret, lookup func(string) (string, error)) (string, error) {
	var b strings.Builder
	for _, part := range s {
		switch {
		case part.Name != "":
			text, err := lookup(part.Name)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
		case part.Of != nil:
			text, err := joinParts(part.Of, lookup)
			if err != nil {
				return "", err
			}
			b.WriteString(base64.StdEncoding.EncodeToString([]byte(text)))
		default:
			b.WriteString(part.Text)
		}
	}
	return b.String(), nil
}
