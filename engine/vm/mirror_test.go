//lint:file-ignore U1000 the fields mirror those of gopher-lua

package vm

import (
	"os"
	"reflect"
	"regexp"
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

// mirroredVersion is the version of gopher-lua whose source the mirror, the meter
// and the corrections of the language were written from.
const mirroredVersion = "v1.1.2"

// TestMirrorVersion fails when gopher-lua is upgraded: a layout can be the same
// and mean something else.
func TestMirrorVersion(t *testing.T) {
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\s*(?:require )?github\.com/yuin/gopher-lua (\S+)`).FindSubmatch(text)
	if found == nil {
		t.Fatal("go.mod does not require gopher-lua")
	}
	if version := string(found[1]); version != mirroredVersion {
		t.Fatalf(`go.mod has gopher-lua %s, the mirror was written for %s. Before you set mirroredVersion:
  1. TestMirror must pass. If a field moved, was added or is used differently, change mirror.go. Read the
     changes of state.go, vm.go, value.go and table.go: a field of the same type may have another meaning.
  2. Read the changes of opcode.go and vm.go: meter.go and memory.go charge by instruction and operand, and
     jump.go, constructor.go, numeral.go and concat.go replace instructions.
  3. go test ./engine/vm, on a machine with lua5.1. A test of a corrected fault that fails because gopher-lua
     is right now shows which file can go; engine/vm/README.md lists the faults.
  4. go test ./engine/vm -run TestDifferentialSoak -diff.for 10m finds no program that lua5.1 executes otherwise.
  5. go test ./engine/vm -run - -bench 'Loop|SmallRun' beside the version before.`, version, mirroredVersion)
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
