package vm

import (
	"encoding/json"
	"errors"
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// FindQuery is the error of Host.Step for a call with the option find whose result
// is not known. The function of the script is called, and the step is then made
// again with Step.Found.
type FindQuery struct{}

func (*FindQuery) Error() string { return "it is not known whether the call was done" }

// FindResult is what the function of the option find returned.
type FindResult struct {
	// Absent is set if it returned false: the call was not done. Otherwise Result is
	// what the call returns.
	Absent bool
	Result json.RawMessage
	// Problem is why it returned nothing that can be used; empty: it did.
	Problem string
}

// findOption returns the option find, nil if it is not set.
func findOption(L *lua.LState, options *lua.LTable, name string) *lua.LFunction {
	switch v := option(options, "find").(type) {
	case *lua.LNilType:
		return nil
	case *lua.LFunction:
		if asFile(L, options, name) {
			raise(L, "%s: find and as = \"file\" cannot be used together", name)
		}
		return v
	default:
		raise(L, "%s: the option find must be a function, found %s", name, describe(v))
		return nil
	}
}

// withFind adds the option find to a step.
func (s Step) withFind(f *lua.LFunction) Step {
	s.find, s.Options.Find = f, f != nil
	return s
}

// callHost performs a step in the host, and calls the function of its option find
// if the host asks for that.
func (a *activation) callHost(L *lua.LState, s Step) (json.RawMessage, error) {
	result, err := a.hostStep(s)
	var query *FindQuery
	if s.find == nil || !errors.As(err, &query) {
		return result, err
	}
	s.Found = a.callFind(L, s)
	return a.hostStep(s)
}

func (a *activation) hostStep(s Step) (result json.RawMessage, err error) {
	a.withoutSlot(func() {
		result, err = a.host.Step(a.ctx, s)
		a.meter.replay(a.host.Replaying())
	})
	return result, err
}

// callFind calls the function of the option find. The calls that it makes are no
// steps.
func (a *activation) callFind(L *lua.LState, s Step) *FindResult {
	caughtBefore := a.meter.caught
	L.Push(s.find)
	a.inFind = true
	raised := a.protect(L, 0, 1)
	a.inFind = false
	a.meter.caught = caughtBefore
	if raised != nil {
		text, isApp := appErrorLine(raised.value)
		if !isApp {
			text = textOf(raised.value)
		}
		return &FindResult{Problem: "find raised an error: " + brief(text, 500)}
	}
	v := L.Get(-1)
	L.Pop(1)
	switch v {
	case lua.LFalse:
		return &FindResult{Absent: true}
	case lua.LNil:
		return &FindResult{Problem: "find returned nil; expected the result of the call, or false if it was not done"}
	}
	e := &encoder{secrets: map[string]Secret{}}
	if err := a.write(L, e, func() error { return e.value(v, shape{}) }); err != nil {
		return &FindResult{Problem: fmt.Sprintf("find returned a value that cannot be recorded: %v", err)}
	}
	if len(e.secrets) > 0 {
		return &FindResult{Problem: "find returned a secret, which cannot be recorded"}
	}
	return &FindResult{Result: e.out}
}

// findStep performs a call that a function of the option find makes.
func (a *activation) findStep(L *lua.LState, s Step) (json.RawMessage, error) {
	if !s.reads() {
		raise(L, "%s cannot be used in the function find, which only makes calls that read", s.Name)
	}
	s.InFind, s.find, s.Options.Find = true, nil, false
	return a.hostStep(s)
}

// reads reports whether a step is a call that changes nothing.
func (s Step) reads() bool {
	switch s.Kind {
	case StepCall, StepPage:
		return s.Operation.ReadOnly()
	case StepRequest, StepHTTP:
		var args struct{ Method string }
		return json.Unmarshal(s.Args, &args) == nil && (&bindings.Operation{Method: args.Method}).ReadOnly()
	}
	return false
}
