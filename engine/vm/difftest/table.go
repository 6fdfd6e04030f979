package difftest

import "strings"

// array makes a list, sometimes with a call as its only value.
func (g *generator) array(depth int) *node {
	if depth > 0 && g.oneIn(6) {
		return expr(precLiteral, "{ ", g.several(depth-1), " }")
	}
	if g.with("flush") && g.oneIn(60) {
		all := strings.Repeat("1, ", []int{49, 50, 51, 100}[g.IntN(4)]) // Lua stores 50 values at a time
		if g.oneIn(2) {
			all += "x = " + g.choose("1", `"a"`) + ", y = G1, "
		}
		return expr(precLiteral, "{ ", all, g.values(number, 1, depth-1), " }")
	}
	return expr(precLiteral, "{ ", g.values(number, g.IntN(4), depth-1), " }")
}

// record makes a table with fields of several forms.
func (g *generator) record(depth int) *node {
	d := depth - 1
	n := list()
	field := func(name string, value *node) {
		f := expr(precOr, name+" = ", value)
		if g.oneIn(4) {
			f = expr(precOr, `["`+name+`"] = `, value)
		}
		n.add(f)
	}
	for _, name := range []string{"a", "b", "c"} {
		if name == "c" && g.oneIn(2) {
			break
		}
		if g.oneIn(4) {
			n.add(g.expr(number, d))
		}
		if g.oneIn(12) {
			n.add(expr(precOr, "[", g.computedKey(), "] = ", g.expr(number, d)))
		}
		field(name, g.value(number, d))
	}
	field("s", g.value(str, d))
	if g.oneIn(5) {
		n.add(g.several(d))
	} else if g.with("field") && g.oneIn(4) {
		field("d", g.several(d))
	}
	if !g.with("field") && len(n.parts) > 0 {
		n.add(text("0"))
	}
	return expr(precLiteral, "{ ", n, g.choose("", ",", ";"), " }")
}
