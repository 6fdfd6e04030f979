package vm_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/vm"
)

// The errors for the author of a script when a line is wrong.
func TestErrorMessages(t *testing.T) {
	m := vm.New(vm.Config{Apps: []*bindings.App{{Name: "highlevel"}, {Name: "qonto"}}})
	for line, want := range map[string]string{
		`local x = event.contact.email`:                           `'event.contact' is nil, so 'email' cannot be read from it`,
		`event.contact.email = 1`:                                 `'event.contact' is nil, so 'email' cannot be set in it`,
		`local a = nothing.field`:                                 `'nothing' is not defined`,
		`highlevel.contacts.get({})`:                              `'highlevel' is not defined; to use the app write: local highlevel = require "highlevel"`,
		`pritn("x")`:                                              `'pritn' is not defined; did you mean print?`,
		`event.send("x")`:                                         `'event.send' is nil, so it cannot be called`,
		`if event.id then print("x") end event.contact.x = 1`:     `'event.contact' is nil, so 'x' cannot be set in it`,
		`local x; if event.id then x = event.nothing end x.y = 1`: `this is nil, so 'y' cannot be set in it`,
		`local a = event.id; local f = function() return a, event end; local b = event.nothing.x`:        `'event.nothing' is nil, so 'x' cannot be read from it`,
		`local ok, e = pcall(function() local k = ("x"):rep(100000); local v = string[k] end) error(#e)`: `4134`,
		`event:nmae()`:                      `'event:nmae' is nil, so it cannot be called`,
		`local t = {} t.x = {} t.x.y.z = 1`: `'x.y' is nil, so 'z' cannot be set in it`,
		`("x"):foo()`:                       `string has no 'foo'`,
		`string.fromat("x")`:                `string has no 'fromat'; did you mean format?`,
		`string.trim = 1`:                   `string cannot be changed`,
		`local n = 5; n()`:                  `the number 5 cannot be called`,
		`local t = {n = 5}; t.n()`:          `'n' is the number 5, not a function`,
		`for k, v in {1, 2} do end`:         `'for … in' needs pairs(t), ipairs(t) or each(…), found a table`,
		`for k, v in pairs(nil) do end`:     `pairs needs a table, found nil`,
		`for k, v in ipairs("abc") do end`:  `ipairs needs a list, found the text "abc"`,
		`local x = 1 + event`:               `'+' needs numbers; 'event' is a table`,
		`local x = "a" * 2`:                 `'*' needs numbers; a value is the text "a"`,
		`local x = -event`:                  `'-' needs numbers; 'event' is a table`,
		`local x = "n: " .. event.nothing`:  `'..' joins texts and numbers; 'event.nothing' is nil`,
		`local x = "n: " .. {} .. "x"`:      `'..' joins texts and numbers; a value is a table`,
		`local x = #5`:                      `'#' is the length of a text or table; a value is the number 5`,
		`local x = {} < {}`:                 `attempt to compare table with table`,
		`local x = 1 < "2"`:                 `attempt to compare number with string`,
		`os.time()`:                         `os.time is not there: use time.now()`,
		`io.open("/etc/passwd")`:            `io.open is not there: a script has no files; state.put stores values`,
		`coroutine.wrap(print)`:             `coroutine.wrap is not there: a run is one thread; emit starts another run`,
		`loadstring("x")`:                   `loadstring is not there: write the code as a function`,
		`math.random(1, 6)`:                 `math.random is not there: use random(min, max), which a replayed run repeats`,
		`("x"):rep("y")`:                    `rep: argument 2: a number is needed, found the text "y"`,
		`string.format("%d", "x")`:          `format: argument 2: a number is needed, found the text "x"`,
		`string.format("%d")`:               `string.format: the format needs value 1, and there are 0`,
		`string.format("%y", 1)`:            `string.format: '%y' is no format; there are %s %d %i %u %f %g %e %x %X %o %c %q %%`,
		`("x"):match("(")`:                  `pattern "(": a '(' without its ')'`,
		`("x"):match("[a")`:                 `pattern "[a": a ']' is missing`,
		`("x"):match("%")`:                  `pattern "%": it ends with '%'`,
		`table.insert(string, 1)`:           `insert: argument 1: a table is needed, found the library string`,
		`table.concat({1, {}})`:             `table.concat: value 2 is a table, not a text or number`,
		`table.sort({1, "a"})`:              `table.sort: cannot compare`,
		`setmetatable(string, {})`:          `setmetatable needs a table of the script's own, found the library string`,
		`local t = {} t[nil] = 1`:           `table index is nil`,
		`for i = 1, "x" do end`:             `for statement limit must be a number`,
		`error({code = 1})`:                 `an error that is a table`,
		`error({message = "broken"})`:       `broken`,
		`error()`:                           `an error that is nil`,
		`error(setmetatable({}, {__tostring = function() error("never called") end}))`: `an error that is a table`,
		`assert(false, "no client")`: `no client`,
		`assert(nil)`:                `assertion failed!`,
		`on("a.b.c", print)`:         `hooks are registered at the top level of a file, not while a hook runs`,
	} {
		out, _ := run(t, m, "\n"+inHook("\n"+line), vm.Limits{})
		e := wantScriptError(t, out.Err)
		if !strings.Contains(e.Message, want) || e.Position != "test.lua:3" {
			t.Errorf("%s\n\tgot  %s: %s\n\twant test.lua:3: %s", line, e.Position, e.Message, want)
		}
	}
}

