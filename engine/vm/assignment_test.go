package vm_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/vm"
)

func TestAssignment(t *testing.T) {
	rows := []result{
		// Locals.
		{body: `local a, b = 1, 2; a, b = b, a; return a .. "," .. b`, want: "2,1"},
		{body: `local a, b, c = 1, 2, 3; a, b, c = c, a, b; return a .. b .. c`, want: "312"},
		{body: `local a, b = 48, 18; while b ~= 0 do a, b = b, a % b end; return a`, want: "6"},
		{body: `local a, b = 0, 1; for _ = 1, 10 do a, b = b, a + b end; return a`, want: "55"},
		{body: `local page, sum = 1, 0; page, sum = page + 1, sum + page; return page .. "," .. sum`, want: "2,1"},
		{body: `local a, b, c = 1, 2, 3; a, b = b, a, c; return a .. b .. c`, want: "213"},
		{body: `local a, b, c = 1, 2, 3; a, b, c = c; return tostring(a) .. tostring(b) .. tostring(c)`, want: "3nilnil"},
		{body: `local a, b = 1, 2; a, b = b; return tostring(a) .. tostring(b)`, want: "2nil"},
		{body: `local a, a2 = 5, 6; a, a = 1, 2; return a .. a2`, want: "16"},
		{body: `local a = 1; a = 2, 3; return a`, want: "2"},
		{body: `local a, b = true, false; a, b = not a, a; return tostring(a) .. tostring(b)`, want: "falsetrue"},
		{body: `local a, b = "x", "y"; a, b = b .. a, a .. b; return a .. b`, want: "yxxy"},
		{body: `local a, b = 1, 2; a, b = b and a or 3, a or b; return a .. b`, want: "11"},
		{body: `local a, b = 1, 2; a, b = {b}, {a}; return a[1] .. b[1]`, want: "21"},
		{body: `local a, b = 1, 2; a, b = function() return b end, 5; return a() .. b`, want: "55"},
		{body: `local a, b = 1, 2; a, b = -b, #("xy" .. a); return a .. b`, want: "-23"},
		{body: `local a, b = 1, 2; a, b = b == 2, a == 1; return tostring(a) .. tostring(b)`, want: "truetrue"},
		// Fields.
		{body: `local a, t = 1, {}; t.x, a = a, 9; return t.x .. "," .. a`, want: "1,9"},
		{body: `local t, u = { n = 1 }, { n = 2 }; t, t.n = u, 7; return t.n .. "," .. u.n`, want: "2,2"},
		{body: `local t, u = { n = 1 }, { n = 2 }; local old = t; t.n, t = 7, u; return old.n .. t.n`, want: "72"},
		{body: `local i, a = 1, {}; i, a[i] = i + 1, 20; return i .. tostring(a[1]) .. tostring(a[2])`, want: "220nil"},
		{body: `local i, a = 1, {}; a[i], i = 20, i + 1; return i .. tostring(a[1]) .. tostring(a[2])`, want: "220nil"},
		{body: `local t = { 1, 2, 3 }; t[1], t[2], t[3] = t[3], t[1], t[2]; return t[1] .. t[2] .. t[3]`, want: "312"},
		{body: `local t = { a = { b = 1 } }; t.a, t.a.b = { b = 5 }, 6; return t.a.b`, want: "5"},
		{body: `local t, k = { x = 1, y = 2 }, "x"; k, t[k], t.y = "y", 10, t.x; return k .. t.x .. t.y`, want: "y101"},
		{body: `local t = {}; t.x, t.y = 1; return tostring(t.x) .. tostring(t.y)`, want: "1nil"},
		{body: `local t = { 5 }; local n = 1; t[n], n = t[n] + n, t[n]; return t[1] .. n`, want: "65"},
		// Globals and upvalues.
		{body: `g1, g2 = 1, 2; g1, g2 = g2, g1; return g1 .. g2`, want: "21"},
		{body: `g1 = 1; local l = 2; g1, l = l, g1; return g1 .. l`, want: "21"},
		{body: `local u, v = 1, 2; local function swap() u, v = v, u end; swap(); return u .. v`, want: "21"},
		{body: `local u = 1; local function f() local l = 2; u, l = l, u; return l end; return f() .. u`, want: "12"},
		{body: `local u, t = 1, {}; local function f() t[u], u = u, 7 end; f(); return t[1] .. u`, want: "17"},
		{body: `local t = {}; g3 = 3; t.x, g3 = g3, t; return t.x .. tostring(g3 == t)`, want: "3true"},
		// Calls and varargs.
		{body: `local a, b, c = 0, 0, 0; local function two() return 1, 2 end; a, b, c = two(); return a .. b .. tostring(c)`, want: "12nil"},
		{body: `local a, b, c; local function two() return 1, 2 end; a, b, c = two(), 5; return a .. b .. tostring(c)`, want: "15nil"},
		{body: `local a, b, c; local function two() return 1, 2 end; a, b, c = 9, two(); return a .. b .. c`, want: "912"},
		{body: `local a, b; local function two() return 1, 2 end; a, b = (two()); return a .. tostring(b)`, want: "1nil"},
		{body: `local a, b = 3, 4; local function id(...) return ... end; a, b = id(b, a); return a .. b`, want: "43"},
		{body: `return (function(...) local a, b, c; a, b, c = ..., 9; return a .. b .. tostring(c) end)(1, 2)`, want: "19nil"},
		{body: `return (function(...) local a, b, c = 7, 8, 9; c, a, b = a, ...; return a .. b .. c end)(1, 2)`, want: "127"},
		{body: `local n = 0; local function next_number() n = n + 1; return n end; local a, b; a, b = 1, 2, next_number(); return a .. b .. n`, want: "121"},
		{body: `local n = 0; local a; a = 5, (function() n = 1 end)(); return a .. n`, want: "51"},
		// The order of calls: tables and keys, then values, then assignments from right to left.
		{body: `local s = ""; local function note(x, v) s = s .. x; return v end
			local t = setmetatable({}, { __newindex = function(_, k) s = s .. k end })
			note("1", t)[note("2", "x")], note("3", t)[note("4", "y")] = note("5"), note("6"); return s`, want: "123456yx"},
		{body: `local s = ""; local t = setmetatable({}, { __index = function(_, k) s = s .. k; return {} end, __newindex = function(_, k) s = s .. "=" .. k end })
			t.a.x, t.b.y, t.c = t.d, t.e, t.f; return s`, want: "abdef=c"},
		// One value.
		{body: `local function f(a) a = (tostring(a)); return a .. type(a) end; return f(5)`, want: "5string"},
		{body: `local function f(x, y) y = (x(y)); return y end; return f(function(v) return v + 1 end, 4)`, want: "5"},
		{body: `return (function(...) local a, b = 1, 2; a = (...); return a .. b end)(7, 8)`, want: "72"},
		{body: `local a, b, c = 1, 2, nil; a = (b or c) and a; return a`, want: "1"},
		{body: `local a, b = false, 2; a = (a or b) and (a == false); return tostring(a)`, want: "true"},
		{body: `local a, b, c = 1, nil, 3; a = (b or c) and (a or c) and a + 1; return a`, want: "2"},
		{body: `local v = 5; v = nothing and 1; return tostring(v)`, want: "nil"},
		{body: `local v, t = 5, {}; v = t.x and t.y; return tostring(v)`, want: "nil"},
		{body: `local v = 5; v = not v and 1; return tostring(v)`, want: "false"},
		{body: `local v = 5; v = v > 7 and 1; return tostring(v)`, want: "false"},
		{body: `local v = 5; v = nothing and 1 and 2 or nothing; return tostring(v)`, want: "nil"},
		{body: `local v = 5; v = false or nothing; return tostring(v)`, want: "nil"},
		{body: `local v, w = 5, 6; v, w = nothing and 1, v and nothing; return tostring(v) .. tostring(w)`, want: "nilnil"},
		{body: `local v = 3; local t = { x = 5 }; v = (t.x or t.y) and v + 1 or 0; return v`, want: "4"},
		{body: `return (function(v) v = (nothing or 1) and v or {}; return type(v) end)()`, want: "table"},
		{body: `local function f(s) local n = 5; s = (s:gsub("a", "b")); return s .. n end; return f("aa")`, want: "bb5"},
		{body: `local function f(a, s) local n = 5; s = (math.max(a, s)); return a .. s .. n end; return f(1, 2)`, want: "125"},
		{body: `g4 = "x"; local t, i = {}, 9; g4, t.x = 1, i; return g4 .. t.x`, want: "19"},
		{body: `local a, b = 1; local t = {}; t[1], t[2], a = a, b, 5; return t[1] .. tostring(t[2]) .. a`, want: "1nil5"},
		{body: `local a = 1; local function f() return a end; a = (nil or 5) and f(); return a`, want: "1"},
		{body: `local x, y = 5, nil; x = y and x or x + 1; return x`, want: "6"},
	}
	testResults(t, rows)
	stillWrong(t, "assignment.go", rows[0])
	stillWrong(t, "assignment.go", result{body: `local v, t = 5, {}; v = t.x and t.y; return tostring(v)`, want: "nil"})
}

