package vm

import (
	"slices"

	lua "github.com/yuin/gopher-lua"
)

// gopher-lua writes numbers in ".." as Go does. The meter puts their text into
// the registers before the instruction runs. If an operand is neither text nor
// number, a number may be an operand of a metamethod, which must get it as a
// number. Then the result of the instruction is computed here, and its operands
// are replaced with user data whose metamethod returns the result. TestConcat
// fails when a new gopher-lua makes this file superfluous.

// chargeConcat charges for the text that ".." is about to make, and replaces
// the operands, which nothing else reads.
func (m *meter) chargeConcat(f *frameMirror, b, c int) {
	operands := m.state.reg.array[f.LocalBase+b : f.LocalBase+c+1]
	for _, v := range operands {
		if !isConcatText(v) {
			m.replaceConcat(f, b, c)
			return
		}
	}
	n := 0
	for i, v := range operands {
		if number, ok := v.(lua.LNumber); ok {
			v = lua.LString(numberText(number))
			operands[i] = v
		}
		n += len(v.(lua.LString))
	}
	m.activation.chargeString(m.L, n)
	m.charge(0, int64(len(operands))*slotBytes)
}

// replaceConcat computes the result of "..", and replaces the operands so that
// the VM gets it.
func (m *meter) replaceConcat(f *frameMirror, b, c int) {
	operands := slices.Clone(m.state.reg.array[f.LocalBase+b : f.LocalBase+c+1])
	result := m.join(f, b, operands)
	registers := m.state.reg.array[f.LocalBase+b : f.LocalBase+c+1]
	for i := range registers {
		registers[i] = lua.LNil
	}
	registers[len(registers)-1] = &lua.LUserData{Value: &joined{result, len(registers) - 1}, Metatable: joinedMeta}
}

// join computes ".." from the right, as the VM does.
func (m *meter) join(f *frameMirror, register int, operands []lua.LValue) lua.LValue {
	L := m.L
	result := operands[len(operands)-1]
	for i := len(operands) - 2; i >= 0; i-- {
		left := operands[i]
		l, isText := concatText(left)
		if r, ok := concatText(result); ok && isText {
			m.activation.chargeString(L, len(l)+len(r))
			result = lua.LString(l + r)
			continue
		}
		method := L.GetMetaField(left, "__concat")
		if method == lua.LNil {
			method = L.GetMetaField(result, "__concat")
		}
		if _, ok := method.(*lua.LFunction); !ok {
			if isText && i < len(operands)-2 {
				raise(L, "'..' joins texts and numbers; __concat returned %s", describe(result))
			}
			raise(L, "%s", m.explainOperands(f, "..", register+i, register+i+1))
		}
		L.Push(method)
		L.Push(left)
		L.Push(result)
		L.Call(2, 1)
		result = L.Get(-1)
		L.Pop(1)
	}
	return result
}

// isConcatText reports whether ".." joins a value without a metamethod.
func isConcatText(v lua.LValue) bool {
	switch v.(type) {
	case lua.LString, lua.LNumber:
		return true
	}
	return false
}

// concatText returns a text, or a number as text; false for other values.
func concatText(v lua.LValue) (string, bool) {
	switch v := v.(type) {
	case lua.LString:
		return string(v), true
	case lua.LNumber:
		return numberText(v), true
	}
	return "", false
}

// joined is the value of the user data that replaces the operands. Its
// metamethod returns the result in the last call, and the user data itself in
// the calls before.
type joined struct {
	result lua.LValue
	calls  int
}

var joinedMeta = sharedTable(map[string]lua.LValue{"__concat": function(func(L *lua.LState) int {
	data := L.Get(2).(*lua.LUserData)
	j := data.Value.(*joined)
	if j.calls--; j.calls == 0 {
		L.Push(j.result)
	} else {
		L.Push(data)
	}
	return 1
})})
