package call

import (
	"slices"
	"strings"
	"sync"

	"github.com/tidewire/tidewire/bindings"
)

// place is the part of a request that an argument goes into.
type place uint8

const (
	inPath place = iota
	inQuery
	inHeader
	inBody
	inAddress // it replaces the whole address: Pages.URL
)

// shape is the arguments of an operation as one flat table.
type shape struct {
	catalogue *bindings.Catalogue
	args      []*argument // in the order path, query, header, body
	index     map[string]*argument
	// anyName is set when any other name is accepted: it goes into the body,
	// with the type anyType.
	anyName bool
	anyType *bindings.Type
}

// argument is one name of the table. One that comes from bracket names, such as
// filter[email], has members instead of params.
type argument struct {
	name     string
	required bool
	// withBody is set for a field that is required only in a body with other
	// arguments: the body may be left out.
	withBody bool
	// account is set when the connection's value is used where the script
	// passes none.
	account bool
	params  []param
	members []*argument
}

func (a *argument) inBody() bool {
	return slices.ContainsFunc(a.params, func(at param) bool { return at.place == inBody })
}

// param is one place of an argument in the request: the part, the name there
// and the type.
type param struct {
	place place
	wire  string
	typ   bindings.Type
}

// shapes caches the shape of each operation that was called. An operation is
// decoded once for a catalogue, so its pointer identifies it.
type shapes struct{ byOperation sync.Map }

func (s *shapes) of(app *bindings.App, op *bindings.Operation) *shape {
	if known, found := s.byOperation.Load(op); found {
		return known.(*shape)
	}
	made, _ := s.byOperation.LoadOrStore(op, newShape(app, op))
	return made.(*shape)
}

func newShape(app *bindings.App, op *bindings.Operation) *shape {
	s := &shape{catalogue: app.CatalogueOf(op), index: map[string]*argument{}}
	for _, f := range op.PathParams {
		f.Required = true
		s.add(inPath, f, false)
	}
	for _, f := range op.Query {
		s.add(inQuery, f, true)
	}
	for _, f := range op.Header {
		if strings.EqualFold(f.Name, app.KeyHeader) {
			continue // it comes with the call's options
		}
		s.add(inHeader, f, false)
	}
	if op.Body != nil {
		s.addBody(op.Body)
	}
	if op.Pages != nil && op.Pages.URL != "" {
		s.add(inAddress, bindings.Field{Name: op.Pages.URL, Type: bindings.Type{Kind: bindings.String}}, false)
	}
	for _, a := range s.args {
		_, with := op.AccountWith[a.name]
		a.account = with || a.name == op.Account || a.name == op.Parent
	}
	return s
}

func (s *shape) addBody(body *bindings.Body) {
	t, definition := s.resolve(&body.Type)
	switch t.Kind {
	case bindings.Object:
		s.anyName = definition == nil || definition.Open || len(definition.Fields) == 0
		if definition == nil {
			return
		}
		for _, f := range definition.Fields {
			late := f.Required && !body.Required
			f.Required = f.Required && body.Required
			s.add(inBody, f, body.Encoding != bindings.JSON)
			s.index[f.Name].withBody = late
		}
	case bindings.Map:
		s.anyName, s.anyType = true, t.Items
	default:
		s.add(inBody, bindings.Field{Name: "body", Required: body.Required, Type: body.Type}, false)
	}
}

func (s *shape) resolve(t *bindings.Type) (bindings.Type, *bindings.Definition) {
	if s.catalogue == nil {
		if t == nil {
			return bindings.Type{}, nil
		}
		return *t, nil
	}
	return s.catalogue.Resolve(t)
}

// add adds a field to the table. Brackets in its name make nested tables.
func (s *shape) add(where place, f bindings.Field, brackets bool) {
	at := param{place: where, wire: f.Name, typ: f.Type}
	if !brackets || !strings.Contains(f.Name, "[") {
		s.argument(&s.args, f.Name, true).addParam(at, f.Required)
		return
	}
	base, rest, _ := strings.Cut(strings.TrimSuffix(f.Name, "[]"), "[")
	a := s.argument(&s.args, base, true)
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(rest, "]")
		rest = strings.TrimPrefix(rest, "[")
		a.required = a.required || f.Required
		a = s.argument(&a.members, name, false)
	}
	a.addParam(at, f.Required)
	s.index[f.Name] = a // the vendor's own name is accepted too
}

// argument finds or makes the argument of a name.
func (s *shape) argument(among *[]*argument, name string, top bool) *argument {
	for _, a := range *among {
		if a.name == name {
			return a
		}
	}
	a := &argument{name: name}
	*among = append(*among, a)
	if top {
		s.index[name] = a
	}
	return a
}

func (a *argument) addParam(at param, required bool) {
	a.params = append(a.params, at)
	a.required = a.required || required
}

// names are the names of arguments, to suggest one for an unknown name.
func names(all []*argument) []string {
	found := make([]string, len(all))
	for i, a := range all {
		found[i] = a.name
	}
	return found
}
