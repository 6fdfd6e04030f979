package vm

import "github.com/yuin/gopher-lua/ast"

// gopher-lua compiles "local f = function … end" as "local function f", so that
// f in the function is the new local and not an outer f. A second value, which
// is not used, makes the compiler declare the name after the function.
// TestLocalFunction shows when a new gopher-lua makes this file superfluous.

// separate rewrites the declaration of a local whose value is a function that
// uses its name.
func separate(s *ast.LocalAssignStmt) {
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

// selves are the names of the functions being prepared that are the value of
// a local, the innermost last, and whether a function uses its name.
type selves []self

type self struct {
	name string
	used bool
}

func (s *selves) begin(name string) { *s = append(*s, self{name: name}) }

func (s selves) use(name string) {
	for i := range s {
		s[i].used = s[i].used || s[i].name == name
	}
}

func (s *selves) end() (used bool) {
	last := len(*s) - 1
	used = (*s)[last].used
	*s = (*s)[:last]
	return used
}

// isLocalFunction reports whether a declaration is written "local function f",
// the only one to which the parser gives a last line.
func isLocalFunction(s *ast.LocalAssignStmt) bool { return s.LastLine() > 0 }
