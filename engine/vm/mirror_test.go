//lint:file-ignore U1000 the fields mirror those of gopher-lua

package vm

import (
	"reflect"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

func TestMirror(t *testing.T) {
	if err := checkMirror(); err != nil {
		t.Fatal(err)
	}
	L := lua.NewState(lua.Options{CallStackSize: 10, RegistrySize: 128, SkipOpenLibs: true})
	defer L.Close()
	L.Push(lua.LString("here"))
	s := mirrorOf(L)
	if s.reg.top != 1 || s.reg.array[0] != lua.LString("here") || len(s.stack.data.array) != 10 {
		t.Fatal("the mirror shows something else than the state")
	}
	table := L.CreateTable(2, 2)
	table.Append(lua.LTrue)
	table.RawSetString("a", lua.LNumber(1))
	if m := tableOf(table); len(m.array) != 1 || m.strdict["a"] != lua.LNumber(1) || len(m.keys) != 1 {
		t.Fatal("the mirror shows something else than the table")
	}
}

func TestMirrorRefusesOtherLayout(t *testing.T) {
	type moved struct {
		Metatable lua.LValue
		dict      map[lua.LValue]lua.LValue
		array     []lua.LValue
		strdict   map[string]lua.LValue
		keys      []lua.LValue
		k2i       map[lua.LValue]int
	}
	if sameLayout(reflect.TypeFor[moved](), reflect.TypeFor[lua.LTable]()) == nil {
		t.Fatal("fields in another order went unseen")
	}
}
