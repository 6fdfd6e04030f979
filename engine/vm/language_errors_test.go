package vm_test

import "testing"

func TestLanguageErrors(t *testing.T) {
	testResults(t, []result{
		{body: `local ok, e = pcall(error, "x", 0) return tostring(ok) .. e`, want: "falsex"},
		{body: "local ok, e = pcall(function() error({ code = 1 }) end) return e.code", want: "1"},
		{body: "local ok, e = pcall(function() error(nil) end) return tostring(ok) .. tostring(e)", want: "falsenil"},
		{body: `local ok, e = pcall(function() error(setmetatable({}, { __tostring = function() return "te" end })) end) return tostring(e)`, want: "te"},
		{body: `local ok, e = pcall(function() local ok, e = pcall(error, "a", 0) error(e .. "b", 0) end) return e`, want: "ab"},
		{body: `local function f() error("msg") end local ok, e = pcall(f) return e`, want: "test.lua:1: msg"},
		{body: `local function f() error("msg", 2) end local function g() f() end local ok, e = pcall(g) return e`, want: "test.lua:1: msg"},
		{body: `local ok, e = xpcall(function() error("a", 0) end, function(e) return e .. "b" end) return e`, want: "ab"},
		{body: `local ok, e = xpcall(function() error("a", 0) end, function(e) error("c", 0) end) return tostring(ok)`, want: "false"},
		{body: "local ok, a, b = xpcall(function() return 1, 2 end, function() end) return tostring(ok) .. a .. b", want: "true12"},
		{body: `local t = {} for i = 1, 3 do t[i] = tostring((pcall(function() if i == 2 then error() end end))) end return table.concat(t, ",")`, want: "true,false,true"},
		{body: `local function f(n) if n == 0 then error("deep", 0) end return f(n - 1) + 1 end local ok, e = pcall(f, 20) return e`, want: "deep"},
		{body: `local n = 0 for i = 1, 10 do local ok = pcall(function() if i % 2 == 0 then error("x") end n = n + 1 end) end return n`, want: "5"},
		{body: `return tostring(select("#", pcall(error)))`, want: "2"},
		{body: "local ok, e = pcall(function() return 1 + nil end) return tostring(ok) .. type(e)", want: "falsestring"},
		{body: "local ok, e = pcall(function() return #nil end) return tostring(ok)", want: "false"},
		{body: `local ok, e = pcall(function() return nil .. "x" end) return tostring(ok)`, want: "false"},
		{body: "local ok, e = pcall(function() return {} < {} end) return tostring(ok)", want: "false"},
		{body: `local ok, e = pcall(function() return 1 < "x" end) return tostring(ok)`, want: "false"},
		{body: `local ok, e = pcall(function() return ("x").y.z end) return tostring(ok)`, want: "false"},
		{body: "local ok, e = pcall(function() local t t.x = 1 end) return tostring(ok)", want: "false"},
		{body: "local ok, e = pcall(function() undefined_function() end) return tostring(ok)", want: "false"},
		{body: "local ok, e = pcall(function() local t = {} t[nil] = 1 end) return tostring(ok)", want: "false"},
		{body: "local ok, e = pcall(function() local t = {} t[0/0] = 1 end) return tostring(ok)", want: "false"},
		{body: "local t = {} t[0/0] = nil", want: "error: test.lua:1: table index is NaN"},
		{body: "local t = {} return tostring(t[nil]) .. tostring(t[0/0])", want: "nilnil"},
		{body: `local ok, v = pcall(function() return pcall(function() return pcall(error, "x", 0) end) end) return tostring(v)`, want: "true"},
		{body: `local function cleanup() local log = "" local ok, e = pcall(function() log = log .. "a" error("x", 0) log = log .. "b" end) log = log .. "c" return log end return cleanup()`, want: "ac"},
		{body: "local ok, e = pcall(string.rep) return tostring(ok)", want: "false"},
		{body: `local ok, e = pcall(assert, false, "msg") return e`, want: "msg"},
		{body: `local ok, e = pcall(assert, 1 == 1, "msg") return tostring(ok) .. tostring(e)`, want: "truetrue"},
		{body: "local x = 1 local ok = pcall(function() x = 2 error() end) return x", want: "2"},
		{body: "local ok, e = pcall(function() for i = 1, 3 do if i == 2 then error(i, 0) end end end) return tostring(e)", want: "2"},
		{body: `local function f() return pcall(error, "inner", 0) end local ok, e = f() return tostring(ok) .. e`, want: "falseinner"},
	})
}
