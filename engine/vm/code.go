package vm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxCaptured is the largest number of locals of outer functions that a
// function can refer to: gopher-lua counts them in a byte.
const maxCaptured = 255

// compileTree compiles a prepared tree.
func compileTree(name string, t *tree) (proto *lua.FunctionProto, err error) {
	fail := func(line int, format string, args ...any) (*lua.FunctionProto, error) {
		return nil, &SyntaxError{Position: fmt.Sprintf("%s:%d", name, max(line, 1)), Message: fmt.Sprintf(format, args...)}
	}
	defer func() {
		if r := recover(); r != nil {
			proto, err = fail(1, "this file cannot be compiled: %v", r)
		}
	}()
	proto, err = lua.Compile(t.statements, name)
	var e *lua.CompileError
	switch {
	case errors.As(err, &e):
		return fail(e.Line, "%s", plainCompile(e.Message))
	case err != nil:
		return fail(1, "%v", err)
	}
	if long := longFunction(proto); long != nil {
		return fail(long.LineDefined, "the function that begins here has %s instructions; %s is the maximum: split it", grouped(int64(len(long.Code))), grouped(maxInstructions))
	}
	if line, n := adjust(proto); n > 0 {
		return fail(line, "the function that begins here uses %d local variables of the functions around it; %d is the maximum", n, maxCaptured)
	}
	return proto, nil
}

// maxInstructions is the length of the longest jump. The compiler checks it for
// some jumps only.
const maxInstructions = 1<<17 - 1

// longFunction returns a function in which a jump may be too long, or nil.
func longFunction(p *lua.FunctionProto) *lua.FunctionProto {
	if len(p.Code) > maxInstructions {
		return p
	}
	for _, inner := range p.FunctionPrototypes {
		if long := longFunction(inner); long != nil {
			return long
		}
	}
	return nil
}

func plainCompile(message string) string {
	switch {
	case strings.HasPrefix(message, "no loop to break"):
		return "'break' is outside of a loop"
	case strings.HasPrefix(message, "too many local variables"):
		return "the function that begins here has more than 200 local variables at once"
	case strings.HasPrefix(message, "register overflow"):
		return "the function that begins here has an expression, call or list of too many values for one statement; split it"
	case strings.HasPrefix(message, "cannot use '...'"):
		return "'...' is in a function that does not have it as a parameter: write function(...)"
	}
	return message
}

// adjust replaces tail calls by calls, because each endless tail call adds to
// the traceback. It releases the spare capacity of the compiler's slices, some
// 18 KB a function. It reports the first function that captures too many
// locals: its line and how many, 0 if there is none.
func adjust(p *lua.FunctionProto) (line, captured int) {
	if len(p.DbgUpvalues) > maxCaptured {
		return p.LineDefined, len(p.DbgUpvalues)
	}
	for pc := 0; pc < len(p.Code); pc++ {
		inst := p.Code[pc]
		switch int(inst >> 26) {
		case lua.OP_TAILCALL:
			p.Code[pc] = inst&0x3ffffff | uint32(lua.OP_CALL)<<26
		case lua.OP_CLOSURE:
			pc += int(p.FunctionPrototypes[inst&0x3ffff].NumUpvalues)
		}
	}
	storeOnce(p)
	replaceMarkers(p)
	p.Code = slices.Clone(p.Code)
	p.Constants = slices.Clone(p.Constants)
	p.DbgSourcePositions = slices.Clone(p.DbgSourcePositions)
	p.DbgCalls = slices.Clone(p.DbgCalls)
	p.DbgUpvalues = slices.Clone(p.DbgUpvalues)
	p.DbgLocals = slices.Clone(p.DbgLocals)
	p.FunctionPrototypes = slices.Clone(p.FunctionPrototypes)
	for _, inner := range p.FunctionPrototypes {
		if line, captured = adjust(inner); captured > 0 {
			return line, captured
		}
	}
	return 0, 0
}
