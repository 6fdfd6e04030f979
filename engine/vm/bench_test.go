package vm_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/engine/vm"
)

var smallEvent = json.RawMessage(`{"id":"e1","type":"in:/test","data":{"name":"Ada"}}`)

// A whole small run: state, environment, top level, handler.
func BenchmarkSmallRun(b *testing.B) {
	m := vm.New(vm.Config{})
	p := program(b, m, `
local function full_name(c) return (c.name or "") .. "!" end
on("in:/test", function(event)
  local names = { full_name(event), "b" }
  assert(#names == 2)
end)`)
	b.ReportAllocs()
	for b.Loop() {
		if out := m.Run(context.Background(), p, vm.Activation{Event: smallEvent}); out.Err != nil {
			b.Fatal(out.Err)
		}
	}
}

const loopSource = `
local function work()
  local t, n = { x = 1 }, 0
  for i = 1, 100000 do
    n = n + t.x * 2 - i % 7
    if n > 1000 then n = 0 end
    t.x = n
  end
end
`

// A loop of about a million instructions, metered.
func BenchmarkLoopMetered(b *testing.B) {
	m := vm.New(vm.Config{})
	p := program(b, m, loopSource+`on("in:/test", work)`)
	for b.Loop() {
		if out := m.Run(context.Background(), p, vm.Activation{Event: smallEvent}); out.Err != nil {
			b.Fatal(out.Err)
		}
	}
}

// The same with a context with a deadline, the limit that gopher-lua itself
// has.
func BenchmarkLoopDeadline(b *testing.B) {
	L := lua.NewState()
	defer L.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	L.SetContext(ctx)
	benchmarkPlain(b, L)
}

// The same without any bound.
func BenchmarkLoopUnbounded(b *testing.B) {
	L := lua.NewState()
	defer L.Close()
	benchmarkPlain(b, L)
}

func benchmarkPlain(b *testing.B, L *lua.LState) {
	f, err := L.LoadString(loopSource + "work()")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		L.Push(f)
		if err := L.PCall(0, 0, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	source, err := os.ReadFile("testdata/typical.lua")
	if err != nil {
		b.Fatal(err)
	}
	m := vm.New(vm.Config{})
	b.ReportAllocs()
	b.SetBytes(int64(len(source)))
	for b.Loop() {
		program(b, m, string(source))
	}
}
