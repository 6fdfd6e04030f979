package vm

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// A variable that a closure captured is in a register of its function until a
// CLOSE instruction moves it into the closure. The CLOSE that gopher-lua puts
// before a jump closes the wrong variables. For a goto it mostly closes all
// variables of the function (compileGotoStmt), so that the function and its
// closures stop sharing them. For a break it closes none, unless the block of
// the loop itself, and not one within it, has a captured variable before the
// break (compileBreakStmt): the closure then reads a register that is used for
// something else.
//
// closeJumps computes from the tree the first register to close. It puts a
// marker before each jump: a declaration of a local without a name. The line of
// the marker encodes the register. It is negative, so it is the line of no
// source. After compiling, replaceMarkers replaces the marker by the right
// instruction. TestJumps fails when a new gopher-lua makes this file
// superfluous.

// closeJumps puts the markers into the statements of a file.
func closeJumps(all []ast.Stmt) []ast.Stmt {
	r := &registers{visible: map[string][]*variable{}}
	return r.function(nil, all)
}

// registers assigns registers to locals in the same way as the compiler.
type registers struct {
	fn      *frame
	visible map[string][]*variable // by name, the innermost last
}

// frame is one function.
type frame struct {
	outer *frame
	block *scope
	count int // registers in use
	jumps []*jump
}

// scope is one block.
type scope struct {
	outer  *scope
	first  int // register
	locals []*variable
	labels map[string]int // by name, the registers in use there
	gotos  []*jump        // forward, from here or from a block within
	loop   bool
}

// variable is a local. Those that the compiler adds have no name.
type variable struct {
	name     string
	fn       *frame
	register int
	captured bool
}

// jump is a goto or a break, with the variables in scope before it.
type jump struct {
	marker   *ast.LocalAssignStmt
	label    string
	atTarget int // registers in use at the target
	locals   []*variable
}

func (r *registers) function(parameters []string, all []ast.Stmt) []ast.Stmt {
	r.fn = &frame{outer: r.fn}
	r.enter(false)
	r.declare(parameters...)
	all = r.statements(all)
	r.leave()
	for _, j := range r.fn.jumps {
		j.setMarker()
	}
	r.fn = r.fn.outer
	return all
}

func (r *registers) enter(loop bool) {
	f := r.fn
	f.block = &scope{outer: f.block, first: f.count, loop: loop}
}

// leave ends a block. A goto without a label in the block may lead to a label
// before the block, or to one that comes later.
func (r *registers) leave() {
	f := r.fn
	b := f.block
	f.block, f.count = b.outer, b.first
	for _, v := range b.locals {
		r.visible[v.name] = r.visible[v.name][:len(r.visible[v.name])-1]
	}
	if b.outer == nil {
		return
	}
	for _, j := range b.gotos {
		j.atTarget = min(j.atTarget, f.count)
		r.resolve(j)
	}
}

// resolve finds the label of a goto in the current block, before the goto. If
// there is none, the goto waits for a label behind it.
func (r *registers) resolve(j *jump) {
	b := r.fn.block
	if count, ok := b.labels[j.label]; ok {
		j.atTarget = count
		return
	}
	b.gotos = append(b.gotos, j)
}

func (r *registers) declare(names ...string) {
	f := r.fn
	for _, name := range names {
		v := &variable{name: name, fn: f, register: f.count}
		f.block.locals = append(f.block.locals, v)
		r.visible[name] = append(r.visible[name], v)
		f.count++
	}
}

// use looks up a name, and records whether an inner function captures it.
func (r *registers) use(name string) {
	if all := r.visible[name]; len(all) > 0 {
		v := all[len(all)-1]
		v.captured = v.captured || v.fn != r.fn
	}
}

// jump records a jump and returns it with its marker.
func (r *registers) jump(line int, label string) (*jump, ast.Stmt) {
	f := r.fn
	j := &jump{marker: local(line, []string{""}, nil), label: label, atTarget: f.count}
	for b := f.block; b != nil; b = b.outer {
		j.locals = append(j.locals, b.locals...)
	}
	f.jumps = append(f.jumps, j)
	return j, do(line, j.marker)
}

// noRegister is the first register to close if there is nothing to close. It is
// above all locals.
const noRegister = 0xff

// setMarker writes the first register to close into the marker.
func (j *jump) setMarker() {
	first := noRegister
	for _, v := range j.locals {
		if v.captured && v.register >= j.atTarget {
			first = j.atTarget
		}
	}
	j.marker.SetLine(-1 - first)
}

// block walks the statements of a block within a function.
func (r *registers) block(loop bool, names []string, all []ast.Stmt, then ...ast.Expr) []ast.Stmt {
	r.enter(loop)
	r.declare(names...)
	all = r.statements(all)
	for _, e := range then {
		r.expr(e)
	}
	r.leave()
	return all
}

func (r *registers) statements(all []ast.Stmt) []ast.Stmt {
	out := make([]ast.Stmt, 0, len(all))
	for _, s := range all {
		if marker := r.statement(s); marker != nil {
			out = append(out, marker)
		}
		out = append(out, s)
	}
	return out
}

