package vm

import (
	"fmt"
	"slices"

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

// preparer walks a tree once: it refuses what the compiler cannot compile,
// rewrites the tree where the compiler has faults, and collects the calls of
// require.
type preparer struct {
	file       string
	tree       *tree
	depth      int
	functions  int
	jumps      bool // the file has a goto or a break
	fn         *functionShape
	localFuncs localFunctions
	awaitScan  awaitScan
}

// functionShape is the data of the preparer about one function.
type functionShape struct {
	constants     map[string]struct{}
	labels, gotos int
	locals        []string // in scope
}

func newFunctionShape() *functionShape {
	return &functionShape{constants: map[string]struct{}{}}
}

func (f *functionShape) isLocal(name string) bool { return slices.Contains(f.locals, name) }

// refusal is the panic that ends the walk with an error.
type refusal struct{ *SyntaxError }

func (t *tree) prepare(file string, source []byte) (err error) {
	p := &preparer{file: file, tree: t, awaitScan: awaitScan{file: file, source: source}, fn: newFunctionShape()}
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
	if p.jumps {
		t.statements = closeJumps(t.statements)
	}
	p.awaitScan.finish(t)
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

// block prepares the statements of a block, and adds a no-op after a label
// before other statements: see noop. then is called while the locals are in
// scope.
func (p *preparer) block(all []ast.Stmt, then ...func()) []ast.Stmt {
	scope := len(p.fn.locals)
	out := make([]ast.Stmt, 0, len(all))
	for i, s := range all {
		out = append(out, p.statement(s))
		if _, ok := s.(*ast.LabelStmt); ok && !onlyLabels(all[i:]) {
			out = append(out, noop(s.Line()))
		}
	}
	for _, f := range then {
		f()
	}
	p.fn.locals = p.fn.locals[:scope]
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

// noop is an instruction without effect. The compiler follows jumps to jumps,
// and reads the offset of a jump that it has patched as a label. So the target
// of a backward jump must not be a jump.
func noop(line int) ast.Stmt { return do(line, local(line, []string{"(no-op)"}, nil)) }

// body prepares the block of a loop that declares names. The result does not
// begin with a jump.
func (p *preparer) body(line int, names []string, all []ast.Stmt, then ...func()) []ast.Stmt {
	scope := len(p.fn.locals)
	p.fn.locals = append(p.fn.locals, names...)
	all = p.block(all, then...)
	p.fn.locals = p.fn.locals[:scope]
	if len(all) > 0 && startsPlain(all[0]) {
		return all
	}
	return append([]ast.Stmt{noop(line)}, all...)
}

// startsPlain reports whether the first instruction of a statement is certainly
// no jump. Logical operators may begin with one.
func startsPlain(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.FuncCallStmt:
		return plainExpr(s.Expr)
	case *ast.LocalAssignStmt:
		return plainExprs(s.Exprs)
	case *ast.AssignStmt:
		return plainExprs(s.Lhs) && plainExprs(s.Rhs)
	case *ast.DoBlockStmt: // made by the preparer
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

// condition prepares the condition of a loop.
func (p *preparer) condition(e ast.Expr) ast.Expr { return withoutJump(p.expr(e)) }

// statement prepares a statement and returns its replacement.
func (p *preparer) statement(s ast.Stmt) ast.Stmt {
	p.enter(s)
	s = p.parts(s)
	p.depth--
	return s
}

// parts prepares the parts of a statement and returns its replacement.
func (p *preparer) parts(s ast.Stmt) ast.Stmt {
	switch s := s.(type) {
	case *ast.AssignStmt:
		p.awaitScan.checkAssignment(s)
		p.exprs(s.Lhs)
		p.exprs(s.Rhs)
		return p.assignment(s)
	case *ast.LocalAssignStmt:
		p.local(s)
	case *ast.FuncCallStmt:
		s.Expr = p.expr(s.Expr)
	case *ast.DoBlockStmt:
		s.Stmts = p.block(s.Stmts)
	case *ast.WhileStmt:
		s.Condition = p.condition(s.Condition)
		s.Stmts = p.body(s.Line(), nil, s.Stmts)
	case *ast.RepeatStmt:
		s.Stmts = p.body(s.Line(), nil, s.Stmts, func() { s.Condition = p.condition(s.Condition) })
	case *ast.IfStmt:
		s.Condition = p.expr(s.Condition)
		s.Then = p.block(s.Then)
		s.Else = p.block(s.Else)
	case *ast.NumberForStmt:
		s.Init = p.expr(s.Init)
		s.Limit = p.expr(s.Limit)
		if s.Step != nil {
			s.Step = p.expr(s.Step)
		}
		s.Stmts = p.body(s.Line(), []string{s.Name}, s.Stmts)
	case *ast.GenericForStmt:
		p.exprs(s.Exprs)
		s.Stmts = p.body(s.Line(), s.Names, s.Stmts)
		return genericFor(s)
	case *ast.FuncDefStmt:
		p.definition(s)
	case *ast.ReturnStmt:
		p.exprs(s.Exprs)
	case *ast.BreakStmt:
		p.jumps = true
	case *ast.LabelStmt:
		if p.fn.labels++; p.fn.labels > maxLabels {
			p.refuse(s.Line(), "this function has more than %d labels", maxLabels)
		}
	case *ast.GotoStmt:
		p.jumps = true
		if p.fn.gotos++; p.fn.gotos > maxGotos {
			p.refuse(s.Line(), "this function has more than %s gotos", grouped(maxGotos))
		}
	}
	return s
}

// local prepares a declaration of locals.
func (p *preparer) local(s *ast.LocalAssignStmt) {
	p.awaitScan.checkDeclaration(s.Names, s.Exprs)
	if isLocalFunction(s) {
		p.fn.locals = append(p.fn.locals, s.Names...)
		p.exprs(s.Exprs)
		return
	}
	if isOneFunction(s) {
		p.localFuncs.begin(s.Names[0])
		p.exprs(s.Exprs)
		if p.localFuncs.end() {
			declareAfter(s)
		}
	} else {
		p.exprs(s.Exprs)
	}
	p.fn.locals = append(p.fn.locals, s.Names...)
}

// definition prepares "function name(…)" and "function name:method(…)".
func (p *preparer) definition(s *ast.FuncDefStmt) {
	if s.Name.Func != nil {
		p.awaitScan.checkName(s.Name.Func)
		s.Name.Func = p.expr(s.Name.Func)
		p.function(s.Func)
		return
	}
	s.Name.Receiver = p.expr(s.Name.Receiver)
	p.constant(s.Line(), s.Name.Method)
	p.function(s.Func, "self")
}

func (p *preparer) exprs(all []ast.Expr) {
	for i, e := range all {
		all[i] = p.expr(e)
	}
}

// expr prepares an expression and returns its replacement.
func (p *preparer) expr(e ast.Expr) ast.Expr {
	p.enter(e)
	e = p.operands(e)
	p.depth--
	return e
}

// operands prepares the operands of an expression and returns its replacement.
func (p *preparer) operands(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.NumberExpr:
		plainLiteral(e)
		p.constant(e.Line(), "number "+e.Value)
	case *ast.StringExpr:
		p.constant(e.Line(), e.Value)
	case *ast.IdentExpr:
		if e.Value == "require" {
			p.refuse(e.Line(), `require takes one name in quotes, such as require "lib.names", so that all files are compiled before the script runs`)
		}
		p.constant(e.Line(), e.Value)
		p.localFuncs.use(e.Value)
	case *ast.AttrGetExpr:
		e.Object = p.expr(e.Object)
		e.Key = p.expr(e.Key)
		e.SetLine(max(e.Line(), e.Key.Line())) // the parser sets the line of the parenthesis before it
	case *ast.TableExpr:
		p.table(e)
	case *ast.FuncCallExpr:
		p.call(e)
	case *ast.LogicalOpExpr:
		e.Lhs = p.expr(e.Lhs)
		e.Rhs = p.expr(e.Rhs)
		return fold(e)
	case *ast.RelationalOpExpr:
		e.Lhs = p.expr(e.Lhs)
		e.Rhs = p.expr(e.Rhs)
	case *ast.StringConcatOpExpr:
		e.Lhs = p.expr(e.Lhs)
		e.Rhs = p.expr(e.Rhs)
	case *ast.ArithmeticOpExpr:
		e.Lhs = p.expr(e.Lhs)
		e.Rhs = p.expr(e.Rhs)
		return constantModulo(e)
	case *ast.UnaryMinusOpExpr:
		e.Expr = p.expr(e.Expr)
	case *ast.UnaryNotOpExpr:
		e.Expr = p.expr(e.Expr)
		return fold(e)
	case *ast.UnaryLenOpExpr:
		e.Expr = p.expr(e.Expr)
	case *ast.FunctionExpr:
		p.depth-- // function counts it
		p.function(e)
		p.depth++
	}
	return e
}

func (p *preparer) table(e *ast.TableExpr) {
	listed := 0
	for _, f := range e.Fields {
		if f.Key != nil {
			f.Key = p.expr(f.Key)
		} else if listed++; listed > maxListLiteral {
			p.refuse(f.Value.Line(), "a list written in braces has more than %s values", grouped(maxListLiteral))
		}
		f.Value = p.expr(f.Value)
	}
	namedFields(e)
}

func (p *preparer) call(e *ast.FuncCallExpr) {
	p.awaitScan.checkCall(e)
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
		e.Func = p.expr(e.Func)
	} else {
		e.Receiver = p.expr(e.Receiver)
		p.constant(e.Line(), e.Method)
	}
	p.exprs(e.Args)
}

// function prepares a function. parameters are the implicit ones: self.
func (p *preparer) function(e *ast.FunctionExpr, parameters ...string) {
	p.enter(e)
	if p.functions++; p.functions > maxFunctions {
		p.refuse(e.Line(), "the file has more than %s functions", grouped(maxFunctions))
	}
	outer := p.fn
	p.fn = newFunctionShape()
	p.fn.locals = append(p.fn.locals, parameters...)
	if e.ParList != nil {
		p.awaitScan.checkDeclaration(e.ParList.Names, nil)
		p.fn.locals = append(p.fn.locals, e.ParList.Names...)
	}
	e.Stmts = p.block(e.Stmts)
	p.fn = outer
	p.depth--
}
