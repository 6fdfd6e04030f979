package difftest

// genericFor makes a loop over the values of an iterator, with one to three
// variables.
func (g *generator) genericFor() *node {
	k, v := g.newName("k"), g.newName("w")
	values, kinds := g.iterator()
	scope := len(g.scope)
	names := list(name(k), name(v))
	g.declareAs(k, kinds[0])
	g.declareAs(v, kinds[1])
	if g.oneIn(5) {
		names = list(name(k))
		g.scope = g.scope[:len(g.scope)-1]
	} else if g.oneIn(6) {
		third := g.newName("x")
		names.add(name(third))
		g.declareAs(third, anything)
	}
	s := loop("for ", names, " in ", values, " do ", g.loopBlock(1+g.IntN(3), nil), "\nend")
	g.current().locals -= len(g.scope) - scope
	g.scope = g.scope[:scope]
	return s
}

// iterator makes the expressions of a generic for. It returns them with the
// kinds of the first two values of each round.
func (g *generator) iterator() (*node, [2]kind) {
	form := g.IntN(4)
	if g.with("forin") {
		form = g.IntN(14)
	}
	numbers := [2]kind{number, number}
	switch form {
	case 0, 1:
		return list(expr(precPrefix, "ipairs(", g.expr(array, 2), ")")), numbers
	case 2:
		return list(expr(precPrefix, "pairs(", g.threeNumbers(), ")")), numbers
	case 3:
		s := operand{g.expr(str, 1), precPrefix}
		return list(expr(precPrefix, s, ":gmatch(", g.choose(`"%a"`, `"(%w)(%w)"`, `"()."`), ")")), [2]kind{anything, anything}
	case 4:
		return list(name("next"), g.threeNumbers()), numbers
	case 5:
		c := operand{g.condition(2), precCompare}
		return list(expr(precPrefix, "(", c, " and pairs or ipairs)(", g.threeNumbers(), ")")), numbers
	case 6:
		return g.statelessIterator(), numbers
	case 7:
		return g.closureIterator(), numbers
	case 8:
		s := operand{g.expr(str, 1), precConcat + 1}
		return list(expr(precPrefix, "(", s, ` .. "ab"):gsub("b", "c"):gmatch(".")`)), [2]kind{str, anything}
	case 9:
		return g.objectIterator(), [2]kind{number, anything}
	case 10:
		return list(expr(precPrefix, "next"), g.threeNumbers(), text("nil")), numbers
	case 11:
		return list(expr(precOr, operand{g.condition(2), precCompare}, " and next or ", "next"), g.threeNumbers()), numbers
	case 12: // not more than three expressions: lua5.1 itself has a fault there
		return list(expr(precPrefix, "(ipairs({ 5 }))"), g.expr(array, 2), text("0")), numbers
	}
	return list(expr(precPrefix, "unpack({ ipairs(", g.expr(array, 2), ") })")), numbers
}

func (g *generator) threeNumbers() *node {
	return expr(precLiteral, "{ ", list(g.expr(number, 1), g.expr(number, 1), text("7")), " }")
}

// statelessIterator makes an iterator whose state is in its arguments.
func (g *generator) statelessIterator() *node {
	next := block(stmt("return c + 1, ", g.expr(number, 2)))
	f := fixedFunction("function(s, c) if c < s then ", next, "\nend end")
	return list(expr(precLiteral, f), text("3"), text("0"))
}

// closureIterator makes an iterator whose state is in an upvalue.
func (g *generator) closureIterator() *node {
	n := g.newName("n")
	next := block(stmt(n, " = ", n, " - 1"), stmt("return ", n, ", ", g.expr(number, 2)))
	f := fixedFunction("function(", n, ") return function() if ", n, " > 0 then ", next, "\nend end end")
	return list(expr(precPrefix, "(", f, ")(3)"))
}

// objectIterator makes an iterator that is a table with a __call.
func (g *generator) objectIterator() *node {
	n := g.newName("n")
	left := "self." + n
	next := "function(self) if " + left + " > 0 then " + left + " = " + left + " - 1 return " + left + " end end"
	return list(expr(precPrefix, "setmetatable({ ", n, " = 2 }, { __call = ", next, " })"))
}
