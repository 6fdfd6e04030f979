package vm

import "github.com/yuin/gopher-lua/ast"

// gopher-lua compiles a constant in a condition to a jump, and follows jumps to
// jumps: then it reads the offset of a jump that is patched already as a label
// (patchCode, upstream issue 540), and "while not (false and n)" ends after one
// round. Constants in and, or and not are folded in the tree, so that no
// condition begins with one. TestConstantConditions fails when a new gopher-lua
// makes this file superfluous.

// fold computes and, or and not of a constant. The operands must be prepared.
func fold(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.UnaryNotOpExpr:
		if truth, ok := constantTruth(e.Expr); ok {
			return boolean(!truth, e.Line())
		}
	case *ast.LogicalOpExpr:
		truth, ok := constantTruth(e.Lhs)
		switch {
		case !ok:
		case truth == (e.Operator == "and"):
			oneValue(e.Rhs, true)
			return e.Rhs
		default:
			return e.Lhs
		}
	}
	return e
}

// constantTruth reports whether a constant counts as true. ok is false if the
// expression is no constant.
func constantTruth(e ast.Expr) (truth, ok bool) {
	switch e.(type) {
	case *ast.FalseExpr, *ast.NilExpr:
		return false, true
	case *ast.TrueExpr, *ast.NumberExpr, *ast.StringExpr:
		return true, true
	}
	return false, false
}

func boolean(value bool, line int) ast.Expr {
	var e ast.Expr = &ast.FalseExpr{}
	if value {
		e = &ast.TrueExpr{}
	}
	e.SetLine(line)
	return e
}

// withoutJump rewrites the condition of a loop that is false or nil, which
// compiles to a jump, as "not true", which does not: a loop must not jump back
// to a jump.
func withoutJump(e ast.Expr) ast.Expr {
	if truth, ok := constantTruth(e); !ok || truth {
		return e
	}
	not := &ast.UnaryNotOpExpr{Expr: boolean(true, e.Line())}
	not.SetLine(e.Line())
	return not
}
