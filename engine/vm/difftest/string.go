package difftest

func (g *generator) string(depth int) *node {
	if depth <= 0 {
		return text(g.choose(`"a"`, `""`, `"abc"`, `"b1c2"`, `'x y'`, `"10"`, `[[ab]]`, `"a\65\n"`, `"%d"`))
	}
	d := depth - 1
	s := func() operand { return operand{g.expr(str, d), precPrefix} }
	switch g.IntN(16) {
	case 0, 1, 2:
		return g.concat(d)
	case 3:
		return expr(precPrefix, s(), ":sub(", g.values(number, 1+g.IntN(2), d), ")")
	case 4:
		return expr(precPrefix, s(), ":rep("+g.choose("0", "1", "2", "3")+"):sub(1, 20)")
	case 5:
		return expr(precPrefix, s(), ":", g.choose("upper()", "lower()", "reverse()"))
	case 6:
		subject, pattern := s(), g.choose(`"%a"`, `"b"`, `"(%w)(%w)"`, `""`, `"%d+"`, `"^a"`)
		return expr(precPrefix, "(", subject, ":gsub("+pattern+", ", g.replacement(d), "))")
	case 7:
		return g.format(d)
	case 8:
		return expr(precPrefix, "table.concat(", g.expr(array, d), ", ", g.expr(str, 0), ")")
	case 9:
		return expr(precPrefix, "tostring(", operand{g.expr(kind(g.IntN(3)), d), precCompare}, " == 1)")
	case 10:
		return expr(precPrefix, "type(", g.expr(anything, d), ")")
	case 11:
		return expr(precPrefix, "string.char(", text(g.choose("65", "97, 98", `"66"`)), ")")
	case 12:
		return expr(precPrefix, operand{g.expr(record, d), precPrefix}, ".s")
	case 13:
		return expr(precOr, s(), ":match(", g.choose(`"%a+"`, `"(%w)%d"`, `"^(a)(b)"`), ") or ", operand{g.expr(str, 0), precAnd})
	case 14:
		joined := expr(precConcat, operand{g.expr(str, d), precAdd}, " .. ", operand{g.expr(str, d), precConcat})
		return expr(precPrefix, operand{joined, precPrefix}, ":sub(1, 5)")
	}
	return g.string(0)
}

// format makes a call of string.format with arguments of the right types.
func (g *generator) format(depth int) *node {
	integer := expr(precPrefix, "math.floor(", g.expr(number, depth), ")")
	upper, float := g.expr(str, depth), operand{g.expr(number, depth), precMultiply}
	lower, hex := g.expr(str, depth), g.choose("255", "7")
	return expr(precPrefix, `string.format("%d %s %5.1f|%-4s|%x"`, ", ", integer,
		", (", upper, "):upper(), 0 + ", float, ", (", lower, "):lower(), ", hex, ")")
}

// concat makes a chain of "..", which groups to the right.
func (g *generator) concat(depth int) *node {
	part := func() *node {
		if g.oneIn(3) {
			return expr(precMultiply, operand{g.expr(number, depth-1), precMultiply}, " % ", g.choose("10", "7"))
		}
		return g.expr(str, depth-1)
	}
	n := expr(precConcat, operand{part(), precAdd})
	for range 1 + g.IntN(4) {
		n.parts = append(n.parts, " .. ", operand{part(), precAdd})
	}
	return n
}

// replacement makes the third argument of gsub.
func (g *generator) replacement(depth int) *node {
	switch g.IntN(4) {
	case 0:
		return expr(precLiteral, `{ a = "1", b = `, g.expr(str, depth), `, ["1"] = false }`)
	case 1:
		return g.replacingFunction(depth)
	}
	return text(g.choose(`"z"`, `"%0%0"`, `"<%1>"`, `"%%"`))
}

func (g *generator) replacingFunction(depth int) *node {
	var match string
	body := block()
	g.inFunction(false, func() {
		match = g.declare(str)
		if g.oneIn(4) {
			body.add(g.raising())
		}
		if v := g.pick(number, true); v != nil && g.oneIn(2) {
			body.add(increment(v.name))
		}
		body.add(stmt("return ", list(g.expr(str, depth))))
	})
	return function("function(", match, ") ", body, "\nend")
}
