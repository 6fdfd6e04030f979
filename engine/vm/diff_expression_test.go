package vm

import (
	"fmt"
	"strings"
)

// expr makes an expression of a kind, seldom of another one.
func (g *generator) expr(k kind, depth int) *node {
	if g.one(200) {
		if k = kind(g.IntN(int(anything))); k == call {
			return text("math.abs") // a function in full has many lines, and an operator behind it is on the last one
		}
	}
	if depth > 0 && g.one(14) {
		return g.logical(k, depth-1)
	}
	if depth > 0 && g.one(20) {
		return expr(precPrefix, "(", g.expr(k, depth-1), ")")
	}
	if v := g.pick(k, false); v != nil && (depth <= 0 || g.one(2)) {
		if v.global && g.one(8) {
			return expr(precPrefix, `_G["`+v.nameNode+`"]`)
		}
		return nameNode(v.nameNode)
	}
	switch k {
	case numberKind:
		return g.numberKind(depth)
	case str:
		return g.string(depth)
	case booleanKind:
		return g.booleanKind(depth)
	case array:
		return g.array(depth)
	case record:
		return g.record(depth)
	case call:
		return g.callable(depth)
	case object:
		return g.objectOf(depth)
	}
	if g.one(4) {
		return text("nil")
	}
	return g.expr(kind(g.IntN(int(anything))), depth-1)
}

// binary joins two operands with an operator that groups to the left.
func binary(prec int, a *node, operator string, b *node) *node {
	return expr(prec, operandPart{a, prec}, " "+operator+" ", operandPart{b, prec + 1})
}

func (g *generator) literal() *node {
	if g.with("octal") && g.one(12) {
		return text(g.choose("010", "007", "0012", "08", "00.5"))
	}
	return text(g.choose("0", "1", "2", "3", "5", "7", "10", "42", "0.5", ".25", "2.", "1e2", "1E+1", "25e-1", "0x1F", "0Xa", "1.5"))
}

// numericText makes a text that arithmetic takes for a number.
func (g *generator) numericText() *node {
	if g.with("octal") && g.one(4) {
		return text(g.choose(`"010"`, `"-08"`, `"0b11"`, `"1_0"`, `"0o7"`))
	}
	return text(g.choose(`"10"`, `"0x10"`, `" 7 "`, `"1e1"`, `"2.5"`, `".5"`, `"-3"`, `"5."`, `"\t4\n"`, `"x"`, `""`, `"1 2"`, `"+4"`, `"0x"`, `"1e"`))
}

func (g *generator) numberKind(depth int) *node {
	if depth <= 0 {
		return g.literal()
	}
	d := depth - 1
	num := func() *node {
		if g.with("text") && g.one(15) {
			return g.numericText()
		}
		return g.expr(numberKind, d)
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
		return expr(precPower, operandPart{binary(precMultiply, g.expr(numberKind, d), "%", text("5")), precLiteral}, " ^ ", text(g.choose("0", "1", "2", "3")))
	case 8:
		return expr(precAdd, "-", operandPart{num(), precPower}, " + 0") // not a negative zero, which lua5.1 prints with its sign
	case 9:
		return expr(precUnary, "#", operandPart{g.expr(array, d), precPower})
	case 10:
		return expr(precUnary, "#", operandPart{g.expr(str, d), precPower})
	case 11, 12, 13:
		return g.invoke(d)
	case 14, 15:
		return expr(precPrefix, operandPart{g.expr(record, d), precPrefix}, g.choose(".a", ".b", ".a", `["a"]`))
	case 16:
		return expr(precPrefix, operandPart{g.expr(record, d), precPrefix}, "[", g.keyExpr(), "]")
	case 17:
		return expr(precPrefix, "(", operandPart{g.expr(array, d), precPrefix}, "["+g.choose("1", "2", "#G2", "1 + 1")+"] or ", operandPart{num(), precAnd}, ")")
	case 18:
		return expr(precPrefix, g.choose("math.floor(", "math.max(1, ", "math.min(2, ", "math.abs("), g.values(numberKind, 1, d), ")")
	case 19:
		return expr(precPrefix, `select("#", `, g.values(anything, 1+g.IntN(2), d), ")")
	case 20:
		return expr(precPrefix, "(select(", g.choose("1", "2", "-1"), ", ", g.expr(numberKind, d), ", ", g.several(d), "))")
	case 21:
		return expr(precOr, "tonumber(", operandPart{g.expr(str, d), precOr}, ") or ", operandPart{g.literal(), precAnd})
	case 22:
		return expr(precOr, operandPart{g.expr(str, d), precPrefix}, ":", g.choose(`byte(1)`, `find("b")`, `find("%d")`, `len()`), " or ", operandPart{g.literal(), precAnd})
	case 23:
		if g.with("meta") {
			if o := g.pick(object, false); o != nil {
				return g.objectNumber(o.nameNode, d)
			}
		}
	case 24:
		if g.left < 0 || g.one(2) {
			break
		}
		g.left--
		return expr(precPrefix, "(", g.function(), ")(", g.values(numberKind, 2+g.IntN(2), d), ")")
	}
	return g.literal()
}

