package jsonpath_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

func TestLookup(t *testing.T) {
	const data = `{
		"contact": {"id": "c_1", "tags": ["vip", "new"], "name": null, "age": 41, "dnd": false},
		"a*": 1, "b": 2, "#": 3, "@reverse": 4, "{x}": 5, "x|y": 6, "\u0041b": 7, "": {"": 8}, "0": 9, "..": 10, "!1": 11,
		"twice": 12, "twice": 13, "text": "{\"inner\":1}",
		"@odata.type": "t", "data": {"@odata.id": "i", "a": 1}, "data.b": 14,
		"list": [[1, 2], {"k": "v"}, [], "last"]
	}`
	for path, expected := range map[string]string{
		"contact.id":                `"c_1"`,
		"contact.tags":              `["vip", "new"]`,
		"contact.tags.0":            `"vip"`,
		"contact.tags.1":            `"new"`,
		"contact.name":              `null`,
		"contact.age":               `41`,
		"contact.dnd":               `false`,
		"list.0.1":                  `2`,
		"list.1.k":                  `"v"`,
		"list.3":                    `"last"`,
		"a*":                        `1`,
		"#":                         `3`,
		"@reverse":                  `4`,
		"{x}":                       `5`,
		"x|y":                       `6`,
		"Ab":                        `7`,
		".":                         `8`,
		"0":                         `9`,
		"!1":                        `11`,
		"twice":                     `13`,
		"..":                        "",
		"":                          "",
		"@odata.type":               `"t"`,
		"data.@odata.id":            `"i"`,
		"data.b":                    "",
		"data.@odata.id.x":          "",
		"contact.tags.2":            "",
		"contact.tags.-1":           "",
		"contact.tags.00":           "",
		"contact.tags.+0":           "",
		"contact.tags.#":            "",
		"contact.*":                 "",
		"contact.i?":                "",
		"contact|id":                "",
		"contact.@this":             "",
		"@this":                     "",
		"!2":                        "",
		"contact.id.x":              "",
		"contact.":                  "",
		"text.inner":                "",
		"list.2.0":                  "",
		"list.99999999999999999999": "",
	} {
		found, ok := jsonpath.Lookup([]byte(data), path)
		if string(found) != expected || ok != (expected != "") {
			t.Errorf("%q: found %q, %v, expected %q", path, found, ok, expected)
		}
	}
	for path, expected := range map[string]string{
		"contact.id": "c_1", "contact.age": "41", "contact.dnd": "false", "contact.name": "", "contact.tags": "", "none": "",
	} {
		if found := jsonpath.Text([]byte(data), path); found != expected {
			t.Errorf("text of %q: found %q, expected %q", path, found, expected)
		}
	}
}

// FuzzLookup compares with a walk over the decoded value.
func FuzzLookup(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,{"c":"d"}]}}`), "a.b.1.c")
	f.Add([]byte(`{"":[null]}`), ".0")
	f.Add([]byte(`{"a":1,"a":{"\u0062":2}}`), "a.b")
	f.Add([]byte(`[[[[`), "0.0.0")
	f.Add([]byte(`{"@this":{"#":1}}`), "@this.#")
	f.Fuzz(func(t *testing.T, data []byte, path string) {
		found, ok := jsonpath.Lookup(data, path) // must not panic on any text
		jsonpath.Text(data, path)
		if !json.Valid(data) || bytes.ContainsRune(data, '\\') || strings.ContainsRune(string(data), '\uFFFD') {
			return
		}
		expected, exists := walk(data, path)
		if ok != exists {
			t.Fatalf("%q in %q: found %v, expected %v", path, data, ok, exists)
		}
		if ok && !bytes.Equal(found, expected) {
			t.Fatalf("%q in %q: found %q, expected %q", path, data, found, expected)
		}
	})
}

func walk(data []byte, path string) (json.RawMessage, bool) {
	if path == "" {
		return nil, false
	}
	at := json.RawMessage(bytes.TrimSpace(data))
	for part := range strings.SplitSeq(path, ".") {
		var object map[string]json.RawMessage
		var list []json.RawMessage
		switch {
		case at[0] == '{' && json.Unmarshal(at, &object) == nil:
			next, ok := object[part]
			if !ok {
				return nil, false
			}
			at = next
		case at[0] == '[' && json.Unmarshal(at, &list) == nil:
			position, err := strconv.Atoi(part)
			if err != nil || strconv.Itoa(position) != part || position < 0 || position >= len(list) {
				return nil, false
			}
			at = list[position]
		default:
			return nil, false
		}
	}
	return at, true
}
