package vm

import (
	"slices"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// operation is an operation as scripts get it: a function.
type operation struct {
	app       *bindings.App
	spec      *bindings.Operation
	catalogue *bindings.Catalogue // of its types
	name      string              // with the app: "highlevel.contacts.upsert"

	once sync.Once
	args *bindings.Definition
}

// newOperation makes the function. operationOf finds the operation in its
// upvalue, which no script can read.
func newOperation(app *bindings.App, is *bindings.Operation) lua.LValue {
	o := &operation{app: app, spec: is, catalogue: app.CatalogueOf(is), name: app.Name + "." + is.Name}
	f := function(o.call)
	f.Upvalues = []*lua.Upvalue{upvalue(&lua.LUserData{Value: o, Metatable: lua.LNil})}
	return f
}

func upvalue(v lua.LValue) *lua.Upvalue {
	u := new(lua.Upvalue)
	u.Close()
	u.SetValue(v)
	return u
}

// operationOf returns the operation that a function is, nil if it is none.
func operationOf(v lua.LValue) *operation {
	f, ok := v.(*lua.LFunction)
	if !ok || !f.IsG || len(f.Upvalues) != 1 {
		return nil
	}
	u, ok := f.Upvalues[0].Value().(*lua.LUserData)
	if !ok {
		return nil
	}
	o, _ := u.Value.(*operation)
	return o
}

// functionName returns the text of a function for tostring: the name of an
// operation, else "function".
func functionName(f *lua.LFunction) string {
	if o := operationOf(f); o != nil {
		return o.name
	}
	return "function"
}

// hostOptions are the options that are passed to the host with the arguments of
// a call. callOptionNames are the options that one call may have.
var (
	hostOptions     = []string{"connection", "timeout", "check", "idempotency_key", "nulls"}
	callOptionNames = append(slices.Clone(hostOptions), "as", "find")
)

// call is highlevel.contacts.upsert(args, options).
func (o *operation) call(L *lua.LState) int {
	if u, ok := L.Get(1).(*lua.LUserData); ok {
		if g, ok := u.Value.(*group); ok {
			raise(L, "%s:%s is called with a dot: %s {…}", g.name, strings.TrimPrefix(o.name, g.name+"."), o.name)
		}
	}
	o.wantArguments(L, 1)
	options := wantOptions(L, 2, o.name, callOptionNames...)
	s := o.step(L, StepCall, 1, options).withFind(findOption(L, options, o.name))
	a := activationOf(L)
	if s.Options.AsFile {
		L.Push(answeredFile(L, a.step(L, s)))
		return 1
	}
	L.Push(a.decodeAnswer(L, s, o.catalogue, o.spec.Answer))
	return 1
}

// step makes the step for the arguments in argument n. The host compares them
// with the catalogue, because that depends on the connection.
func (o *operation) step(L *lua.LState, kind StepKind, n int, options *lua.LTable) Step {
	a := activationOf(L)
	s := Step{Kind: kind, Name: o.name, App: o.app, Operation: o.spec, Args: []byte("{}"), Options: callOptions(L, o.name, options)}
	o.wantArguments(L, n)
	if args, ok := L.Get(n).(*lua.LTable); ok {
		e := &encoder{catalogue: o.catalogue, secrets: map[string]Secret{}, files: true}
		if args.MaxN() > 0 || isList(args) {
			raise(L, "%s: the arguments are a table of names and values, found a list; write { name = value } or, where the whole body is a list, { body = {…} }", o.name)
		}
		declared := shape{kind: bindings.Object, def: o.arguments()}
		if err := a.write(L, e, func() error { return e.object(args, declared) }); err != nil {
			raise(L, "%s: %v", o.name, err)
		}
		s.Args = e.out
		if len(e.secrets) > 0 {
			s.Secrets = e.secrets
		}
	}
	return s
}

// wantArguments raises an error unless argument n is a table of arguments or is
// left out.
func (o *operation) wantArguments(L *lua.LState, n int) {
	switch L.Get(n).(type) {
	case *lua.LNilType, *lua.LTable:
	default:
		raise(L, "%s: the arguments are a table of names and values, found %s; write %s { name = value }", o.name, describe(L.Get(n)), o.name)
	}
}

// arguments returns the type of the flat table of arguments: those of the path,
// the query, the headers and the body, by the name that the script writes.
func (o *operation) arguments() *bindings.Definition {
	o.once.Do(func() {
		d := &bindings.Definition{}
		for _, in := range [][]bindings.Field{o.spec.PathParams, o.spec.Query, o.spec.Header} {
			for _, f := range in {
				if list, found := strings.CutSuffix(f.Name, "[]"); found {
					f.Name = list
					if s := shapeOf(o.catalogue, &f.Type); s.kind != bindings.List && s.kind != bindings.Union {
						f.Type = bindings.Type{Kind: bindings.List, Items: &f.Type}
					}
				}
				d.Fields = append(d.Fields, f)
			}
		}
		if o.spec.Body != nil {
			if _, def := o.catalogue.Resolve(&o.spec.Body.Type); def != nil {
				d.Fields = append(d.Fields, def.Fields...)
			}
			d.Fields = append(d.Fields, bindings.Field{Name: "body", Type: o.spec.Body.Type})
		}
		o.args = d
	})
	return o.args
}

// callOptions reads the options in the second table of a call.
func callOptions(L *lua.LState, name string, options *lua.LTable) CallOptions {
	if options == nil {
		return CallOptions{}
	}
	return CallOptions{
		Connection: textOption(L, options, name, "connection"),
		Timeout:    durationOption(L, options, name, "timeout"),
		Unchecked:  boolOption(L, options, name, "check") == lua.LFalse,
		Nulls:      boolOption(L, options, name, "nulls") == lua.LTrue,
		Key:        textOption(L, options, name, "idempotency_key"),
		AsFile:     asFile(L, options, name),
	}
}

// boolOption returns true, false or nil.
func boolOption(L *lua.LState, options *lua.LTable, name, of string) lua.LValue {
	v := option(options, of)
	if _, ok := v.(lua.LBool); !ok && v != lua.LNil {
		raise(L, "%s: the option %s must be true or false, found %s", name, of, describe(v))
	}
	return v
}

// asFile reports whether the option as is set. Its only value is "file".
func asFile(L *lua.LState, options *lua.LTable, name string) bool {
	as := textOption(L, options, name, "as")
	if as != "" && as != "file" {
		raise(L, "%s: the option as must be \"file\", found %q", name, brief(as, 20))
	}
	return as != ""
}

// requestFunction is highlevel.request { method, path, query, headers, body }:
// an endpoint that is not in the catalogue.
func requestFunction(app *bindings.App, module string) *lua.LFunction {
	name := module + ".request"
	return function(func(L *lua.LState) int {
		args := wantOptions(L, 1, name, "method", "path", "query", "headers", "body")
		options := wantOptions(L, 2, name, callOptionNames...)
		path := textOption(L, args, name, "path")
		if !strings.HasPrefix(path, "/") {
			raise(L, "%s: path must begin with a slash, below %s; found %s", name, app.BaseURL, describe(option(args, "path")))
		}
		method := strings.ToUpper(textOption(L, args, name, "method"))
		switch method {
		case "":
			method = "GET"
		case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		default:
			raise(L, "%s: method must be GET, POST, PUT, PATCH or DELETE, found %q", name, brief(method, 20))
		}
		a := activationOf(L)
		g := a.arguments(L, name)
		g.e.files = true
		s := g.text("method", method).text("path", path).
			set("query", option(args, "query")).set("headers", textsOption(L, args, name, "headers")).set("body", option(args, "body")).step(StepRequest)
		s.App, s.Options = app, callOptions(L, name, options)
		s = s.withFind(findOption(L, options, name))
		if s.Options.AsFile {
			L.Push(answeredFile(L, a.step(L, s)))
			return 1
		}
		L.Push(a.decodeAnswer(L, s, nil, nil))
		return 1
	})
}
