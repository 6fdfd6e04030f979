package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/openapi"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// functionRun runs one script with a library "till" once, and returns the run
// when it has ended or waits for a person, with its steps.
func functionRun(t *testing.T, data, script string, functions []vm.Function, ready func(*engine.Engine, context.CancelFunc)) (journal.Run, []journal.Step) {
	t.Helper()
	scripts := filepath.Join(data, "scripts")
	manual := clock.NewManual(time.Now())
	if _, err := os.Stat(scripts); err != nil {
		must(t, os.MkdirAll(scripts, 0o755))
		must(t, os.WriteFile(filepath.Join(scripts, "sale.lua"), []byte(script), 0o644))
	}
	e, err := engine.New(t.Context(), engine.Config{
		Scripts: scripts, Data: filepath.Join(data, "data"), Listen: "127.0.0.1:0", Secrets: map[string]string{"pin": "very-secret", "code": "20402040"},
		Libraries: []vm.Library{{Name: "till", Functions: functions}}, Clock: manual, Grace: time.Millisecond,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- e.Run(ctx) }()
	<-e.Ready()
	ready(e, stop)
	var run journal.Run
	var steps []journal.Step
	deadline := time.Now().Add(maxWait)
	for ctx.Err() == nil {
		runs, err := e.Journal().Runs(t.Context(), journal.RunQuery{Limit: 10})
		must(t, err)
		if len(runs) == 1 && (runs[0].State.Ended() || runs[0].State == journal.Held) {
			run, steps, err = e.Journal().Run(t.Context(), runs[0].ID)
			must(t, err)
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the run did not end: %+v", runs)
		}
		manual.Advance(time.Minute) // for attempts that wait
		runtime.Gosched()
	}
	stop()
	must(t, <-stopped)
	return run, steps
}

func sell(t *testing.T) func(*engine.Engine, context.CancelFunc) {
	return func(e *engine.Engine, _ context.CancelFunc) {
		_, err := e.Send(t.Context(), control.Message{Type: "emit:sale", Data: json.RawMessage(`{"item":"tea"}`)})
		must(t, err)
	}
}

// TestFunctionOfALibrary shows how the result of a Go function reaches the
// script, and what follows from each kind of error.
func TestFunctionOfALibrary(t *testing.T) {
	const try = `on("emit:sale", { %s }, function(event)
  local result, err = try(function() return require("till").sell { item = event.data.item, price = 1.5, pin = secret "pin", code = secret "code" } end)
  state.put("result", { result = result, kind = err and err.kind, text = err and err.message, retryable = err and err.retryable })
end)`
	unsure := bindings.Error{Kind: bindings.Uncertain, Message: "no answer to very-secret", Retryable: true}
	returned := unsure
	for name, test := range map[string]struct {
		options string
		f       vm.Function
		state   journal.State
		result  string // of the step state.put: its arguments
		calls   int64
	}{
		"a result": {f: vm.Function{Step: func(_ context.Context, args json.RawMessage) (any, error) {
			return map[string]any{"got": args}, nil
		}}, state: journal.Succeeded, calls: 1, result: `"result":{"got":{"code":"[secret]","item":"tea","pin":"[secret]","price":1.5}}`},
		"an error of a kind": {f: vm.Function{Step: func(context.Context, json.RawMessage) (any, error) {
			return nil, &bindings.Error{Kind: bindings.NotFound, Message: "no tea for very-secret"}
		}}, state: journal.Succeeded, calls: 1, result: `"kind":"not_found","text":"no tea for [secret]"`},
		"any other error of one that changes something": {f: vm.Function{Step: func(context.Context, json.RawMessage) (any, error) {
			return nil, errors.New("the drawer is stuck")
		}}, state: journal.Held, calls: 1},
		"the same, raised": {options: `on_uncertain = "raise"`, f: vm.Function{Step: func(context.Context, json.RawMessage) (any, error) {
			return nil, errors.New("the drawer is stuck")
		}}, state: journal.Succeeded, calls: 1, result: `"kind":"uncertain","text":"the drawer is stuck"`},
		"the same, repeated": {options: `on_uncertain = "retry", retry = { attempts = 3 }`, f: vm.Function{Step: func(context.Context, json.RawMessage) (any, error) {
			return nil, errors.New("the drawer is stuck")
		}}, state: journal.Succeeded, calls: 3, result: `"kind":"uncertain"`},
		"uncertain in its own words, raised": {options: `on_uncertain = "raise"`, f: vm.Function{Step: func(context.Context, json.RawMessage) (any, error) {
			return nil, &returned
		}}, state: journal.Succeeded, calls: 1, result: `"kind":"uncertain","text":"no answer to [secret]","retryable":false`},
		"repeated, then not done": {options: `on_uncertain = "retry", retry = { attempts = 3 }`, f: vm.Function{Step: firstThen(errors.New("the drawer is stuck"), &bindings.Error{Kind: bindings.Unavailable, Message: "closed"})},
			state: journal.Succeeded, calls: 3, result: `"kind":"uncertain","text":"closed; an earlier call may have been done"`},
		"repeated, then refused for now": {options: `on_uncertain = "retry", retry = { attempts = 3 }`, f: vm.Function{Step: firstThen(errors.New("the drawer is stuck"), &bindings.Error{Kind: bindings.RateLimited, Message: "slower"})},
			state: journal.Succeeded, calls: 3, result: `"kind":"uncertain","text":"slower; whether it was done when it was sent before is not known"`},
		"refused for now": {options: `retry = { attempts = 3 }`, f: vm.Function{Step: firstThen(&bindings.Error{Kind: bindings.RateLimited, Message: "slower"}, nil)},
			state: journal.Succeeded, calls: 2, result: `"result":{"sold":true}`},
		"a secret as a number": {f: vm.Function{Step: func(_ context.Context, args json.RawMessage) (any, error) {
			return json.RawMessage(`{"number":20402040}`), nil
		}}, state: journal.Succeeded, calls: 1, result: `"kind":"invalid"`},
		"a panic": {f: vm.Function{Step: func(context.Context, json.RawMessage) (any, error) { panic("out of paper") }},
			state: journal.Held, calls: 1},
		"an error of one that reads": {f: vm.Function{ReadOnly: true, Step: func(context.Context, json.RawMessage) (any, error) {
			return nil, errors.New("the drawer is stuck")
		}}, state: journal.Succeeded, calls: 1, result: `"kind":"unavailable"`},
		"too slow": {f: vm.Function{Idempotent: "a sale has a number", Timeout: time.Millisecond, Step: func(ctx context.Context, _ json.RawMessage) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}, state: journal.Succeeded, calls: 1, result: `"kind":"timeout","text":"it did not return within 1ms"`},
		"a result that is not JSON": {f: vm.Function{Step: func(context.Context, json.RawMessage) (any, error) { return func() {}, nil }},
			state: journal.Succeeded, calls: 1, result: `"kind":"invalid"`},
		"computed": {f: vm.Function{Compute: func(json.RawMessage) (any, error) { return nil, errors.New("never called") }},
			state: journal.Failed, calls: 0},
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int64
			f := test.f
			f.Name = "sell"
			if step := f.Step; step != nil {
				f.Step = func(ctx context.Context, args json.RawMessage) (any, error) {
					calls.Add(1)
					return step(ctx, args)
				}
			}
			run, steps := functionRun(t, t.TempDir(), fmt.Sprintf(try, test.options), []vm.Function{f}, sell(t))
			if run.State != test.state || calls.Load() != test.calls {
				t.Errorf("the run is %s after %d calls, want %s after %d: %+v", run.State, calls.Load(), test.state, test.calls, run.Problem)
			}
			if test.result != "" && !strings.Contains(string(steps[len(steps)-1].Args), test.result) {
				t.Errorf("the script got %s, want %s in it", steps[len(steps)-1].Args, test.result)
			}
			for _, step := range steps {
				if text, _ := json.Marshal(step); strings.Contains(string(text), "very-secret") {
					t.Errorf("a secret is in the journal: %s", text)
				}
			}
		})
	}
	if !reflect.DeepEqual(returned, unsure) {
		t.Errorf("the function's own error was changed: %v", &returned)
	}
}

