//lint:file-ignore U1000 the fields mirror those of gopher-lua, also those that are not read

package vm

import (
	"context"
	"fmt"
	"reflect"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// These structs mirror the layout of gopher-lua's state, call stack, registers,
// upvalues and tables, whose fields are not exported. The meter needs them: it
// runs before each instruction, and must read that instruction and its operands
// to charge for the memory before it is allocated, to measure what a run can
// reach, and to correct what the virtual machine computes wrong. gopher-lua has no
// API for that, a fork would have to be kept up with it, and debug hooks, which
// it lacks too, would cost more than the instruction. So this file is the only
// one that depends on the layout. checkMirror compares it field by field when a
// machine is made, so that a program built with another version refuses to start;
// TestMirrorVersion lists what to do for an upgrade.

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
func (u *upvalueMirror) close()                   { (*lua.Upvalue)(unsafe.Pointer(u)).Close() }
func (f *frameMirror) line() int                  { return lineAt(f.Fn.Proto, f.Pc-1) }
func (f *frameMirror) instruction() (inst uint32) { return f.Fn.Proto.Code[f.Pc-1] }

func lineAt(p *lua.FunctionProto, pc int) int {
	if pc < 0 || pc >= len(p.DbgSourcePositions) {
		return p.LineDefined
	}
	return p.DbgSourcePositions[pc]
}

// checkMirror compares the mirrors with the real types, so that another version
// of gopher-lua is an error and its memory is not misread.
func checkMirror() error {
	L := lua.NewState(lua.Options{CallStackSize: 1, RegistrySize: 128, SkipOpenLibs: true})
	defer L.Close()
	state := reflect.TypeOf(lua.LState{})
	stack := reflect.ValueOf(L).Elem().FieldByName("stack").Elem().Type().Elem()
	field := func(t reflect.Type, name string) reflect.Type {
		f, ok := t.FieldByName(name)
		if !ok || f.Type.Kind() != reflect.Pointer {
			return reflect.TypeOf(struct{}{})
		}
		return f.Type.Elem()
	}
	frame := reflect.TypeOf(struct{}{})
	if array, ok := stack.FieldByName("array"); ok && array.Type.Kind() == reflect.Slice {
		frame = array.Type.Elem()
	}
	registry := field(state, "reg")
	for _, pair := range []struct{ ours, real reflect.Type }{
		{reflect.TypeFor[stateMirror](), state},
		{reflect.TypeFor[fixedStackMirror](), stack},
		{reflect.TypeFor[frameMirror](), frame},
		{reflect.TypeFor[registryMirror](), registry},
		{reflect.TypeFor[allocatorMirror](), field(state, "alloc")},
		{reflect.TypeFor[upvalueMirror](), reflect.TypeFor[lua.Upvalue]()},
		{reflect.TypeFor[tableMirror](), reflect.TypeFor[lua.LTable]()},
	} {
		if err := sameLayout(pair.ours, pair.real); err != nil {
			return fmt.Errorf("this version of gopher-lua has another layout than the one that the meter reads: %w", err)
		}
	}
	return nil
}

func sameLayout(ours, real reflect.Type) error {
	if ours.Size() != real.Size() || ours.NumField() != real.NumField() {
		return fmt.Errorf("%s has another size than %s", real, ours)
	}
	for i := range ours.NumField() {
		o, r := ours.Field(i), real.Field(i)
		opaque := o.Type.Kind() == reflect.Array || o.Type.Kind() == reflect.Struct || o.Type.Kind() == reflect.UnsafePointer
		if o.Name != r.Name || o.Offset != r.Offset || o.Type.Size() != r.Type.Size() || !opaque && o.Type.Kind() != r.Type.Kind() {
			return fmt.Errorf("%s.%s is not %s.%s", real, r.Name, ours, o.Name)
		}
	}
	return nil
}
