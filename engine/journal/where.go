package journal

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// Matches reports whether an event that the hook's triggers match starts a run:
// it is of the hook's connection and satisfies its where.
func (h *Hook) Matches(e *Event) bool {
	if h.Connection != "" && h.Connection != e.Connection {
		return false
	}
	return matchesWhere(h.Where, e.Data)
}

// Excludes reports whether no event can match both hooks, by their connections or by
// the values that they accept at one path.
func (h *Hook) Excludes(other *Hook) bool {
	if h.Connection != "" && other.Connection != "" && h.Connection != other.Connection {
		return true
	}
	for path, accepted := range h.Where {
		others, found := other.Where[path]
		if found && !slices.ContainsFunc(accepted, func(text string) bool { return matchesAny(gjson.Parse(text), others) }) {
			return true
		}
	}
	return false
}

func matchesWhere(where map[string][]string, data []byte) bool {
	for path, accepted := range where {
		if !matchesAny(jsonpath.Get(data, path), accepted) {
			return false
		}
	}
	return true
}

// maxIndexKey bounds the part of a string that is in its index key, in bytes.
const maxIndexKey = 100

// IndexKey returns a short text that is the same for all scalars that a where
// treats as equal; other scalars may have the same one. A store finds the waits
// for a value by it. It is empty for a value that equals nothing.
func IndexKey(value json.RawMessage) string {
	found := gjson.ParseBytes(value)
	switch found.Type {
	case gjson.String:
		return "s" + found.Str[:min(len(found.Str), maxIndexKey)]
	case gjson.Number:
		n, _ := strconv.ParseFloat(found.Raw, 64) // out of range: an infinity
		if n == 0 {
			return "n0" // -0 too
		}
		return "n" + strconv.FormatFloat(n, 'g', -1, 64)
	case gjson.True:
		return "t"
	case gjson.False:
		return "f"
	case gjson.Null:
		return "0"
	}
	return ""
}

func matchesAny(found gjson.Result, accepted []string) bool {
	for _, text := range accepted {
		if sameScalar(found, gjson.Parse(text)) {
			return true
		}
	}
	return false
}

// sameScalar reports whether two scalars have the same type and value. A null
// equals a value that is absent; objects and lists equal nothing.
func sameScalar(a, b gjson.Result) bool {
	if a.Type != b.Type {
		return false
	}
	switch a.Type {
	case gjson.String:
		return a.Str == b.Str
	case gjson.Number:
		return sameNumber(a.Raw, b.Raw)
	}
	return a.Type != gjson.JSON
}

// sameNumber compares integers by their digits, because a float64 cannot
// represent all large ones, and other numbers as float64.
func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	if isInteger(a) && isInteger(b) {
		return false
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}

func isInteger(number string) bool { return !strings.ContainsAny(number, ".eE") && number != "-0" }

// ValidJSON reports whether data is one JSON value. It is safe for data from
// outside: a value that is nested too deeply is not valid.
func ValidJSON(data []byte) bool {
	// gjson is fast but recurses without a bound; encoding/json has one.
	if nesting := bytes.Count(data, []byte{'['}) + bytes.Count(data, []byte{'{'}); nesting > 1000 {
		return json.Valid(data)
	}
	return gjson.ValidBytes(data)
}
