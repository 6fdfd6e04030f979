package vm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/vm"
)

// The arguments of the steps of a script that waits. The zone is Europe/Paris.
func TestWaitArguments(t *testing.T) {
	wantSteps(t, []lastStep{
		{`wait "3 days"`, `wait {"for":"3 days"}`},
		{`wait "1h30m"`, `wait {"for":"1h30m"}`},
		{`wait "1 month"`, `wait {"for":"1 month"}`},
		{`wait(90)`, `wait {"for":"90 seconds"}`},
		{`wait(0.25)`, `wait {"for":"0.25 seconds"}`},
		{`wait(time.at "2026-12-01T09:00:00+01:00")`, `wait {"until":"2026-12-01T08:00:00Z"}`},
		{`wait "2026-12-01T09:00:00+01:00"`, `wait {"until":"2026-12-01T08:00:00Z"}`},
		{`wait "2026-12-01 09:00"`, `wait {"until":"2026-12-01T08:00:00Z"}`},
		{`wait_for "acme.contact.updated"`, `wait_for {"triggers":["acme.contact.updated"]}`},
		{`wait_for({ "acme.contact.updated", "emit:deal.won" }, { where = { id = 7, kind = { "a", true } }, timeout = "7d", connection = "paris" })`,
			`wait_for {"triggers":["acme.contact.updated","emit:deal.won"],"where":{"id":7,"kind":["a",true]},"timeout":"7d","connection":"paris"}`},
		{`wait_for("acme.contact.updated", { timeout = 60 })`, `wait_for {"triggers":["acme.contact.updated"],"timeout":"60 seconds"}`},
		{`wait_for(event.data.vip and "acme.contact.updated" or "emit:deal.won")`, `wait_for {"triggers":["emit:deal.won"]}`},
		{`try(wait_for, "acme.contact.updated")`, `wait_for {"triggers":["acme.contact.updated"]}`},
		{`wait_for(approval { title = "Pay?" }, { timeout = "2 days" })`, `wait_for {"approval":"a1","timeout":"2 days"}`},
		{`wait_for { id = "kept" }`, `wait_for {"approval":"kept"}`},
		{`approval { title = " Pay? " }`, `approval {"title":"Pay?","choices":["approve","reject"]}`},
		{`approval { title = "Pay?", text = "12 €", choices = { "now", "later" }, timeout = "3 days" }`,
			`approval {"title":"Pay?","text":"12 €","choices":["now","later"],"timeout":"3 days"}`},
	})
}

// A wait that is certainly a mistake is an error, and not a step.
func TestWaitErrors(t *testing.T) {
	for lua, want := range map[string]string{
		`wait()`:       `crm.lua:3: wait: a length of time must be a text such as "3 days" or seconds, found nil`,
		`wait "soon"`:  `crm.lua:3: wait: "soon" is neither a length of time such as "3 days" nor a time such as "2026-12-01T09:00:00Z"`,
		`wait(-1)`:     `found the number -1`,
		`wait(0/0)`:    `found the number nan`,
		`wait {}`:      `found a table`,
		`wait(1.8e9)`:  `wait: 1800000000 seconds are more than 30 years; a time in seconds since 1970 is written time.at(1800000000)`,
		`wait_for()`:   `wait_for: the first argument must be a trigger such as "highlevel.contact.updated", a list of them, or what approval returned; found nil`,
		`wait_for {}`:  `found a table`,
		`wait_for(12)`: `found the number 12`,
		`local name = "acme.contact" .. ".updated"; wait_for(name)`:              `crm.lua:3: wait_for: "acme.contact.updated": a trigger is written in quotes in the call itself`,
		`local w = wait_for; w("acme.contact.updated")`:                          `a trigger is written in quotes in the call itself`,
		`wait_for("a.b.c", { were = {} })`:                                       `wait_for: unknown option "were"; did you mean where?`,
		`wait_for("a.b.c", { where = "x" })`:                                     `wait_for: where must be a table such as { status = "paid" }, found the text "x"`,
		`wait_for("a.b.c", { where = { "x" } })`:                                 `wait_for: where: values are written path = value, found the item the number 1`,
		`wait_for("a.b.c", { where = { client = { vip = true } } })`:             `client must be a text, number, boolean or a list of them, found a table; a field of a table is written ["client.field"]`,
		`wait_for("a.b.c", { where = { kind = json.array {} } })`:                `kind: an empty list matches nothing`,
		`wait_for("a.b.c", { where = { kind = { "a", {} } } })`:                  `kind must be a text, number, boolean or a list`,
		`wait_for("a.b.c", { where = { key = secret "x" } })`:                    `found a secret`,
		`wait_for("a.b.c", { timeout = "soon" })`:                                `wait_for: the option timeout: "soon" is no length of time`,
		`wait_for("a.b.c", { connection = {} })`:                                 `wait_for: the option connection must be a text`,
		`wait_for({ id = "a" }, { where = {} })`:                                 `wait_for(approval): unknown option "where"; known are timeout`,
		`approval "Pay?"`:                                                        `approval takes a table such as { title = "Pay this invoice?" }, found the text "Pay?"`,
		`approval {}`:                                                            `approval: the title is required and has 200 bytes at most, found nil`,
		`approval { title = " " }`:                                               `approval: the title is required`,
		`approval { title = "Pay?", options = {} }`:                              `approval: unknown option "options"`,
		`approval { title = "Pay?", choices = {} }`:                              `approval: the choices are a list of 1 to 10 texts such as { "approve", "reject" }, found a table`,
		`approval { title = "Pay?", choices = { "a", 1 } }`:                      `approval: choice 2 must be a text of 60 bytes at most, found the number 1`,
		`approval { title = "Pay?", choices = { "a", "a " } }`:                   `approval: the choice "a" is listed twice`,
		`approval { title = "Pay?", timeout = -5 }`:                              `approval: the option timeout: a length of time must be`,
		`approval { title = "Pay?", text = ("x"):rep(20000) }`:                   `approval: the text has 20,000 bytes; 10,000 bytes at most`,
		`approval { title = "Pay?", text = "key " .. secret "x" }`:               `approval: the option text must be a text, found a secret`,
		`on("a.b.c", { where = function() wait "1s" end }, function() end)`:      `hooks are registered at the top level`,
		`wait_for("a.b.c", { where = { ["x"] = nil, ["y"] = function() end } })`: `y must be a text, number, boolean or a list of them, found a function`,
	} {
		h := newHost()
		err := handle(t, h, lua)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n\tgot  %v\n\twant %s", lua, err, want)
		}
		if len(h.steps) > 0 && h.steps[len(h.steps)-1].Name != "time.at" {
			t.Errorf("%s made the step %s", lua, h.last())
		}
	}
}

