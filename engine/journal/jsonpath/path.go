// Package jsonpath finds values in JSON by paths such as "contact.tags.0".
//
// The parts between the dots are names of fields or, in a list, positions from
// 0, and nothing else: no character of a path has another meaning. A field whose
// own name has dots ("@odata.type") can be the last part. Of a repeated field
// the last counts, as it does for scripts.
package jsonpath

import (
	"encoding/json"
	"strconv"
	"strings"
	"unsafe"

	"github.com/tidwall/gjson"
)

// Lookup finds the value at a path. It reports false where there is no value; a
// null is a value here. The result shares its bytes with data.
func Lookup(data []byte, path string) (json.RawMessage, bool) {
	found := Get(data, path)
	if !found.Exists() {
		return nil, false
	}
	return unsafe.Slice(unsafe.StringData(found.Raw), len(found.Raw)), true
}

// Text returns the scalar at a path as text: a string without its quotes, a
// number as it is written. It is empty where there is no value, or a null, an
// object or a list.
func Text(data []byte, path string) string {
	found := Get(data, path)
	switch found.Type {
	case gjson.String:
		return strings.Clone(found.Str)
	case gjson.Number, gjson.True, gjson.False:
		return strings.Clone(found.Raw)
	}
	return ""
}

// Get finds the value at a path. Its strings share their bytes with data: clone
// one that is used longer than data.
func Get(data []byte, path string) gjson.Result {
	if path == "" || len(data) == 0 {
		return gjson.Result{}
	}
	at := gjson.Parse(unsafe.String(&data[0], len(data)))
	for more := true; more && at.Exists(); {
		var part string
		part, path, more = strings.Cut(path, ".")
		switch {
		case at.IsObject():
			within := field(at, part)
			if !within.Exists() && more {
				return field(at, part+"."+path)
			}
			at = within
		case at.IsArray():
			at = item(at, part)
		default:
			return gjson.Result{}
		}
	}
	return at
}

func field(object gjson.Result, name string) (found gjson.Result) {
	object.ForEach(func(key, value gjson.Result) bool {
		if key.Str == name {
			found = value
		}
		return true
	})
	return found
}

func item(list gjson.Result, part string) (found gjson.Result) {
	position, err := strconv.ParseUint(part, 10, 31)
	if err != nil || part != strconv.FormatUint(position, 10) {
		return found
	}
	list.ForEach(func(_, value gjson.Result) bool {
		if position == 0 {
			found = value
			return false
		}
		position--
		return true
	})
	return found
}
