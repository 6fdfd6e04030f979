package vm

import (
	"fmt"

	"github.com/yuin/gopher-lua/ast"
)

// tree is a parsed file, ready to be compiled.
type tree struct {
	statements []ast.Stmt
	requires   []requireCall
	awaits     []string // triggers in calls of wait_for
	warnings   []string
}

// requireCall is a require with its literal name.
type requireCall struct {
	name string
	line int
}

// Bounds of one function and file for the compiler of gopher-lua, whose
// searches are linear and whose table constructors lose values beyond 25,550.
const (
	maxConstants   = 3000
	maxLabels      = 200
	maxGotos       = 1000
	maxListLiteral = 20_000
	maxFunctions   = 2000
)

// preparer walks a tree once: it refuses what the compiler cannot bear, puts
// in what its faults need, and collects the calls of require.
type preparer struct {
	file      string
	tree      *tree
	depth     int
	functions int
	fn        *functionShape
	waits     waits
}

// functionShape counts what one function has.
type functionShape struct {
	constants     map[string]struct{}
	labels, gotos int
}

// refusal is the error that unwinds the walk.
type refusal struct{ *SyntaxError }

func (t *tree) prepare(file string, source []byte) (err error) {
	p := &preparer{file: file, tree: t, waits: waits{file: file, source: source}, fn: &functionShape{constants: map[string]struct{}{}}}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case refusal:
			err = r.SyntaxError
		default:
			panic(r)
		}
	}()
	t.statements = p.block(t.statements)
	p.waits.settle(t)
	return nil
}

func (p *preparer) refuse(line int, format string, args ...any) {
	panic(refusal{&SyntaxError{Position: fmt.Sprintf("%s:%d", p.file, line), Message: fmt.Sprintf(format, args...)}})
}

func (p *preparer) enter(n ast.PositionHolder) {
	if p.depth++; p.depth > maxTreeDepth {
		p.refuse(n.Line(), "more than %d levels of blocks and operators in each other; split this into statements or functions", maxTreeDepth)
	}
}

func (p *preparer) constant(line int, text string) {
	p.fn.constants[text] = struct{}{}
	if len(p.fn.constants) > maxConstants {
		p.refuse(line, "this function has more than %s different names, texts and numbers; split it, or read the data from params", grouped(maxConstants))
	}
}

// block prepares the statements of a block and puts a no-op behind a label
// that others follow: see noop.
func (p *preparer) block(all []ast.Stmt) []ast.Stmt {
	out := make([]ast.Stmt, 0, len(all))
	for i, s := range all {
		p.statement(s)
		out = append(out, s)
		if _, ok := s.(*ast.LabelStmt); ok && !onlyLabels(all[i:]) {
			out = append(out, noop(s.Line()))
		}
	}
	return out
}

func onlyLabels(all []ast.Stmt) bool {
	for _, s := range all {
		if _, ok := s.(*ast.LabelStmt); !ok {
			return false
		}
	}
	return true
}

// noop is an instruction without effect. The compiler follows jumps that lead
// to jumps, and takes one that it has patched before for one that it has not:
// what is jumped back to must not be a jump.
func noop(line int) ast.Stmt {
	local := &ast.LocalAssignStmt{Names: []string{"(no-op)"}}
	local.SetLine(line)
	block := &ast.DoBlockStmt{Stmts: []ast.Stmt{local}}
	block.SetLine(line)
	block.SetLastLine(line)
	return block
}

// body prepares the block of a loop, which must not begin with a jump.
func (p *preparer) body(line int, all []ast.Stmt) []ast.Stmt {
	all = p.block(all)
	if len(all) > 0 && startsPlain(all[0]) {
		return all
	}
	return append([]ast.Stmt{noop(line)}, all...)
}

// startsPlain reports whether a statement surely compiles to a first
// instruction that is no jump. Logical operators may begin with one.
func startsPlain(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.FuncCallStmt:
		return plainExpr(s.Expr)
	case *ast.LocalAssignStmt:
		return plainExprs(s.Exprs)
	case *ast.AssignStmt:
		return plainExprs(s.Lhs) && plainExprs(s.Rhs)
	case *ast.DoBlockStmt: // a no-op of ours
		return len(s.Stmts) > 0 && startsPlain(s.Stmts[0])
	}
	return false
}

func plainExprs(all []ast.Expr) bool {
	for _, e := range all {
		if !plainExpr(e) {
			return false
		}
	}
	return true
}

func plainExpr(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.IdentExpr, *ast.StringExpr, *ast.NumberExpr, *ast.TrueExpr, *ast.FalseExpr, *ast.NilExpr, *ast.FunctionExpr, *ast.TableExpr:
		return true
	case *ast.AttrGetExpr:
		return plainExpr(e.Object) && plainExpr(e.Key)
	case *ast.FuncCallExpr:
		return e.Func != nil && plainExpr(e.Func) || e.Func == nil && plainExpr(e.Receiver)
	case *ast.ArithmeticOpExpr:
		return plainExpr(e.Lhs) && plainExpr(e.Rhs)
	case *ast.StringConcatOpExpr:
		return plainExpr(e.Lhs) && plainExpr(e.Rhs)
	}
	return false
}

// condition prepares the condition of a loop. A constant false compiles to a
// jump; "not true" does not.
func (p *preparer) condition(e ast.Expr) ast.Expr {
	p.expr(e)
	return withoutJump(e)
}

func withoutJump(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.FalseExpr, *ast.NilExpr:
		yes := &ast.TrueExpr{}
		yes.SetLine(e.Line())
		not := &ast.UnaryNotOpExpr{Expr: yes}
		not.SetLine(e.Line())
		return not
	case *ast.LogicalOpExpr:
		e.Lhs, e.Rhs = withoutJump(e.Lhs), withoutJump(e.Rhs)
	}
	return e
}

