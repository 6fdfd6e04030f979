package difftest

import "fmt"

// maxLocals is near the 200 locals that Lua allows a function.
const maxLocals = 185

// statement makes a statement, which may have statements inside it.
func (g *generator) statement() *node {
	g.statementsLeft--
	if g.nesting > 4 || g.statementsLeft < 0 {
		return g.simple()
	}
	if g.current().locals > maxLocals {
		return stmt("do ", g.inBlock(2), "\nend")
	}
	switch g.IntN(34) {
	case 0, 1, 2, 3:
		return g.local()
	case 4, 5, 6:
		return g.assignment()
	case 7, 8:
		return g.conditional()
	case 9:
		return g.while()
	case 10:
		return g.repeat()
	case 11, 12:
		return g.numericFor()
	case 13, 14, 15:
		return g.genericFor()
	case 16, 17, 18:
		return g.functionStatement()
	case 19:
		return stmt("do ", g.inBlock(1+g.IntN(3)), "\nend")
	case 20, 21:
		return g.protected()
	case 22:
		if g.with("meta") {
			return g.metatable()
		}
	case 23, 24:
		if g.with("goto") {
			return g.labelled()
		}
	case 25, 26:
		if g.with("closure") {
			return g.closures()
		}
	case 27:
		return g.recursion()
	case 28:
		if len(g.current().jumps) > 0 {
			return stmt("if ", g.condition(2), " then ", block(g.jump()), "\nend")
		}
	case 29:
		return g.library()
	}
	return g.simple()
}

// simple makes a statement without others inside it.
func (g *generator) simple() *node {
	switch g.IntN(5) {
	case 0:
		if g.current().locals < maxLocals {
			return g.local()
		}
	case 1:
		return g.assignment()
	case 2:
		if f := g.pick(callable, false); f != nil {
			return stmt(expr(precPrefix, f.name, "(", g.values(number, 2+g.IntN(3), 1), ")"))
		}
	case 3:
		return g.library()
	}
	return stmt("out(", g.values(anything, 1+g.IntN(2), 2), ")")
}

// out makes a statement that writes values.
func out(values ...*node) *node { return stmt("out(", list(values...), ")") }

// observe makes a statement that writes some of the variables in scope.
func (g *generator) observe() *node {
	all := []*node{}
	for range 5 {
		if v := g.pick(anything, false); v != nil {
			all = append(all, name(v.name))
		}
	}
	return out(all...)
}

// increment makes a statement that changes a variable.
func increment(variable string) *node { return stmt(variable, " = ", variable, " + 1") }

func (g *generator) conditional() *node {
	s := stmt("if ", g.condition(2), " then ", g.inBlock(1+g.IntN(2)))
	for g.oneIn(3) {
		s.parts = append(s.parts, "\nelseif ", g.condition(2), " then ", g.inBlock(1+g.IntN(2)))
	}
	if g.oneIn(2) {
		s.parts = append(s.parts, "\nelse ", g.inBlock(1+g.IntN(2)))
	}
	s.parts = append(s.parts, "\nend")
	return s
}

// library makes a call of a library function that changes a table or has
// several results.
func (g *generator) library() *node {
	if a := g.pick(array, false); a != nil {
		switch g.IntN(6) {
		case 0:
			return stmt("table.insert(", name(a.name), ", (", g.expr(number, 2), "))")
		case 1:
			return stmt("table.insert(", name(a.name), ", 1, (", g.expr(number, 2), "))")
		case 2:
			return out(expr(precPrefix, "(table.remove(", a.name, g.choose("", ", 1"), "))"))
		case 3:
			return stmt("table.sort(", list(name(a.name)), ")")
		case 4:
			return stmt("table.sort(", list(name(a.name), text("function(x, y) return x > y end")), ")")
		}
	}
	s := operand{g.expr(str, 2), precPrefix}
	method := g.choose(`find("(%a)(%d)")`, `gsub("%a", "%0.")`, `find("b", 1, true)`, `match("()(.)")`, "byte(1, -1)")
	return out(expr(precPrefix, s, ":", method))
}

// manyLocals declares nearly as many locals as a function can have.
func (g *generator) manyLocals() *node {
	s := stmt("local big0 = 0")
	for i := range 15 {
		names, values := list(), list()
		for j := range 10 {
			n := fmt.Sprintf("big%d_%d", i, j)
			names.add(name(n))
			values.add(text(fmt.Sprint(i*10 + j)))
			g.scope = append(g.scope, variable{name: n, kind: number})
		}
		s.parts = append(s.parts, " local ", names, " = ", values)
	}
	return s
}
