package vm_test

import "testing"

func TestLanguageVariables(t *testing.T) {
	testResults(t, []result{
		// Variables of outer functions.
		{body: "local n = 0 local function inc() n = n + 1 return n end inc() inc() return n", want: "2"},
		{body: "local function counter() local n = 0 return function() n = n + 1 return n end end local a, b = counter(), counter() a() a() return a() .. b()", want: "31"},
		{body: "local function pair() local n = 0 return function() n = n + 1 end, function() return n end end local up, get = pair() up() up() return get()", want: "2"},
		{body: "local fs = {} for i = 1, 3 do fs[i] = function() i = i + 1 return i end end return fs[1]() .. fs[1]() .. fs[2]() .. fs[3]()", want: "2334"},
		{body: "local fs = {} for i = 1, 3 do local x = i * 10 fs[#fs + 1] = function() return x end end return fs[1]() + fs[3]()", want: "40"},
		{body: "local fs = {} local i = 1 while i <= 3 do local j = i fs[i] = function() j = j + 1 return j end i = i + 1 end return fs[1]() .. fs[1]() .. fs[3]()", want: "234"},
		{body: "local fs = {} local i = 1 repeat local x = i fs[i] = function() return x end i = i + 1 until x == 3 return fs[1]() .. fs[2]() .. fs[3]()", want: "123"},
		{body: "local f repeat local x = 5 f = function() return x end until f() == 5 return f()", want: "5"},
		{body: `local fs = {} for _, v in ipairs({ "a", "b" }) do fs[v] = function() return v end end return fs.a() .. fs.b()`, want: "ab"},
		{body: "local function add(a) return function(b) return function(c) return a + b + c end end end return add(1)(2)(3)", want: "6"},
		{body: "local x = 1 local function f() return x end x = 2 return f()", want: "2"},
		{body: "local x = 1 local f = function() x = x + 1 end do local x = 10 f() end return x", want: "2"},
		{body: "local a = 1 do local a = 2 do local a = 3 end a = a + 10 end return a", want: "1"},
		{body: "local a = 1 local a = a + 1 return a", want: "2"},
		{body: "local function f() local function g() local function h() return f ~= nil and g ~= nil and h ~= nil end return h() end return g() end return tostring(f())", want: "true"},
		{body: "local t = {} for i = 1, 2 do local function get() return i end local function set(v) i = v end t[i] = { get = get, set = set } end t[1].set(7) return t[1].get() .. t[2].get()", want: "72"},
		{body: "local function make() local a, b, c = 1, 2, 3 local function f() a, b, c = c, a, b return a .. b .. c end return f end local f = make() f() return f()", want: "231"},
		{body: "local f do local x = 1 local g = function() x = x * 2 return x end f = function() return g() + x end end return f() .. f()", want: "48"},
		{body: `local function outer(...) local args = { ... } return function(i) return args[i] end end return outer("a", "b")(2)`, want: "b"},
		{body: "local function f(x) return function() x = x + 1 return x end end local a, b = f(1), f(10) return a() + a() + b()", want: "16"},
		{body: "local a = {} for i = 1, 5 do a[i] = { set = function(x) i = x end, get = function() return i end } end a[3].set(10) return a[3].get() .. a[2].get() .. a[5].get()", want: "1025"},
		{body: "local w local function f() local x = 3 w = function() return x end return x end f() return w()", want: "3"},
		{body: "local x = 0 local function a() x = x + 1 local function b() x = x + 10 end b() b() end a() a() return x", want: "42"},
		{body: "local f = function() return f end return tostring(f())", want: "nil"},
		{body: `local function mk(n) if n == 0 then return function() return "end" end end local inner = mk(n - 1) return function() return n .. inner() end end return mk(3)()`, want: "321end"},
		{body: `local s = "" for i = 1, 3 do local f = (function(x) return function() s = s .. x .. i end end)(i * 2) f() end return s`, want: "214263"},
		// Locals, globals and their scopes.
		{body: "local a, b, c = 1, 2 return tostring(c)", want: "nil"},
		{body: "local a, b = 1, 2, 3 return a + b", want: "3"},
		{body: "local x = x return tostring(x)", want: "nil"},
		{body: "local function x() return x end return tostring(x() == x)", want: "true"},
		{body: "do local a = 1 end return tostring(a)", want: "nil"},
		{body: "local i = 10 for i = 1, 2 do i = i end return i", want: "10"},
		{body: "local a = 1 if true then a = 2 end return a", want: "2"},
		{body: "local a = 1 local function f() a = a + 1 return a end return f() .. f() .. a", want: "233"},
		{body: "g_a = 1 local function f() g_a = g_a + 1 end f() local g_a = 10 return g_a", want: "10"},
		{body: "local a = {} local b = a b.x = 1 return a.x", want: "1"},
		{body: "do end do do end end return 1", want: "1"},
		{body: "local t = { 1, 2 } local a, b = t[1], t[2] t[1], t[2] = b, a return t[1] .. t[2]", want: "21"},
		{body: "local a, b, c = (function() return 1, 2, 3 end)() return a + b + c", want: "6"},
		{body: "local a, b, c = 0, (function() return 1, 2, 3 end)() return a + b + c", want: "3"},
		{body: "local _ENV = 5 return _ENV", want: "5"},
		{body: "local self = 5 return self", want: "5"},
		{body: "return tostring(undefined_name)", want: "nil"},
		{body: "undefined_a, undefined_b = 1 return tostring(undefined_a) .. tostring(undefined_b)", want: "1nil"},
	})
}
