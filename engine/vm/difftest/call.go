package difftest

// callable makes an expression that is a function of numbers.
func (g *generator) callable(depth int) *node {
	if f := g.pick(callable, false); f != nil && (depth <= 0 || g.oneIn(2)) {
		return name(f.name)
	}
	if depth <= 0 || g.statementsLeft < 0 || g.oneIn(2) {
		return text(g.choose("math.abs", "math.max", "math.floor"))
	}
	g.statementsLeft--
	return g.function()
}

// invoke makes a call that returns at least one number.
func (g *generator) invoke(depth int) *node {
	depth = max(depth, 0)
	f := g.callable(0)
	switch g.IntN(10) {
	case 0:
		c, other := operand{g.condition(depth), precCompare}, g.callable(depth)
		return expr(precPrefix, "(", c, " and ", f, " or ", other, ")(", g.values(number, 2, depth), ")")
	case 1:
		if o := g.pick(object, false); o != nil && g.with("meta") {
			return expr(precPrefix, o.name, ":m(", g.values(number, 1, depth), ")")
		}
	case 2:
		return expr(precPrefix, "({ f = ", f, " }).f(", g.values(number, 2, depth), ")")
	case 3:
		return expr(precPrefix, `("abc"):byte(`, g.choose("1, 2", "2", "1, -1"), ")")
	}
	return expr(precPrefix, f, "(", g.values(number, 2+g.IntN(3), depth), ")")
}

// several makes an expression that may have any number of values.
func (g *generator) several(depth int) *node {
	if g.current().varargs && g.oneIn(3) {
		return text("...")
	}
	switch g.IntN(5) {
	case 0:
		return expr(precPrefix, "unpack(", g.expr(array, depth), ")")
	case 1:
		return expr(precPrefix, "select(", g.choose("2", "1", "-1"), ", ", g.expr(number, depth), ", ", g.several(depth-1), ")")
	}
	return g.invoke(depth)
}