// firstThen returns a Step with an error of its first call, and of all later
// ones; nil is a sale.
func firstThen(first, later error) func(context.Context, json.RawMessage) (any, error) {
	var calls atomic.Int64
	return func(context.Context, json.RawMessage) (any, error) {
		err := later
		if calls.Add(1) == 1 {
			err = first
		}
		if err != nil {
			return nil, err
		}
		return map[string]any{"sold": true}, nil
	}
}

// TestFunctionAfterARestart stops the engine while a function is called, as a
// crash does, and shows what the next engine does with the run.
func TestFunctionAfterARestart(t *testing.T) {
	const script = `on("emit:sale", function(event)
  local tax = require("till").tax { price = 10 }
  local sold = require("till").sell { item = event.data.item }
  state.put("sold", { tax = tax, number = sold.number })
end)`
	for name, test := range map[string]struct {
		sell  vm.Function
		state journal.State
		sales int64
	}{
		"may be done twice": {vm.Function{}, journal.Held, 1},
		"idempotent":        {vm.Function{Idempotent: "a sale has a number"}, journal.Succeeded, 2},
		"reads":             {vm.Function{ReadOnly: true}, journal.Succeeded, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var sales, taxes atomic.Int64
			selling := make(chan struct{})
			f := test.sell
			f.Name = "sell"
			f.Step = func(ctx context.Context, _ json.RawMessage) (any, error) {
				if sales.Add(1) == 1 {
					close(selling)
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return map[string]any{"number": sales.Load()}, nil
			}
			functions := []vm.Function{f, {Name: "tax", Compute: func(args json.RawMessage) (any, error) {
				taxes.Add(1)
				var of struct{ Price float64 }
				err := json.Unmarshal(args, &of)
				return of.Price / 5, err
			}}}
			dir := t.TempDir()
			functionRun(t, dir, script, functions, func(e *engine.Engine, stop context.CancelFunc) {
				sell(t)(e, stop)
				<-selling
				stop()
			})
			run, steps := functionRun(t, dir, script, functions, func(*engine.Engine, context.CancelFunc) {})
			if run.State != test.state || sales.Load() != test.sales || taxes.Load() != 2 {
				t.Errorf("the run is %s after %d sales and %d computations, want %s after %d and 2: %+v", run.State, sales.Load(), taxes.Load(), test.state, test.sales, run.Problem)
			}
			if test.state == journal.Succeeded && !strings.Contains(string(steps[len(steps)-1].Args), `{"tax":2,"number":2}`) {
				t.Errorf("the script got %s", steps[len(steps)-1].Args)
			}
		})
	}
}

