package vm_test

import "testing"

func TestModulo(t *testing.T) {
	rows := []result{
		{body: `return 1 / (-6 % 3)`, want: "inf"},
		{body: `return 1 / ((1 - 7) % 3)`, want: "inf"},
		{body: `return 1 / (2 * -3 % (4 - 1))`, want: "inf"},
		{body: `return 1 / (-(6 % -3))`, want: "-inf"},
		{body: `return 1 / (-0.0 % 3) + 1 / (0 % -3)`, want: "inf"},
		{body: `return (-7 % 4) .. (-7 % -4) .. (-6 % 4 % 3)`, want: "1-32"},
		{body: `local a, b = -6, 3; return 1 / (a % b)`, want: "inf"},
		{body: `local a = -6; return 1 / (a % 3)`, want: "inf"},
		{body: `local b = 3; return 1 / (-6 % b)`, want: "inf"},
		{body: `local a = 6; return 1 / (a % -3)`, want: "inf"},
		{body: `return 1 / ("-6" % "3")`, want: "inf"},
		{body: `local a = -600; return string.format("%.2f", a % 100)`, want: "0.00"},
		{body: `local a = -6; a = a % 3; return 1 / a`, want: "inf"},
		{body: `local a = -6; local s = 0; for i = 1, 4 do s = s + 1 / (a % i) end; return s`, want: "inf"},
		{body: `local a = -6; return (a % 4) .. (a % -4) .. (6 % -4) .. (6 % 4)`, want: "2-2-22"},
		{body: `local t = setmetatable({}, { __mod = function(a, b) return -6 % b end }); return 1 / (t % 3)`, want: "inf"},
		{body: `local a = -6; local function f(x) return x % 3 end; return 1 / f(a)`, want: "inf"},
	}
	testResults(t, rows)
	stillWrong(t, "modulo.go", rows[0])
}
