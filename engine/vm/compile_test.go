package vm_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/vm"
)

// The largest source that is allowed, with what costs the parser and the
// compiler most. None may take long.
func TestCompileTime(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long under the race detector, which finds nothing in one goroutine")
	}
	const sourceBytes = 250 << 10
	fill := func(line func(i int) string) string {
		var out strings.Builder
		for i := 0; out.Len() < sourceBytes; i++ {
			next := line(i)
			if out.Len()+len(next) > sourceBytes {
				break
			}
			out.WriteString(next)
		}
		return out.String()
	}
	deep := func(n int, open, inner, end string) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	m := vm.New(vm.Config{})
	for name, source := range map[string]string{
		"constants":      fill(func(i int) string { return fmt.Sprintf("a=%d ", i%2900) }),
		"sums":           fill(func(int) string { return "x=y" + strings.Repeat("+y", 200) + "\n" }),
		"minus":          fill(func(int) string { return "x=" + strings.Repeat("- ", 45) + "y\n" }),
		"folded minus":   fill(func(int) string { return "x=" + strings.Repeat("- ", 45) + "1\n" }),
		"not":            fill(func(int) string { return "x=" + strings.Repeat("not ", 45) + "y\n" }),
		"if not":         fill(func(int) string { return "if " + strings.Repeat("not ", 45) + "y then end\n" }),
		"folded sums":    fill(func(int) string { return "x=1" + strings.Repeat("+1", 200) + "\n" }),
		"parentheses":    fill(func(int) string { return "x=" + deep(140, "(", "1", ")") + "\n" }),
		"and or":         fill(func(int) string { return "x=" + deep(70, "(a and (b or ", "c", "))") + "\n" }),
		"if and or":      fill(func(int) string { return "if " + deep(70, "(a and (b or ", "c", "))") + " then end\n" }),
		"comparisons":    fill(func(int) string { return "x=" + deep(100, "(a==", "c", ")") + "\n" }),
		"braces":         fill(func(int) string { return "x=" + deep(140, "{", "1", "}") + "\n" }),
		"calls":          fill(func(int) string { return "f" + strings.Repeat("()", 150) + "\n" }),
		"blocks":         fill(func(int) string { return deep(140, "do ", "local x = y ", "end ") }),
		"locals":         fill(func(int) string { return "do " + strings.Repeat("local x ", 190) + "end " }),
		"deep functions": strings.Repeat("return function() ", 70) + strings.Repeat("x=y ", 50_000) + strings.Repeat("end ", 70),
		"gotos":          strings.Repeat("goto done ", 900) + strings.Repeat("do end ", 30_000) + " ::done::",
		"functions":      fill(func(i int) string { return "f=function()end " + strings.Repeat("g() ", 30) }),
		"loops":          fill(func(int) string { return "while a do break end " }),
		"one call":       "f(" + strings.Repeat("a,", 190) + "a)",
		"comment":        "--" + strings.Repeat("[", sourceBytes),
		"long brackets":  strings.Repeat("--[==[ ]=] ", 20_000),
		"quotes":         strings.Repeat(`x="\"" `, 30_000),
		"unclosed":       strings.Repeat("if a then ", 149) + strings.Repeat("x=1 ", 50_000),
	} {
		began := time.Now()
		_, err := m.Compile("test.lua", files{"test.lua": source}.read)
		elapsed := time.Since(began)
		if elapsed > time.Minute { // half a second at the most on a common machine
			t.Errorf("%s: took %s", name, elapsed)
		}
		t.Logf("%-15s %8s %v", name, elapsed.Round(time.Millisecond), err)
	}
}

// A jump cannot be longer than an instruction can encode.
func TestLongFunctions(t *testing.T) {
	m := vm.New(vm.Config{})
	const want = "test.lua:1: the function that begins here has "
	for name, source := range map[string]string{
		"for":      "for i = 1, 3 do " + strings.Repeat("x=-x ", 50_000) + "end",
		"function": "local f = function() " + strings.Repeat("x=-x ", 50_000) + "end",
	} {
		_, err := m.Compile("test.lua", files{"test.lua": source}.read)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: found %v, want %q", name, err, want)
		}
	}
}
