package vm

// raising makes a statement that raises an error, mostly in some cases only.
func (g *generator) raising() *node {
	var raise *node
	switch g.IntN(8) {
	case 0:
		raise = stmt(`error("!level", `, g.choose("0", "1", "2"), ")")
	case 1:
		raise = stmt("error({ code = ", g.expr(numberKind, 1), " })")
	case 2:
		raise = stmt("error(", g.choose("nil", "true", "5, 0", `"!one"`), ")")
	case 3:
		raise = stmt("local _ = ", g.choose("nil + 1", "({}) .. 1", `"x" * 2`, "#nil", "{} < 1", "(nil).x", "({}).x.y", `-"x"`, "nil < 1", `1 < "2"`))
	case 4:
		raise = stmt("G0()")
	case 5:
		raise = stmt("assert(", g.expr(booleanKind, 1), ", ", g.choose(`"!assert"`, "nil"), ")")
	case 6:
		raise = stmt("table.sort({ 3, 1, 2 }, ", &node{kind: functionNode, parts: []any{"function() ", block(g.thrown()), "\nend"}}, ")")
	default:
		raise = g.thrown()
	}
	if g.one(3) {
		return stmt("do ", block(raise), "\nend")
	}
	return stmt("if ", g.condition(2), " then ", block(raise), "\nend")
}

func (g *generator) thrown() *node { return stmt(`error("!thrown")`) }

// protected makes a call by pcall or xpcall, of what may fail.
func (g *generator) protected() *node {
	scope := len(g.scope)
	g.levels = append(g.levels, level{})
	form := g.IntN(6)
	names := list()
	if form > 2 {
		names = g.parameters(g.IntN(2)) // the others call it without a value
	}
	body := g.inBlock(1+g.IntN(2), func(b *node) {
		if g.with("caught") && !g.one(3) {
			b.add(g.raising())
		}
		if g.one(2) {
			b.add(g.statement())
		}
		if g.one(2) {
			b.add(stmt("return ", g.values(numberKind, 1+g.IntN(2), 2)))
		}
	})
	g.levels = g.levels[:len(g.levels)-1]
	g.scope = g.scope[:scope]
	f := &node{kind: functionNode, prec: precLiteral, parts: []any{"function(", names, ") ", body, "\nend"}}
	switch form {
	case 0:
		return stmt("out(", list(expr(precPrefix, "caught(xpcall(", f, ", ", g.handler(), "))")), ")")
	case 1: // a handler that fails itself
		return stmt("out((noted(xpcall(", f, ", ", g.choose("function(e) error(e) end", "function(e) return e.x.y end"), "))))")
	case 2:
		ok, e := g.fresh("ok"), g.fresh("e")
		rethrow := stmt("if not ", ok, " and ", g.condition(1), " then error(", e, g.choose("", ", 0"), ") end")
		inner := &node{kind: functionNode, parts: []any{"function() ", block(stmt("local ", ok, ", ", e, " = noted(pcall(", f, "))"), rethrow), "\nend"}}
		return stmt("out(", list(expr(precPrefix, "caught(pcall(", inner, "))")), ")")
	case 3:
		ok, v := g.fresh("ok"), g.fresh("v")
		s := stmt("local ", ok, ", ", v, " = caught(pcall(", f, ", ", g.values(numberKind, 1, 2), "))")
		g.declareAs(ok, booleanKind)
		g.declareAs(v, anything)
		return s
	}
	return stmt("out(", list(expr(precPrefix, "caught(pcall(", f, ", ", g.values(numberKind, 1, 2), "))")), ")")
}

func (g *generator) handler() *node {
	if v := g.pick(numberKind, true); v != nil && g.one(2) {
		return &node{kind: functionNode, prec: precLiteral, parts: []any{"function(e) ", block(stmt(v.nameNode, " = ", v.nameNode, " + 1"), stmt("return ", list(nameNode("msg(e)")))), "\nend"}}
	}
	return &node{kind: functionNode, prec: precLiteral, parts: []any{"function(e) return ", list(nameNode("msg(e)")), " end"}}
}

// library makes a call that changes a table, or has several results.
func (g *generator) library() *node {
	if a := g.pick(array, false); a != nil {
		switch g.IntN(6) {
		case 0:
			return stmt("table.insert(", nameNode(a.nameNode), ", (", g.expr(numberKind, 2), "))")
		case 1:
			return stmt("table.insert(", nameNode(a.nameNode), ", 1, (", g.expr(numberKind, 2), "))")
		case 2:
			return stmt("out(", list(expr(precPrefix, "(table.remove(", a.nameNode, g.choose("", ", 1"), "))")), ")")
		case 3:
			return stmt("table.sort(", list(nameNode(a.nameNode)), ")")
		case 4:
			return stmt("table.sort(", list(nameNode(a.nameNode), text("function(x, y) return x > y end")), ")")
		}
	}
	return stmt("out(", list(expr(precPrefix, operandPart{g.expr(str, 2), precPrefix}, ":", g.choose(`find("(%a)(%d)")`, `gsub("%a", "%0.")`, `find("b", 1, true)`, `match("()(.)")`, "byte(1, -1)"))), ")")
}
