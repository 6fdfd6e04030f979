package vm

import "github.com/yuin/gopher-lua/ast"

// gopher-lua compiles "local f = function … end" as "local function f", so that
// f in the function is the new local and not an outer f. A second value, which
// is not used, makes the compiler declare the name after the function.
// TestLocalFunction fails when a new gopher-lua makes this file superfluous.

// declareAfter rewrites the declaration of a local whose value is a function
// that uses its name, so that the name is declared after the function.
func declareAfter(s *ast.LocalAssignStmt) {
	none := &ast.NilExpr{}
	none.SetLine(s.Line())
	s.Exprs = append(s.Exprs, none)
}

// isOneFunction reports whether a declaration has one name and one function.
func isOneFunction(s *ast.LocalAssignStmt) bool {
	if len(s.Names) != 1 || len(s.Exprs) != 1 {
		return false
	}
	_, ok := s.Exprs[0].(*ast.FunctionExpr)
	return ok
}

// localFunctions are the functions being prepared that are the value of a
// local, the innermost one last.
type localFunctions []localFunction

type localFunction struct {
	name     string
	usesName bool
}

func (f *localFunctions) begin(name string) { *f = append(*f, localFunction{name: name}) }

func (f localFunctions) use(name string) {
	for i := range f {
		f[i].usesName = f[i].usesName || f[i].name == name
	}
}

// end removes the innermost function and reports whether it uses its name.
func (f *localFunctions) end() (usesName bool) {
	last := len(*f) - 1
	usesName = (*f)[last].usesName
	*f = (*f)[:last]
	return usesName
}

// isLocalFunction reports whether a declaration is written "local function f".
// It is the only one for which the parser sets a last line.
func isLocalFunction(s *ast.LocalAssignStmt) bool { return s.LastLine() > 0 }
