package vm

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/yuin/gopher-lua/ast"
)

// waits finds the calls of wait_for in a tree. Events are kept for a script
// while it is not waiting yet, so the triggers that it may come to wait for
// must be known before it runs: they stand in the call, in quotes.
type waits struct {
	file     string
	source   []byte
	own      bool // the file has a wait_for of its own
	triggers []string
	refused  *SyntaxError
	warnings []string
}

// settle hands what was found to the tree, or refuses the file.
func (w *waits) settle(t *tree) {
	if !w.own {
		if w.refused != nil {
			panic(refusal{w.refused})
		}
		t.awaits = w.triggers
	}
	t.warnings = w.warnings
}

// declared takes note of new names.
func (w *waits) declared(names []string, values []ast.Expr) {
	i := slices.Index(names, "wait_for")
	if i >= 0 && (i >= len(values) || !isNamed(values[i], "wait_for")) {
		w.own = true
	}
}

func (w *waits) assigned(s *ast.AssignStmt) {
	for _, e := range s.Lhs {
		w.named(e)
	}
}

func (w *waits) named(e ast.Expr) { w.own = w.own || isNamed(e, "wait_for") }

func isNamed(e ast.Expr, names ...string) bool {
	name, ok := e.(*ast.IdentExpr)
	return ok && slices.Contains(names, name.Value)
}

// call looks at wait_for(…), and at pcall(wait_for, …) and the like.
func (w *waits) call(e *ast.FuncCallExpr) {
	if isNamed(e.Func, "wait_for") && len(e.Args) > 0 {
		w.trigger(e.Line(), e.Args[0])
	}
	for i := 1; i < len(e.Args); i++ {
		if isNamed(e.Args[i-1], "wait_for") {
			w.trigger(e.Line(), e.Args[i])
		}
	}
	if f, ok := e.Func.(*ast.FuncCallExpr); ok && f.Func != nil && isNamed(f.Func, "wait", "wait_for", "approval") {
		w.called(f)
	}
}

// trigger reads the first argument of wait_for. What is no text for sure may
// be an approval, and is looked at when the script runs.
func (w *waits) trigger(line int, e ast.Expr) {
	switch e := e.(type) {
	case *ast.StringExpr:
		w.triggers = append(w.triggers, e.Value)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			if f.Key != nil {
				continue
			}
			if _, ok := f.Value.(*ast.StringExpr); !ok {
				w.refuse(max(f.Value.Line(), line))
				return
			}
			w.trigger(line, f.Value)
		}
	case *ast.LogicalOpExpr:
		if e.Operator == "or" {
			w.trigger(line, e.Lhs)
		}
		w.trigger(line, e.Rhs)
	case *ast.StringConcatOpExpr:
		w.refuse(line)
	case *ast.FuncCallExpr:
		if _, ok := e.Receiver.(*ast.StringExpr); ok {
			w.refuse(line)
		}
	}
}

func (w *waits) refuse(line int) {
	if w.refused == nil {
		w.refused = &SyntaxError{Position: fmt.Sprintf("%s:%d", w.file, line), Message: "wait_for: " + writeLiteral}
	}
}

const writeLiteral = `a trigger is written in quotes in the call itself, such as wait_for "highlevel.contact.updated", ` +
	"so that its events are kept for the script before it waits"

// called warns of a call of what wait returned, which Lua makes of a line
// that begins with a parenthesis.
func (w *waits) called(f *ast.FuncCallExpr) {
	name := f.Func.(*ast.IdentExpr).Value
	line := f.Line()
	for i, text := range bytes.Split(w.source, []byte("\n")) {
		if i+1 > line && bytes.HasPrefix(bytes.TrimSpace(text), []byte("(")) {
			w.warnings = append(w.warnings, fmt.Sprintf("%s:%d: this line goes on with the %s of line %d, and calls what it returned; put a ';' before the '('",
				w.file, i+1, name, line))
			return
		}
	}
	w.warnings = append(w.warnings, fmt.Sprintf("%s:%d: what %s returns is called, and it is no function", w.file, line, name))
}
