package vm_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/vm"
)

func load(t *testing.T, source string) ([]vm.Registration, error) {
	t.Helper()
	m := vm.New(vm.Config{Apps: []*bindings.App{testApp(t)}})
	p, err := m.Compile("crm.lua", files{"crm.lua": source}.read)
	if err != nil {
		return nil, err
	}
	return m.Load(t.Context(), p, vm.Settings{})
}

func TestHooks(t *testing.T) {
	got, err := load(t, `
on("acme.contact.created", function() end)
on({ "acme.contact.created", "acme.contact.updated" }, { debounce = "10s", lane = false }, function() end)
on("in:/orders", { verify = { scheme = "hmac", secret = secret "orders" }, id = "order.id",
  where = function(event) return event.data.n end }, function() end)
every("day at 09:00", { tz = "Europe/Paris" }, function() end)`)
	if err != nil {
		t.Fatal(err)
	}
	want := `[
 {"Triggers":["acme.contact.created"],"Every":"","Options":null,"Functions":null,"Secrets":null,"Position":"crm.lua:2"},
 {"Triggers":["acme.contact.created","acme.contact.updated"],"Every":"","Options":{"debounce":"10s","lane":false},"Functions":null,"Secrets":null,"Position":"crm.lua:3"},
 {"Triggers":["in:/orders"],"Every":"","Options":{"verify":{"scheme":"hmac","secret":"secret:orders"},"id":"order.id","where":true},"Functions":["where"],"Secrets":{"/verify/secret":[{"Text":"","Name":"orders","Of":null}]},"Position":"crm.lua:4"},
 {"Triggers":null,"Every":"day at 09:00","Options":{"tz":"Europe/Paris"},"Functions":null,"Secrets":null,"Position":"crm.lua:6"}
]`
	var lines []string
	for _, r := range got {
		line, _ := json.Marshal(r)
		lines = append(lines, " "+string(line))
	}
	if text := "[\n" + strings.Join(lines, ",\n") + "\n]"; text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

func TestHookErrors(t *testing.T) {
	tests := []struct{ source, want string }{
		{`on("a.b.c")`, "crm.lua:1: on: the last argument must be the function that handles the event, found nil"},
		{`on(function() end)`, "crm.lua:1: on: the last argument must be the function"},
		{`on({}, function() end)`, `on: the first argument must be a trigger such as "highlevel.contact.created", or a list of them; found a table`},
		{`on({ 1 }, function() end)`, "on: a trigger must be a text"},
		{`on("", function() end)`, "on: a trigger must be a text"},
		{`on("a.b.c", { debonce = "1s" }, function() end)`, `on: unknown option "debonce"; did you mean debounce?; known are name, connection`},
		{`on("a.b.c", { "x" }, function() end)`, `on: options are written name = value, found the item`},
		{`on("a.b.c", "x", function() end)`, `on: the options must be a table, found the text "x"`},
		{`on("a.b.c", { lane = function() end }, function() end)`, "on: the option lane cannot be a function; only where can"},
		{`on("a.b.c", { tz = "UTC" }, function() end)`, `on: unknown option "tz"`},
		{`on("a.b.c", {}, function() end, 1)`, "on takes a trigger, a table of options if there are any, and a function; found 4 arguments"},
		{`every(15, function() end)`, `every: the first argument must be a schedule such as "15m"`},
		{`every("15m", { verify = {} }, function() end)`, `every: unknown option "verify"`},
		{`wait "3 days"`, "crm.lua:1: wait cannot be used at the top level of a file"},
		{`local d = wait_for("a.b.c")`, "crm.lua:1: wait_for cannot be used at the top level of a file"},
		{`time.now()`, "time.now cannot be used at the top level of a file"},
		{`require("acme").contacts.get {}`, "acme.contacts.get cannot be used at the top level of a file"},
	}
	for _, test := range tests {
		t.Run(test.source, func(t *testing.T) {
			_, err := load(t, test.source)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v; want %q", err, test.want)
			}
		})
	}
	if _, err := load(t, "function wait(n) return n end\nwait(1)\nlocal approval = 1"); err != nil {
		t.Errorf("a script's own wait: %v", err)
	}
}
