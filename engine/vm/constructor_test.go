package vm_test

import (
	"fmt"
	"strings"
	"testing"
)

// listOf writes n values: "1,2,3".
func listOf(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(i + 1)
	}
	return strings.Join(all, ",")
}

func TestConstructor(t *testing.T) {
	rows := []result{
		{body: `local t = { "c", text = ("a b"):gsub(" ", "-") }; return #t`, want: "1"},
		{body: `local t = { "qonto", kind = ("x:y"):match("(%w):(%w)") }; return tostring(t[2]) .. t.kind`, want: "nilx"},
		{body: `local t = (function(...) return { 1, x = ... } end)(7, 8); return #t .. t.x`, want: "17"},
		{body: `local t = (function(...) return { x = ..., ... } end)(7, 8); return #t .. t.x .. t[2]`, want: "278"},
		{body: `local t = { x = ("ab"):byte(1, 2) }; return #t .. t.x`, want: "097"},
		{body: `local t = { ("ab"):byte(1, 2), ["y"] = ("ab"):byte(1, 2) }; return #t .. t.y`, want: "197"},
		{body: `local t = { [1] = "a", "b", [2] = "c" }; return t[1] .. t[2]`, want: "bc"},
		{body: `local t = { (("ab"):byte(1, 2)) }; return #t`, want: "1"},
	}
	for _, n := range []int{49, 50, 51, 99, 100, 150} {
		rows = append(rows,
			result{body: fmt.Sprintf(`local t = { %s, x = tostring(7) }; return #t .. t[1] .. t.x`, listOf(n)), want: fmt.Sprintf("%d17", n)},
			result{body: fmt.Sprintf(`local t = { %s, x = tostring(7), y = 8, "end" }; return #t .. t[1] .. t[%d] .. t.x .. t.y .. t[%d]`, listOf(n), n, n+1),
				want: fmt.Sprintf("%d1%d78end", n+1, n)},
			result{body: fmt.Sprintf(`local t = { %s, ("ab"):byte(1, 2) }; return #t .. t[1] .. t[%d] .. t[%d]`, listOf(n), n+1, n+2),
				want: fmt.Sprintf("%d19798", n+2)},
			result{body: fmt.Sprintf(`local t = { %s, x = { %s, y = 5 }, ("ab"):byte(1, 2) }; return #t .. t[1] .. t[%d] .. #t.x .. t.x[1] .. t.x.y`, listOf(n), listOf(n), n+2),
				want: fmt.Sprintf("%d198%d15", n+2, n)})
	}
	testResults(t, rows)
	stillWrong(t, "constructor.go", rows[0])
	stillWrong(t, "constructor.go", result{body: "local t = { " + listOf(50) + ", x = tostring(7) }; return t[1]", want: "1"})
	stillWrong(t, "constructor.go", result{body: "local t = { " + listOf(50) + ", tostring(7) }; return t[1]", want: "1"})
}
