package vm

import (
	"fmt"
	"slices"

	"github.com/yuin/gopher-lua/ast"
)

// gopher-lua compiles the right sides of an assignment one after the other into
// the registers of the locals on the left (compileAssignStmtRight), so that a
// later one reads what an earlier one wrote. It reads the value of a global
// from a wrong register if a field follows among the targets (upstream issue
// 440). An assignment of one value to a local has similar faults: "a = t.x and
// 1" does not change a if t.x is nil, "a = (b or c) and d" writes b into a
// before d is read (compileLogicalOpExprAux), and "a = (f(a))" loads f into the
// register of a, if a is the last parameter (compileFuncCallExpr). Assignments
// are rewritten so that every value is complete before anything is assigned.
// TestAssignment fails when a new gopher-lua makes this file superfluous.

// assignment rewrites an assignment whose parts are prepared already.
func (p *preparer) assignment(s *ast.AssignStmt) ast.Stmt {
	if len(s.Lhs) == 1 && len(s.Rhs) == 1 {
		return p.single(s)
	}
	return p.multiple(s)
}

// single rewrites an assignment of one value to one target.
func (p *preparer) single(s *ast.AssignStmt) ast.Stmt {
	oneValue(s.Rhs[0], false) // an assignment of one value cuts it to one anyway
	target, ok := s.Lhs[0].(*ast.IdentExpr)
	if !ok || !p.fn.isLocal(target.Value) {
		return s
	}
	if _, ok := s.Rhs[0].(*ast.LogicalOpExpr); !ok {
		return s
	}
	return do(s.Line(), local(s.Line(), []string{"(value)"}, s.Rhs), assign(target, name("(value)", s.Rhs[0].Line())))
}

// multiple rewrites an assignment to several targets, or of several values, as
//
//	do
//	  local tables and keys of the targets, from left to right
//	  local values, from left to right
//	  the assignments, from right to left, as lua5.1 does them
//	end
//
// As in lua5.1 the last value is assigned directly to the last target, and a
// local that is a table or key is not copied unless it is a target too, so that
// few registers are needed.
func (p *preparer) multiple(s *ast.AssignStmt) ast.Stmt {
	targets := make([]ast.Expr, len(s.Lhs))
	var out []ast.Stmt
	for i, target := range s.Lhs {
		field, ok := target.(*ast.AttrGetExpr)
		if !ok {
			targets[i] = target
			continue
		}
		store := func(e ast.Expr, kind string) ast.Expr {
			if isConstant(e) || p.isUnchanged(e, s.Lhs[i+1:]) {
				return e
			}
			temporary := fmt.Sprintf("(%s %d)", kind, i+1)
			out = append(out, local(e.Line(), []string{temporary}, []ast.Expr{e}))
			return name(temporary, e.Line())
		}
		stored := &ast.AttrGetExpr{Object: store(field.Object, "table"), Key: store(field.Key, "key")}
		stored.SetLine(field.Line())
		targets[i] = stored
	}
	values, evaluate := p.values(s)
	if len(evaluate.Exprs) > 0 {
		out = append(out, evaluate)
	}
	for i, target := range slices.Backward(targets) {
		out = append(out, p.single(assign(target, values[i])))
	}
	return do(s.Line(), out...)
}

// isUnchanged reports whether an expression is a local of this function that
// none of the targets to its right changes.
func (p *preparer) isUnchanged(e ast.Expr, targets []ast.Expr) bool {
	n, ok := e.(*ast.IdentExpr)
	return ok && p.fn.isLocal(n.Value) && !slices.ContainsFunc(targets, func(t ast.Expr) bool { return isNamed(t, n.Value) })
}

// values returns the expression to assign to each target, and a declaration of
// locals for the values that have to be evaluated before the assignments.
func (p *preparer) values(s *ast.AssignStmt) ([]ast.Expr, *ast.LocalAssignStmt) {
	n, m := len(s.Lhs), len(s.Rhs)
	values := make([]ast.Expr, n)
	evaluate := local(s.Line(), nil, nil)
	store := func(i, line int) {
		temporary := fmt.Sprintf("(value %d)", i+1)
		evaluate.Names = append(evaluate.Names, temporary)
		values[i] = name(temporary, line)
	}
	for i, e := range s.Rhs {
		switch {
		case i < n && isConstant(e), n == m && i == n-1:
			values[i] = e
		case i < n:
			store(i, e.Line())
			evaluate.Exprs = append(evaluate.Exprs, e)
		default: // there is no target for its value
			evaluate.Exprs = append(evaluate.Exprs, e)
		}
	}
	for i := m; i < n; i++ {
		if last := s.Rhs[m-1]; isMultiple(last) {
			store(i, last.Line())
			continue
		}
		none := &ast.NilExpr{}
		none.SetLine(s.Lhs[i].Line())
		values[i] = none
	}
	if len(evaluate.Names) == 0 && len(evaluate.Exprs) > 0 {
		evaluate.Names = []string{"(value)"}
	}
	return values, evaluate
}

// isConstant reports whether an expression is a constant, which can be
// evaluated at any time.
func isConstant(e ast.Expr) bool {
	_, ok := e.(ast.ConstExpr)
	return ok
}

// isMultiple reports whether an expression may have several values.
func isMultiple(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		return !e.AdjustRet
	case *ast.Comma3Expr:
		return !e.AdjustRet
	}
	return false
}

// oneValue sets whether a call or "..." is cut to one value, as in parentheses.
func oneValue(e ast.Expr, one bool) {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		e.AdjustRet = one
	case *ast.Comma3Expr:
		e.AdjustRet = one
	}
}

// name makes the expression that is a name.
func name(text string, line int) *ast.IdentExpr {
	n := &ast.IdentExpr{Value: text}
	n.SetLine(line)
	return n
}

// local makes a declaration of locals.
func local(line int, names []string, values []ast.Expr) *ast.LocalAssignStmt {
	s := &ast.LocalAssignStmt{Names: names, Exprs: values}
	s.SetLine(line)
	return s
}

// assign makes an assignment to one target.
func assign(target, value ast.Expr) *ast.AssignStmt {
	s := &ast.AssignStmt{Lhs: []ast.Expr{target}, Rhs: []ast.Expr{value}}
	s.SetLine(target.Line())
	return s
}

// do makes a block.
func do(line int, all ...ast.Stmt) *ast.DoBlockStmt {
	s := &ast.DoBlockStmt{Stmts: all}
	s.SetLine(line)
	s.SetLastLine(line)
	return s
}
