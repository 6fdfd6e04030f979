package difftest

// literal makes a number as it is written in a program.
func (g *generator) literal() *node {
	if g.with("octal") && g.oneIn(12) {
		return text(g.choose("010", "007", "0012", "08", "00.5"))
	}
	return text(g.choose("0", "1", "2", "3", "5", "7", "10", "42", "0.5", ".25", "2.", "1e2", "1E+1", "25e-1", "0x1F", "0Xa", "1.5"))
}

// numericString makes a string for arithmetic, which is mostly a number.
func (g *generator) numericString() *node {
	if g.with("octal") && g.oneIn(4) {
		return text(g.choose(`"010"`, `"-08"`, `"0b11"`, `"1_0"`, `"0o7"`))
	}
	return text(g.choose(`"10"`, `"0x10"`, `" 7 "`, `"1e1"`, `"2.5"`, `".5"`, `"-3"`, `"5."`, `"\t4\n"`, `"x"`, `""`, `"1 2"`, `"+4"`, `"0x"`, `"1e"`))
}

func (g *generator) number(depth int) *node {
	if depth <= 0 {
		return g.literal()
	}
	d := depth - 1
	num := func() *node {
		if g.with("text") && g.oneIn(15) {
			return g.numericString()
		}
		return g.expr(number, d)
	}
	switch g.IntN(26) {
	case 0, 1, 2:
		return binary(precAdd, num(), g.choose("+", "-"), num())
	case 3, 4:
		return binary(precMultiply, num(), "*", text(g.choose("2", "3", "0.5", "10", "1e1")))
	case 5:
		return binary(precMultiply, num(), "/", text(g.choose("2", "4", "0.5", "8")))
	case 6:
		return binary(precMultiply, num(), "%", text(g.choose("3", "7", "-4", "2.5")))
	case 7:
		base := binary(precMultiply, g.expr(number, d), "%", text("5"))
		return expr(precPower, operand{base, precLiteral}, " ^ ", text(g.choose("0", "1", "2", "3")))
	case 8:
		return expr(precAdd, "-", operand{num(), precPower}, " + 0") // lua5.1 prints the sign of a negative zero
	case 9:
		return expr(precUnary, "#", operand{g.expr(array, d), precPower})
	case 10:
		return expr(precUnary, "#", operand{g.expr(str, d), precPower})
	case 11, 12, 13:
		return g.invoke(d)
	case 14, 15:
		return expr(precPrefix, operand{g.expr(record, d), precPrefix}, g.choose(".a", ".b", ".a", `["a"]`))
	case 16:
		return expr(precPrefix, operand{g.expr(record, d), precPrefix}, "[", g.computedKey(), "]")
	case 17:
		a, index := operand{g.expr(array, d), precPrefix}, g.choose("1", "2", "#G2", "1 + 1")
		return expr(precPrefix, "(", a, "["+index+"] or ", operand{num(), precAnd}, ")")
	case 18:
		return expr(precPrefix, g.choose("math.floor(", "math.max(1, ", "math.min(2, ", "math.abs("), g.values(number, 1, d), ")")
	case 19:
		return expr(precPrefix, `select("#", `, g.values(anything, 1+g.IntN(2), d), ")")
	case 20:
		return expr(precPrefix, "(select(", g.choose("1", "2", "-1"), ", ", g.expr(number, d), ", ", g.several(d), "))")
	case 21:
		return expr(precOr, "tonumber(", operand{g.expr(str, d), precOr}, ") or ", operand{g.literal(), precAnd})
	case 22:
		s, method := operand{g.expr(str, d), precPrefix}, g.choose(`byte(1)`, `find("b")`, `find("%d")`, `len()`)
		return expr(precOr, s, ":", method, " or ", operand{g.literal(), precAnd})
	case 23:
		if g.with("meta") {
			if o := g.pick(object, false); o != nil {
				return g.objectNumber(o.name, d)
			}
		}
	case 24:
		if g.statementsLeft < 0 || g.oneIn(2) {
			break
		}
		g.statementsLeft--
		return expr(precPrefix, "(", g.function(), ")(", g.values(number, 2+g.IntN(2), d), ")")
	}
	return g.literal()
}

// objectNumber makes an expression that is a number by a metamethod of an
// object.
func (g *generator) objectNumber(o string, depth int) *node {
	switch g.IntN(6) {
	case 0:
		return expr(precAdd, o, " ", g.choose("+", "-"), " ", operand{g.expr(number, depth), precMultiply})
	case 1:
		return expr(precAdd, operand{g.expr(number, depth), precAdd}, " + ", o)
	case 2:
		return expr(precUnary, "-", o)
	case 3:
		return expr(precPrefix, o, "(", g.values(number, 1, depth), ")")
	case 4:
		return expr(precPrefix, o, g.choose(".n", ".missing", `["other"]`))
	}
	return expr(precPrefix, o, ":m(", g.values(number, 1, depth), ")")
}
