package vm_test

import (
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/vm"
)

// A text that is no Lua 5.1 is no script either.
func TestLanguageSyntax(t *testing.T) {
	sources := []string{
		`return "a`,
		"return 'abc",
		"return [[abc",
		"return [=[abc]]",
		"--[[ no end",
		"return 3x",
		"return 3..2",
		"return 0x",
		"return 1e",
		"return 1 +",
		"return (1",
		"return {1",
		"return f(",
		"return 1 2",
		"local a <const> = 1",
		"local 1 = 2",
		"local a.b = 1",
		"local function a.b() end",
		"1 = 2",
		"f() = 1",
		"(a) = 1",
		"a, f() = 1, 2",
		"a",
		"a.b",
		"a + 1",
		"a:b",
		"a = ",
		"= 1",
		"if true",
		"if true then",
		"if then end",
		"else end",
		"end",
		"while true",
		"while do end",
		"repeat until",
		"repeat",
		"until true",
		"for i do end",
		"for i = 1 do end",
		"for i = 1, 2, 3, 4 do end",
		"for i, j = 1, 2 do end",
		"for 1 = 1, 2 do end",
		"for in pairs({}) do end",
		"for k in do end",
		"function() end",
		"function f end",
		"function f(a,) end",
		"function f(...,a) end",
		"function f(1) end",
		"local function() end",
		"return function f() end",
		"break",
		"return 1; local x",
		"do return 1 local x end",
		"local x = ...; return function() return ... end",
		"return 5 // 2",
		"return 5 & 2",
		"return ~5",
		"return 1 << 2",
		"return 1 != 2",
		"return not",
		"return a.1",
		"return a..",
		"return a[",
		"return #",
		"and = 1",
		"local nil = 1",
		"local end = 1",
		"x = }",
		"x = )",
		"x = ]",
		"x = @",
		"x = $",
		"x = 1 = 2",
		`"x":rep(2)`,
		"{}",
	}
	m := vm.New(vm.Config{})
	for _, source := range sources {
		if got := ours(t, m, source); !strings.HasPrefix(got, "compile: test.lua:") {
			t.Errorf("%s\n\tgot  %s\n\twant an error of syntax", source, got)
		}
	}
	t.Run("lua5.1", func(t *testing.T) {
		for i, got := range lua51(t, sources) {
			if !strings.HasPrefix(got, "error: test.lua:") {
				t.Errorf("%s\n\tlua5.1 gives %s\n\twant an error of syntax", sources[i], got)
			}
		}
	})
}
