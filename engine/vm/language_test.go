package vm_test

import (
	"testing"

	"github.com/tidewire/tidewire/engine/vm"
)

// Each line must be true: it is passed to assert.
func TestLanguage(t *testing.T) {
	m := vm.New(vm.Config{})
	for _, line := range []string{
		// Numbers print with 14 digits, whole ones in full, and never as Go prints them.
		`1250000.5 .. "" == "1250000.5"`,
		`tostring(1250000.5) == "1250000.5"`,
		`0.1 .. "|" .. 1e15 .. "|" .. 2^53 == "0.1|1000000000000000|9007199254740992"`,
		`tostring(1e100) == "1e+100"`,
		`tostring(1/3) == "0.33333333333333"`,
		`tostring(1e-5) == "1e-05"`,
		`tostring(1/0) == "inf" and tostring(-1/0) == "-inf" and tostring(0/0) == "nan"`,
		`table.concat({1.5, "a", 2}, "-") == "1.5-a-2"`,
		// No addresses.
		`tostring({}) == "table" and tostring(print) == "function"`,
		`string.format("%s %s", {}, print) == "table function"`,
		`type(string) == "table" and tostring(string) == "table"`,
		// tonumber.
		`tonumber("0x1F") == 31 and tonumber(" 12.5 ") == 12.5 and tonumber("1e3") == 1000`,
		`tonumber("12px") == nil and tonumber("") == nil and tonumber("1_000") == nil and tonumber("inf") == nil and tonumber("nan") == nil`,
		`tonumber("ff", 16) == 255 and tonumber("zz", 36) == 1295 and tonumber("8", 8) == nil`,
		// pairs follows first insertion, and lists libraries.
		`(function() local s = "" for k in pairs({z = 1, a = 2, m = 3}) do s = s .. k end return s end)() == "zam"`,
		`(function() local n = 0 for name, f in pairs(table) do n = n + 1; assert(type(f) == "function", name) end return n > 5 end)()`,
		`(function() local s = "" for i, v in ipairs({"a", "b", nil, "c"}) do s = s .. i .. v end return s end)() == "1a2b"`,
		`next({}) == nil and next({5}) == 1`,
		`select("#", 1, nil, nil) == 3 and select(2, "a", "b") == "b" and select(-1, "a", "b") == "b"`,
		`select("#", unpack({1, 2, 3})) == 3 and select("#", unpack({1, 2, 3}, 2)) == 2`,
		// Errors.
		`(function() local ok, e = pcall(error, {code = 7}) return not ok and e.code == 7 end)()`,
		`(function() local ok, e = pcall(error, "plain", 0) return e == "plain" end)()`,
		`(function() local ok, e = pcall(function() error("here") end) return e == "test.lua:1: here" end)()`,
		`(function() local ok, e = xpcall(function() error("x", 0) end, function(m) return m .. "!" end) return e == "x!" end)()`,
		`(function() local ok, a, b = pcall(function(...) return ... end, 1, 2) return ok and a == 1 and b == 2 end)()`,
		`(function() local ok, e = pcall(assert, false, "why") return e == "why" end)()`,
		`(function() local keep; local ok = pcall(function() local v = 1; keep = function() v = v + 1; return v end; error("x") end); local a, b, c = 7, 8, 9; return keep() == 2 and keep() == 3 and a + b + c == 24 end)()`,
		`(function() local keep; xpcall(function() local v = 1; keep = function() return v end; error("x") end, function() end); local a, b, c = 7, 8, 9; return keep() == 1 end)()`,
		// Metatables.
		`(function() local t = setmetatable({}, {__index = function(_, k) return k .. "!" end}) return t.a == "a!" end)()`,
		`(function() local t = setmetatable({}, {__call = function(_, x) return x * 2 end}) return t(4) == 8 end)()`,
		`(function() local t = setmetatable({}, {__tostring = function() return "mine" end}) return tostring(t) == "mine" and string.format("%s", t) == "mine" end)()`,
		`(function() local t = setmetatable({}, {__concat = function(a, b) return "joined" end}) return t .. 1 == "joined" and "x" .. t == "joined" end)()`,
		`getmetatable("") == false and getmetatable(setmetatable({}, {__metatable = "no"})) == "no"`,
		`not pcall(setmetatable, setmetatable({}, {__metatable = 1}), {})`,
		`not pcall(setmetatable, string, {}) and not pcall(setmetatable, "", {})`,
		`rawget(setmetatable({}, {__index = {a = 1}}), "a") == nil and rawequal("a", "a") and rawset({}, "a", 3).a == 3`,
		// Loops that the compiler of gopher-lua compiles wrong without the
		// no-op.
		`(function() local n = 0 for i = 1, 3 do for k in pairs({1, 2}) do break end n = n + 1 end return n == 3 end)()`,
		`(function() local n = 0 for i = 1, 3 do while true do break end n = n + 1 end return n == 3 end)()`,
		`(function() local n = 0 while n < 3 do n = n + 1 for k in pairs({1}) do if false then n = 9 end break end end return n == 3 end)()`,
		`(function() local n = 0 repeat n = n + 1 repeat break until false until n == 3 return n == 3 end)()`,
		`(function() local n = 0 while false do n = 1 end while nil and n do n = 2 end repeat n = n + 1 until not false or nil return n == 1 end)()`,
		`(function() local n = 0 ::top:: if false then n = 100 end n = n + 1 if n < 3 then goto top end return n == 3 end)()`,
		`(function() local s = 0 for i = 1, 5 do if i % 2 == 0 then goto next end local odd = i s = s + odd ::next:: end return s == 9 end)()`,
		`(function() local n = 0 for i = 1, 2 do for j = 1, 2 do for k in pairs({1, 2}) do n = n + 1 do break end end end end return n == 4 end)()`,
		// Tail calls and varargs.
		`(function() local function f(n) if n == 0 then return "done" end return f(n - 1) end return f(100) == "done" end)()`,
		`(function(...) local a, b = ... return select("#", ...) == 3 and a == 1 and b == nil end)(1, nil, 3)`,
		`(function() local function f(a, ...) return {...}, a end local t, a = f(1, 2, 3) return #t == 2 and a == 1 end)()`,
		// Globals belong to the run.
		`(function() counter = (counter or 0) + 1 return counter == 1 and _G.counter == 1 and undefined_thing == nil end)()`,
		`_G._G == _G and _G.print == print`,
		// table
		`(function() local t = {} table.insert(t, "b") table.insert(t, 1, "a") table.insert(t, 3, "c") return table.concat(t) == "abc" and #t == 3 end)()`,
		`(function() local t = {1, 2, 3} return table.remove(t) == 3 and table.remove(t, 1) == 1 and #t == 1 and t[1] == 2 and table.remove({}) == nil end)()`,
		`(function() local t = {3, 1, 2} table.sort(t) return table.concat(t) == "123" end)()`,
		`(function() local t = {3, 1, 2} table.sort(t, function(a, b) return a > b end) return table.concat(t) == "321" end)()`,
		`(function() local t = {"b", "a"} table.sort(t) return t[1] == "a" end)()`,
		`table.maxn({1, 2, [10] = 3, [2.5] = 1}) == 10 and table.getn({1, 2}) == 2`,
		`(function() local t = {1, 2, 3, nil, 5} return #t == 5 or #t == 3 end)()`,
		// math
		`math.floor(-1.5) == -2 and math.ceil(1.2) == 2 and math.max(1, 5, 3) == 5 and math.min(2, -1) == -1`,
		`math.abs(-3) == 3 and math.fmod(7, 3) == 1 and math.huge > 1e308 and math.floor(math.pi * 100) == 314`,
		`select(2, math.modf(3.25)) == 0.25 and math.pow(2, 10) == 1024 and math.sqrt(16) == 4`,
		`5 % 3 == 2 and -5 % 3 == 1 and 5 % -3 == -1 and 7 / 2 == 3.5 and 2 ^ 0.5 == math.sqrt(2)`,
		`"10" + 5 == 15 and "3" * "4" == 12 and 10 .. 20 == "1020"`,
		// text
		`("abc"):upper() == "ABC" and ("É"):lower() == "É" and ("abc"):len() == 3 and ("abc"):reverse() == "cba"`,
		`("hello"):sub(2, 3) == "el" and ("hello"):sub(-3) == "llo" and ("hello"):sub(10) == "" and ("hello"):sub(0) == "hello"`,
		`("abc"):byte() == 97 and select("#", ("abc"):byte(1, -1)) == 3 and string.char(72, 105) == "Hi"`,
		`("ab"):rep(3) == "ababab" and ("ab"):rep(0) == "" and ("x"):rep(-1) == ""`,
		`("hello world"):find("wor") == 7 and ("hello"):find("l+") == 3 and select(2, ("hello"):find("l+")) == 4`,
		`("a.b"):find(".", 1, true) == 2 and ("abc"):find("x") == nil and ("abc"):find("") == 1 and ("abc"):find("x", 10) == nil`,
		`("key = value"):match("^(%w+)%s*=%s*(%w+)$") == "key" and ("2026-11-23"):match("(%d+)-(%d+)") == "2026"`,
		`("  x  "):match("^%s*(.-)%s*$") == "x" and ("[[x]]"):match("%[%[(.-)%]%]") == "x"`,
		`("f(a(b)c)d"):match("%b()") == "(a(b)c)" and ("THE (quick) fox"):find("%((%a+)%)") == 5`,
		`("hello"):match("()ll()") == 3 and select(2, ("hello"):match("()ll()")) == 5`,
		`("abab"):match("(ab)%1") == "ab" and ("x^y"):gsub("%^", "**") == "x**y"`,
		`("hello world"):gsub("o", "0") == "hell0 w0rld" and select(2, ("aaa"):gsub("a", "b", 2)) == 2`,
		`("hello"):gsub("", "-") == "-h-e-l-l-o-" and ("abc"):gsub("%w", "%0%0") == "aabbcc"`,
		`("abc def"):gsub("(%w+) (%w+)", "%2 %1") == "def abc" and ("abc"):gsub("b", {b = "X"}) == "aXc" and ("abc"):gsub("b", {}) == "abc"`,
		`("abc"):gsub(".", function(c) if c == "b" then return c:upper() end end) == "aBc"`,
		`("THE (quick) fox"):gsub("%f[%a]%a+", function(w) return w:lower() end) == "the (quick) fox"`,
		`("hello"):gsub("^h", "j") == "jello" and ("hhh"):gsub("^h", "j") == "jhh"`,
		`(function() local s = "" for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do s = s .. k .. v end return s == "a1b2" end)()`,
		`(function() local n = 0 for w in ("one two  three"):gmatch("%a+") do n = n + 1 end return n == 3 end)()`,
		`(function() local n = 0 for w in ("abc"):gmatch("") do n = n + 1 end return n == 4 end)()`,
		`string.format("%5d|%-5d|%05d|%+d", 42, 42, 42, 42) == "   42|42   |00042|+42"`,
		`string.format("%.2f|%8.3f|%g|%e", 3.14159, 2.5, 0.0001, 12345.678) == "3.14|   2.500|0.0001|1.234568e+04"`,
		`string.format("%x|%X|%#x|%o|%c|%%", 255, 255, 255, 8, 65) == "ff|FF|0xff|10|A|%"`,
		`string.format("%q", 'a "b"\n') == '"a \\"b\\"\\\n"' and string.format("%10.3s|", "abcdef") == "       abc|"`,
		`string.format("%d", -7) == "-7" and string.format("%d", "12") == "12" and string.format("%.14g", 1250000.5) == "1250000.5"`,
		`string.format("%s %s %s", nil, true, 1.5) == "nil true 1.5"`,
	} {
		out, _ := run(t, m, inHook("assert("+line+")"), vm.Limits{})
		if out.Err != nil {
			t.Errorf("%s\n\t%v", line, out.Err)
		}
	}
}
