package vm

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/yuin/gopher-lua/ast"
)

// awaitScan finds the calls of wait_for in a tree. The events of these triggers
// are stored for a script before it waits, so the triggers must be known before
// it runs: they are written in the call, in quotes.
type awaitScan struct {
	file      string
	source    []byte
	redefined bool // the file declares or assigns its own wait_for
	triggers  []string
	refused   *SyntaxError
	warnings  []string
}

// finish sets in the tree what was found, or refuses the file.
func (w *awaitScan) finish(t *tree) {
	if !w.redefined {
		if w.refused != nil {
			panic(refusal{w.refused})
		}
		t.awaits = w.triggers
	}
	t.warnings = w.warnings
}

// checkDeclaration records whether one of the declared names is wait_for.
func (w *awaitScan) checkDeclaration(names []string, values []ast.Expr) {
	i := slices.Index(names, "wait_for")
	if i >= 0 && (i >= len(values) || !isNamed(values[i], "wait_for")) {
		w.redefined = true
	}
}

func (w *awaitScan) checkAssignment(s *ast.AssignStmt) {
	for _, e := range s.Lhs {
		w.checkName(e)
	}
}

func (w *awaitScan) checkName(e ast.Expr) { w.redefined = w.redefined || isNamed(e, "wait_for") }

func isNamed(e ast.Expr, names ...string) bool {
	name, ok := e.(*ast.IdentExpr)
	return ok && slices.Contains(names, name.Value)
}

// checkCall reads the triggers of wait_for(…), and of pcall(wait_for, …) and
// similar calls.
func (w *awaitScan) checkCall(e *ast.FuncCallExpr) {
	if isNamed(e.Func, "wait_for") && len(e.Args) > 0 {
		w.addTrigger(e.Line(), e.Args[0])
	}
	for i := 1; i < len(e.Args); i++ {
		if isNamed(e.Args[i-1], "wait_for") {
			w.addTrigger(e.Line(), e.Args[i])
		}
	}
	if f, ok := e.Func.(*ast.FuncCallExpr); ok && f.Func != nil && isNamed(f.Func, "wait", "wait_for", "approval") {
		w.warnCalledResult(f)
	}
}

// addTrigger reads the first argument of wait_for. An expression that is not
// certainly a text may be an approval: it is checked when the script runs.
func (w *awaitScan) addTrigger(line int, e ast.Expr) {
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
			w.addTrigger(line, f.Value)
		}
	case *ast.LogicalOpExpr:
		if e.Operator == "or" {
			w.addTrigger(line, e.Lhs)
		}
		w.addTrigger(line, e.Rhs)
	case *ast.StringConcatOpExpr:
		w.refuse(line)
	case *ast.FuncCallExpr:
		if _, ok := e.Receiver.(*ast.StringExpr); ok {
			w.refuse(line)
		}
	}
}

func (w *awaitScan) refuse(line int) {
	if w.refused == nil {
		w.refused = &SyntaxError{Position: fmt.Sprintf("%s:%d", w.file, line), Message: "wait_for: " + writeLiteral}
	}
}

const writeLiteral = `a trigger is written in quotes in the call itself, such as wait_for "highlevel.contact.updated", ` +
	"so that its events are stored for the script before it waits"

// warnCalledResult warns of a call of the result of wait. Lua makes such a call
// if the next line begins with a parenthesis.
func (w *awaitScan) warnCalledResult(f *ast.FuncCallExpr) {
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
