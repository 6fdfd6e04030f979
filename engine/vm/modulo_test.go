package vm_test

import (
	"testing"

	"github.com/tidewire/tidewire/engine/vm"
)

func TestModulo(t *testing.T) {
	rows := []result{
		{body: `local a, b = -6, 3; return 1 / (a % b)`, want: "inf"},
		{body: `return 1 / (-6 % 3)`, want: "inf"},
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

// The correction takes no instruction from the limit and adds none.
func TestModuloAndTheLimit(t *testing.T) {
	m := vm.New(vm.Config{})
	fails := func(a string, limit int64) bool {
		out, _ := run(t, m, inHook("local a = "+a+"; for i = 1, 100 do local x = a % 3 end"), vm.Limits{Instructions: limit})
		return out.Err != nil
	}
	passed := false
	for limit := int64(100); limit < 400; limit++ {
		corrected, plain := fails("-6", limit), fails("6", limit)
		if corrected != plain {
			t.Errorf("with %d instructions: corrected fails %v, plain fails %v", limit, corrected, plain)
		}
		passed = passed || !plain
	}
	if !passed {
		t.Error("no limit was high enough")
	}
}
