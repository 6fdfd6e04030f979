package vm_test

import "testing"

func TestErrorLevels(t *testing.T) {
	testResults(t, []result{
		{body: "return select(2, pcall(function()\nerror('x') end))", want: "test.lua:2: x"},
		{body: "return select(2, pcall(function()\nerror('x', 1) end))", want: "test.lua:2: x"},
		{body: "return select(2, pcall(function()\nerror('x', 0) end))", want: "x"},
		{body: "return select(2, pcall(function() error('x', 2) end))", want: "x"},
		{body: "local function f() error('x', 2) end\nreturn select(2, pcall(function()\nf() end))", want: "test.lua:3: x"},
		{body: "local function f() error('x', 3) end\nlocal function g() f() end\nreturn select(2, pcall(function()\ng() end))", want: "test.lua:4: x"},
		{body: "local function f() error('x', 99) end\nreturn select(2, pcall(f))", want: "x"},
		{body: "return select(2, pcall(function()\nerror(7) end))", want: "test.lua:2: 7"},
		{body: "return type(select(2, pcall(error, 7)))", want: "string"},
		{body: "return type(select(2, pcall(error, 7, 0)))", want: "number"},
		{body: "return select(2, pcall(error, 'x'))", want: "x"},
		{body: "local t = {} return tostring(select(2, pcall(error, t)) == t)", want: "true"},
		{body: "return tostring(select(2, pcall(error)))", want: "nil"},
		{body: "return tostring(select(2, pcall(error, nil)))", want: "nil"},
		{body: "return tostring(select(2, pcall(error, true)))", want: "true"},
	})
}