func TestNoWaitInWhereFunction(t *testing.T) {
	m := vm.New(vm.Config{})
	p := program(t, m, `on("in:/test", { where = function() wait "1s" return true end }, print)`)
	out := m.Run(t.Context(), p, vm.Activation{Event: smallEvent, Host: &recorder{}})
	if want := "test.lua:1: wait cannot be used in a where function, which only reads the event"; out.Err == nil || out.Err.Error() != want {
		t.Errorf("got %v, want %s", out.Err, want)
	}
}

// The results of wait_for: an event whose data is decoded by the type of its
// trigger, a decision, or nil and the error when the time is over.
func TestWaitForResults(t *testing.T) {
	event := `{"id":"e9","type":"acme.contact.updated","data":{"id":"c1","balance":12.50,"seq":9007199254740993,"tags":[]}}`
	for _, test := range []struct {
		lua, answer string
		err         *bindings.Error
		want        string
	}{
		{lua: `local e = wait_for "acme.contact.updated"; return { e.id, type(e.data.balance), e.data.seq, json.encode(e.data.tags) }`,
			answer: event, want: `["e9","string","9007199254740993","[]"]`},
		{lua: `local e = wait_for "emit:x"; return e.data`, answer: `{"id":"e1","type":"emit:x","data":{"n":1}}`, want: `{"n":1}`},
		{lua: `local d, err = wait_for { id = "a1" }; return { d.choice, d.by, err == nil }`,
			answer: `{"choice":"approve","by":"ada","at":"2026-12-01T09:00:00Z"}`, want: `["approve","ada",true]`},
		{lua: `local e, err = wait_for("emit:x", { timeout = "1d" }); return { e == nil, err.kind, err.message, tostring(err) }`,
			err: &bindings.Error{Kind: bindings.Timeout, Message: "nothing came"}, want: `[true,"timeout","nothing came","nothing came (timeout)"]`},
		{lua: `local ok, err = pcall(wait_for, "emit:x"); return { ok, err.kind }`,
			err: &bindings.Error{Kind: bindings.Conflict, Message: "no such approval"}, want: `[false,"conflict"]`},
		{lua: `wait "1s"; return select("#", wait "1s")`, want: `0`},
	} {
		h := newHost()
		h.answers["wait_for"] = []string{test.answer}
		if test.err != nil {
			h.errors = map[string]*bindings.Error{"wait_for": test.err}
		}
		if got, err := evaluate(t, h, test.lua); err != nil || got != test.want {
			t.Errorf("%s\n\tgot  %s, %v\n\twant %s", test.lua, got, err, test.want)
		}
	}
}

// After counts days by the calendar of the zone, as time.after does.
func TestAfter(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2026, 10, 24, 12, 0, 0, 0, paris) // the clocks go back on the 25th
	for length, want := range map[string]time.Time{
		"1 day":      begin.Add(25 * time.Hour),
		"24 hours":   begin.Add(24 * time.Hour),
		"90 seconds": begin.Add(90 * time.Second),
		"1 month":    time.Date(2026, 11, 24, 12, 0, 0, 0, paris),
	} {
		if got, err := vm.After(length, begin, paris); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %s, %v; want %s", length, got, err, want)
		}
	}
	if _, err := vm.After("soon", begin, paris); err == nil {
		t.Error("soon is a length of time")
	}
}
