package script

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"

	"github.com/tidewire/tidewire/bindings"
)

// Use is one place where a script names an operation of an app.
type Use struct {
	App       string
	Operation string // as the app has it: "contacts.upsert", "v3.contacts.upsert"
	Script    string
	Position  string // "crm.lua:12"
}

// Uses returns the operations that scripts name, as far as their source shows
// them: highlevel.contacts.upsert, also as an argument of each or try, and
// through a local variable with the app or one of its groups. Where an app is
// used in another way (a computed name, a module that is passed on,
// app.request), only a run shows the operation: those places are unresolved and
// have no operation.
func (g *Generation) Uses(apps []*bindings.App) (uses, unresolved []Use) {
	for _, script := range g.Scripts {
		for _, file := range slices.Sorted(maps.Keys(script.Version.Sources)) {
			r := useReader{script: script.Name, file: file, modules: map[string]module{}, groups: map[string]module{}, apps: apps}
			statements, err := parse.Parse(strings.NewReader(script.Version.Sources[file]), file)
			if err != nil {
				continue // a template.yaml: the Lua files of a version compile
			}
			r.block(statements)
			uses, unresolved = append(uses, r.uses...), append(unresolved, r.unresolved...)
		}
	}
	byPlace := func(a, b Use) int {
		return cmp.Or(strings.Compare(a.App, b.App), strings.Compare(a.Operation, b.Operation), strings.Compare(a.Position, b.Position))
	}
	slices.SortFunc(uses, byPlace)
	slices.SortFunc(unresolved, byPlace)
	return uses, unresolved
}

// module is an app, one of its editions, or a group of either.
type module struct {
	app    *bindings.App
	prefix string // of an operation's name: "", "v3.", "contacts."
}

// useReader reads one file. It ignores the scope of variables: a name that is
// used for two things is rare, and leads to one use too many.
type useReader struct {
	script, file     string
	apps             []*bindings.App
	modules, groups  map[string]module
	uses, unresolved []Use
}

func (r *useReader) add(m module, operation string, line int) {
	u := Use{App: m.app.Name, Script: r.script, Position: fmt.Sprintf("%s:%d", r.file, line)}
	if _, found := m.app.Operation(operation); found {
		u.Operation = operation
		r.uses = append(r.uses, u)
		return
	}
	r.unresolved = append(r.unresolved, u)
}

// required returns the app or edition of an expression require "…".
func (r *useReader) required(e ast.Expr) (module, bool) {
	call, ok := e.(*ast.FuncCallExpr)
	if !ok || len(call.Args) != 1 {
		return module{}, false
	}
	name, ok := call.Func.(*ast.IdentExpr)
	text, literal := call.Args[0].(*ast.StringExpr)
	if !ok || !literal || name.Value != "require" {
		return module{}, false
	}
	appName, edition, _ := strings.Cut(text.Value, ".")
	for _, app := range r.apps {
		if app.Name == appName && (edition == "" || slices.Contains(app.Modules(), text.Value)) {
			m := module{app: app}
			if edition != "" {
				m.prefix = edition + "."
			}
			return m, true
		}
	}
	return module{}, false
}

// module returns the app or edition that is the value of an expression.
func (r *useReader) module(e ast.Expr) (module, bool) {
	if name, ok := e.(*ast.IdentExpr); ok {
		m, found := r.modules[name.Value]
		return m, found
	}
	return r.required(e)
}

// group returns the group of an app that is the value of an expression.
func (r *useReader) group(e ast.Expr) (module, bool) {
	switch e := e.(type) {
	case *ast.IdentExpr:
		m, found := r.groups[e.Value]
		return m, found
	case *ast.AttrGetExpr:
		m, ofApp := r.module(e.Object)
		key, literal := e.Key.(*ast.StringExpr)
		if ofApp && literal {
			return module{m.app, m.prefix + key.Value + "."}, true
		}
	}
	return module{}, false
}

