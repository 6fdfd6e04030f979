package vm_test

import (
	"strings"
	"testing"
)

const mapSource = `local client = { name = "Ada & Co", kind = "company", n = 3, vat = false, company = { city = "Paris", tags = { "a", "b" } },
  emails = { { address = "a@x.test" }, { address = "b@x.test" } }, ["a.b"] = { c = 1 }, list = json.array(), none = { json.null } } `

func TestMap(t *testing.T) {
	tests := []struct{ spec, want, err string }{
		{spec: `{ name = "name", missing = "nothing" }`, want: `{"name":"Ada & Co"}`},
		{spec: `{ city = "company.city", second = "emails.2.address", first = "emails[1].address", odd = '["a.b"].c' }`,
			want: `{"city":"Paris","second":"b@x.test","first":"a@x.test","odd":1}`},
		{spec: `{ a = "company.none.deeper", vat = "vat", tags = "company.tags", list = "list" }`, want: `{"vat":false,"tags":["a","b"],"list":[]}`},
		{spec: `{ name = required "name", city = required(function(c) return c.company.city end) }`, want: `{"name":"Ada & Co","city":"Paris"}`},
		{spec: `{ source = const "Qonto", n = const(0), yes = const(false), t = const { 1, { x = 2 } } }`, want: `{"source":"Qonto","n":0,"yes":false,"t":[1,{"x":2}]}`},
		{spec: `{ company = when({ kind = "company" }, "name"), person = when({ kind = "person" }, "name") }`, want: `{"company":"Ada & Co"}`},
		{spec: `{ a = when({ kind = { "person", "company" }, n = 3 }, "name"), b = when({ kind = "company", n = 4 }, "name") }`, want: `{"a":"Ada & Co"}`},
		{spec: `{ a = when({ vat = false }, const "none", const "some"), b = when({ vat = true }, const "some", const "none") }`, want: `{"a":"none","b":"none"}`},
		{spec: `{ a = when(function(c) return c.n > 2 end, "n") }`, want: `{"a":3}`},
		{spec: `{ address = map { town = "company.city" }, plain = { town = "company.city", deep = { n = "n" } } }`,
			want: `{"address":{"town":"Paris"},"plain":{"town":"Paris","deep":{"n":3}}}`},
		{spec: `{ tags = { const "qonto", "kind", "nothing" } }`, want: `{"tags":["qonto","company"]}`},
		{spec: `{ upper = function(c) return c.name:upper() end, none = function() end }`, want: `{"upper":"ADA & CO"}`},

		{spec: `{ email = required "email" }`, err: `crm.lua:4: map: email: "email" is required and absent in the source`},
		{spec: `{ a = { b = required "company.zip" } }`, err: `map: a.b: "company.zip" is required and absent`},
		{spec: `{ a = required(function() end) }`, err: "map: a: a value is required, and the rule returned nil"},
		{spec: `{ first = "name.first" }`, err: `map: first: the path "name.first" goes on beyond "name", which is the text "Ada & Co"`},
		{spec: `{ a = when({ ["name.x"] = 1 }, "n") }`, err: `map: a: when: the path "name.x" goes on beyond "name"`},
		{spec: `{ up = function(c) return c.nothing:upper() end }`, err: "crm.lua:4: map: up: 'c.nothing' is nil"},
		{spec: `{ n = 5 }`, err: "map: n: write const(5) for a value that is always the same"},
		{spec: `{ a = "a..b" }`, err: `map: a: the path "a..b": a name is missing`},
		{spec: `{ a = "" }`, err: `map: a: the path "": it is empty`},
		{spec: `{ a = {} }`, err: "map: a: the table is empty"},
		{spec: `{ a = acme }`, err: "map: a: a field takes a path, a function, const, required, when or a table; found the module acme"},
		{spec: `{ "name" }`, err: "map: the fields need names"},
		{spec: `{ a = when({}, "n") }`, err: `when: the condition must be a table such as { kind = "company" }`},
		{spec: `{ a = when({ kind = {} }, "n") }`, err: "when: kind needs a value or a list of values"},
		{spec: `{ a = const(nil) }`, err: "const needs a value"},
	}
	for _, test := range tests {
		t.Run(test.spec, func(t *testing.T) {
			got, err := evaluate(t, newHost(), mapSource+"return map("+test.spec+")(client)")
			switch {
			case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
				t.Errorf("error %v, value %s; want the error %q", err, got, test.err)
			case test.err == "" && (err != nil || got != test.want):
				t.Errorf("got %s, %v; want %s", got, err, test.want)
			}
		})
	}
}

func TestMapUse(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `map({ a = "a" })(nil)`, err: "map: the source must be a table, found nil"},
		{lua: `map("a")`, err: `map takes one table: map { field = "path", … }; found the text "a"`},
		{lua: `local f = map { t = const { 1 } }; f({}).t[2] = 2; return f({}).t`, want: "[1]"},
		{lua: `local f = map { t = const(json.array()) }; return f({})`, want: `{"t":[]}`},
		{lua: `local r; r = map { v = "v", next = function(s) return s.next and r(s.next) end }; return r({ v = 1, next = { v = 2 } })`, want: `{"v":1,"next":{"v":2}}`},
		{lua: `local r = map { a = "a" }; for i = 1, 100 do r = map { a = r } end; return 1`, err: "rules within rules more than 32 deep"},
		{lua: `local t = {}; t.t = t; return map(t)`, err: "more than 32 deep"},
		{lua: `local _, err = try(map { a = function() acme.contacts.get {} end }, {}); return err == nil`, want: "true"},
	})
	h := failingHost()
	if got, err := evaluate(t, h, `local _, e = try(map { a = function() acme.contacts.get {} end }, {}); return e.kind`); err != nil || got != `"not_found"` {
		t.Errorf("an app error inside a rule: %s, %v", got, err)
	}
}

// TestMapOfSharedRules checks that a rule that is a part of several others costs
// work and memory once when it is made, and instructions each time it is used.
func TestMapOfSharedRules(t *testing.T) {
	err := handle(t, newHost(), `
  local r = map { a = const "x" }
  for i = 1, 28 do r = map { a = r, b = r } end
  local keep = {}
  for i = 1, 1e5 do keep[i] = i .. "" end
  r({})`)
	if err == nil || !strings.Contains(err.Error(), "over the limit") {
		t.Errorf("error %v; want a limit", err)
	}
}
