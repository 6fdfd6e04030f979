package vm_test

import "testing"

func TestLocalFunction(t *testing.T) {
	rows := []result{
		{body: `local f = function() return f end; return tostring(f())`, want: "nil"},
		{body: `local f = function() return "outer" end; local f = function() return f() .. "!" end; return f()`, want: "outer!"},
		{body: `local type = function(v) return "<" .. type(v) .. ">" end; return type(1)`, want: "<number>"},
		{body: `local f = 5; do local f = function() return f end; return f() end`, want: "5"},
		{body: `local function f(n) if n == 0 then return "done" end; return f(n - 1) end; return f(3)`, want: "done"},
		{body: `local f; f = function(n) if n == 0 then return "done" end; return f(n - 1) end; return f(3)`, want: "done"},
		{body: `local f = function() local f = 3; return f end; return f()`, want: "3"},
		{body: `local f, g = function() return g end, 5; return tostring(f())`, want: "nil"},
		{body: `local a = 1; local f = function() return function() return f end end; return tostring(f()()) .. a`, want: "nil1"},
	}
	testResults(t, rows)
	stillWrong(t, "localfunction.go", rows[0])
}
