package difftest

import (
	"slices"
	"strings"
)

// writer renders a program. Without goto, a jump is written as a break out of
// "repeat … until true". A jump out of several loops sets a flag, which is
// tested after each of them.
type writer struct {
	strings.Builder
	plain   bool // without goto
	around  []*target
	flags   int
	invalid bool // a jump has no target
}

// target is a loop or labelled block around what is being written.
type target struct {
	node *node // nil for the beginning of a function, which no jump can leave
	flag string
	// crossed are the outer targets of jumps that leave this one.
	crossed []*target
}

// render returns the text of a program. ok is false if a jump has no target,
// which happens when the reducer deletes the target.
func render(root *node, plain bool) (source string, ok bool) {
	w := &writer{plain: plain}
	w.node(root)
	return w.String(), !w.invalid
}

func (w *writer) node(n *node) {
	switch n.kind {
	case listNode:
		w.parts(n, ", ")
	case blockNode:
		w.parts(n, "\n")
	case functionNode:
		w.inside(&target{}, n)
	case loopNode, forwardNode, bareNode, backNode:
		if w.plain {
			w.plainTarget(n)
		} else {
			w.target(n)
		}
	case breakNode:
		w.jump(func(t *node) bool { return t.kind == loopNode }, "break")
	case gotoNode:
		w.jump(func(t *node) bool { return t.label == n.label }, "goto "+n.label)
	default:
		w.parts(n, "")
	}
}

func (w *writer) parts(n *node, separator string) {
	for i, part := range n.parts {
		if i > 0 {
			w.WriteString(separator)
		}
		w.part(part)
	}
}

func (w *writer) part(part any) {
	switch part := part.(type) {
	case string:
		w.WriteString(part)
	case *node:
		w.node(part)
	case operand:
		if part.prec < part.least {
			w.WriteString("(")
			defer w.WriteString(")")
		}
		w.node(part.node)
	}
}

// inside writes what is within a target.
func (w *writer) inside(t *target, n *node) {
	w.around = append(w.around, t)
	w.parts(n, "")
	w.around = w.around[:len(w.around)-1]
}

// target writes a loop or labelled block with goto.
func (w *writer) target(n *node) {
	before, after := "", ""
	switch n.kind {
	case bareNode:
		after = "\n::" + n.label + "::"
	case forwardNode:
		before, after = "do ", "\n::"+n.label+":: end"
	case backNode:
		before, after = "do ::"+n.label+":: ", "\nend"
	}
	w.WriteString(before)
	w.inside(&target{node: n}, n)
	w.WriteString(after)
}

// plainTarget writes a loop or labelled block without goto. The text of the
// flag comes first, but the block is rendered before it, to find out which
// jumps cross it.
func (w *writer) plainTarget(n *node) {
	t := &target{node: n, flag: w.flag()}
	inner := writer{plain: true, flags: w.flags, around: append(slices.Clone(w.around), t)}
	inner.parts(n, "")
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
		w.cross(out)
	}
	w.WriteString(" end")
}

// flag makes the name of a flag: jumpaa, jumpba, jumpca …
func (w *writer) flag() string {
	n := w.flags
	w.flags++
	return "jump" + string(rune('a'+n%26)) + string(rune('a'+n/26%26))
}

// jump writes a jump to the innermost target that is wanted: as it is written
// with goto, or as a break, with a flag if it leaves more than one loop.
func (w *writer) jump(wanted func(*node) bool, withGoto string) {
	for i := len(w.around) - 1; i >= 0 && w.around[i].node != nil; i-- {
		t := w.around[i]
		if !wanted(t.node) {
			continue
		}
		if !w.plain {
			w.WriteString(withGoto)
			return
		}
		if i < len(w.around)-1 || t.node.kind == backNode {
			w.WriteString(t.flag + " = true ")
			w.cross(t)
		}
		w.WriteString("break")
		return
	}
	w.invalid = true
}

// cross records for the innermost target that a jump to t leaves it.
func (w *writer) cross(t *target) {
	inner := w.around[len(w.around)-1]
	if inner != t && !slices.Contains(inner.crossed, t) {
		inner.crossed = append(inner.crossed, t)
	}
}
