package vm_test

import (
	"strings"
	"testing"
)

func TestConcat(t *testing.T) {
	const t1 = `local t = setmetatable({ n = "t" }, { __concat = function(a, b)
		local function name(v) return type(v) == "table" and v.n or type(v) .. tostring(v) end
		return name(a) .. "+" .. name(b) end }) `
	const t2 = `local t; t = setmetatable({ n = 1 }, { __concat = function(a, b)
		return setmetatable({ n = (type(a) == "table" and a.n or a) + (type(b) == "table" and b.n or b) }, getmetatable(t)) end }) `
	rows := []result{
		{body: t1 + `return t .. 1`, want: "t+number1"},
		{body: t1 + `return 1 .. t`, want: "number1+t"},
		{body: t1 + `return t .. t`, want: "t+t"},
		{body: t1 + `return 1.5 .. "x" .. t`, want: "1.5stringx+t"},
		{body: t1 + `return t .. 1.5 .. "x"`, want: "t+string1.5x"},
		{body: t1 + `return 1 .. 2.5 .. t .. 3.5 .. 4`, want: "12.5" + "t+string3.54"},
		{body: t1 + `return "a" .. t .. "b" .. t .. "c"`, want: "at+string" + "bt+stringc"},
		{body: t1 + `return t .. nil`, want: "t+nilnil"},
		{body: t1 + `return true .. t`, want: "booleantrue+t"},
		{body: t2 + `return (t .. 1).n`, want: "2"},
		{body: t2 + `return (1 .. t .. 2 .. t .. 3).n + (0.5 .. t).n`, want: "9.5"},
		{body: t2 + `return (4 .. 5 .. t).n`, want: "10"},
		{body: t2 + `return pcall(function() return 1 .. t .. nil end)`, want: "false"},
		{body: `local t = setmetatable({}, { __concat = function(a, b) error("no", 0) end }); local ok, e = pcall(function() return "a" .. t .. "b" end); return e`, want: "no"},
		{body: `local t = setmetatable({}, { __concat = function(a, b) return a end }); return tostring("a" .. t == "a") .. tostring((5 .. t) + 1)`, want: "true6"},
		{body: `local t = setmetatable({}, { __concat = function() return nil end }); return tostring(t .. "x") .. tostring(pcall(function() return "y" .. t .. "x" end))`, want: "nilfalse"},
		{body: `return 1.5 .. 2 .. "x" .. -1`, want: "1.52x-1"},
	}
	testResults(t, rows)
	stillWrong(t, "concat.go", result{body: `return 1250000.5 .. ""`, want: "1250000.5"})
}

func TestConcatErrors(t *testing.T) {
	const object = `local t = setmetatable({}, { __concat = function() end }) `
	for body, want := range map[string]string{
		object + `return "a" .. t .. "b"`:     "'..' joins texts and numbers; __concat returned nil",
		object + `return {} .. t .. "b"`:      "'..' joins texts and numbers; a value is a table",
		`local t = {} return "a" .. t.x`:      "'..' joins texts and numbers; 'x' is nil",
		`local t = {} return t.x .. "a"`:      "'..' joins texts and numbers; 'x' is nil",
		`local t = {} return "a" .. t.x .. 1`: "'..' joins texts and numbers; 'x' is nil",
	} {
		if got := ours(t, newMachine(), body); !strings.HasSuffix(got, want) {
			t.Errorf("%s\n\tgot  %s\n\twant %s", body, got, want)
		}
	}
}
