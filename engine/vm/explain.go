package vm

import (
	"maps"
	"regexp"
	"slices"

	lua "github.com/yuin/gopher-lua"
)

// The messages of the VM's own errors. What a script raises is not compared
// with them.
var (
	vmPosition = regexp.MustCompile(`^\S*:\d+: `)
	vmIndex    = regexp.MustCompile(`(?s)^attempt to index a non-table object\((\w+)\) with key '(.*)'$`)
	vmArith    = regexp.MustCompile(`^cannot perform (\w+) operation between (\w+) and (\w+)$`)
	vmArgument = regexp.MustCompile(`(?s)^bad argument #(\d+) to (\S+) \((.*)\)$`)
)

var vmOperators = map[string]string{"add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%", "pow": "^", "concat": ".."}

// explainVMError rewrites one of the VM's own errors for the author of a
// script, with the names that are in the line. It is called before the frames
// are unwound.
func (m *meter) explainVMError(text string) string {
	at := vmPosition.FindString(text)
	what := text[len(at):]
	f := m.state.currentFrame
	if found := vmArgument.FindStringSubmatch(what); found != nil {
		message := "argument " + found[1] + ": " + found[3]
		if found[2] == "(anonymous)" { // pcall called it
			return at + message
		}
		return at + found[2] + ": " + message
	}
	if f == nil || f.Fn.IsG {
		if what == "attempt to call a non-function object" {
			return at + "what is to be called is not a function"
		}
		return text
	}
	inst := f.instruction()
	a, b, c := int(inst>>18)&0xff, int(inst&0x1ff), int(inst>>9)&0x1ff
	switch {
	case what == "attempt to call a non-function object":
		if int(inst>>26) == lua.OP_TFORLOOP {
			return at + "'for … in' needs pairs(t), ipairs(t) or each(…), found " + describe(m.rk(f, a))
		}
		return at + m.explainCall(f, a)
	case vmIndex.MatchString(what):
		key := vmIndex.FindStringSubmatch(what)[2]
		object := a
		verb := "' cannot be set in it"
		switch int(inst >> 26) {
		case lua.OP_GETTABLE, lua.OP_GETTABLEKS, lua.OP_SELF:
			object, verb = b, "' cannot be read from it"
		case lua.OP_SETTABLE, lua.OP_SETTABLEKS:
		default:
			return text
		}
		value := m.rk(f, object)
		x := f.expression(object, f.Pc-1, 0)
		switch {
		case x.global && value == lua.LNil:
			return at + m.explainUndefined(x.text)
		case x.text != "":
			return at + "'" + x.text + "' is " + describe(value) + ", so '" + brief(key, 60) + verb
		}
		return at + "this is " + describe(value) + ", so '" + brief(key, 60) + verb
	case vmArith.MatchString(what):
		operator := vmOperators[vmArith.FindStringSubmatch(what)[1]]
		if operator == ".." {
			operands := make([]int, c-b+1)
			for i := range operands {
				operands[i] = b + i
			}
			return at + m.explainOperands(f, operator, operands...)
		}
		return at + m.explainOperands(f, operator, b, c)
	case what == "__unm undefined":
		return at + m.explainOperands(f, "-", b)
	case what == "__len undefined":
		return at + "'#' is the length of a text or table; " + f.named(b) + " is " + describe(m.rk(f, b))
	}
	return text
}

// explainCall explains why the value in a register cannot be called.
func (m *meter) explainCall(f *frameMirror, register int) string {
	value := m.rk(f, register)
	x := f.expression(register, f.Pc-1, 0)
	switch {
	case x.text == "":
		return describe(value) + " cannot be called"
	case value != lua.LNil:
		return "'" + x.text + "' is " + describe(value) + ", not a function"
	case x.global:
		return m.explainUndefined(x.text)
	}
	message := "'" + x.text + "' is nil, so it cannot be called"
	if owner, ok := m.ownerOf(f, x).(*lua.LTable); ok {
		message += didYouMean(x.key, fieldNames(owner))
	}
	return message
}

// fieldNames returns the names of the first fields of a table, in the order of
// pairs, so that an error is the same each time.
func fieldNames(t *lua.LTable) (names []string) {
	keys := tableOf(t).keys
	for _, key := range keys[:min(len(keys), 500)] {
		if name, ok := key.(lua.LString); ok && t.RawGetString(string(name)) != lua.LNil {
			names = append(names, string(name))
		}
	}
	return names
}

