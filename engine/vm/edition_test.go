package vm_test

import "testing"

// An edition is a module of its own, of the same app.
func TestEditions(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `tostring(require "acme.v2")`, want: `"acme.v2"`},
		{lua: `tostring(require "acme.v2".contacts.get)`, want: `"acme.v2.contacts.get"`},
		{lua: `local v2 = require "acme.v2"; return v2.contacts.get ~= acme.contacts.get and v2 == require "acme.v2"`, want: `true`},
		{lua: `local n = {}; for name in pairs(require "acme.v2") do n[#n + 1] = name end; return n`, want: `["boards","contacts"]`},
		{lua: `(require "acme.v2").contact.get {}`, err: "acme.v2 has no group 'contact'; did you mean contacts?"},
		{lua: `(require "acme.v2").contacts.got {}`, err: "acme.v2.contacts has no 'got'; did you mean get?"},
		{lua: `acme.v2.contacts.get {}`, err: `acme has no group 'v2'; it is an edition of acme: write require "acme.v2"`},
		{lua: `require "acme.v2".contacts:get {}`, err: "acme.v2.contacts:get is called with a dot: acme.v2.contacts.get {…}"},
	})
	wantSteps(t, []lastStep{
		{`require "acme.v2".contacts.get { id = "c1" }`, `acme.v2.contacts.get {"id":"c1"}`},
		{`require "acme.v2".request { path = "/x" }`, `acme.v2.request {"method":"GET","path":"/x"}`},
	})
}

// Answers and pages are decoded by the types of the edition that was called.
func TestEditionTypes(t *testing.T) {
	h := newHost()
	h.answers["acme.v2.contacts.get"] = []string{`{"id":"c1","balance":12.50}`}
	h.answers["acme.v2.contacts.list"] = []string{`{"items":[{"id":"c1","balance":7.10}]}`}
	for lua, want := range map[string]string{
		`require "acme.v2".contacts.get { id = "c1" }.balance`:                                                   `"12.50"`,
		`for c in each(require "acme.v2".contacts.list) do return c.balance end`:                                 `"7.10"`,
		`local _, err = pcall(require "acme.v2".contacts.get, {}, { check = 1 }); return err:match "acme[%w.]+"`: `"acme.v2.contacts.get"`,
	} {
		if got, err := evaluate(t, h, lua); err != nil || got != want {
			t.Errorf("%s\n\tgot %s, %v; want %s", lua, got, err, want)
		}
	}
}