// The errors for the author of a script when a file does not compile.
func TestSyntaxErrors(t *testing.T) {
	m := vm.New(vm.Config{Apps: []*bindings.App{{Name: "highlevel"}, {Name: "qonto"}}})
	for source, want := range map[string]string{
		"local x = = 1":                        "test.lua:1: unexpected '='",
		"\nif x = 1 then end":                  "test.lua:2: unexpected '='; '==' compares",
		"local été = 1":                        "test.lua:1: unexpected 'é'; names are of the letters a to z and A to Z, digits and '_'",
		"local x =\n  “a”":                     "test.lua:2: unexpected '“'; texts are written between plain quotes, \"…\" or '…'",
		"local\u00a0x = 1":                     "test.lua:1: unexpected U+00A0, an invisible character; write a plain space in its place",
		"local x\u200b = 1":                    "test.lua:1: unexpected U+200B, an invisible character; write a plain space in its place",
		"local x = \xff":                       "test.lua:1: a character that is no UTF-8; save the file as UTF-8",
		"x += 1":                               "test.lua:1: unexpected '+'; Lua has no '+=': write x = x + …",
		"if a != b then end":                   "test.lua:1: unexpected '!'; Lua has no '!=': '~=' means not equal",
		"if a && b then end":                   "test.lua:1: unexpected '&'; Lua has no '&&': write 'and'",
		"local function f()\n  g()\n":          "test.lua:2: the file ends, and 'function' of line 1 has no 'end'",
		"for i = 1, 3 do\n  print(i)\n":        "test.lua:2: the file ends, and 'for' of line 1 has no 'end'",
		"print({1, 2\n":                        "test.lua:1: the file ends, and '{' of line 1 has no '}'",
		"if a then\nelse if b then\nend\n":     "test.lua:3: the file ends, and 'if' of line 1 has no 'end'; line 2 has 'else if', which needs an 'end' of its own: write 'elseif'",
		"local s = 'abc\nprint(s)":             "test.lua:1: the text that begins here has no closing quote on its line",
		"local s = [[abc\nprint(s)":            "test.lua:1: the file ends inside of a text or comment",
		"foo":                                  "test.lua:1: an expression alone is no statement, near 'foo'",
		"on('a', function()\nif a then\nend)":  "test.lua:3: unexpected ')'; 'function' of line 1 has no 'end'",
		"on('a', {} function() end)":           "test.lua:1: unexpected 'function'; a ',' belongs before it",
		"print('a')\nend":                      "test.lua:2: unexpected 'end'; there is an 'end' too many",
		"break":                                "test.lua:1: 'break' is outside of a loop",
		"for i = 1, 2 do\n continue\nend":      "test.lua:2: Lua has no 'continue': write goto next, and ::next:: before the loop's end",
		"goto nowhere":                         "no visible label 'nowhere'",
		"local function f() return ... end":    "test.lua:1: '...' is in a function that does not have it as a parameter",
		"local n = 'x'\nrequire(n)":            `test.lua:2: require takes one name in quotes, such as require "lib.names"`,
		"local r = require":                    `test.lua:1: require takes one name in quotes`,
		`require "highlvel"`:                   `test.lua:1: no app or file called "highlvel"; did you mean highlevel?; looked for highlvel.lua; apps are highlevel, qonto`,
		`require "../secret"`:                  `test.lua:1: require "../secret": not a name of an app or a file below the scripts folder`,
		strings.Repeat("(", 300):               "test.lua:1: brackets and blocks are nested more than 150 deep",
		"x = " + strings.Repeat("not ", 300):   "test.lua:1: more than 50 of 'not', '-' and '#' in a row",
		"x = 1" + strings.Repeat("+y", 300):    "test.lua:1: more than 220 levels of blocks and operators",
		"--" + strings.Repeat("x", 256<<10):    "test.lua:1: the file has 262,146 bytes; a source has 256 KiB at most",
		"x = {" + strings.Repeat("1,", 30_000): "brackets", // replaced below
	} {
		if want == "brackets" {
			source, want = source+"}", "a list written in braces has more than 20,000 values"
		}
		_, err := m.Compile("test.lua", files{"test.lua": source}.read)
		var e *vm.SyntaxError
		if !errors.As(err, &e) {
			t.Errorf("%.60s\n\tgot  %v (%T), want a syntax error", source, err, err)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s\n\tgot  %v\n\twant %s", source, err, want)
		}
	}
}

