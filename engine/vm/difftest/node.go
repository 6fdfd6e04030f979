package difftest

// node is a part of a program: text with other nodes in between.
type node struct {
	kind  nodeKind
	parts []any // string, *node or operand
	prec  int   // how tightly an expression binds
	label string
}

type nodeKind int

const (
	exprNode     nodeKind = iota
	functionNode          // an expression; the targets of its jumps are inside
	listNode              // expressions or names, separated by commas
	blockNode             // statements, one a line
	stmtNode
	loopNode    // a statement that break ends
	breakNode   // break
	forwardNode // a block with ::label:: at its end
	bareNode    // a forwardNode without do and end: the last statement of a block
	backNode    // a block with ::label:: at its beginning
	gotoNode    // goto label
)

// operand is an expression beside an operator. It is put in brackets if it
// binds less tightly than least.
type operand struct {
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
func name(s string) *node               { return expr(precPrefix, s) }

func function(parts ...any) *node {
	return &node{kind: functionNode, prec: precLiteral, parts: parts}
}

// fixedFunction makes a function that the reducer does not replace if it is
// directly in a statement.
func fixedFunction(parts ...any) *node { return &node{kind: functionNode, parts: parts} }

func list(items ...*node) *node {
	n := &node{kind: listNode}
	n.add(items...)
	return n
}

func block(statements ...*node) *node {
	n := &node{kind: blockNode}
	n.add(statements...)
	return n
}

// binary joins two operands with an operator that groups to the left.
func binary(prec int, a *node, operator string, b *node) *node {
	return expr(prec, operand{a, prec}, " "+operator+" ", operand{b, prec + 1})
}

func (n *node) add(items ...*node) {
	for _, item := range items {
		n.parts = append(n.parts, item)
	}
}

func (n *node) isName() bool {
	return n.kind == exprNode && n.prec == precPrefix && len(n.parts) == 1
}

func (n *node) isConstant() bool {
	return n.prec == precLiteral && len(n.parts) == 1 && childOf(n.parts[0]) == nil
}

// clone copies a tree.
func (n *node) clone() *node {
	c := *n
	c.parts = make([]any, len(n.parts))
	for i, part := range n.parts {
		switch part := part.(type) {
		case *node:
			c.parts[i] = part.clone()
		case operand:
			c.parts[i] = operand{part.node.clone(), part.least}
		default:
			c.parts[i] = part
		}
	}
	return &c
}

// nearest returns the outermost nodes below n that are wanted.
func (n *node) nearest(wanted func(*node) bool) []*node {
	var all []*node
	for _, part := range n.parts {
		child := childOf(part)
		switch {
		case child == nil:
		case wanted(child):
			all = append(all, child)
		default:
			all = append(all, child.nearest(wanted)...)
		}
	}
	return all
}

// childOf returns the node of a part, nil if it is text.
func childOf(part any) *node {
	switch part := part.(type) {
	case *node:
		return part
	case operand:
		return part.node
	}
	return nil
}
