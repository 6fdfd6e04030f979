package vm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock/clocktest"
	"github.com/tidewire/tidewire/engine/vm"
)

// A run must not be changed by the runs before it.
func TestRunsAreIsolated(t *testing.T) {
	m := vm.New(vm.Config{Slots: 1})
	for _, dirty := range []string{
		`leaked = 1; _G.leaked2 = 2`,
		`pcall(function() string.upper = nil end) pcall(function() table.insert = 1 end)`,
		`print = nil; pairs = nil; string = nil; tostring = 5`,
		`setmetatable(event, {__index = _G}); event.data.name = "changed"`,
		`for i = 1, 150 do _G["g" .. i] = function() return event end end`,
		`local t = {} for i = 1, 5000 do t[i] = i end; kept = {unpack(t, 1, 4000)}`,
		`local co = pcall(function() error({}) end); keep = function() return co end`,
		`error("left by an error")`,
		`while true do end`,
	} {
		run(t, m, inHook(dirty), vm.Limits{Instructions: 100_000})
		out, _ := run(t, m, inHook(`
			assert(leaked == nil and leaked2 == nil and g1 == nil and kept == nil and keep == nil)
			assert(type(print) == "function" and type(pairs) == "function" and type(string) == "table")
			assert(tostring(5) == "5" and ("x"):upper() == "X" and string.upper("y") == "Y")
			local n = 0
			for k in pairs(_G) do if k ~= "_G" and k ~= "params" then n = n + 1 end end
			assert(n == 0, "globals of another run")
			assert(getmetatable(event) == nil and event.data.name == "Ada")`), vm.Limits{})
		if out.Err != nil {
			t.Errorf("after %s\n\t%v", dirty, out.Err)
		}
	}
}

// The variables of the top level are new in each run.
func TestTopLevelRunsInEachRun(t *testing.T) {
	m := vm.New(vm.Config{})
	p := program(t, m, `local n = 0; on("in:/test", function() n = n + 1; print(n) end)`)
	host := &recorder{}
	for range 3 {
		if out := m.Run(t.Context(), p, vm.Activation{Event: smallEvent, Host: host}); out.Err != nil {
			t.Fatal(out.Err)
		}
	}
	if got := strings.Join(host.lines, " "); got != "1 1 1" {
		t.Fatalf("got %s", got)
	}
}

func TestWhereFunction(t *testing.T) {
	m := vm.New(vm.Config{})
	p := program(t, m, `
on("in:/test", { where = function(event) return event.data.name == "Ada" end }, function() print("ran") end)
on("in:/other", { where = function() return time.now() end }, print)
on("in:/third", { where = function() print("looked") return nil end }, print)`)
	for hook, want := range []string{"ran", "error test.lua:3: time.now cannot be used in a where function, which only reads the event", "looked skipped"} {
		host := &recorder{}
		out := m.Run(t.Context(), p, vm.Activation{Hook: hook, Event: smallEvent, Host: host})
		got := strings.Join(host.lines, " ")
		if out.Skipped {
			got += " skipped"
		}
		if out.Err != nil {
			got += "error " + out.Err.Error()
		}
		if got != want {
			t.Errorf("hook %d: got %q, want %q", hook, got, want)
		}
	}
}

func TestNoStepAtTopLevel(t *testing.T) {
	m := vm.New(vm.Config{})
	_, err := m.Load(t.Context(), program(t, m, "\nlocal now = time.now()"), vm.Settings{})
	if want := "test.lua:2: time.now cannot be used at the top level of a file; use it inside a hook's function"; err == nil || err.Error() != want {
		t.Fatalf("got %v, want %s", err, want)
	}
}