// statement walks a statement and returns the marker to put before it, or nil.
func (r *registers) statement(s ast.Stmt) (marker ast.Stmt) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		r.exprs(s.Lhs)
		r.exprs(s.Rhs)
	case *ast.LocalAssignStmt:
		if isLocalFunction(s) {
			r.declare(s.Names...)
			r.exprs(s.Exprs)
			return nil
		}
		r.exprs(s.Exprs)
		r.declare(s.Names...)
	case *ast.FuncCallStmt:
		r.expr(s.Expr)
	case *ast.DoBlockStmt:
		s.Stmts = r.block(false, nil, s.Stmts)
	case *ast.WhileStmt:
		r.expr(s.Condition)
		s.Stmts = r.block(true, nil, s.Stmts)
	case *ast.RepeatStmt:
		s.Stmts = r.block(true, nil, s.Stmts, s.Condition)
	case *ast.IfStmt:
		r.expr(s.Condition)
		s.Then = r.block(false, nil, s.Then)
		s.Else = r.block(false, nil, s.Else)
	case *ast.NumberForStmt:
		r.exprs([]ast.Expr{s.Init, s.Limit, s.Step})
		s.Stmts = r.block(true, []string{"", "", "", s.Name}, s.Stmts)
	case *ast.GenericForStmt:
		r.exprs(s.Exprs)
		s.Stmts = r.block(true, append([]string{"", "", ""}, s.Names...), s.Stmts)
	case *ast.FuncDefStmt:
		r.definition(s)
	case *ast.ReturnStmt:
		r.exprs(s.Exprs)
	case *ast.BreakStmt:
		return r.breakLoop(s)
	case *ast.GotoStmt:
		return r.goTo(s)
	case *ast.LabelStmt:
		r.label(s)
	}
	return nil
}

func (r *registers) definition(s *ast.FuncDefStmt) {
	if s.Name.Func != nil {
		r.expr(s.Name.Func)
		r.expr(s.Func)
		return
	}
	r.expr(s.Name.Receiver)
	s.Func.Stmts = r.function(append([]string{"self"}, s.Func.ParList.Names...), s.Func.Stmts)
}

func (r *registers) breakLoop(s *ast.BreakStmt) ast.Stmt {
	for b := r.fn.block; b != nil; b = b.outer {
		if b.loop {
			j, marker := r.jump(s.Line(), "")
			j.atTarget = b.first
			return marker
		}
	}
	return nil // the compiler refuses it
}

func (r *registers) goTo(s *ast.GotoStmt) ast.Stmt {
	j, marker := r.jump(s.Line(), s.Label)
	r.resolve(j)
	return marker
}

// label resolves the gotos before it. Locals that are declared between a goto
// and its label need no check: the compiler refuses such a label, unless it is
// at the end of a block, where they are out of scope.
func (r *registers) label(s *ast.LabelStmt) {
	b := r.fn.block
	if b.labels == nil {
		b.labels = map[string]int{}
	}
	b.labels[s.Name] = r.fn.count
	waiting := b.gotos[:0]
	for _, j := range b.gotos {
		if j.label != s.Name {
			waiting = append(waiting, j)
		}
	}
	b.gotos = waiting
}

func (r *registers) exprs(all []ast.Expr) {
	for _, e := range all {
		r.expr(e)
	}
}

func (r *registers) expr(e ast.Expr) {
	switch e := e.(type) {
	case *ast.IdentExpr:
		r.use(e.Value)
	case *ast.AttrGetExpr:
		r.expr(e.Object)
		r.expr(e.Key)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			r.expr(f.Key)
			r.expr(f.Value)
		}
	case *ast.FuncCallExpr:
		r.expr(e.Func)
		r.expr(e.Receiver)
		r.exprs(e.Args)
	case *ast.LogicalOpExpr:
		r.expr(e.Lhs)
		r.expr(e.Rhs)
	case *ast.RelationalOpExpr:
		r.expr(e.Lhs)
		r.expr(e.Rhs)
	case *ast.StringConcatOpExpr:
		r.expr(e.Lhs)
		r.expr(e.Rhs)
	case *ast.ArithmeticOpExpr:
		r.expr(e.Lhs)
		r.expr(e.Rhs)
	case *ast.UnaryMinusOpExpr:
		r.expr(e.Expr)
	case *ast.UnaryNotOpExpr:
		r.expr(e.Expr)
	case *ast.UnaryLenOpExpr:
		r.expr(e.Expr)
	case *ast.FunctionExpr:
		e.Stmts = r.function(e.ParList.Names, e.Stmts)
	}
}

// replaceMarkers replaces each marker, and the CLOSE of the compiler that
// mostly follows it, by the right CLOSE, if there is something to close, and by
// copies of the jump that comes next.
func replaceMarkers(p *lua.FunctionProto) {
	for pc, line := range p.DbgSourcePositions {
		if line >= 0 {
			continue
		}
		at := pc
		if first := uint32(-1 - line); first != noRegister {
			p.Code[at] = uint32(lua.OP_CLOSE)<<26 | first<<18
			at++
		}
		end := pc + 1
		if int(p.Code[end]>>26) == lua.OP_CLOSE {
			end++
		}
		for ; at < end; at++ {
			p.Code[at] = p.Code[end] + uint32(end-at) // the same target, from here
			if int(p.Code[end]>>26) != lua.OP_JMP {
				p.Code[at] = uint32(lua.OP_NOP) << 26 // the jump leads to the next instruction
			}
		}
		p.DbgSourcePositions[pc] = p.DbgSourcePositions[end]
	}
}
