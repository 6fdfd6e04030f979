package vm

import "github.com/yuin/gopher-lua/ast"

// gopher-lua compiles the expressions of a generic for into registers that it
// has already counted as used (compileGenericForStmt), so that a call in the
// first of them is compiled as a call without a value. If there are fewer than
// three values, the others are what the registers had before. All expressions
// except a plain call such as pairs(t) are evaluated into locals before the
// loop. TestGenericFor fails when a new gopher-lua makes this file superfluous.

// genericFor rewrites a loop whose parts are prepared already.
func genericFor(s *ast.GenericForStmt) ast.Stmt {
	if len(s.Exprs) == 1 && isPlainCall(s.Exprs[0]) {
		return s
	}
	names := []string{"(function)", "(state)", "(control)"}
	values := local(s.Line(), names, s.Exprs)
	s.Exprs = nil
	for _, n := range names {
		s.Exprs = append(s.Exprs, name(n, s.Line()))
	}
	return do(s.Line(), values, s)
}

// isPlainCall reports whether an expression is a call of a named function or
// method: no other call can be compiled into the first register.
func isPlainCall(e ast.Expr) bool {
	call, ok := e.(*ast.FuncCallExpr)
	if !ok || call.AdjustRet {
		return false
	}
	if call.Func != nil {
		return isPath(call.Func)
	}
	return isPath(call.Receiver)
}

// isPath reports whether an expression is a name, or fields of a name with
// constant keys.
func isPath(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.IdentExpr:
		return true
	case *ast.AttrGetExpr:
		return isPath(e.Object) && isConstant(e.Key)
	}
	return false
}
