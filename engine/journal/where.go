package journal

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// Matches reports whether an event that the hook's triggers name makes a run:
// it came by the hook's connection and satisfies its where.
func (h *Hook) Matches(e *Event) bool {
	if h.Connection != "" && h.Connection != e.Connection {
		return false
	}
	return matchesWhere(h.Where, e.Data)
}

func matchesWhere(where map[string][]string, data []byte) bool {
	for path, accepted := range where {
		if !matchesAny(jsonpath.Get(data, path), accepted) {
			return false
		}
	}
	return true
}

// maxClass bounds what a class takes from a string.
const maxClass = 100

// Class gives a short text that is the same for all scalars that a where takes
// for equal, and may be the same for others too. It finds those who wait for a
// value without asking each. It is empty for what equals nothing.
func Class(value json.RawMessage) string {
	found := gjson.ParseBytes(value)
	switch found.Type {
	case gjson.String:
		return "s" + found.Str[:min(len(found.Str), maxClass)]
	case gjson.Number:
		n, _ := strconv.ParseFloat(found.Raw, 64) // out of range: an infinity, as good as any
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

// sameScalar compares two scalars by type and value; a null equals nothing
// found, objects and lists equal nothing.
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

// sameNumber compares integers by their digits, because a float64 does not
// tell large ones apart, and other numbers as float64.
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
// outside: what is nested too deeply is not valid.
func ValidJSON(data []byte) bool {
	// gjson is quick but recurses without a bound, encoding/json has one.
	if nesting := bytes.Count(data, []byte{'['}) + bytes.Count(data, []byte{'{'}); nesting > 1000 {
		return json.Valid(data)
	}
	return gjson.ValidBytes(data)
}
