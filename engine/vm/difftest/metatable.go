package difftest

import (
	"fmt"
	"strings"
)

// object makes an expression that is an object with a metatable, or a record if
// there is none.
func (g *generator) object(depth int) *node {
	if o := g.pick(object, false); o != nil {
		return name(o.name)
	}
	return g.record(depth)
}

// metatable makes a metatable and two objects that have it.
func (g *generator) metatable() *node {
	mt, a, b := g.newName("mt"), g.newName("o"), g.newName("o")
	fields := list(g.indexMethod())
	g.addArithmetic(fields)
	g.addComparisons(fields)
	g.addNewIndex(fields)
	made := func() *node { return expr(precPrefix, "setmetatable({ n = ", g.literal(), " }, ", mt, ")") }
	s := stmt(
		"local ", mt, " = { ", fields, " }\n",
		stmt("local ", list(name(a), name(b)), " = ", list(made(), made())), "\n",
		stmt(a, ".new, ", b, ".n = ", list(g.expr(number, 1), g.expr(number, 1))), "\n",
		out(
			expr(precConcat, a, " .. ", g.choose(b, `"x"`, g.concatOperand())),
			expr(precConcat, g.choose(g.concatOperand(), `"x"`), " .. ", b),
			expr(precCompare, a, " <= ", b),
			expr(precCompare, a, " == ", b),
		),
	)
	g.declareAs(mt, anything)
	g.scope[len(g.scope)-1].fixed = true
	g.declareAs(a, object)
	g.declareAs(b, object)
	return s
}

// concatOperand returns what is concatenated with an object.
func (g *generator) concatOperand() string {
	if g.with("concat") {
		return "1"
	}
	return `"y"`
}

// indexMethod makes __index: a table or a function.
func (g *generator) indexMethod() *node {
	switch g.IntN(3) {
	case 0:
		m := fixedFunction("function(self, x) ", block(stmt("return self.n, ", g.expr(number, 1))), "\nend")
		return expr(precOr, "__index = { m = ", m, ", missing = ", g.expr(number, 1), ", other = 4 }")
	case 1:
		return g.metamethod("__index", "t, k", text(`k == "m" and math.max or 6`))
	}
	return g.metamethod("__index", "t, k", text(`k == "m" and function(self, x) return x, rawget(self, "n") end or #k`))
}

func (g *generator) addArithmetic(fields *node) {
	field := func(x string) string {
		return fmt.Sprintf(`(type(%[1]s) == "table" and rawget(%[1]s, "n") or 3)`, x)
	}
	for _, event := range []string{"__add", "__sub", "__mul"} {
		if !g.oneIn(6) {
			fields.add(g.metamethod(event, "x, y", text(field("x")+" + "+field("y")), g.expr(number, 1)))
		}
	}
	fields.add(
		g.metamethod("__unm", "x", text(`-rawget(x, "n")`)),
		g.metamethod("__call", "self, ...", text("..."), g.expr(number, 1)),
		g.metamethod("__concat", "x, y", text(`type(x) .. type(y)`)),
	)
}

func (g *generator) addComparisons(fields *node) {
	if !g.oneIn(4) {
		fields.add(g.metamethod("__eq", "x, y", text(`rawget(x, "n") == rawget(y, "n")`), text("1")))
	}
	fields.add(g.metamethod("__lt", "x, y", text(`rawget(x, "n") < rawget(y, "n")`)))
	if g.oneIn(2) {
		result := g.choose(`rawget(x, "n") <= rawget(y, "n")`, "nil", "1", `rawget(x, "n")`)
		fields.add(g.metamethod("__le", "x, y", text(result)))
	}
}

func (g *generator) addNewIndex(fields *node) {
	switch g.IntN(3) {
	case 0:
		fields.add(g.metamethod("__newindex", "t, k, v", text("rawset(t, k, v)")))
	case 1:
		fields.add(expr(precOr, "__newindex = ", g.expr(record, 1)))
	}
}

// metamethod makes a field of a metatable: a function that returns results and
// may change a variable around it or raise an error.
func (g *generator) metamethod(event, parameters string, results ...*node) *node {
	body := block()
	g.inFunction(strings.HasSuffix(parameters, "..."), func() {
		if g.oneIn(10) {
			body.add(g.raising())
		}
		if v := g.pick(number, true); v != nil && g.oneIn(3) {
			body.add(stmt(v.name, " = (", v.name, " + 1) % 100"))
		}
		body.add(stmt("return ", list(results...)))
	})
	return expr(precOr, event+" = ", function("function("+parameters+") ", body, "\nend"))
}
