package vm_test

import "testing"

func TestCaughtError(t *testing.T) {
	rows := []result{
		{body: `local n = 0; local function bump() n = n + 1 end; pcall(error, "x"); bump(); bump(); return n`, want: "2"},
		{body: `local total = 0; local function add(x) if x < 0 then error("negative") end; total = total + x end
			for _, x in ipairs { 1, -1, 2, 3 } do pcall(add, x) end; return total`, want: "6"},
		{body: `local done = "no"; local function finish() done = "yes" end
			xpcall(function() error("boom") end, function(e) return e end); finish(); return done`, want: "yes"},
		// A handler that fails, and one that changes the variable.
		{body: `local n = 0; local function bump() n = n + 1 end
			xpcall(error, function(e) n = n + 10; error("again") end); bump(); return tostring(n > 10)`, want: "true"},
		{body: `local n = 0; local calls = 0; local function bump() n = n + 1 end
			local ok, e = xpcall(function() error("one", 0) end, function(e) calls = calls + 1; bump(); if calls == 1 then error("two", 0) end; return e .. "!" end)
			bump(); return tostring(ok) .. e .. n .. calls`, want: "falsetwo!32"},
		{body: `local ok, e = xpcall(error, nil); return tostring(ok) .. tostring(e)`, want: "falseerror in error handling"},
		{body: `local ok, e = xpcall(error, function() error("x") end); return tostring(ok) .. tostring(e)`, want: "falseerror in error handling"},
		{body: `return select("#", xpcall(error, function() return 1, 2, 3 end))`, want: "2"},
		// Rethrown errors, and tables as errors.
		{body: `local n = 0; local function bump() n = n + 1 end
			local ok, e = pcall(function() local ok, e = pcall(error, { code = 7 }); bump(); error(e) end); bump(); return e.code .. n`, want: "72"},
		{body: `local n = 0; local function bump() n = n + 1 end
			local function inner() local m = 0; local function up() m = m + 1; n = n + 1 end; pcall(error); up(); up(); return m end
			local m = inner(); pcall(error); bump(); return m .. n`, want: "23"},
		// Metamethods.
		{body: `local n = 0; local function bump() n = n + 1 end
			local t = setmetatable({}, { __index = function() bump(); error("no") end, __add = function() bump(); error("no") end })
			pcall(function() return t.x end); bump(); pcall(function() return t + 1 end); bump(); return n`, want: "4"},
		{body: `local n = 0; local t = setmetatable({}, { __newindex = function() n = n + 1; error("no") end, __call = function() n = n + 1; error("no") end,
			__concat = function() n = n + 1; error("no") end, __lt = function() n = n + 1; error("no") end, __eq = function() n = n + 1; error("no") end })
			local u = setmetatable({}, getmetatable(t))
			for _, f in ipairs { function() t.x = 1 end, function() t() end, function() return t .. "" end, function() return t < u end, function() return t == u end } do pcall(f) end
			n = n + 1; return n`, want: "6"},
		{body: `local n = 0; local function bump() n = n + 1 end; pcall(function() return nil + 1 end); bump(); pcall(function() return ("x").y.z end); bump()
			pcall(function() nothing_here() end); bump(); return n`, want: "3"},
		// Functions that library functions call.
		{body: `local n = 0; local list = { 3, 1, 2 }; pcall(table.sort, list, function(a, b) n = n + 1; if n == 2 then error("no") end; return a < b end)
			n = n + 10; return tostring(n == 12)`, want: "true"},
		{body: `local n = 0; pcall(string.gsub, "abc", ".", function() n = n + 1; if n == 2 then error("no") end end); n = n + 10; return n`, want: "12"},
		{body: `local n = 0; local s = ("abc"):gsub(".", function(c) local ok = pcall(error, c); n = n + 1; return c:upper() end); n = n + 1; return s .. n`, want: "ABC4"},
		{body: `local n, seen = 0, ""; table.sort({ 2, 1 }, function(a, b) pcall(error); n = n + 1; seen = seen .. n; return a < b end); n = n * 10; return tostring(n >= 10)`, want: "true"},
		// Loops, recursion, variables of blocks.
		{body: `local all = {}; for i = 1, 3 do local v = i; all[i] = function() v = v + 1; return v end; pcall(error); v = v * 10 end
			return all[1]() .. "," .. all[2]() .. "," .. all[3]() .. "," .. all[1]()`, want: "11,21,31,12"},
		{body: `local n = 0; local function deep(k) local m = k; local function up() m = m + 1; n = n + m end
			if k > 0 then pcall(deep, k - 1); pcall(error); end up(); if k % 2 == 0 then error("even") end end
			pcall(deep, 4); n = n + 100; return n`, want: "115"},
		{body: `local f; do local v = 1; f = function() v = v + 1; return v end; pcall(error, "x") end; local a, b, c = 7, 8, 9; return f() .. f() .. a .. b .. c`, want: "23789"},
		{body: `local function counter() local n = 0; return function() n = n + 1; if n == 2 then error("two") end; return n end, function() return n end end
			local up, get = counter(); up(); pcall(up); up(); return get()`, want: "3"},
		{body: `local keep; pcall(function() local v = 1; keep = function() v = v + 1; return v end; error("x") end); local a, b, c = 7, 8, 9; return keep() + keep() + a + b + c`, want: "29"},
		{body: `local n = 0; local function add(...) n = n + select("#", ...); return ... end
			local t = { pcall(add, 1, nil, 3) }; pcall(error); add(1); return n`, want: "4"},
	}
	testResults(t, rows)
	stillWrong(t, "upvalue.go", rows[0])
}

// The same at the top level of a file, in map functions and in try.
func TestCaughtErrorInLibraryFunctions(t *testing.T) {
	for name, script := range map[string]string{
		"top level": `local n = 0
local function bump() n = n + 1 end
pcall(error, "x"); bump()
on("in:/test", function() bump(); print(n) end)`,
		"map": `on("in:/test", function()
  local n = 0
  local mapping = map { a = function(source) n = n + 1; error("no") end }
  pcall(mapping, {}); n = n + 1
  print(n)
end)`,
		"map that catches": `on("in:/test", function()
  local n = 0
  local mapping = map { a = function(source) n = n + 1; pcall(error); return n end }
  print(mapping({}).a + n)
end)`,
		"where": `local n = 0
local function bump() n = n + 1 end
on("in:/test", { where = function() pcall(error); bump(); return true end }, function() bump(); print(n) end)`,
		"coercion": `on("in:/test", function()
  local n = 0
  local function bump() n = n + 1 end
  pcall(tostring, setmetatable({}, { __tostring = function() bump(); error("no") end })); bump()
  print(n)
end)`,
	} {
		out, host := run(t, newMachine(), script, noLimits)
		if out.Err != nil || len(host.lines) != 1 || host.lines[0] != "2" {
			t.Errorf("%s: got %q, %v, want 2", name, host.lines, out.Err)
		}
	}
}