// TestLibrariesThatCannotBe shows what New refuses.
func TestLibrariesThatCannotBe(t *testing.T) {
	compute := func(json.RawMessage) (any, error) { return nil, nil }
	for want, libraries := range map[string][]vm.Library{
		`library "Till": expected a name of lower-case letters, digits and _`:                 {{Name: "Till"}},
		`library "till": another library has this name; choose another`:                       {{Name: "till"}, {Name: "till"}},
		`library "shop": an app has this name; choose another`:                                {{Name: "shop"}},
		`library "till": function "a.b": expected a name of lower-case letters, digits and _`: {{Name: "till", Functions: []vm.Function{{Name: "a.b", Compute: compute}}}},
		`library "till": function "a": expected either Compute or Step`:                       {{Name: "till", Functions: []vm.Function{{Name: "a"}}}},
		`library "till": function "a" is there twice`:                                         {{Name: "till", Functions: []vm.Function{{Name: "a", Compute: compute}, {Name: "a", Compute: compute}}}},
	} {
		config := smallConfig(t)
		config.Apps = []*bindings.App{{Name: "shop", Catalogue: &bindings.Catalogue{}}}
		config.Libraries = libraries
		if _, err := engine.New(t.Context(), config); err == nil || err.Error() != want {
			t.Errorf("found %v, want %s", err, want)
		}
	}
}

// TestAppNames: no app has the name of a global of scripts.
func TestAppNames(t *testing.T) {
	for name := range vm.New(vm.Config{}).Globals() {
		if openapi.CheckName(name) == nil {
			t.Errorf("an app may be called %q", name)
		}
	}
}
