package vm

import (
	"math"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// gopher-lua's % gives a negative zero for a negative number that is divided
// without remainder, where Lua 5.1 gives zero: string.format("%.2f", -6 % 3)
// would be "-0.00". The meter corrects the result after the instruction;
// constants are computed in the tree. TestModulo shows when a new gopher-lua
// makes this file superfluous.

// modulo is %, exact also for large numbers.
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

// constantModulo computes % of two numbers in a source.
func constantModulo(e *ast.ArithmeticOpExpr) ast.Expr {
	a, aFits := constantNumber(e.Lhs)
	b, bFits := constantNumber(e.Rhs)
	if e.Operator != "%" || !aFits || !bFits || modulo(a, b) != 0 {
		return e
	}
	zero := &ast.NumberExpr{Value: "0"}
	zero.SetLine(e.Line())
	return zero
}

// constantNumber gives a number in a source, also a negative one.
func constantNumber(e ast.Expr) (lua.LNumber, bool) {
	switch e := e.(type) {
	case *ast.NumberExpr:
		f, ok := parseNumber(e.Value)
		return lua.LNumber(f), ok
	case *ast.UnaryMinusOpExpr:
		n, ok := constantNumber(e.Expr)
		return -n, ok
	}
	return 0, false
}

// watchModulo has the result of a negative number % b corrected if it will be
// a negative zero.
// The next instruction is made to look like one over the limit, so that the
// other instructions need no check.
func (m *meter) watchModulo(register int, a lua.LNumber, b lua.LValue) {
	if b, ok := b.(lua.LNumber); ok && modulo(a, b) == 0 {
		m.zero, m.leftThen, m.left = register, m.left, 0
	}
}

// correctZero corrects the result of the last instruction.
func (m *meter) correctZero() {
	m.state.reg.array[m.zero] = lua.LNumber(0)
	m.zero, m.left = 0, m.leftThen-1
}
