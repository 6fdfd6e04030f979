package difftest

// comparisons are the operators that compare.
var comparisons = []string{"<", "<=", ">", ">=", "==", "~="}

// expr makes an expression of a kind, rarely of another one. Depth bounds how
// many expressions are inside each other.
func (g *generator) expr(k kind, depth int) *node {
	if g.oneIn(200) {
		if k = kind(g.IntN(int(anything))); k == callable {
			return text("math.abs") // no function of several lines: in gopher-lua an operator after it has another line
		}
	}
	if depth > 0 && g.oneIn(14) {
		return g.logical(k, depth-1)
	}
	if depth > 0 && g.oneIn(20) {
		return expr(precPrefix, "(", g.expr(k, depth-1), ")")
	}
	if v := g.pick(k, false); v != nil && (depth <= 0 || g.oneIn(2)) {
		if v.global && g.oneIn(8) {
			return expr(precPrefix, `_G["`+v.name+`"]`)
		}
		return name(v.name)
	}
	return g.exprOf(k, depth)
}

// exprOf makes an expression that only this kind has.
func (g *generator) exprOf(k kind, depth int) *node {
	switch k {
	case number:
		return g.number(depth)
	case str:
		return g.string(depth)
	case boolean:
		return g.boolean(depth)
	case array:
		return g.array(depth)
	case record:
		return g.record(depth)
	case callable:
		return g.callable(depth)
	case object:
		return g.object(depth)
	}
	if g.oneIn(4) {
		return text("nil")
	}
	return g.expr(kind(g.IntN(int(anything))), depth-1)
}

// values makes a list of n expressions. Sometimes the last one is a call or
// "...", which may have any number of values.
func (g *generator) values(k kind, n, depth int) *node {
	all := list()
	for i := range n {
		want := k
		if want == anything {
			want = kind(g.IntN(int(kindCount)))
		}
		if i == n-1 && g.oneIn(4) {
			all.add(g.several(depth))
			break
		}
		all.add(g.expr(want, depth))
	}
	return all
}

func (g *generator) boolean(depth int) *node {
	if depth <= 0 {
		return text(g.choose("true", "false"))
	}
	d := depth - 1
	switch g.IntN(8) {
	case 0, 1, 2:
		return binary(precCompare, g.expr(number, d), g.choose(comparisons...), g.expr(number, d))
	case 3:
		return binary(precCompare, g.expr(str, d), g.choose(comparisons...), g.expr(str, d))
	case 4:
		k := kind(g.IntN(int(kindCount)))
		return binary(precCompare, g.expr(k, d), g.choose("==", "~="), g.expr(k, d))
	case 5:
		return expr(precUnary, "not ", operand{g.condition(d), precPower})
	case 6:
		if g.with("meta") {
			if a, b := g.pick(object, false), g.pick(object, false); a != nil {
				return expr(precCompare, a.name, " ", g.choose(comparisons...), " ", b.name)
			}
		}
	}
	return expr(precPrefix, "rawequal(", list(g.expr(anything, d), g.expr(anything, d)), ")")
}

// condition makes an expression whose truth value alone is used.
func (g *generator) condition(depth int) *node {
	if depth <= 0 {
		if v := g.pick(anything, false); v != nil && (g.oneIn(2) || !g.with("constant")) {
			return name(v.name)
		}
		if !g.with("constant") {
			return name("G1")
		}
		return text(g.choose("true", "false", "nil", "1", `"x"`))
	}
	switch g.IntN(6) {
	case 0, 1:
		return g.conditions(depth)
	case 2:
		return expr(precUnary, "not ", operand{g.condition(depth - 1), precPower})
	case 3:
		return g.condition(0)
	}
	c := g.expr(boolean, depth)
	if !g.with("constant") && c.isConstant() {
		return name("G1")
	}
	return c
}

// logical makes an expression of a kind with "and" and "or".
func (g *generator) logical(k kind, depth int) *node {
	form := g.IntN(4)
	if k != anything && k != boolean {
		form = g.IntN(2) // the value of the other forms may be of another kind
	}
	switch form {
	case 0:
		c, a, b := g.condition(depth), g.expr(k, depth), g.expr(k, depth)
		return expr(precOr, operand{c, precCompare}, " and ", operand{a, precCompare}, " or ", operand{b, precAnd})
	case 1:
		n := expr(precOr, operand{g.expr(k, depth), precAnd})
		for range 1 + g.IntN(3) {
			n.parts = append(n.parts, " or ", operand{g.expr(k, depth), precAnd})
		}
		return n
	}
	n := expr(precAnd, operand{g.condition(depth), precCompare})
	for range g.IntN(3) {
		n.parts = append(n.parts, " and ", operand{g.condition(depth), precCompare})
	}
	n.parts = append(n.parts, " and ", operand{g.expr(k, depth), precCompare})
	return n
}

// conditions joins conditions with "and" or with "or".
func (g *generator) conditions(depth int) *node {
	operator, prec := " and ", precAnd
	if g.oneIn(2) {
		operator, prec = " or ", precOr
	}
	n := expr(prec, operand{g.condition(depth - 1), prec})
	for range 1 + g.IntN(2) {
		n.parts = append(n.parts, operator, operand{g.condition(depth - 1), prec + 1})
	}
	return n
}

// value makes the value of a field.
func (g *generator) value(k kind, depth int) *node {
	if g.oneIn(5) {
		return g.logical(k, depth)
	}
	return g.expr(k, depth)
}
