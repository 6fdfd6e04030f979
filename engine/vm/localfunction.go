package vm

import "github.com/yuin/gopher-lua/ast"

// gopher-lua compiles "local f = function … end" as "local function f", so
// that f within the function is the new local and not the f around it. A
// second value, which nobody reads, makes the compiler declare the name after
// the function. TestLocalFunction shows when a new gopher-lua makes this file
// superfluous.

// separate rewrites the declaration of a local whose value is a function that
// uses its name.
func separate(s *ast.LocalAssignStmt) {
	none := &ast.NilExpr{}
	none.SetLine(s.Line())
	s.Exprs = append(s.Exprs, none)
}

// isLocalFunction reports whether a declaration is written "local function f",
// the only one to which the parser gives a last line.
func isLocalFunction(s *ast.LocalAssignStmt) bool { return s.LastLine() > 0 }