// objectNumber makes what gives a number of an object with a metatable.
func (g *generator) objectNumber(o string, depth int) *node {
	switch g.IntN(6) {
	case 0:
		return expr(precAdd, o, " ", g.choose("+", "-"), " ", operandPart{g.expr(numberKind, depth), precMultiply})
	case 1:
		return expr(precAdd, operandPart{g.expr(numberKind, depth), precAdd}, " + ", o)
	case 2:
		return expr(precUnary, "-", o)
	case 3:
		return expr(precPrefix, o, "(", g.values(numberKind, 1, depth), ")")
	case 4:
		return expr(precPrefix, o, g.choose(".n", ".missing", `["other"]`))
	}
	return expr(precPrefix, o, ":m(", g.values(numberKind, 1, depth), ")")
}

func (g *generator) string(depth int) *node {
	if depth <= 0 {
		return text(g.choose(`"a"`, `""`, `"abc"`, `"b1c2"`, `'x y'`, `"10"`, `[[ab]]`, `"a\65\n"`, `"%d"`))
	}
	d := depth - 1
	short := func() operandPart { return operandPart{g.expr(str, d), precPrefix} }
	switch g.IntN(16) {
	case 0, 1, 2:
		return g.concat(d)
	case 3:
		return expr(precPrefix, short(), ":sub(", g.values(numberKind, 1+g.IntN(2), d), ")")
	case 4:
		return expr(precPrefix, short(), ":rep("+g.choose("0", "1", "2", "3")+"):sub(1, 20)")
	case 5:
		return expr(precPrefix, short(), ":", g.choose("upper()", "lower()", "reverse()"))
	case 6:
		return expr(precPrefix, "(", short(), ":gsub("+g.choose(`"%a"`, `"b"`, `"(%w)(%w)"`, `""`, `"%d+"`, `"^a"`)+", ", g.replacement(d), "))")
	case 7:
		return expr(precPrefix, `string.format("%d %s %5.1f|%-4s|%x"`, ", ", expr(precPrefix, "math.floor(", g.expr(numberKind, d), ")"), ", (", g.expr(str, d), "):upper(), 0 + ", operandPart{g.expr(numberKind, d), precMultiply}, ", (", g.expr(str, d), "):lower(), ", g.choose("255", "7"), ")")
	case 8:
		return expr(precPrefix, "table.concat(", g.expr(array, d), ", ", g.expr(str, 0), ")")
	case 9:
		return expr(precPrefix, "tostring(", operandPart{g.expr(kind(g.IntN(3)), d), precCompare}, " == 1)")
	case 10:
		return expr(precPrefix, "type(", g.expr(anything, d), ")")
	case 11:
		return expr(precPrefix, "string.char(", text(g.choose("65", "97, 98", `"66"`)), ")")
	case 12:
		return expr(precPrefix, operandPart{g.expr(record, d), precPrefix}, ".s")
	case 13:
		return expr(precOr, short(), ":match(", g.choose(`"%a+"`, `"(%w)%d"`, `"^(a)(b)"`), ") or ", operandPart{g.expr(str, 0), precAnd})
	case 14:
		return expr(precPrefix, operandPart{g.binaryText(d), precPrefix}, ":sub(1, 5)")
	}
	return g.string(0)
}

func (g *generator) binaryText(depth int) *node {
	return expr(precConcat, operandPart{g.expr(str, depth), precAdd}, " .. ", operandPart{g.expr(str, depth), precConcat})
}

