package difftest

import "fmt"

// maybeJump ends some of the blocks with a jump.
func (g *generator) maybeJump(b *node) {
	if len(g.current().jumps) > 0 && g.oneIn(6) {
		b.add(stmt("do ", block(g.jump()), " end")) // break must be the last statement of a block
	}
}

// jump makes a goto or break, mostly to one of the innermost targets.
func (g *generator) jump() *node {
	targets := g.current().jumps
	i := len(targets) - 1 - min(g.IntN(len(targets)), g.IntN(len(targets)))
	if targets[i] != "" {
		return gotoLabel(targets[i])
	}
	return &node{kind: breakNode}
}

func gotoLabel(label string) *node { return &node{kind: gotoNode, label: label} }

// labelled makes a block with a label, at its end or at its beginning, and
// gotos to it.
func (g *generator) labelled() *node {
	label := g.newName("l")
	if g.oneIn(2) {
		var b *node
		g.around(label, func() { b = g.inBlock(2 + g.IntN(3)) })
		return &node{kind: forwardNode, label: label, parts: []any{b}}
	}
	return g.counted(func(counter string) *node {
		b := g.inBlock(1+g.IntN(3), func(b *node) {
			b.add(increment(counter))
			bound := fmt.Sprintf(" < %d and ", 1+g.IntN(3))
			again := operand{g.condition(2), precCompare}
			b.add(stmt("if ", counter, bound, again, " then ", block(gotoLabel(label)), "\nend"))
		})
		return &node{kind: backNode, label: label, parts: []any{b}}
	})
}