func TestRequireFiles(t *testing.T) {
	m := vm.New(vm.Config{})
	host := &recorder{}
	folder := files{
		"crm/main.lua":      `local names = require "lib.names"; local util = require "util"; on("in:/x", function() print(names.full("Ada"), util, require "util" == util) end)`,
		"crm/lib/names.lua": `local util = require "util"; return { full = function(n) return util .. n end }`,
		"util.lua":          `loaded = (loaded or 0) + 1; return "v" .. loaded .. ":"`,
	}
	p, err := m.Compile("crm/main.lua", folder.read)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(p.Files()); got != 3 {
		t.Fatalf("the program has %d files, want 3", got)
	}
	for range 2 {
		out := m.Run(t.Context(), p, vm.Activation{Event: json.RawMessage("{}"), Host: host})
		if out.Err != nil {
			t.Fatal(out.Err)
		}
	}
	if got := strings.Join(host.lines, "|"); got != "v1:Ada\tv1:\ttrue|v1:Ada\tv1:\ttrue" {
		t.Fatalf("got %q", got)
	}
}

func TestRequireCircle(t *testing.T) {
	_, err := vm.New(vm.Config{}).Compile("a.lua", files{"a.lua": "\nrequire 'b'", "b.lua": "require 'c'", "c.lua": "require 'a'"}.read)
	want := `c.lua:1: require "a" goes in a circle: a.lua → b.lua → c.lua → a.lua`
	if err == nil || err.Error() != want {
		t.Fatalf("got %v, want %s", err, want)
	}
}

// The trace names the script's lines, also of an error
// that was caught and raised again.
func TestTrace(t *testing.T) {
	m := vm.New(vm.Config{})
	for _, call := range []string{"outer()", "try(outer)", "local ok, e = pcall(outer) error(e, 0)"} {
		out, _ := run(t, m, "local function inner()\n  error('deep')\nend\nlocal function outer()\n  inner()\n  return 1\nend\n"+inHook("\n "+call), vm.Limits{})
		e := wantScriptError(t, out.Err)
		if got := strings.Join(e.Trace, " "); e.Position != "test.lua:2" || e.Message != "deep" || got != "test.lua:2 test.lua:5 test.lua:9" {
			t.Errorf("%s: %v at %s, trace %s", call, e, e.Position, got)
		}
	}
}
