package vm

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// Library is a module of Go functions that scripts require by its name. A
// script calls each with one table of arguments, or with none.
type Library struct {
	Name      string // a lower-case letter, then lower-case letters, digits and _
	Functions []Function
}

// Function is a Go function of a Library. It has either Compute or Step.
type Function struct {
	Name string // as a Library's
	// Compute returns a value that follows from the arguments alone, a JSON
	// object, as encoding/json writes it. A replay calls it again, so it must
	// return the same each time. Its error is raised in the script.
	Compute func(args json.RawMessage) (any, error)
	// Step reads or changes something outside the script. Its result is recorded
	// as a step, and a replay returns the record. Arguments and result are as
	// those of Compute, with secrets opened.
	//
	// A *bindings.Error is the answer to the script: nothing was done, or what
	// was done is known. Any other error leaves that open: it is of kind
	// uncertain where repeating the function may change something, else of
	// kind unavailable or timeout, after which the run is retried. A function
	// that does not return when ctx is done holds the shutdown up.
	Step func(ctx context.Context, args json.RawMessage) (any, error)
	// ReadOnly is set for a Step that changes nothing. Idempotent, if it is not
	// empty, is the reason why repeating the Step changes nothing more. Of others
	// the step is recorded as begun before it is called: after a crash the run is
	// held until a person decides, as the hook's on_uncertain has it.
	ReadOnly   bool
	Idempotent string
	// Timeout bounds a Step; zero means 30 s.
	Timeout time.Duration
}

// defaultFunctionTimeout bounds a Step that has no Timeout.
const defaultFunctionTimeout = 30 * time.Second

var libraryName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// CheckLibraries returns an error for libraries that a Machine with these apps
// cannot have.
func CheckLibraries(libraries []Library, apps []*bindings.App) error {
	usedBy := map[string]string{}
	for _, app := range apps {
		for _, module := range app.Modules() {
			usedBy[module] = "an app"
		}
	}
	for _, l := range libraries {
		switch {
		case !libraryName.MatchString(l.Name):
			return fmt.Errorf("library %q: expected a name of lower-case letters, digits and _", l.Name)
		case usedBy[l.Name] != "":
			return fmt.Errorf("library %q: %s has this name; choose another", l.Name, usedBy[l.Name])
		}
		usedBy[l.Name] = "another library"
		names := map[string]bool{}
		for _, f := range l.Functions {
			switch {
			case !libraryName.MatchString(f.Name):
				return fmt.Errorf("library %q: function %q: expected a name of lower-case letters, digits and _", l.Name, f.Name)
			case names[f.Name]:
				return fmt.Errorf("library %q: function %q is there twice", l.Name, f.Name)
			case (f.Compute == nil) == (f.Step == nil):
				return fmt.Errorf("library %q: function %q: expected either Compute or Step", l.Name, f.Name)
			}
			names[f.Name] = true
		}
	}
	return nil
}

// newLibrary makes what require returns for a library.
func newLibrary(l Library) lua.LValue {
	app := &bindings.App{Name: l.Name}
	functions := map[string]lua.LGFunction{}
	for _, f := range l.Functions {
		if f.Compute != nil {
			functions[f.Name] = func(L *lua.LState) int { return callCompute(L, l.Name+"."+f.Name, f.Compute) }
			continue
		}
		timeout := f.Timeout
		if timeout <= 0 {
			timeout = defaultFunctionTimeout
		}
		s := Step{
			Kind: StepFunction, Name: l.Name + "." + f.Name, App: app, Function: f.Step, Options: CallOptions{Timeout: timeout},
			Operation: &bindings.Operation{Name: f.Name, Safe: f.ReadOnly, Idempotent: f.Idempotent},
		}
		functions[f.Name] = func(L *lua.LState) int { return callStep(L, s) }
	}
	return freeze(l.Name, functions, nil)
}

// callCompute calls the Compute of a library's function.
func callCompute(L *lua.LState, name string, compute func(json.RawMessage) (any, error)) int {
	a := activationOf(L)
	args, secrets := functionArguments(L, name)
	if len(secrets) > 0 {
		raise(L, "%s: a secret cannot be an argument of a function that only computes", name)
	}
	a.charge(L, 100+int64(len(args))/16, int64(len(args)))
	value, err := compute(args)
	if err != nil {
		raise(L, "%s: %v", name, err)
	}
	text, err := json.Marshal(value)
	if err != nil {
		raise(L, "%s: the result is not JSON: %v", name, err)
	}
	a.charge(L, int64(len(text))/16, int64(len(text)))
	L.Push(a.decode(L, text, nil, nil, false))
	return 1
}

// callStep performs the Step of a library's function.
func callStep(L *lua.LState, s Step) int {
	a := activationOf(L)
	s.Args, s.Secrets = functionArguments(L, s.Name)
	L.Push(a.decode(L, a.step(L, s), nil, nil, false))
	return 1
}

// functionArguments encodes the one table of arguments.
func functionArguments(L *lua.LState, name string) (args json.RawMessage, secrets map[string]Secret) {
	e := &encoder{secrets: map[string]Secret{}}
	switch given := L.Get(1).(type) {
	case *lua.LNilType:
		return json.RawMessage("{}"), nil
	case *lua.LTable:
		if given.MaxN() > 0 || isList(given) {
			raise(L, "%s: the arguments are a table of names and values, found a list", name)
		}
		if err := activationOf(L).write(L, e, func() error { return e.object(given, shape{kind: bindings.Object}) }); err != nil {
			raise(L, "%s: %v", name, err)
		}
	default:
		raise(L, "%s: the arguments are a table of names and values, found %s; write %s { name = value }", name, describe(given), name)
	}
	if len(e.secrets) == 0 {
		return e.out, nil
	}
	return slices.Clip(e.out), e.secrets
}
