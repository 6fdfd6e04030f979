package vm_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/vm"
)

// Awaits names the triggers of all calls of wait_for, also in required files.
func TestAwaits(t *testing.T) {
	m := vm.New(vm.Config{})
	p, err := m.Compile("main.lua", files{
		"main.lua": `local lib = require "lib"
on("a.b.c", function(event)
  local e = wait_for "a.noun.first"
  if event.vip then e = wait_for({ "b.noun.second", 'a.noun.first' }, { timeout = "1d" }) end
  local d = wait_for(approval { title = "?" })
  e = wait_for(event.vip and "c.noun.third" or [[c.noun.fourth]])
  pcall(wait_for, "d.noun.fifth")
  wait_for(lib.pending)
end)`,
		"lib.lua": `return { f = function() return wait_for("emit:sixth", {}) end }`,
	}.read)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a.noun.first", "b.noun.second", "c.noun.fourth", "c.noun.third", "d.noun.fifth", "emit:sixth"}
	if got := p.Awaits(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestWaitForLiterals(t *testing.T) {
	m := vm.New(vm.Config{})
	for source, refused := range map[string]bool{
		"local n = 'x'\nwait_for('a.' .. n)":                      true,
		"local n = 'x'\nwait_for({ 'a.b.c', n })":                 true,
		"\nwait_for { n or 'a.b.c' }":                             true,
		"\nwait_for(('%s.b.c'):format(n))":                        true,
		"\nwait_for(n or 'a.' .. n)":                              true,
		"\ntry(wait_for, 'a.' .. n)":                              true,
		"\nlocal wait_for = wait_for; wait_for('a.' .. n)":        true,
		"\nwait_for(n)":                                           false,
		"\nwait_for(approvals[n])":                                false,
		"\nlocal function wait_for(x) end wait_for('a.' .. n)":    false,
		"\nfunction wait_for(x) end wait_for('a.' .. n)":          false,
		"\nlocal wait_for = function() end wait_for('a.' .. n)":   false,
		"\nlocal function f(wait_for) wait_for('a.' .. n) end":    false,
		"\nwait_for = print; wait_for('a.' .. n)":                 false,
		"\nlocal t = {}; function t.wait_for() end wait_for(n())": false,
	} {
		p, err := m.Compile("test.lua", files{"test.lua": source}.read)
		var e *vm.SyntaxError
		switch {
		case refused && (!errors.As(err, &e) || e.Position != "test.lua:2" || !strings.HasPrefix(e.Message, "wait_for: a trigger is written in quotes")):
			t.Errorf("%s\n\tgot %v", source, err)
		case !refused && err != nil:
			t.Errorf("%s\n\tgot %v", source, err)
		case !refused && len(p.Awaits()) > 0:
			t.Errorf("%s\n\tawaits %q", source, p.Awaits())
		}
	}
}

// A line that begins with a parenthesis continues the line before.
func TestWarnings(t *testing.T) {
	m := vm.New(vm.Config{})
	for source, want := range map[string]string{
		"wait '3 days'\n(a or b)(c)":             "test.lua:2: this line goes on with the wait of line 1, and calls what it returned; put a ';' before the '('",
		"wait '3 days'\n\n-- then\n  (a or b)()": "test.lua:4: this line goes on with the wait of line 1, and calls what it returned; put a ';' before the '('",
		"wait_for 'a.b.c'\n(a).x = 1":            "test.lua:2: this line goes on with the wait_for of line 1, and calls what it returned; put a ';' before the '('",
		"local d = wait_for 'a.b.c'\n(a):x()":    "test.lua:2: this line goes on with the wait_for of line 1, and calls what it returned; put a ';' before the '('",
		"wait '3 days' (a)":                      "test.lua:1: what wait returns is called, and it is no function",
		"wait '3 days';\n(a or b)(c)":            "",
		"wait '3 days'\nprint(\n(a))":            "",
		"f 'x'\n(a or b)(c)":                     "",
	} {
		if got := strings.Join(program(t, m, source).Warnings(), "\n"); got != want {
			t.Errorf("%q\n\tgot  %s\n\twant %s", source, got, want)
		}
	}
}
