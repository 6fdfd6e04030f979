package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

var errTrailing = errors.New("more than one JSON value")

// Object is a JSON object. Numbers in it are json.Number.
type Object = map[string]any

// Decode reads one JSON value and refuses anything after it.
func Decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errTrailing
	}
	return v, nil
}

// normal converts a Go value to the types that Decode returns.
func normal(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return Decode(text)
}

// Encode writes a value as JSON. It does not fail for values that Decode or this
// package returns.
func Encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Clone copies objects and lists, so that an answer never shares them with the
// store.
func Clone(v any) any {
	switch v := v.(type) {
	case Object:
		out := make(Object, len(v))
		for k, e := range v {
			out[k] = Clone(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = Clone(e)
		}
		return out
	}
	return v
}

// Number is a number as JSON has it.
func Number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// steps splits a path such as "meta.next", "errors[0].code" or "errors.#.code".
func steps(path string) []string {
	path = strings.NewReplacer("[", ".", "]", "").Replace(path)
	all := strings.Split(strings.Trim(path, "."), ".")
	for i, s := range all {
		if s == "#" {
			all[i] = "0"
		}
	}
	return all
}

// Lookup finds the value at a path; nil if there is none.
func Lookup(v any, path string) any {
	for _, step := range steps(path) {
		switch at := v.(type) {
		case Object:
			v = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

// maxIndex is the highest list position that a path may create.
const maxIndex = 8

// place sets the value at a path and returns the whole value; it creates missing
// objects and lists.
func place(whole any, path string, v any) any { return placeAt(whole, steps(path), v) }

func placeAt(whole any, path []string, v any) any {
	if len(path) == 0 {
		return v
	}
	if i, err := strconv.Atoi(path[0]); err == nil && i >= 0 && i < maxIndex {
		if _, isObject := whole.(Object); !isObject {
			list, _ := whole.([]any)
			for len(list) <= i {
				list = append(list, nil)
			}
			list[i] = placeAt(list[i], path[1:], v)
			return list
		}
	}
	at, isObject := whole.(Object)
	if !isObject {
		at = Object{}
	}
	at[path[0]] = placeAt(at[path[0]], path[1:], v)
	return at
}

// Text returns a scalar as a query contains it.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	}
	return string(Encode(v))
}

// Empty reports whether a value is nil or empty.
func Empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	}
	return false
}

// Fold makes names comparable: contact_id, contactId and contact-id are equal.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == '_' || r == '-' || r == ' ' || r == '.':
			return -1
		}
		return r
	}, name)
}

// Singular returns the singular of a folded plural.
func Singular(noun string) string {
	switch {
	case strings.HasSuffix(noun, "ies"):
		return noun[:len(noun)-3] + "y"
	case strings.HasSuffix(noun, "sses"), strings.HasSuffix(noun, "xes"), strings.HasSuffix(noun, "uses"):
		return noun[:len(noun)-2]
	case strings.HasSuffix(noun, "ss"), strings.HasSuffix(noun, "us"):
		return noun
	}
	return strings.TrimSuffix(noun, "s")
}

// alike reports whether two names are the same noun, in singular or plural.
func alike(a, b string) bool { return Singular(Fold(a)) == Singular(Fold(b)) }

// FormatTime writes a time as most vendors do.
func FormatTime(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// snake writes accessToken as access_token.
func snake(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
