package vm_test

import (
	"strings"
	"testing"
)

// expression is an expression list and the texts of its values, with spaces
// between them. "error" means any error.
type expression struct{ lua, want string }

// testExpressions evaluates expressions here and in lua5.1.
func testExpressions(t *testing.T, expressions []expression) {
	t.Helper()
	rows := make([]result, len(expressions))
	for i, e := range expressions {
		rows[i] = result{body: evaluation(e.lua), want: e.want}
	}
	testResults(t, rows)
}

// evaluation is the body of a function that returns the texts of the values
// of an expression list.
func evaluation(lua string) string {
	return strings.Replace(`local function texts(ok, ...)
	if not ok then return "error" end
	local all = { ... }
	for i = 1, select("#", ...) do all[i] = tostring(all[i]) end
	return table.concat(all, " ")
end
return texts(pcall(function() return EXPRESSION end))`, "EXPRESSION", lua, 1)
}
