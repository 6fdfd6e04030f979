package difftest

import "fmt"

// loopBlock makes the block of a loop, which begins with first unless that is
// nil. The block may have a label at its end, for jumps to the next round.
func (g *generator) loopBlock(n int, first *node) *node {
	var b *node
	g.around("", func() {
		if !g.with("goto") || !g.oneIn(4) {
			b = g.inBlock(n)
			return
		}
		label := g.newName("l")
		g.around(label, func() {
			b = block(&node{kind: bareNode, label: label, parts: []any{g.inBlock(n)}})
		})
	})
	if first != nil {
		b.parts = append([]any{first}, b.parts...)
	}
	return b
}

// counted makes a block with a counter, which ends the loop that body makes
// even if its other conditions do not.
func (g *generator) counted(body func(counter string) *node) *node {
	counter := g.newName("n")
	scope := len(g.scope)
	g.scope = append(g.scope, variable{name: counter, kind: number, fixed: true})
	g.current().locals++
	inner := body(counter)
	g.scope = g.scope[:scope]
	g.current().locals--
	return stmt("do local ", counter, " = 0\n", block(inner), "\nend")
}

func (g *generator) while() *node {
	return g.counted(func(counter string) *node {
		bound := fmt.Sprintf("%s < %d", counter, 1+g.IntN(4))
		var c *node
		switch g.IntN(5) {
		case 0:
			end := fmt.Sprintf("%s >= %d", counter, 1+g.IntN(4))
			c = expr(precUnary, "not (", end, " or ", operand{g.condition(2), precAnd}, ")")
		case 1:
			c = expr(precAnd, operand{g.condition(2), precCompare}, " and ", bound)
		case 2:
			c = expr(precAnd, bound)
		case 3:
			c = expr(precAnd, bound, " and (", g.condition(2), ")")
		default:
			c = expr(precAnd, bound, " and ", operand{g.condition(2), precCompare})
		}
		return loop("while ", c, " do ", g.loopBlock(1+g.IntN(3), increment(counter)), "\nend")
	})
}

func (g *generator) repeat() *node {
	return g.counted(func(counter string) *node {
		var b, c *node
		g.around("", func() {
			b = g.inBlock(1+g.IntN(3), func(*node) { c = g.until(counter) }) // it may use locals of the block
		})
		b.parts = append([]any{increment(counter)}, b.parts...)
		return loop("repeat ", b, "\nuntil ", c)
	})
}

func (g *generator) until(counter string) *node {
	bound := fmt.Sprintf("%s >= %d", counter, 1+g.IntN(4))
	switch g.IntN(4) {
	case 0:
		return expr(precOr, bound)
	case 1:
		more := fmt.Sprintf("%s < %d", counter, 1+g.IntN(4))
		return expr(precUnary, "not (", more, " and ", operand{g.condition(2), precCompare}, ")")
	}
	return expr(precOr, bound, " or ", operand{g.condition(2), precAnd})
}

func (g *generator) numericFor() *node {
	var bounds any = g.choose("1, 3", "3, 1, -1", "1, 2, 0.5", "2, 2", "3, 1", "0, -2, -1", "1, 4, 2", "-1, 1")
	if g.oneIn(3) {
		from, to := operand{g.expr(number, 2), precMultiply}, operand{g.expr(number, 2), precMultiply}
		bounds = list(expr(precMultiply, from, " % 3"), expr(precMultiply, to, " % 5"))
	}
	scope := len(g.scope)
	v := g.newName("i")
	g.declareAs(v, number)
	s := loop("for "+v+" = ", bounds, " do ", g.loopBlock(1+g.IntN(3), nil), "\nend")
	g.scope = g.scope[:scope]
	g.current().locals--
	return s
}