// ownerOf returns the table that a field was read from, nil if it is in no
// register any more.
func (m *meter) ownerOf(f *frameMirror, x expression) lua.LValue {
	if x.key == "" || x.owner < 0 {
		return lua.LNil
	}
	return m.rk(f, x.owner)
}

// explainUndefined is the error for a global that is not defined, with what may
// have been meant.
func (m *meter) explainUndefined(name string) string {
	a := m.activation
	names := slices.Concat(a.machine.globalNames, slices.Collect(maps.Keys(a.program.names)))
	names = slices.DeleteFunc(names, func(n string) bool { return n == name })
	slices.Sort(names)
	message := "'" + name + "' is not defined" + didYouMean(name, names)
	if _, ok := a.machine.apps[name]; ok {
		message += `; to use the app write: local ` + name + ` = require "` + name + `"`
	}
	return message
}

// explainArithmetic explains which operand of an arithmetic operator does not
// fit. The Go function that runs now is the metamethod that the operator
// called.
func (m *meter) explainArithmetic(operator string) string {
	f := m.state.currentFrame.Parent
	if f == nil || f.Fn.IsG {
		return "'" + operator + "' needs numbers"
	}
	inst := f.instruction()
	operands := []int{int(inst & 0x1ff), int(inst>>9) & 0x1ff}
	if int(inst>>26) == lua.OP_UNM {
		operands = operands[:1]
	}
	return m.explainOperands(f, operator, operands...)
}

// explainOperands explains which operand of an operator does not fit.
func (m *meter) explainOperands(f *frameMirror, operator string, operands ...int) string {
	needs := "needs numbers"
	if operator == ".." {
		needs = "joins texts and numbers"
	}
	for _, i := range operands {
		fits := false
		switch v := m.rk(f, i).(type) {
		case lua.LNumber:
			fits = true
		case lua.LString:
			_, number := parseNumber(string(v))
			fits = number || operator == ".."
		}
		if !fits {
			return "'" + operator + "' " + needs + "; " + f.named(i) + " is " + describe(m.rk(f, i))
		}
	}
	return "'" + operator + "' " + needs
}

// expression is where a value comes from, as the line has it.
type expression struct {
	text   string // event.data.id
	global bool
	key    string // of the last field
	owner  int    // the register of the table it was read from, -1 if gone
}

func (f *frameMirror) named(register int) string {
	if x := f.expression(register, f.Pc-1, 0); x.text != "" {
		return "'" + x.text + "'"
	}
	return "a value"
}

// expression finds the instruction before pc that wrote a register. Its text is
// empty where another path through the code may have written something else.
func (f *frameMirror) expression(register, pc, depth int) expression {
	p := f.Fn.Proto
	if depth > 6 || register >= 0x100 {
		return expression{owner: -1}
	}
	targets, data := layout(p)
	for at := pc - 1; at >= 0; at-- {
		if data[at] {
			continue
		}
		inst := p.Code[at]
		op, a, b := int(inst>>26), int(inst>>18)&0xff, int(inst&0x1ff)
		switch {
		case targets[at+1] || leaves(op):
			return f.parameter(register, data)
		case op == lua.OP_CALL && a <= register:
			return f.returned(at, register, depth)
		case op == lua.OP_SELF && register == a+1:
			return f.expression(b, at, depth+1)
		case a == register && writes(op):
			return f.written(at, register, depth)
		}
	}
	return f.parameter(register, data)
}

// returned is the expression of what the call at a place writes into a
// register.
func (f *frameMirror) returned(at, register, depth int) expression {
	inst := f.Fn.Proto.Code[at]
	a, c := int(inst>>18)&0xff, int(inst>>9)&0x1ff
	x := expression{owner: -1}
	if c == 0 || register <= a+c-2 {
		x.text = f.expression(a, at, depth+1).call()
	}
	return x
}

