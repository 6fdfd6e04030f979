package vm_test

import (
	"testing"

	"github.com/tidewire/tidewire/engine/vm"
)

// varies replaces a value of lua5.1 that depends on the platform or on an
// address.
const varies = ""

// difference is an expression whose values are not those of lua5.1 on purpose.
type difference struct{ lua, ours, theirs string }

// TestDifferences checks each line of "Differences from Lua 5.1" in
// scripts/README.md that an expression can show.
func TestDifferences(t *testing.T) {
	differences := []difference{
		// Numbers.
		{`1e15, 2 ^ 53, 123456789012345 .. ""`, "1000000000000000 9007199254740992 123456789012345", "1e+15 9.007199254741e+15 1.2345678901234e+14"},
		{`0 * -1, math.fmod(-6, 3), math.ceil(-0.5)`, "0 0 0", "-0 -0 -0"},
		{`(function(a, b) return 1 / (a * b) end)(0, -1)`, "inf", "-inf"},
		{`0 / 0, string.format("%f", 0 / 0)`, "nan nan", varies},
		{`5 % math.huge, -5 % math.huge`, "5 inf", varies},
		{`1 % 0.1 > 0.09, 2 ^ 60 % 3, 1e20 % 7`, "true 1 2", "false 0 0"},
		{`tonumber("inf"), tonumber("-inf"), tonumber("nan"), pcall(function() return "inf" + 0 end) and "added"`, "nil nil nil false", "inf -inf nan added"},
		{`tonumber("-ff", 16), tonumber("ffffffffffffffffffff", 16) == 2 ^ 80`, "-255 true", "1.844674407371e+19 false"},
		{`tonumber("10\0")`, "nil", "10"},
		{`math.cosh(710) == math.huge, 10 ^ 308 == 1e308`, "true false", "false true"},
		// Texts.
		{`tostring({}), tostring(print)`, "table function", varies},
		{`string.format("%s %s %s", nil, true, {})`, "nil true table", "error"},
		{`string.format("%s", setmetatable({}, { __tostring = function() return "mine" end }))`, "mine", "error"},
		{`#string.format("%c", 0), #string.format("%5s", "a\0b")`, "1 5", "0 5"},
		{`string.format("%d", 1e20)`, "error", varies},
		{`string.format("%x", 2 ^ 64)`, "error", varies},
		{`string.format("%d", math.huge)`, "error", varies},
		{`("a\0b"):find("\0"), ("a\0b"):match("a(.-)b$") == "\0", ("a\0b"):match("a\0c")`, "2 true nil", "2 true a"},
		{`("abc"):gsub("b", "%")`, "error", "a\x00c 1"},
		{`("abc"):sub(1, math.huge), ("abc"):byte(-math.huge, 1)`, "abc 97", varies},
		{`("a"):rep(300):match(("a?"):rep(300)):len()`, "error", "300"},
		// Tables.
		{`#setmetatable({ 1, 2 }, { __len = function() return 7 end })`, "7", "2"},
		{`(function() local t = {} t[2] = 1 return #t end)()`, "2", "0"},
		{`table.insert({}, 5, "x")`, "error", ""},
		{`(function() local t = { 1, 2 } table.insert(t, 0, "x") end)()`, "error", ""},
		{`next({}, 1)`, "nil", "error"},
		{`(function() local t = { z = 1, y = 2, x = 3, 4 } local s = "" for k in pairs(t) do s = s .. k end return s end)()`, "1zyx", varies},
		{`(function() local t, n = { 3, 2, 1 }, 0 pcall(table.sort, t, function(a, b) n = n + 1 if n == 3 then error("no") end return a < b end)
			return table.concat(t) end)()`, "321", varies},
		{`(function() local t, s = {}, "" for i = 1, 9 do t[i] = { i % 2, i } end table.sort(t, function(a, b) return a[1] < b[1] end)
			for _, v in ipairs(t) do s = s .. v[2] end return s end)()`, "246813579", varies},
		// Basic functions.
		{`(function() local ok, e = pcall(assert, false, { n = 1 }) return type(e) end)()`, "table", "string"},
		{`(function() local ok, e = pcall(assert, nil, 5) return type(e) end)()`, "number", "string"},
		{`tostring(setmetatable({}, { __tostring = function() return {} end }))`, "table", varies},
		{`getmetatable("") == false, pcall(function() return ("x").nothing end) and "read"`, "true false", "false read"},
		{`pcall(function() return math.nothing end)`, "false test.lua:7: math has no 'nothing'", "true nil"},
		{`(pcall(function() string.trim = 1 end)), (pcall(rawset, table, "x", 1)), (pcall(setmetatable, math, {}))`, "false false false", varies},
		{`rawget(_G, "print") == print, getmetatable(_G)`, "false false", "true nil"},
		{`(function() for name in pairs(_G) do if name == "print" then return "listed" end end return "not listed" end)()`, "not listed", "listed"},
		{`(function(...) return type(arg) end)(1)`, "nil", "table"},
		// Functions that are not there.
		{`type(coroutine), type(io), type(os), type(debug), type(package)`, "userdata userdata userdata userdata userdata", "table table table table table"},
		{`pcall(function() return io.open end)`, "false test.lua:7: io.open is not there: a script has no files; state.put stores values", varies},
		{`pcall(loadstring, "return 1")`, "false test.lua:7: loadstring is not there: write the code as a function", varies},
		{`pcall(function() return math.random end)`, "false test.lua:7: math.random is not there: use random(min, max), which a replayed run repeats", varies},
		{`pcall(function() return string.gfind end)`, "false test.lua:7: string.gfind is not there: use string.gmatch", varies},
		{`pcall(function() return string.dump end)`, "false test.lua:7: string.dump is not there: a function has no text; pass the function itself", varies},
		{`pcall(function() return table.foreach end)`, "false test.lua:7: table.foreach is not there: write for key, value in pairs(t) do", varies},
		{`pcall(function() return table.foreachi end)`, "false test.lua:7: table.foreachi is not there: write for i, value in ipairs(t) do", varies},
		{`pcall(function() return table.setn end)`, "false test.lua:7: table.setn is not there: a list is as long as its last value", varies},
		{`pcall(function() return math.mod end)`, "false test.lua:7: math.mod is not there: use math.fmod, or the operator %", varies},
		// Metatables.
		{`pcall(function() return setmetatable({}, { __add = setmetatable({}, { __call = function() return "called" end }) }) + 1 end) and "called"`, "false", "called"},
		{`-setmetatable({}, { __unm = function(...) return select("#", ...) end })`, "1", "2"},
		// Errors and calls.
		{`pcall(function() local x = nil + 1 end)`, "false test.lua:7: '+' needs numbers; a value is nil", "false test.lua:7: attempt to perform arithmetic on a nil value"},
		{`(function() local function f() error("x", 2) end local function g() return f() end return pcall(g) end)()`, "false test.lua:7: x", "false x"},
		{`(function() local function f(n) if n == 0 then return "done" end return f(n - 1) end return f(1000) end)()`,
			"error: test.lua:7: over the limit of 180 calls within calls", "done"},
		{`pcall(function() local function f() return 1 + f() end return f() end)`,
			"error: test.lua:7: over the limit of 180 calls within calls", "false test.lua:7: stack overflow"},
		// Syntax.
		{`(function() do goto done end ::done:: return "jumped" end)()`, "jumped", "error: test.lua:7: '=' expected near 'done'"},
		{`(function() ;; return "no statement" end)()`, "no statement", "error: test.lua:7: unexpected symbol near ';'"},
		{`[[ [[ ]]`, " [[ ", "error: test.lua:7: nesting of [[...]] is deprecated near '['"},
		{`#("x")
			(("y"):rep(2))`, "error", "error: test.lua:8: ambiguous syntax (function call x new statement) near '('"},
	}
	m := vm.New(vm.Config{})
	var bodies []string
	for _, d := range differences {
		bodies = append(bodies, evaluation(d.lua))
		if got := ours(t, m, evaluation(d.lua)); got != d.ours {
			t.Errorf("%s\n\tgot  %s\n\twant %s", d.lua, got, d.ours)
		}
	}
	t.Run("lua5.1", func(t *testing.T) {
		for i, got := range lua51(t, bodies) {
			d := differences[i]
			if got == d.ours || d.theirs != varies && got != d.theirs {
				t.Errorf("%s\n\tlua5.1 gives %s\n\twant %s", d.lua, got, d.theirs)
			}
		}
	})
}
