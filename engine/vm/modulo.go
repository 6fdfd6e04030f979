package vm

import (
	"math"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// gopher-lua computes % of constants when it compiles. For a negative number
// that is divided without remainder the result is a negative zero, where Lua
// 5.1 has zero: string.format("%.2f", -6 % 3) would be "-0.00". When the VM
// computes %, it stores zero. TestModulo fails when a new gopher-lua makes
// constantModulo superfluous.

// constantModulo adds 0 to % of constants: -0 + 0 is 0. The compiler computes
// the sum too.
func constantModulo(e *ast.ArithmeticOpExpr) ast.Expr {
	if e.Operator != "%" || !isConstantNumber(e) {
		return e
	}
	zero := &ast.NumberExpr{Value: "0"}
	zero.SetLine(e.Line())
	sum := &ast.ArithmeticOpExpr{Operator: "+", Lhs: e, Rhs: zero}
	sum.SetLine(e.Line())
	return sum
}

// isConstantNumber reports whether the compiler computes an expression.
func isConstantNumber(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.NumberExpr:
		return true
	case *ast.UnaryMinusOpExpr:
		return isConstantNumber(e.Expr)
	case *ast.ArithmeticOpExpr:
		return isConstantNumber(e.Lhs) && isConstantNumber(e.Rhs)
	}
	return false
}

// modulo is % of texts that are numbers. It is exact also for large numbers.
func modulo(a, b lua.LNumber) lua.LNumber {
	m := math.Mod(float64(a), float64(b))
	if b > 0 && m < 0 || b < 0 && m > 0 {
		m += float64(b)
	}
	if m == 0 {
		return 0 // not -0
	}
	return lua.LNumber(m)
}
