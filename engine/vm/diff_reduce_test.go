package vm

import (
	"regexp"
	"strings"
)

// maxReductions bounds the programs that are tried to make one smaller.
const maxReductions = 6000

// reduce makes the program of a difference as small as it can while it still
// differs in the same way.
func (c *comparison) reduce(d difference) difference {
	tried := 0
	for again := true; again && tried < maxReductions; {
		again = false
		edits := countEdits(d.program)
		for at := 0; at < edits && tried < maxReductions; {
			var candidates []*node
			var positions []int
			for len(candidates) < 16 && at < edits {
				if p := edited(d.program, at); p != nil && sizeOf(p) < sizeOf(d.program) {
					candidates = append(candidates, p)
					positions = append(positions, at)
				}
				at++
			}
			tried += len(candidates)
			found, err := c.compare(candidates)
			if err != nil {
				c.reference.close()
				if c.reference, err = newReference(); err != nil {
					return d
				}
				continue
			}
			for _, smaller := range found {
				if smaller.kind != d.kind || smaller.ours.status != d.ours.status || smaller.theirs.status != d.theirs.status {
					continue // another difference
				}
				for i, candidate := range candidates {
					if candidate == smaller.program {
						at = positions[i]
					}
				}
				smaller.seed = d.seed
				d, again = smaller, true
				edits = countEdits(d.program)
				break
			}
		}
	}
	return d
}

func sizeOf(program *node) int {
	source, _ := render(program, true)
	return len(source)
}

// An edit is a deletion of an item of a list or block, or a replacement of an
// expression by one within it or by a constant, or of a statement by a block
// within it. Edits are counted in the order in which the tree is walked, those
// of the larger parts first.

var constants = []string{"1", "nil", "true", `"a"`, "{}", "G1"}

func countEdits(program *node) int {
	w := editor{at: -1}
	w.walk(program, nil)
	return w.seen
}

// edited gives a copy of the program with one edit, nil if it changes nothing.
func edited(program *node, at int) *node {
	w := editor{at: at}
	p := program.clone()
	w.walk(p, nil)
	if !w.done {
		return nil
	}
	return p
}

type editor struct {
	at, seen int
	done     bool
}

// next counts an edit and reports whether it is the one to do.
func (w *editor) next() bool {
	w.seen++
	return w.seen-1 == w.at
}

func (w *editor) walk(n *node, parent *node) {
	if n.kind == blockNode || n.kind == listNode {
		for size := len(n.parts) / 2; size > 1; size /= 2 {
			for from := 0; from+size <= len(n.parts); from += size {
				if w.next() {
					n.parts = append(n.parts[:from], n.parts[from+size:]...)
					w.done = true
					return
				}
			}
		}
		for i := range n.parts {
			if w.next() {
				n.parts = append(n.parts[:i], n.parts[i+1:]...)
				w.done = true
				return
			}
		}
	}
	for i, part := range n.parts {
		child := childOf(part)
		if child == nil {
			continue
		}
		if replaced := w.replacement(n, child); replaced != nil {
			if o, ok := part.(operandPart); ok {
				n.parts[i] = operandPart{replaced, o.least}
			} else {
				n.parts[i] = replaced
			}
			w.done = true
			return
		}
		if w.walk(child, n); w.done {
			return
		}
	}
}

// replacement gives what takes the place of a node, nil if it stays.
func (w *editor) replacement(parent, n *node) *node {
	switch n.kind {
	case exprNode, functionNode:
		if parent.kind == stmtNode && n.kind == functionNode && n.prec == 0 {
			break
		}
		for _, inner := range within(n, func(k *node) bool { return k.kind == exprNode || k.kind == functionNode }) {
			if w.next() {
				return inner
			}
		}
		if plainName(n) && parent.kind == listNode {
			break
		}
		for _, c := range constants {
			if w.next() {
				return text(c)
			}
		}
	case stmtNode, loopNode, forwardNode, bareNode, backNode:
		for _, inner := range within(n, func(k *node) bool { return k.kind == blockNode }) {
			if w.next() {
				return inner
			}
			if w.next() {
				return stmt("do ", inner, "\nend")
			}
		}
		for _, inner := range within(n, func(k *node) bool { return k.kind == exprNode || k.kind == functionNode || k.kind == listNode }) {
			if w.next() {
				return stmt("out(", inner, ")")
			}
		}
	}
	return nil
}

func plainName(n *node) bool { return len(n.parts) == 1 && n.prec == precPrefix && n.kind == exprNode }

// within gives the nearest nodes below one that are of a kind.
func within(n *node, wanted func(*node) bool) []*node {
	var all []*node
	for _, part := range n.parts {
		child := childOf(part)
		switch {
		case child == nil:
		case wanted(child):
			all = append(all, child)
		default:
			all = append(all, within(child, wanted)...)
		}
	}
	return all
}

var (
	shapeNames   = regexp.MustCompile(`\b(G\d|[a-z]{1,3}\d+(_\d+)?)\b`)
	shapeNumbers = regexp.MustCompile(`\b\d[\w.]*\b`)
	shapeTexts   = regexp.MustCompile(`"[^"]*"|'[^']*'`)
)

// outline gives what differences of the same cause often have in common.
func outline(d difference) string {
	source, _ := render(d.program, false)
	source = shapeTexts.ReplaceAllString(source, `""`)
	source = shapeNames.ReplaceAllString(source, "v")
	return d.kind + strings.Join(strings.Fields(shapeNumbers.ReplaceAllString(source, "1")), " ")
}
