package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// googleDocument is operations.json: what Google's discovery document says of
// Calendar's methods. It names the types of answers without describing them;
// most are those of a body, the others stand in corrections.txt.
type googleDocument struct {
	Operations []googleOperation
}

type googleOperation struct {
	ID       string
	Method   string
	Path     string
	Scopes   []string
	Params   []googleParam
	Body     ordered[googleField]
	Response string
}

type googleParam struct {
	Name     string
	In       string
	Type     string
	Required bool
}

type googleField struct {
	Type   string
	Format string
	Fields ordered[googleField]
}

// googlePrefix begins every id and says nothing.
const googlePrefix = "calendar."

func readGoogleCalendar(documents string) (*Source, error) {
	var document googleDocument
	if err := readJSON(filepath.Join(documents, "operations.json"), &document); err != nil {
		return nil, err
	}
	g := &google{shapes: &shapes{}}
	for _, o := range document.Operations {
		if err := g.operation(o); err != nil {
			return nil, fmt.Errorf("operation %s: %w", o.ID, err)
		}
	}
	g.source.Types = g.shapes.list
	return &g.source, nil
}

type google struct {
	shapes *shapes
	source Source
}

func (g *google) operation(o googleOperation) error {
	id, found := strings.CutPrefix(o.ID, googlePrefix)
	group, _, dotted := strings.Cut(id, ".")
	if !found || !dotted {
		return fmt.Errorf("expected an id such as calendar.events.list")
	}
	made := &Operation{Group: group, From: "operations.json: " + o.ID}
	made.ID, made.Method, made.Path = id, o.Method, "/"+o.Path
	made.AnyScope = o.Scopes
	for _, p := range o.Params {
		if err := g.param(made, p); err != nil {
			return err
		}
	}
	if o.Body != nil {
		if err := g.body(made, o); err != nil {
			return err
		}
	}
	made.Status = 200
	if o.Response == "" {
		made.Status = 204
	} else {
		made.Answer = &bindings.Type{Kind: bindings.Named, Name: o.Response}
	}
	made.Pages = googlePages(made)
	g.source.Operations = append(g.source.Operations, made)
	return nil
}

func (g *google) param(o *Operation, p googleParam) error {
	t, err := googleScalar(p.Type, "")
	if err != nil {
		return fmt.Errorf("parameter %q: %w", p.Name, err)
	}
	field := bindings.Field{Name: p.Name, Required: p.Required, Type: t}
	switch p.In {
	case "path":
		o.PathParams = append(o.PathParams, field)
	case "query":
		o.Query = append(o.Query, field)
	default:
		return fmt.Errorf("parameter %q: unknown place %q", p.Name, p.In)
	}
	return nil
}

// body is a resource: that of the answer, or the request to a response.
func (g *google) body(o *Operation, from googleOperation) error {
	name := from.Response
	if noun, asked := strings.CutSuffix(name, "Response"); asked {
		name = noun + "Request"
	}
	if name == "" {
		name = camel(o.ID)
	}
	fields, err := g.fields(name, from.Body)
	if err != nil {
		return err
	}
	t, err := g.shapes.share(fields, name)
	if err != nil {
		return err
	}
	o.Body = &bindings.Body{Encoding: bindings.JSON, Type: *t, Required: true}
	return nil
}

func (g *google) fields(owner string, from ordered[googleField]) ([]bindings.Field, error) {
	var out []bindings.Field
	for _, m := range from {
		t, err := g.fieldType(owner+camel(m.key), m.value)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", m.key, err)
		}
		out = append(out, bindings.Field{Name: m.key, Type: t})
	}
	return out, nil
}

func (g *google) fieldType(name string, f googleField) (bindings.Type, error) {
	if len(f.Fields) == 0 {
		return googleScalar(f.Type, f.Format)
	}
	fields, err := g.fields(name, f.Fields)
	if err != nil {
		return bindings.Type{}, err
	}
	t, err := g.shapes.share(fields, name)
	if err != nil {
		return bindings.Type{}, err
	}
	return *t, nil
}

func googleScalar(kind, format string) (bindings.Type, error) {
	switch kind {
	case "string":
		if format == "int64" || format == "uint64" {
			return bindings.Type{Kind: bindings.Int64}, nil
		}
		return bindings.Type{Kind: bindings.String}, nil
	case "boolean":
		return bindings.Type{Kind: bindings.Boolean}, nil
	case "integer":
		return bindings.Type{Kind: bindings.Integer}, nil
	case "number":
		return bindings.Type{Kind: bindings.Number}, nil
	case "object":
		return bindings.Type{Kind: bindings.Object}, nil
	case "array":
		return bindings.Type{Kind: bindings.List, Items: &bindings.Type{}}, nil
	case "any":
		return bindings.Type{}, nil
	}
	return bindings.Type{}, fmt.Errorf("unknown type %q", kind)
}

// googlePageSize is the most that every list takes; that of events takes more.
const googlePageSize = 250

// googlePages walks what takes a page token: the answer has the next one.
func googlePages(o *Operation) *bindings.Pages {
	if o.Method != "GET" {
		return nil
	}
	for _, f := range o.Query {
		if f.Name == "pageToken" {
			return &bindings.Pages{
				Items: "items", Cursors: map[string]string{"pageToken": "nextPageToken"},
				SizeParam: "maxResults", Size: googlePageSize,
			}
		}
	}
	return nil
}