func (p *preparer) statement(s ast.Stmt) {
	p.enter(s)
	switch s := s.(type) {
	case *ast.AssignStmt:
		p.waits.assigned(s)
		p.exprs(s.Lhs)
		p.exprs(s.Rhs)
	case *ast.LocalAssignStmt:
		p.waits.declared(s.Names, s.Exprs)
		p.exprs(s.Exprs)
	case *ast.FuncCallStmt:
		p.expr(s.Expr)
	case *ast.DoBlockStmt:
		s.Stmts = p.block(s.Stmts)
	case *ast.WhileStmt:
		s.Condition = p.condition(s.Condition)
		s.Stmts = p.body(s.Line(), s.Stmts)
	case *ast.RepeatStmt:
		s.Stmts = p.body(s.Line(), s.Stmts)
		s.Condition = p.condition(s.Condition)
	case *ast.IfStmt:
		p.expr(s.Condition)
		s.Then = p.block(s.Then)
		s.Else = p.block(s.Else)
	case *ast.NumberForStmt:
		p.expr(s.Init)
		p.expr(s.Limit)
		if s.Step != nil {
			p.expr(s.Step)
		}
		s.Stmts = p.body(s.Line(), s.Stmts)
	case *ast.GenericForStmt:
		p.exprs(s.Exprs)
		s.Stmts = p.body(s.Line(), s.Stmts)
	case *ast.FuncDefStmt:
		if s.Name.Func != nil {
			p.waits.named(s.Name.Func)
			p.expr(s.Name.Func)
		}
		if s.Name.Receiver != nil {
			p.expr(s.Name.Receiver)
			p.constant(s.Line(), s.Name.Method)
		}
		p.expr(s.Func)
	case *ast.ReturnStmt:
		p.exprs(s.Exprs)
	case *ast.LabelStmt:
		if p.fn.labels++; p.fn.labels > maxLabels {
			p.refuse(s.Line(), "this function has more than %d labels", maxLabels)
		}
	case *ast.GotoStmt:
		if p.fn.gotos++; p.fn.gotos > maxGotos {
			p.refuse(s.Line(), "this function has more than %s gotos", grouped(maxGotos))
		}
	}
	p.depth--
}

func (p *preparer) exprs(all []ast.Expr) {
	for _, e := range all {
		p.expr(e)
	}
}

func (p *preparer) expr(e ast.Expr) {
	p.enter(e)
	switch e := e.(type) {
	case *ast.NumberExpr:
		p.constant(e.Line(), "number "+e.Value)
	case *ast.StringExpr:
		p.constant(e.Line(), e.Value)
	case *ast.IdentExpr:
		if e.Value == "require" {
			p.refuse(e.Line(), `require takes one name in quotes, such as require "lib.names", so that the script is known whole before it runs`)
		}
		p.constant(e.Line(), e.Value)
	case *ast.AttrGetExpr:
		p.expr(e.Object)
		p.expr(e.Key)
	case *ast.TableExpr:
		p.table(e)
	case *ast.FuncCallExpr:
		p.call(e)
	case *ast.LogicalOpExpr:
		p.expr(e.Lhs)
		p.expr(e.Rhs)
	case *ast.RelationalOpExpr:
		p.expr(e.Lhs)
		p.expr(e.Rhs)
	case *ast.StringConcatOpExpr:
		p.expr(e.Lhs)
		p.expr(e.Rhs)
	case *ast.ArithmeticOpExpr:
		p.expr(e.Lhs)
		p.expr(e.Rhs)
	case *ast.UnaryMinusOpExpr:
		p.expr(e.Expr)
	case *ast.UnaryNotOpExpr:
		p.expr(e.Expr)
	case *ast.UnaryLenOpExpr:
		p.expr(e.Expr)
	case *ast.FunctionExpr:
		p.function(e)
	}
	p.depth--
}

func (p *preparer) table(e *ast.TableExpr) {
	listed := 0
	for _, f := range e.Fields {
		if f.Key != nil {
			p.expr(f.Key)
		} else if listed++; listed > maxListLiteral {
			p.refuse(f.Value.Line(), "a list written in braces has more than %s values", grouped(maxListLiteral))
		}
		p.expr(f.Value)
	}
}

func (p *preparer) call(e *ast.FuncCallExpr) {
	p.waits.call(e)
	if f, ok := e.Func.(*ast.IdentExpr); ok && f.Value == "require" {
		p.constant(e.Line(), "require")
		if len(e.Args) == 1 {
			if name, ok := e.Args[0].(*ast.StringExpr); ok {
				p.constant(e.Line(), name.Value)
				p.tree.requires = append(p.tree.requires, requireCall{name.Value, name.Line()})
				return
			}
		}
		p.expr(f) // refuses it
	}
	if e.Func != nil {
		p.expr(e.Func)
	} else {
		p.expr(e.Receiver)
		p.constant(e.Line(), e.Method)
	}
	p.exprs(e.Args)
}

func (p *preparer) function(e *ast.FunctionExpr) {
	if p.functions++; p.functions > maxFunctions {
		p.refuse(e.Line(), "the file has more than %s functions", grouped(maxFunctions))
	}
	if e.ParList != nil {
		p.waits.declared(e.ParList.Names, nil)
	}
	outer := p.fn
	p.fn = &functionShape{constants: map[string]struct{}{}}
	e.Stmts = p.block(e.Stmts)
	p.fn = outer
}