// bind records the variables that are assigned an app or a group, and reads the
// other values.
func (r *useReader) bind(names []string, values []ast.Expr) {
	for i, value := range values {
		if i < len(names) {
			if m, ok := r.required(value); ok {
				r.modules[names[i]] = m
				continue
			}
			if m, ok := r.group(value); ok {
				if _, operation := m.app.Operation(strings.TrimSuffix(m.prefix, ".")); !operation {
					r.groups[names[i]] = m
					continue
				}
			}
		}
		r.expression(value)
	}
}

func (r *useReader) block(statements []ast.Stmt) {
	for _, s := range statements {
		r.statement(s)
	}
}

func (r *useReader) statement(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.LocalAssignStmt:
		r.bind(s.Names, s.Exprs)
	case *ast.AssignStmt:
		names := make([]string, len(s.Lhs))
		for i, left := range s.Lhs {
			if name, ok := left.(*ast.IdentExpr); ok {
				names[i] = name.Value
			} else {
				r.expression(left)
			}
		}
		r.bind(names, s.Rhs)
	case *ast.FuncCallStmt:
		r.expression(s.Expr)
	case *ast.DoBlockStmt:
		r.block(s.Stmts)
	case *ast.WhileStmt:
		r.expressions(s.Condition)
		r.block(s.Stmts)
	case *ast.RepeatStmt:
		r.block(s.Stmts)
		r.expressions(s.Condition)
	case *ast.IfStmt:
		r.expressions(s.Condition)
		r.block(s.Then)
		r.block(s.Else)
	case *ast.NumberForStmt:
		r.expressions(s.Init, s.Limit, s.Step)
		r.block(s.Stmts)
	case *ast.GenericForStmt:
		r.expressions(s.Exprs...)
		r.block(s.Stmts)
	case *ast.FuncDefStmt:
		r.block(s.Func.Stmts)
	case *ast.ReturnStmt:
		r.expressions(s.Exprs...)
	}
}

func (r *useReader) expressions(all ...ast.Expr) {
	for _, e := range all {
		r.expression(e)
	}
}

// expression reads a value. An app or group that is a value itself is passed to
// code where its use cannot be read.
func (r *useReader) expression(e ast.Expr) {
	if e == nil {
		return
	}
	if m, ok := r.group(e); ok { // app.request, or a group that is passed on
		r.add(m, strings.TrimSuffix(m.prefix, "."), e.Line())
		return
	}
	if m, ok := r.module(e); ok {
		r.add(m, "", e.Line())
		return
	}
	switch e := e.(type) {
	case *ast.AttrGetExpr:
		r.attribute(e)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			r.expressions(f.Key, f.Value)
		}
	case *ast.FuncCallExpr:
		r.expressions(e.Func, e.Receiver)
		r.expressions(e.Args...)
	case *ast.LogicalOpExpr:
		r.expressions(e.Lhs, e.Rhs)
	case *ast.RelationalOpExpr:
		r.expressions(e.Lhs, e.Rhs)
	case *ast.StringConcatOpExpr:
		r.expressions(e.Lhs, e.Rhs)
	case *ast.ArithmeticOpExpr:
		r.expressions(e.Lhs, e.Rhs)
	case *ast.UnaryMinusOpExpr:
		r.expression(e.Expr)
	case *ast.UnaryNotOpExpr:
		r.expression(e.Expr)
	case *ast.UnaryLenOpExpr:
		r.expression(e.Expr)
	case *ast.FunctionExpr:
		r.block(e.Stmts)
	}
}

// attribute reads object.key: an operation where object is a group.
func (r *useReader) attribute(e *ast.AttrGetExpr) {
	key, literal := e.Key.(*ast.StringExpr)
	if m, ok := r.group(e.Object); ok {
		name := ""
		if literal {
			name = m.prefix + key.Value
		}
		r.add(m, name, e.Line())
		r.expression(e.Key)
		return
	}
	if m, ok := r.module(e.Object); ok { // app[computed]
		r.add(m, "", e.Line())
		r.expression(e.Key)
		return
	}
	r.expressions(e.Object, e.Key)
}
