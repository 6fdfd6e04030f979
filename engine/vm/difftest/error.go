package difftest

// raising makes a statement that raises an error, mostly under a condition.
func (g *generator) raising() *node {
	raise := g.raise()
	if g.oneIn(3) {
		return stmt("do ", block(raise), "\nend")
	}
	return stmt("if ", g.condition(2), " then ", block(raise), "\nend")
}

// raise makes a statement that raises an error. Its messages begin with "!", so
// that they differ from messages of interpreters, which need not be equal.
func (g *generator) raise() *node {
	thrown := stmt(`error("!thrown")`)
	switch g.IntN(8) {
	case 0:
		return stmt(`error("!level", `, g.choose("0", "1", "2"), ")")
	case 1:
		return stmt("error({ code = ", g.expr(number, 1), " })")
	case 2:
		return stmt("error(", g.choose("nil", "true", "5, 0", `"!one"`), ")")
	case 3:
		return stmt("local _ = ", g.choose("nil + 1", "({}) .. 1", `"x" * 2`, "#nil", "{} < 1", "(nil).x", "({}).x.y", `-"x"`, "nil < 1", `1 < "2"`))
	case 4:
		return stmt("G0()") // a global that is not set
	case 5:
		return stmt("assert(", g.expr(boolean, 1), ", ", g.choose(`"!assert"`, "nil"), ")")
	case 6:
		return stmt("table.sort({ 3, 1, 2 }, ", fixedFunction("function() ", block(thrown), "\nend"), ")")
	}
	return thrown
}

// protected makes a call by pcall or xpcall of a function that may raise an
// error.
func (g *generator) protected() *node {
	form := g.IntN(6)
	f := g.failing(form > 2) // the other forms pass no arguments
	switch form {
	case 0:
		return out(expr(precPrefix, "caught(xpcall(", f, ", ", g.handler(), "))"))
	case 1: // the handler itself fails
		handler := g.choose("function(e) error(e) end", "function(e) return e.x.y end")
		return stmt("out((noted(xpcall(", f, ", ", handler, "))))")
	case 2:
		return out(expr(precPrefix, "caught(pcall(", g.rethrowing(f), "))"))
	case 3:
		ok, v := g.newName("ok"), g.newName("v")
		s := stmt("local ", ok, ", ", v, " = caught(pcall(", f, ", ", g.values(number, 1, 2), "))")
		g.declareAs(ok, boolean)
		g.declareAs(v, anything)
		return s
	}
	return out(expr(precPrefix, "caught(pcall(", f, ", ", g.values(number, 1, 2), "))"))
}

// failing makes a function that may raise an error and mostly does.
func (g *generator) failing(parameters bool) *node {
	names := list()
	var body *node
	g.inFunction(false, func() {
		if parameters {
			names = g.parameters(g.IntN(2))
		}
		body = g.inBlock(1+g.IntN(2), func(b *node) {
			if g.with("caught") && !g.oneIn(3) {
				b.add(g.raising())
			}
			if g.oneIn(2) {
				b.add(g.statement())
			}
			if g.oneIn(2) {
				b.add(stmt("return ", g.values(number, 1+g.IntN(2), 2)))
			}
		})
	})
	return function("function(", names, ") ", body, "\nend")
}

// rethrowing makes a function that calls f and may raise its error again.
func (g *generator) rethrowing(f *node) *node {
	ok, e := g.newName("ok"), g.newName("e")
	rethrow := stmt("if not ", ok, " and ", g.condition(1), " then error(", e, g.choose("", ", 0"), ") end")
	call := stmt("local ", ok, ", ", e, " = noted(pcall(", f, "))")
	return fixedFunction("function() ", block(call, rethrow), "\nend")
}

// handler makes the second argument of xpcall.
func (g *generator) handler() *node {
	if v := g.pick(number, true); v != nil && g.oneIn(2) {
		return function("function(e) ", block(increment(v.name), stmt("return ", list(name("msg(e)")))), "\nend")
	}
	return function("function(e) return ", list(name("msg(e)")), " end")
}
