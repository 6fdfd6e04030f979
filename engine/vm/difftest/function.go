package difftest

import "fmt"

// function makes a function of kind callable.
func (g *generator) function() *node {
	varargs := g.oneIn(3)
	var names, b *node
	g.inFunction(varargs, func() {
		names = g.parameters(g.IntN(3))
		if varargs {
			names.add(text("..."))
		}
		b = g.inBlock(1+g.IntN(3), func(b *node) {
			b.add(stmt("return ", g.values(number, 1+g.IntN(3), 2)))
		})
	})
	return function("function(", names, ") ", b, "\nend")
}

// functionStatement makes a function that has a name.
func (g *generator) functionStatement() *node {
	f := g.function()
	named := func(head string) *node {
		f.parts[0] = head + "("
		return f
	}
	switch g.IntN(6) {
	case 0:
		n := g.newName("F")
		g.scope = append(g.scope, variable{name: n, kind: callable, global: true})
		return stmt(named("function " + n))
	case 1:
		if r := g.pick(record, false); r != nil {
			field := r.name + ".f"
			return stmt(named("function "+field), " local ", g.declare(callable), " = ", field)
		}
	case 2:
		if v := g.pick(callable, true); v != nil {
			return stmt(v.name, " = ", f)
		}
	case 3:
		if g.with("own") {
			return stmt("local ", g.declare(callable), " = ", f)
		}
	}
	n := g.newName("f")
	g.declareAs(n, callable)
	return stmt(named("local function " + n))
}

// recursion makes a function that calls itself, and a call of it. Its first
// parameter bounds the depth.
func (g *generator) recursion() *node {
	n, depth := g.newName("r"), g.newName("d")
	var other string
	var last, b *node
	g.inFunction(false, func() {
		g.scope = append(g.scope, variable{name: depth, kind: number, fixed: true})
		g.declareAs(depth, number)
		g.scope[len(g.scope)-1].fixed = true
		other = g.declare(number)
		last = block(stmt("return ", g.values(number, 1+g.IntN(2), 2)))
		b = g.inBlock(1+g.IntN(2), func(b *node) {
			b.add(g.recursive(expr(precPrefix, n, "(", depth, " - 1, ", g.values(number, 1, 2), ")")))
		})
	})
	f := fixedFunction("local function ", n, "(", depth, ", ", other, ") if ", depth, " <= 0 then ", last, "\nend ", b, "\nend")
	call := expr(precPrefix, n, fmt.Sprintf("(%d, ", 1+g.IntN(4)), g.expr(number, 1), ")")
	return stmt(f, " out(", list(call), ")")
}

// recursive makes a return with a recursive call: as a tail call, as an operand,
// as the last of two values, or in brackets.
func (g *generator) recursive(call *node) *node {
	sum := expr(precAdd, operand{call, precAdd}, " + ", operand{g.expr(number, 1), precMultiply})
	forms := []*node{
		stmt("return ", call),
		stmt("return ", list(sum, g.expr(number, 2))),
		stmt("return ", list(g.expr(number, 2), call)),
		stmt("return ", list(expr(precPrefix, "(", call, ")"))),
	}
	return forms[g.IntN(len(forms))]
}

// closures makes functions in a loop, which capture its variables, and calls
// them after the loop.
func (g *generator) closures() *node {
	fs := g.newName("fs")
	scope, locals := len(g.scope), g.current().locals
	shared, first := g.newName("v"), g.expr(number, 1)
	g.declareAs(shared, number)
	counter := g.newName("i")
	var s *node
	g.around("", func() { s = g.closureLoop(fs, counter) })
	all := block(
		stmt("local ", fs, ", ", counter, " = {}, 0"),
		stmt("local ", shared, " = ", first),
		s,
		stmt("for _ = 1, 2 do for j = 1, #", fs, " do out(j, ", fs, "[j](j, 2)) end end out(", shared, ")"),
	)
	g.scope = g.scope[:scope]
	g.current().locals = locals
	return stmt("do ", all, "\nend")
}

func (g *generator) closureLoop(fs, counter string) *node {
	body := func() *node { return g.inBlock(1, func(b *node) { g.capture(b, fs) }) }
	switch g.IntN(3) {
	case 0:
		g.declareAs(counter, number)
		return loop("for "+counter+" = 1, 3 do ", body(), "\nend")
	case 1:
		g.declareAs(counter, number)
		return loop("for _, "+counter+" in ipairs({ 4, 5 }) do ", body(), "\nend")
	}
	g.scope = append(g.scope, variable{name: counter, kind: number, fixed: true})
	b := body()
	b.parts = append([]any{increment(counter)}, b.parts...)
	return loop("repeat ", b, "\nuntil "+counter+" >= 3")
}

// capture adds a function to the list fs and, sometimes, a change of a variable
// that it may have captured.
func (g *generator) capture(b *node, fs string) {
	b.add(stmt(fs, "[#", fs, " + 1] = ", g.function()))
	if v := g.pick(number, true); v != nil && g.oneIn(2) {
		b.add(increment(v.name))
	}
	if g.oneIn(4) {
		b.add(g.protected())
	}
	g.maybeJump(b)
}
