package vm

import (
	"slices"
	"strings"
)

// node is a part of a generated program: text with other nodes in between.
type node struct {
	kind  nodeKind
	parts []any // string, *node, or operand
	prec  int   // of an expression
	label string
}

type nodeKind int

const (
	exprNode     nodeKind = iota
	functionNode          // an expression; jumps do not leave it
	listNode              // expressions or names, separated by commas
	blockNode             // statements, one a line
	stmtNode
	loopNode    // a statement that break leaves
	breakNode   // break
	forwardNode // a block with ::label:: at its end
	bareNode    // a forwardNode without do and end: the last statement of a block
	backNode    // a block with ::label:: at its beginning
	gotoNode    // goto label
)

// operand is an expression that needs brackets unless its operator binds at
// least as tightly as least.
type operandPart struct {
	*node
	least int
}

// How tightly operators bind.
const (
	precOr = iota + 1
	precAnd
	precCompare
	precConcat
	precAdd
	precMultiply
	precUnary
	precPower
	precLiteral
	precPrefix // what can be called and indexed
)

func expr(prec int, parts ...any) *node { return &node{kind: exprNode, prec: prec, parts: parts} }
func stmt(parts ...any) *node           { return &node{kind: stmtNode, parts: parts} }
func loop(parts ...any) *node           { return &node{kind: loopNode, parts: parts} }
func text(s string) *node               { return expr(precLiteral, s) }
func nameNode(s string) *node           { return expr(precPrefix, s) }

func list(items ...*node) *node {
	n := &node{kind: listNode}
	for _, item := range items {
		n.parts = append(n.parts, item)
	}
	return n
}

func block(statements ...*node) *node {
	n := list(statements...)
	n.kind = blockNode
	return n
}

func (n *node) add(items ...*node) {
	for _, item := range items {
		n.parts = append(n.parts, item)
	}
}

func childOf(part any) *node {
	switch part := part.(type) {
	case *node:
		return part
	case operandPart:
		return part.node
	}
	return nil
}

// writer renders a program. Lua 5.1 has no goto: for it a jump becomes break
// out of repeat … until true, with a flag where more than one must be left.
// Both forms have the same statements on the same lines.
type writer struct {
	strings.Builder
	plain   bool // without goto
	targets []*target
	flags   int
	invalid bool // the jumps cannot be written
}

// target is a loop or a labelled block around what is being written.
type target struct {
	node *node // nil: a function begins
	flag string
	// crossed are the targets further out that jumps from inside go to.
	crossed []*target
}

func render(program *node, plain bool) (source string, ok bool) {
	w := &writer{plain: plain}
	w.node(program)
	return w.String(), !w.invalid
}

func (w *writer) node(n *node) {
	switch n.kind {
	case listNode:
		for i, part := range n.parts {
			if i > 0 {
				w.WriteString(", ")
			}
			w.part(part)
		}
	case blockNode:
		for i, part := range n.parts {
			if i > 0 {
				w.WriteString("\n")
			}
			w.part(part)
		}
	case functionNode:
		w.targets = append(w.targets, &target{})
		w.all(n)
		w.targets = w.targets[:len(w.targets)-1]
	case loopNode, forwardNode, bareNode, backNode:
		w.target(n)
	case breakNode:
		w.jump(func(t *node) bool { return t.kind == loopNode }, "break")
	case gotoNode:
		w.jump(func(t *node) bool { return t.label == n.label }, "goto "+n.label)
	default:
		w.all(n)
	}
}

func (w *writer) all(n *node) {
	for _, part := range n.parts {
		w.part(part)
	}
}

func (w *writer) part(part any) {
	switch part := part.(type) {
	case string:
		w.WriteString(part)
	case *node:
		w.node(part)
	case operandPart:
		if part.prec < part.least {
			w.WriteString("(")
			defer w.WriteString(")")
		}
		w.node(part.node)
	}
}

// target writes a loop or a labelled block. The flag of a jump that comes from
// further inside is declared before it; jumps that go further out go on behind.
func (w *writer) target(n *node) {
	t := &target{node: n, flag: "jump" + string(rune('a'+w.flags%26)) + string(rune('a'+w.flags/26%26))}
	w.flags++
	if !w.plain {
		w.targets = append(w.targets, t)
		switch n.kind {
		case loopNode:
			w.all(n)
		case bareNode:
			w.all(n)
			w.WriteString("\n::" + n.label + "::")
		case forwardNode:
			w.WriteString("do ")
			w.all(n)
			w.WriteString("\n::" + n.label + ":: end")
		case backNode:
			w.WriteString("do ::" + n.label + ":: ")
			w.all(n)
			w.WriteString("\nend")
		}
		w.targets = w.targets[:len(w.targets)-1]
		return
	}
	var inner writer
	inner.plain, inner.flags = true, w.flags
	inner.targets = append(slices.Clone(w.targets), t)
	inner.all(n)
	w.flags, w.invalid = inner.flags, w.invalid || inner.invalid
	w.WriteString("do local " + t.flag + " ")
	switch n.kind {
	case loopNode:
		w.WriteString(inner.String())
	case forwardNode, bareNode:
		w.WriteString("repeat " + inner.String() + "\nuntil true")
	case backNode:
		w.WriteString("repeat " + t.flag + " = nil repeat " + inner.String() + "\nuntil true until not " + t.flag)
	}
	for _, out := range t.crossed {
		w.WriteString(" if " + out.flag + " then break end")
		w.cross(out, len(w.targets))
	}
	w.WriteString(" end")
}

// jump writes a jump to the innermost target that is wanted.
func (w *writer) jump(wanted func(*node) bool, ours string) {
	for i := len(w.targets) - 1; i >= 0 && w.targets[i].node != nil; i-- {
		t := w.targets[i]
		if !wanted(t.node) {
			continue
		}
		if !w.plain {
			w.WriteString(ours)
			return
		}
		if i < len(w.targets)-1 || t.node.kind == backNode {
			w.WriteString(t.flag + " = true ")
			w.cross(t, len(w.targets))
		}
		w.WriteString("break")
		return
	}
	w.invalid = true
}

// cross notes at the innermost of the first n targets that a jump to t passes it.
func (w *writer) cross(t *target, n int) {
	if inner := w.targets[n-1]; inner != t && !slices.Contains(inner.crossed, t) {
		inner.crossed = append(inner.crossed, t)
	}
}

// clone copies a tree.
func (n *node) clone() *node {
	c := *n
	c.parts = make([]any, len(n.parts))
	for i, part := range n.parts {
		switch part := part.(type) {
		case *node:
			c.parts[i] = part.clone()
		case operandPart:
			c.parts[i] = operandPart{part.node.clone(), part.least}
		default:
			c.parts[i] = part
		}
	}
	return &c
}