// written is the expression of what the instruction at a place writes into its
// register.
func (f *frameMirror) written(at, register, depth int) expression {
	p := f.Fn.Proto
	inst := p.Code[at]
	op, b, c := int(inst>>26), int(inst&0x1ff), int(inst>>9)&0x1ff
	switch op {
	case lua.OP_GETGLOBAL:
		return expression{text: f.constantText(int(inst & 0x3ffff)), global: true, owner: -1}
	case lua.OP_GETUPVAL:
		if b < len(p.DbgUpvalues) {
			return expression{text: p.DbgUpvalues[b], owner: -1}
		}
	case lua.OP_MOVE, lua.OP_MOVEN:
		x := f.expression(b, at, depth+1)
		x.owner = -1
		return x
	case lua.OP_GETTABLEKS, lua.OP_SELF, lua.OP_GETTABLE:
		return f.field(op, b, c, at, depth, register)
	}
	return expression{owner: -1}
}

// parameter names a register that has a parameter and is never written.
func (f *frameMirror) parameter(register int, data []bool) expression {
	p := f.Fn.Proto
	if register >= int(p.NumParameters) || register >= len(p.DbgLocals) {
		return expression{owner: -1}
	}
	for pc, inst := range p.Code {
		if !data[pc] && writes(int(inst>>26)) && int(inst>>18)&0xff == register {
			return expression{owner: -1}
		}
	}
	return expression{text: p.DbgLocals[register].Name, owner: -1}
}

// leaves reports whether an instruction may not be followed by the next one.
func leaves(op int) bool {
	switch op {
	case lua.OP_JMP, lua.OP_FORLOOP, lua.OP_FORPREP, lua.OP_TFORLOOP, lua.OP_RETURN:
		return true
	}
	return false
}

// writes reports whether an instruction writes the register A.
func writes(op int) bool {
	switch op {
	case lua.OP_SETTABLE, lua.OP_SETTABLEKS, lua.OP_SETGLOBAL, lua.OP_SETUPVAL, lua.OP_SETLIST, lua.OP_EQ, lua.OP_LT,
		lua.OP_LE, lua.OP_TEST, lua.OP_CLOSE, lua.OP_NOP, lua.OP_JMP, lua.OP_RETURN:
		return false
	}
	return true
}

// field is the expression of t.key or t:key; b is the register of t, c the key.
func (f *frameMirror) field(op, b, c, at, depth, register int) expression {
	from := f.expression(b, at, depth+1).text
	x := expression{owner: b}
	if b == register {
		x.owner = -1
		if op == lua.OP_SELF {
			x.owner = register + 1
		}
	}
	if c < 0x100 {
		if from != "" {
			x.text = from + "[…]"
		}
		return x
	}
	x.key = f.constantText(c & 0xff)
	switch {
	case from == "":
		x.text = x.key
	case op == lua.OP_SELF:
		x.text = from + ":" + x.key
	case op == lua.OP_GETTABLE:
		x.text = from + "[" + x.key + "]"
	default:
		x.text = from + "." + x.key
	}
	return x
}

func (x expression) call() string {
	if x.text == "" {
		return ""
	}
	return x.text + "(…)"
}

func (f *frameMirror) constantText(i int) string {
	if i >= len(f.Fn.Proto.Constants) {
		return "?"
	}
	return brief(textOf(f.Fn.Proto.Constants[i]), 60)
}

// layout returns which parts of a function's code are the target of a jump, and
// which are no instruction but data of the one before.
func layout(p *lua.FunctionProto) (targets, data []bool) {
	targets, data = make([]bool, len(p.Code)+1), make([]bool, len(p.Code)+1)
	addTarget := func(pc int) {
		if pc >= 0 && pc < len(targets) {
			targets[pc] = true
		}
	}
	for pc := 0; pc < len(p.Code); pc++ {
		inst := p.Code[pc]
		switch int(inst >> 26) {
		case lua.OP_JMP, lua.OP_FORLOOP, lua.OP_FORPREP:
			addTarget(pc + 1 + int(inst&0x3ffff) - 0x1ffff)
		case lua.OP_LOADBOOL:
			if inst>>9&0x1ff != 0 {
				addTarget(pc + 2)
			}
		case lua.OP_CLOSURE:
			for range p.FunctionPrototypes[inst&0x3ffff].NumUpvalues {
				pc++
				data[min(pc, len(p.Code))] = true
			}
		}
	}
	return targets, data
}
