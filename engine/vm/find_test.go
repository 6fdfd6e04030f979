package vm_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/vm"
)

// TestFindOption calls the function of the option find where the host asks for it.
func TestFindOption(t *testing.T) {
	m := vm.New(vm.Config{})
	const post = `local made = http.post("https://a.example", { json = {}, find = FIND }) log.info("made", made)`
	for _, test := range []struct{ name, find, result, problem string }{
		{"a result", `function() return { status = 201, ids = json.array { 1 } } end`, `{"status":201,"ids":[1]}`, ""},
		{"a text", `function() return "a" end`, `"a"`, ""},
		{"true", `function() return true end`, `true`, ""},
		{"false", `function() return false end`, `absent`, ""},
		{"nil", `function() end`, ``, "find returned nil; expected"},
		{"an error", `function() error("none") end`, ``, "find raised an error: test.lua:1: none"},
		{"a table as an error", `function() error({ 1 }) end`, ``, "find raised an error: "},
		{"an app error", `function() http.get("https://gone.example") end`, ``, "find raised an error: gone (not_found)"},
		{"an app error that is caught", `function() return select("#", try(http.get, "https://gone.example")) end`, `2`, ""},
		{"a read", `function() return http.get("https://b.example").status end`, `7`, ""},
		{"a write", `function() http.put("https://b.example") end`, ``, "http.put cannot be used in the function find"},
		{"another step", `function() return time.now() end`, ``, "time.now cannot be used in the function find"},
		{"a function", `function() return print end`, ``, "find returned a value that cannot be recorded"},
		{"a secret", `function() return secret "a" end`, ``, "find returned a secret"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var steps []vm.Step
			host := &recorder{answer: func(_ context.Context, s vm.Step) (json.RawMessage, error) {
				steps = append(steps, s)
				switch {
				case strings.Contains(string(s.Args), "gone"):
					return nil, &bindings.Error{Kind: bindings.NotFound, Message: "gone"}
				case s.InFind:
					return json.RawMessage(`{"status":7}`), nil
				case s.Options.Find && s.Found == nil:
					return nil, &vm.FindQuery{}
				}
				return json.RawMessage(`{"status":200}`), nil
			}}
			out := runWith(t, m, inHook(strings.Replace(post, "FIND", test.find, 1)), vm.Limits{Steps: 1}, host)
			if out.Err != nil {
				t.Fatal(out.Err)
			}
			last := steps[len(steps)-1]
			got := string(last.Found.Result)
			if last.Found.Absent {
				got = "absent"
			}
			if got != test.result || !strings.Contains(last.Found.Problem, test.problem) || (test.problem == "") != (last.Found.Problem == "") {
				t.Errorf("found %s, %q, want %s, %q", got, last.Found.Problem, test.result, test.problem)
			}
		})
	}
	for _, test := range []struct{ options, want string }{
		{`{ find = 1 }`, "http.post: the option find must be a function, found the number 1"},
		{`{ as = "file", find = print }`, `find and as = "file" cannot be used together`},
		{`{ finds = print }`, `unknown option "finds"; did you mean find?`},
	} {
		out, _ := run(t, m, inHook(`http.post("https://a.example", `+test.options+`)`), vm.Limits{})
		if e := wantScriptError(t, out.Err); !strings.Contains(e.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.options, e, test.want)
		}
	}
}

// TestFindEndsActivation ends the activation in a call of the function find: a park
// is not caught.
func TestFindEndsActivation(t *testing.T) {
	parked := errors.New("parked")
	host := &recorder{answer: func(_ context.Context, s vm.Step) (json.RawMessage, error) {
		if s.InFind {
			return nil, &vm.End{Cause: parked}
		}
		return nil, &vm.FindQuery{}
	}}
	out := runWith(t, vm.New(vm.Config{}), inHook(`http.post("https://a.example", { find = function() pcall(http.get, "https://b.example") return false end })`), vm.Limits{}, host)
	if !errors.Is(out.Err, parked) {
		t.Errorf("the activation ended with %v", out.Err)
	}
}