// An error in an assignment names the line of the side that it is on.
func TestAssignmentErrors(t *testing.T) {
	m := vm.New(vm.Config{})
	for _, row := range []struct{ body, want string }{
		{"local t = {}\nt.a.x,\nt.b = 1,\n2", "test.lua:2: 'a' is nil, so 'x' cannot be set in it"},
		{"local t = {}\nt.a,\nt.b.y = 1,\n2", "test.lua:3: 'b' is nil, so 'y' cannot be set in it"},
		{"local a, b = 1\na, b = b,\na + b", "test.lua:3: '+' needs numbers; a value is nil"},
		{"local a, b = 1\na, b =\nb + 1, a", "test.lua:3: '+' needs numbers; a value is nil"},
		{"local a, b\na, b = 1,\nnothing()", "test.lua:3: 'nothing' is not defined"},
	} {
		if got := ours(t, m, row.body); !strings.HasPrefix(got, "error: "+row.want) {
			t.Errorf("%s\n\tgot  %s\n\twant %s", row.body, got, row.want)
		}
	}
}

// A function with nearly as many locals as there are registers compiles.
func TestAssignmentWithMaxLocals(t *testing.T) {
	var body strings.Builder
	const n = 190
	for i := range n {
		fmt.Fprintf(&body, "local v%d = %d\n", i, i)
	}
	body.WriteString("v0, v1, v2, v3 = v1, v2, v3, v0\n")
	fmt.Fprintf(&body, `return v0 .. "," .. v1 .. "," .. v3 .. "," .. v%d`, n-1)
	testResults(t, []result{{body: body.String(), want: "1,2,0,189"}})
}