// concat makes a chain of "..", which groups to the right.
func (g *generator) concat(depth int) *node {
	part := func() *node {
		if g.one(3) {
			return expr(precMultiply, operandPart{g.expr(numberKind, depth-1), precMultiply}, " % ", g.choose("10", "7"))
		}
		return g.expr(str, depth-1)
	}
	n := expr(precConcat, operandPart{part(), precAdd})
	for range 1 + g.IntN(4) {
		n.parts = append(n.parts, " .. ", operandPart{part(), precAdd})
	}
	return n
}

// replacement makes the third argument of gsub.
func (g *generator) replacement(depth int) *node {
	switch g.IntN(4) {
	case 0:
		return expr(precLiteral, `{ a = "1", b = `, g.expr(str, depth), ", [\"1\"] = false }")
	case 1:
		scope := len(g.scope)
		g.levels = append(g.levels, level{})
		c := g.declare(str)
		body := block()
		if g.one(4) {
			body.add(g.raising())
		}
		if v := g.pick(numberKind, true); v != nil && g.one(2) {
			body.add(stmt(v.nameNode, " = ", v.nameNode, " + 1"))
		}
		body.add(stmt("return ", list(g.expr(str, depth))))
		g.levels = g.levels[:len(g.levels)-1]
		g.scope = g.scope[:scope]
		return &node{kind: functionNode, prec: precLiteral, parts: []any{"function(", c, ") ", body, "\nend"}}
	}
	return text(g.choose(`"z"`, `"%0%0"`, `"<%1>"`, `"%%"`))
}

func (g *generator) booleanKind(depth int) *node {
	if depth <= 0 {
		return text(g.choose("true", "false"))
	}
	d := depth - 1
	switch g.IntN(8) {
	case 0, 1, 2:
		return binary(precCompare, g.expr(numberKind, d), g.choose("<", "<=", ">", ">=", "==", "~="), g.expr(numberKind, d))
	case 3:
		return binary(precCompare, g.expr(str, d), g.choose("<", "<=", ">", ">=", "==", "~="), g.expr(str, d))
	case 4:
		k := kind(g.IntN(int(kinds)))
		return binary(precCompare, g.expr(k, d), g.choose("==", "~="), g.expr(k, d))
	case 5:
		return expr(precUnary, "not ", operandPart{g.condition(d), precPower})
	case 6:
		if g.with("meta") {
			if a, b := g.pick(object, false), g.pick(object, false); a != nil {
				return expr(precCompare, a.nameNode, " ", g.choose("<", "<=", ">", ">=", "==", "~="), " ", b.nameNode)
			}
		}
	}
	return expr(precPrefix, "rawequal(", list(g.expr(anything, d), g.expr(anything, d)), ")")
}

func (g *generator) isConstant(n *node) bool {
	return len(n.parts) == 1 && n.prec == precLiteral && childOf(n.parts[0]) == nil
}

// condition makes what stands where only true or false counts.
func (g *generator) condition(depth int) *node {
	if depth <= 0 {
		if v := g.pick(anything, false); v != nil && (g.one(2) || !g.with("constant")) {
			return nameNode(v.nameNode)
		}
		if !g.with("constant") {
			return nameNode("G1")
		}
		return text(g.choose("true", "false", "nil", "1", `"x"`))
	}
	switch g.IntN(6) {
	case 0, 1:
		return g.logicalOf(func(d int) *node { return g.condition(d) }, depth)
	case 2:
		return expr(precUnary, "not ", operandPart{g.condition(depth - 1), precPower})
	case 3:
		return g.condition(0)
	}
	c := g.expr(booleanKind, depth)
	if !g.with("constant") && g.isConstant(c) {
		return nameNode("G1")
	}
	return c
}

// logical makes an expression of a kind with "and" and "or".
func (g *generator) logical(k kind, depth int) *node {
	form := g.IntN(4)
	if k != anything && k != booleanKind {
		form = g.IntN(2) // its value is of the kind
	}
	switch form {
	case 0:
		return expr(precOr, operandPart{g.condition(depth), precCompare}, " and ", operandPart{g.expr(k, depth), precCompare}, " or ", operandPart{g.expr(k, depth), precAnd})
	case 1:
		n := expr(precOr, operandPart{g.expr(k, depth), precAnd})
		for range 1 + g.IntN(3) {
			n.parts = append(n.parts, " or ", operandPart{g.expr(k, depth), precAnd})
		}
		return n
	}
	n := expr(precAnd, operandPart{g.condition(depth), precCompare})
	for range g.IntN(3) {
		n.parts = append(n.parts, " and ", operandPart{g.condition(depth), precCompare})
	}
	n.parts = append(n.parts, " and ", operandPart{g.expr(k, depth), precCompare})
	return n
}

