package difftest

// An edit makes a program smaller. It deletes items of a list or block,
// replaces an expression by an inner expression or a constant, or a statement
// by an inner block. Edits are numbered in the order in which the tree is
// walked, so those of larger parts come first.

// constants are what an edit replaces an expression by.
var constants = []string{"1", "nil", "true", `"a"`, "{}", "G1"}

func countEdits(root *node) int {
	e := editor{at: -1}
	e.walk(root)
	return e.seen
}

// edited returns a copy of a program with one edit, nil if there is no such
// edit.
func edited(root *node, at int) *node {
	e := editor{at: at}
	copied := root.clone()
	e.walk(copied)
	if !e.done {
		return nil
	}
	return copied
}

// editor walks a tree and makes the edit with the number at.
type editor struct {
	at, seen int
	done     bool
}

// next counts an edit and reports whether it is the one to make.
func (e *editor) next() bool {
	e.seen++
	return e.seen-1 == e.at
}

func (e *editor) walk(n *node) {
	if n.kind == blockNode || n.kind == listNode {
		if e.delete(n); e.done {
			return
		}
	}
	for i, part := range n.parts {
		child := childOf(part)
		if child == nil {
			continue
		}
		if replaced := e.replacement(n, child); replaced != nil {
			n.parts[i] = replaced
			if o, ok := part.(operand); ok {
				n.parts[i] = operand{replaced, o.least}
			}
			e.done = true
			return
		}
		if e.walk(child); e.done {
			return
		}
	}
}

// delete counts the deletions in a list or block: first of halves, then of
// shorter parts, then of single items.
func (e *editor) delete(n *node) {
	for size := max(len(n.parts)/2, 1); size >= 1; size /= 2 {
		for from := 0; from+size <= len(n.parts); from += size {
			if e.next() {
				n.parts = append(n.parts[:from], n.parts[from+size:]...)
				e.done = true
				return
			}
		}
	}
}

// replacement returns what the edit replaces n by, nil if it does not change n.
func (e *editor) replacement(parent, n *node) *node {
	switch n.kind {
	case exprNode, functionNode:
		return e.simplerExpression(parent, n)
	case stmtNode, loopNode, forwardNode, bareNode, backNode:
		return e.simplerStatement(n)
	}
	return nil
}

func (e *editor) simplerExpression(parent, n *node) *node {
	if parent.kind == stmtNode && n.kind == functionNode && n.prec == 0 {
		return nil // a fixedFunction
	}
	for _, inner := range n.nearest(isExpression) {
		if e.next() {
			return inner
		}
	}
	if n.isName() && parent.kind == listNode {
		return nil // it may be a parameter or the left side of an assignment
	}
	for _, c := range constants {
		if e.next() {
			return text(c)
		}
	}
	return nil
}

func (e *editor) simplerStatement(n *node) *node {
	for _, inner := range n.nearest(func(n *node) bool { return n.kind == blockNode }) {
		if e.next() {
			return inner
		}
		if e.next() {
			return stmt("do ", inner, "\nend")
		}
	}
	for _, inner := range n.nearest(func(n *node) bool { return isExpression(n) || n.kind == listNode }) {
		if e.next() {
			return stmt("out(", inner, ")")
		}
	}
	return nil
}

func isExpression(n *node) bool { return n.kind == exprNode || n.kind == functionNode }
