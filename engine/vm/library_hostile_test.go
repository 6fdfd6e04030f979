package vm_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/vm"
)

// TestHostileLibraries checks that scripts that make the libraries grow without
// end are ended by a limit or an error, and that the process is not.
func TestHostileLibraries(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long under the race detector, which finds nothing in one goroutine")
	}
	scripts := map[string]string{
		"json.encode of shared tables": `local t = { 1 }; for i = 1, 60 do t = { a = t, b = t } end; json.encode(t)`,
		"json.encode of a large text":  `local s = ("x"):rep(4e6); local t = {}; for i = 1, 100 do t[i] = s end; json.encode(t)`,
		"json.decode of many lists":    `local s = "[" .. ("[],"):rep(1e6) .. "1]"; for i = 1, 50 do json.decode(s) end`,
		"json.decode stored":           `local s = "[" .. ("1,"):rep(1e6) .. "1]"; local t = {}; for i = 1, 50 do t[i] = json.decode(s) end`,
		"log of shared tables":         `local t = { 1 }; for i = 1, 60 do t = { a = t, b = t } end; log.info("x", t)`,
		"arguments of shared tables":   `local t = { 1 }; for i = 1, 60 do t = { a = t, b = t } end; acme.contacts.upsert { meta = t }`,
		"const of shared tables":       `local t = { 1 }; for i = 1, 25 do t = { a = t, b = t } end; map { x = const(t) } {}`,
		"map of shared tables":         `local t = { a = "x" }; for i = 1, 30 do t = { a = t, b = t } end; map(t)`,
		"an error made large":          `local _, e = try(acme.contacts.get); local t = { 1 }; for i = 1, 60 do t = { a = t, b = t } end; e.body = t; log.info(tostring(e)); error(e)`,
		"map of shared rules":          `local r = map { a = const "x" }; for i = 1, 30 do r = map { a = r, b = r } end; r {}`,
		"map that calls itself":        `local r; r = map { a = function(s) return r(s) end }; r {}`,
		"text.split":                   `local s = (","):rep(4e6); text.split(s, ",")`,
		"text.split again and again":   `local s = ("a "):rep(1e6); while true do text.split(s) end`,
		"text.csv":                     `local s = ("a,b\n"):rep(1e6); text.csv(s)`,
		"text.csv written":             `local row = { ("x"):rep(1e6) }; local t = {}; for i = 1, 1000 do t[i] = row end; text.csv(t)`,
		"text.template":                `local s = ("{{x}}"):rep(1e4); text.template(s, { x = ("y"):rep(1e5) })`,
		"text.slug":                    `local s = ("é"):rep(2e6); while true do text.slug(s) end`,
		"text.decode":                  `local s = ("\128"):rep(2e6); while true do text.decode(s, "windows-1252") end`,
		"text.decode stored":           `local t = {}; for i = 1, 100 do t[i] = text.decode(("\128"):rep(2e6), "windows-1252") end`,
		"text.decode of errors":        `local s = ("a"):rep(4e6) .. "\147"; while true do pcall(text.decode, s, "shift_jis") end`,
		"text.encode":                  `local s = ("é"):rep(2e6); while true do text.encode(s, "utf-16le") end`,
		"base64":                       `local s = "xxx"; while true do s = base64.encode(s) end`,
		"hmac":                         `local s = ("x"):rep(4e6); while true do hmac.sha512("k", s) end`,
		"money":                        `while true do money.mul(("9"):rep(400), ("9"):rep(400)) end`,
		"time.format":                  `while true do time.format("2026-12-01", ("%c"):rep(500)) end`,
		"time.parse":                   `while true do time.parse("2026-12-01", "%Y-%m-%d", "Europe/Paris") end`,
		"secrets":                      `local s = secret "a"; while true do s = secret "a" .. ("x"):rep(1000) end`,
		"secrets stored":               `local t = {}; for i = 1, 1e6 do t[i] = secret "a" .. ("x" .. i):rep(100) end`,
		"each stored":                  `local t = {}; for i = 1, 1e6 do t[i] = each(acme.contacts.list) end`,
		"rules stored":                 `local t = {}; for i = 1, 1e6 do t[i] = map { a = "a", b = { c = const("x" .. i) } } end`,
		"numbers stored":               `local t = {}; for i = 1, 1e7 do t[i] = json.number(("1"):rep(900)) end`,
		"options without end":          `local o = {}; for i = 1, 1e6 do o[i .. ""] = 1 end; json.encode({}, o)`,
		"hooks":                        `on("a.b.c", function() end)`,
		"state of shared tables":       `local t = { 1 }; for i = 1, 60 do t = { a = t, b = t } end; state.put("k", t)`,
		"waits":                        `while true do wait "1s" end`,
		"wait_for many":                `local w = {}; for i = 1, 1e6 do w["k" .. i] = i end; wait_for("a.b.c", { where = w })`,
		"wait_for of shared tables":    `local t = { 1 }; for i = 1, 60 do t = { a = t, b = t } end; wait_for("a.b.c", { where = { x = t } })`,
		"choices without end":          `local c = {}; for i = 1, 1e5 do c[i] = "c" .. i end; approval { title = "?", choices = c }`,
		"an event of shared tables":    `local t = { 1 }; for i = 1, 60 do t = { a = t, b = t } end; emit("x", t)`,
	}
	m := vm.New(vm.Config{Apps: []*bindings.App{testApp(t)}})
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			p := compileCRM(t, m, "local acme = require \"acme\"\non(\"acme.contact.created\", function(event)\n"+script+"\nend)")
			begun := time.Now()
			out := m.Run(t.Context(), p, vm.Activation{
				Event: json.RawMessage(`{"data":{}}`), Host: failingHost(),
				Limits: vm.Limits{Time: 100 * time.Millisecond, Instructions: 20_000_000, Memory: 32 << 20},
			})
			if out.Err == nil || !strings.Contains(out.Err.Error(), "crm.lua:") {
				t.Errorf("it ended with %v", out.Err)
			}
			if elapsed := time.Since(begun); elapsed > time.Minute { // seconds at the most, on the slowest machine
				t.Errorf("it took %v", elapsed)
			}
			t.Log(out.Err)
		})
	}
}