func (g *generator) logicalOf(part func(int) *node, depth int) *node {
	operator, prec := " and ", precAnd
	if g.one(2) {
		operator, prec = " or ", precOr
	}
	n := expr(prec, operandPart{part(depth - 1), prec})
	for range 1 + g.IntN(2) {
		n.parts = append(n.parts, operator, operandPart{part(depth - 1), prec + 1})
	}
	return n
}

func (g *generator) array(depth int) *node {
	if depth > 0 && g.one(6) {
		return expr(precLiteral, "{ ", g.several(depth-1), " }")
	}
	if g.with("flush") && g.one(60) {
		n := g.choose("49", "50", "51", "100")
		all := strings.Repeat("1, ", map[string]int{"49": 49, "50": 50, "51": 51, "100": 100}[n])
		if g.one(2) {
			all += "x = " + g.choose("1", `"a"`) + ", y = G1, "
		}
		return expr(precLiteral, "{ ", all, g.values(numberKind, 1, depth-1), " }")
	}
	return expr(precLiteral, "{ ", g.values(numberKind, g.IntN(4), depth-1), " }")
}

// record makes a table with fields of all forms.
func (g *generator) record(depth int) *node {
	d := depth - 1
	n := list()
	field := func(nameNode string, value *node) {
		f := expr(precOr, nameNode+" = ", value)
		if g.one(4) {
			f = expr(precOr, `["`+nameNode+`"] = `, value)
		}
		n.add(f)
	}
	for _, nameNode := range []string{"a", "b", "c"} {
		if nameNode == "c" && g.one(2) {
			break // r.c is nil then
		}
		if g.one(4) {
			n.add(g.expr(numberKind, d))
		}
		if g.one(12) {
			n.add(expr(precOr, "[", g.keyExpr(), "] = ", g.expr(numberKind, d)))
		}
		field(nameNode, g.value(numberKind, d))
	}
	field("s", g.value(str, d))
	if g.one(5) {
		n.add(g.several(d))
	} else if g.with("field") && g.one(4) {
		field("d", g.several(d))
	}
	if !g.with("field") && len(n.parts) > 0 {
		n.add(text("0"))
	}
	return expr(precLiteral, "{ ", n, g.choose("", ",", ";"), " }")
}

func (g *generator) value(k kind, depth int) *node {
	if g.one(5) {
		return g.logical(k, depth)
	}
	return g.expr(k, depth)
}

// callable makes a function of kind call.
func (g *generator) callable(depth int) *node {
	if f := g.pick(call, false); f != nil && (depth <= 0 || g.one(2)) {
		return nameNode(f.nameNode)
	}
	if depth <= 0 || g.left < 0 || g.one(2) {
		return text(g.choose("math.abs", "math.max", "math.floor"))
	}
	g.left--
	return g.function()
}

// invoke makes a call that gives at least one number.
func (g *generator) invoke(depth int) *node {
	if depth <= 0 {
		depth = 0
	}
	f := g.callable(0)
	switch g.IntN(10) {
	case 0:
		return expr(precPrefix, "(", operandPart{g.condition(depth), precCompare}, " and ", f, " or ", g.callable(depth), ")(", g.values(numberKind, 2, depth), ")")
	case 1:
		if o := g.pick(object, false); o != nil && g.with("meta") {
			return expr(precPrefix, o.nameNode, ":m(", g.values(numberKind, 1, depth), ")")
		}
	case 2:
		return expr(precPrefix, "({ f = ", f, " }).f(", g.values(numberKind, 2, depth), ")")
	case 3:
		return expr(precPrefix, `("abc"):byte(`, g.choose("1, 2", "2", "1, -1"), ")")
	}
	return expr(precPrefix, f, "(", g.values(numberKind, 2+g.IntN(3), depth), ")")
}

// several makes an expression that may have any number of values.
func (g *generator) several(depth int) *node {
	if g.level().varargs && g.one(3) {
		return text("...")
	}
	switch g.IntN(5) {
	case 0:
		return expr(precPrefix, "unpack(", g.expr(array, depth), ")")
	case 1:
		return expr(precPrefix, "select(", g.choose("2", "1", "-1"), ", ", g.expr(numberKind, depth), ", ", g.several(depth-1), ")")
	}
	return g.invoke(depth)
}

