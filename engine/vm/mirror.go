//lint:file-ignore U1000 the fields mirror those of gopher-lua, also those that are not read

package vm

import (
	"context"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// gopher-lua has its stack and tables in unexported fields. These structs
// mirror their layout, so that the meter can read the next instruction and its
// operands. TestMirror compares every field with the real ones by reflection,
// and the version is pinned in go.mod.

type stateMirror struct {
	G            *lua.Global
	Parent       *lua.LState
	Env          *lua.LTable
	Panic        func(*lua.LState)
	Dead         bool
	Options      lua.Options
	stop         int32
	reg          *registryMirror
	stack        stackMirror
	alloc        *allocatorMirror
	currentFrame *frameMirror
	wrapped      bool
	uvcache      *upvalueMirror
	hasErrorFunc bool
	mainLoop     func(*lua.LState, *frameMirror)
	ctx          context.Context
	ctxCancelFn  context.CancelFunc
}

// stackMirror is the interface value of the call stack; data is its value in
// states made without MinimizeStackMemory.
type stackMirror struct {
	itab unsafe.Pointer
	data *fixedStackMirror
}

type fixedStackMirror struct {
	array []frameMirror
	sp    int
}

type frameMirror struct {
	Idx        int
	Fn         *lua.LFunction
	Parent     *frameMirror
	Pc         int
	Base       int
	LocalBase  int
	ReturnBase int
	NArgs      int
	NRet       int
	TailCall   int
}

type registryMirror struct {
	array   []lua.LValue
	top     int
	growBy  int
	maxSize int
	alloc   *allocatorMirror
	handler [2]unsafe.Pointer
}

type allocatorMirror struct {
	size          int
	fptrs         []float64
	fheader       unsafe.Pointer
	scratchValue  lua.LValue
	scratchValueP unsafe.Pointer
}

type upvalueMirror struct {
	next   *upvalueMirror
	reg    *registryMirror
	index  int
	value  lua.LValue
	closed bool
}

type tableMirror struct {
	Metatable lua.LValue
	array     []lua.LValue
	dict      map[lua.LValue]lua.LValue
	strdict   map[string]lua.LValue
	keys      []lua.LValue
	k2i       map[lua.LValue]int
}

func mirrorOf(L *lua.LState) *stateMirror         { return (*stateMirror)(unsafe.Pointer(L)) }
func tableOf(t *lua.LTable) *tableMirror          { return (*tableMirror)(unsafe.Pointer(t)) }
func (f *frameMirror) line() int                  { return lineAt(f.Fn.Proto, f.Pc-1) }
func (f *frameMirror) instruction() (inst uint32) { return f.Fn.Proto.Code[f.Pc-1] }

func lineAt(p *lua.FunctionProto, pc int) int {
	if pc < 0 || pc >= len(p.DbgSourcePositions) {
		return p.LineDefined
	}
	return p.DbgSourcePositions[pc]
}
