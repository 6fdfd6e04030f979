// Package jsonpointer writes and reads JSON pointers (RFC 6901), such as
// "/contact/tags/0". The names in one are those of fields or, in a list,
// positions from 0.
package jsonpointer

import "strings"

var (
	escapes   = strings.NewReplacer("~", "~0", "/", "~1")
	unescapes = strings.NewReplacer("~0", "~", "~1", "/")
)

// Join returns the pointer to the value at the end of names; it is empty, which
// is the whole document, for none.
func Join(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		b.WriteByte('/')
		b.WriteString(escapes.Replace(name))
	}
	return b.String()
}

// Split returns the names in a pointer, none for an empty one. A pointer that is
// not valid has names too: the "/" at its beginning may be missing, and a "~"
// that escapes nothing is part of its name.
func Split(pointer string) []string {
	if pointer == "" {
		return nil
	}
	names := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, name := range names {
		names[i] = unescapes.Replace(name)
	}
	return names
}