func (g *generator) objectOf(depth int) *node {
	if o := g.pick(object, false); o != nil {
		return nameNode(o.nameNode)
	}
	return g.record(depth)
}

// metatable makes a metatable and objects that have it.
func (g *generator) metatable() *node {
	mt, a, b := g.fresh("mt"), g.fresh("o"), g.fresh("o")
	fields := list()
	method := func(event, names string, results *node) {
		scope := len(g.scope)
		g.levels = append(g.levels, level{varargs: strings.HasSuffix(names, "...")})
		body := block()
		if g.one(10) {
			body.add(g.raising())
		}
		if v := g.pick(numberKind, true); v != nil && g.one(3) {
			body.add(stmt(v.nameNode, " = (", v.nameNode, " + 1) % 100"))
		}
		body.add(stmt("return ", results))
		g.levels = g.levels[:len(g.levels)-1]
		g.scope = g.scope[:scope]
		fields.add(expr(precOr, event+" = ", &node{kind: functionNode, prec: precLiteral, parts: []any{"function(" + names + ") ", body, "\nend"}}))
	}
	of := func(x string) string { return fmt.Sprintf(`(type(%[1]s) == "table" and rawget(%[1]s, "n") or 3)`, x) }
	sum := of("x") + " + " + of("y")
	switch g.IntN(3) {
	case 0:
		fields.add(expr(precOr, "__index = { m = ", &node{kind: functionNode, parts: []any{"function(self, x) ", block(stmt("return self.n, ", g.expr(numberKind, 1))), "\nend"}}, ", missing = ", g.expr(numberKind, 1), ", other = 4 }"))
	case 1:
		method("__index", "t, k", list(text(`k == "m" and math.max or 6`)))
	default:
		method("__index", "t, k", list(text(`k == "m" and function(self, x) return x, rawget(self, "n") end or #k`)))
	}
	for _, event := range []string{"__add", "__sub", "__mul"} {
		if !g.one(6) {
			method(event, "x, y", list(text(sum), g.expr(numberKind, 1)))
		}
	}
	method("__unm", "x", list(text("-rawget(x, \"n\")")))
	method("__call", "self, ...", list(text("..."), g.expr(numberKind, 1)))
	method("__concat", "x, y", list(text(`type(x) .. type(y)`)))
	if !g.one(4) {
		method("__eq", "x, y", list(text(`rawget(x, "n") == rawget(y, "n")`), text("1")))
	}
	method("__lt", "x, y", list(text(`rawget(x, "n") < rawget(y, "n")`)))
	if g.one(2) {
		method("__le", "x, y", list(text(g.choose(`rawget(x, "n") <= rawget(y, "n")`, "nil", "1", `rawget(x, "n")`))))
	}
	switch g.IntN(3) {
	case 0:
		method("__newindex", "t, k, v", list(text("rawset(t, k, v)")))
	case 1:
		fields.add(expr(precOr, "__newindex = ", g.expr(record, 1)))
	}
	local := stmt("local ", mt, " = { ", fields, " }\n",
		stmt("local ", list(nameNode(a), nameNode(b)), " = ",
			list(expr(precPrefix, "setmetatable({ n = ", g.literal(), " }, ", mt, ")"), expr(precPrefix, "setmetatable({ n = ", g.literal(), " }, ", mt, ")"))),
		"\n", stmt(a, ".new, ", b, ".n = ", list(g.expr(numberKind, 1), g.expr(numberKind, 1))),
		"\n", stmt("out(", list(expr(precConcat, a, " .. ", g.choose(b, `"x"`, g.numberBeside())), expr(precConcat, g.choose(g.numberBeside(), `"x"`), " .. ", b), expr(precCompare, a, " <= ", b), expr(precCompare, a, " == ", b)), ")"))
	g.declareAs(mt, anything)
	g.scope[len(g.scope)-1].fixed = true
	g.declareAs(a, object)
	g.declareAs(b, object)
	return local
}

// numberBeside is what stands beside an object in a concatenation.
func (g *generator) numberBeside() string {
	if g.with("concat") {
		return "1"
	}
	return `"y"`
}