// The error of a step decides how the script goes on. A script cannot catch
// what ends a run from outside.
func TestStepResults(t *testing.T) {
	m := vm.New(vm.Config{})
	errLease := errors.New("the lease is lost")
	for name, c := range map[string]struct {
		answer error
		panics bool
		check  func(t *testing.T, out vm.Result, lines string)
	}{
		"app error": {answer: fmt.Errorf("call: %w", &bindings.Error{Kind: bindings.NotFound, Message: "no such thing"}), check: func(t *testing.T, out vm.Result, lines string) {
			if e := wantScriptError(t, out.Err); e.App == nil || e.App.Kind != bindings.NotFound || e.Position != "test.lua:3" || lines != "caught" {
				t.Errorf("%v, lines %q", out.Err, lines)
			}
		}},
		"end": {answer: &vm.End{Cause: errLease}, check: func(t *testing.T, out vm.Result, lines string) {
			if !errors.Is(out.Err, errLease) || lines != "" {
				t.Errorf("%v, lines %q", out.Err, lines)
			}
		}},
		"fault": {answer: errors.New("the disk is full"), check: func(t *testing.T, out vm.Result, lines string) {
			var fault *vm.Fault
			if !errors.As(out.Err, &fault) || fault.Position != "test.lua:1" || lines != "" {
				t.Errorf("%v, lines %q", out.Err, lines)
			}
		}},
		"panic": {panics: true, check: func(t *testing.T, out vm.Result, lines string) {
			var fault *vm.Fault
			if !errors.As(out.Err, &fault) || fault.Position != "test.lua:1" || fault.Stack == "" || lines != "" {
				t.Errorf("%v, lines %q", out.Err, lines)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			host := &recorder{answer: func(context.Context, vm.Step) (json.RawMessage, error) {
				if c.panics {
					panic("broken")
				}
				return nil, c.answer
			}}
			out := runWith(t, m, inHook("pcall(time.now) print('caught')\n\n time.now()"), vm.Limits{}, host)
			c.check(t, out, strings.Join(host.lines, "|"))
		})
	}
}

// All the ways in which Lua calls Lua: a limit that is reached inside must end
// the run, and nothing may run after it.
func TestLimitEndsNestedCalls(t *testing.T) {
	m := vm.New(vm.Config{})
	for _, line := range []string{
		`pcall(stop)`, `xpcall(stop, handler)`, `try(stop)`, `pcall(pcall, pcall, stop)`,
		`table.sort({1, 2, 3}, stop)`, `("abc"):gsub(".", stop)`, `for x in stop do end`,
		`local x = setmetatable({}, {__index = stop}).a`, `setmetatable({}, {__newindex = stop}).a = 1`,
		`local x = setmetatable({}, {__concat = stop}) .. "a"`, `local x = setmetatable({}, {__add = stop}) + 1`,
		`local x = -setmetatable({}, {__unm = stop})`, `setmetatable({}, {__call = stop})()`,
		`tostring(setmetatable({}, {__tostring = stop}))`, `string.format("%s", setmetatable({}, {__tostring = stop}))`,
		`local mt = {__lt = stop} local x = setmetatable({}, mt) < setmetatable({}, mt)`,
		`local mt = {__eq = stop} local x = setmetatable({}, mt) == setmetatable({}, mt)`,
		`local x = #setmetatable({}, {__len = stop})`, `map({ a = stop })({})`, `print(setmetatable({}, {__tostring = stop}))`,
	} {
		out, host := run(t, m, `local function stop() while true do end end
local function handler() print("a handler ran") end
`+inHook(`pcall(function() `+line+` print("went on") end) print("went on")`), vm.Limits{Instructions: 10_000})
		var limit *vm.LimitError
		if !errors.As(out.Err, &limit) || limit.Limit != "instructions" || len(host.lines) > 0 || limit.Position != "test.lua:1" {
			t.Errorf("%s\n\t%v, lines %q", line, out.Err, host.lines)
		}
	}
}

func TestCancel(t *testing.T) {
	m := vm.New(vm.Config{})
	p := program(t, m, inHook(`time.now() while true do pcall(function() while true do end end) end`))
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the operator cancelled the run")
	host := &recorder{answer: func(context.Context, vm.Step) (json.RawMessage, error) {
		cancel(cause)
		return json.RawMessage(`"2026-12-01T09:00:00Z"`), nil
	}}
	out := m.Run(ctx, p, vm.Activation{Event: smallEvent, Host: host})
	if !errors.Is(out.Err, context.Canceled) || !errors.Is(out.Err, cause) {
		t.Fatalf("got %v", out.Err)
	}
}

// During a host call the timer is stopped and the slot released.
func TestHostCallsReleaseSlotAndTimer(t *testing.T) {
	t.Parallel() // it waits
	m := vm.New(vm.Config{Slots: 1})
	p := program(t, m, inHook(`time.now()`))
	var both sync.WaitGroup
	both.Add(2)
	host := func() *recorder {
		return &recorder{answer: func(context.Context, vm.Step) (json.RawMessage, error) {
			both.Done()
			both.Wait() // returns only if both runs are in their host call at once
			return json.RawMessage(`"2026-12-01T09:00:00Z"`), nil
		}}
	}
	var done sync.WaitGroup
	for range 2 {
		done.Go(func() {
			if out := m.Run(t.Context(), p, vm.Activation{Event: smallEvent, Host: host()}); out.Err != nil {
				t.Error(out.Err)
			}
		})
	}
	done.Wait()

	slow := &recorder{answer: func(ctx context.Context, _ vm.Step) (json.RawMessage, error) {
		<-time.After(1100 * time.Millisecond)
		return json.RawMessage(`"2026-12-01T09:00:00Z"`), nil
	}}
	if out := m.Run(t.Context(), p, vm.Activation{Event: smallEvent, Host: slow, Limits: vm.Limits{Time: time.Second}}); out.Err != nil {
		t.Fatalf("the host's time was counted: %v", out.Err)
	}
}

func TestInstructionLimitIsExact(t *testing.T) {
	m := vm.New(vm.Config{})
	source := inHook(`for i = 1, 1000 do end`)
	enough := int64(0)
	for n := int64(1000); n < 2000; n++ {
		out, _ := run(t, m, source, vm.Limits{Instructions: n})
		if out.Err == nil {
			enough = n
			break
		}
	}
	for range 20 {
		if out, _ := run(t, m, source, vm.Limits{Instructions: enough - 1}); out.Err == nil {
			t.Fatal("one instruction less was enough")
		}
		if out, _ := run(t, m, source, vm.Limits{Instructions: enough}); out.Err != nil {
			t.Fatalf("the same limit was not enough: %v", out.Err)
		}
	}
}

// Garbage does not count: a run may allocate many times its limit of memory.
func TestMemoryCountsReachableValues(t *testing.T) {
	m := vm.New(vm.Config{})
	out, _ := run(t, m, inHook(`
 local kept = {}
 for i = 1, 2000 do
   local page = {}
   for j = 1, 20 do page[j] = { id = "record " .. i .. "/" .. j, tags = { "a", "b" } } end
   kept[i % 50 + 1] = page
 end`), vm.Limits{Memory: 24 << 20})
	if out.Err != nil {
		t.Fatal(out.Err)
	}
}

func TestConcurrentRuns(t *testing.T) {
	m := vm.New(vm.Config{Slots: 4})
	p := program(t, m, `
local rename = map { full = "name" }
on("in:/test", function(event)
  local words = {}
  for w in ("one two three"):gmatch("%a+") do words[#words + 1] = w:upper() end
  table.sort(words)
  assert(table.concat(words, ",") == "ONE,THREE,TWO")
  assert(rename(event.data).full == "Ada")
  for name, f in pairs(string) do assert(f, name) end
  pcall(error, "x")
  json.decode(json.encode(event))
end)`)
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for range 100 {
				if out := m.Run(t.Context(), p, vm.Activation{Event: smallEvent, Host: &recorder{}}); out.Err != nil {
					t.Error(out.Err)
					return
				}
			}
		})
	}
	done.Wait()
}

func TestGoroutinesEnd(t *testing.T) {
	m := vm.New(vm.Config{})
	before := runtime.NumGoroutine()
	for range 50 {
		run(t, m, inHook(`while true do end`), vm.Limits{Instructions: 1000})
	}
	timeout := time.After(clocktest.MaxWait)
	for runtime.NumGoroutine() > before {
		select {
		case <-time.After(time.Millisecond):
		case <-timeout:
			t.Fatalf("%d goroutines before, %d a minute after", before, runtime.NumGoroutine())
		}
	}
}

// TestDepth: an activation can have a deeper call stack than the machine's.
func TestDepth(t *testing.T) {
	m := vm.New(vm.Config{})
	p := program(t, m, inHook(`local function f(n) if n > 0 then f(n - 1) end return n end; f(400)`))
	for depth, fails := range map[int]bool{0: true, 300: true, 500: false} {
		err := m.Run(t.Context(), p, vm.Activation{Event: smallEvent, Host: &recorder{}, Limits: vm.Limits{Depth: depth}}).Err
		var over *vm.LimitError
		if fails != errors.As(err, &over) || fails && over.Limit != "depth" || !fails && err != nil {
			t.Errorf("with a depth of %d: %v", depth, err)
		}
	}
}
