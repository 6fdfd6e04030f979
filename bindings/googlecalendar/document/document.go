// Package document reads operations.json: the methods of Google's discovery document for Calendar.
package document

import (
	"fmt"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/openapi"
	"github.com/tidewire/tidewire/bindings/source"
)

// facts is operations.json: the methods of Google's discovery document for Calendar.
// It names the types of answers without describing them; most are also the type
// of a body, the others are in corrections.txt.
type facts struct {
	Operations []operationFacts
}

type operationFacts struct {
	ID       string
	Method   string
	Path     string
	Scopes   []string
	Params   []paramFacts
	Body     *openapi.Node
	Response string
}

type paramFacts struct {
	Name     string
	In       string
	Type     string
	Required bool
}

// idPrefix begins every id.
const idPrefix = "calendar."

// Read reads the folder with operations.json.
func Read(folder string) (*source.Source, error) {
	var document facts
	if err := source.ReadJSON(folder, "operations.json", &document); err != nil {
		return nil, err
	}
	g := &reader{types: &source.Types{}}
	for _, o := range document.Operations {
		if err := g.operation(o); err != nil {
			return nil, fmt.Errorf("operation %s: %w", o.ID, err)
		}
	}
	g.source.Types = g.types.List
	return &g.source, nil
}

type reader struct {
	types  *source.Types
	source source.Source
}

func (g *reader) operation(o operationFacts) error {
	id, found := strings.CutPrefix(o.ID, idPrefix)
	group, _, dotted := strings.Cut(id, ".")
	if !found || !dotted {
		return fmt.Errorf("expected an id such as calendar.events.list")
	}
	made := &source.Operation{Group: group, From: "operations.json: " + o.ID}
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
	made.Pages = pagesOf(made)
	g.source.Operations = append(g.source.Operations, made)
	return nil
}

func (g *reader) param(o *source.Operation, p paramFacts) error {
	t, err := scalar(p.Type, "")
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

// body is a resource: the one of the answer, or the request for a response.
func (g *reader) body(o *source.Operation, from operationFacts) error {
	name := from.Response
	if noun, asked := strings.CutSuffix(name, "Response"); asked {
		name = noun + "Request"
	}
	if name == "" {
		name = source.Camel(o.ID)
	}
	fields, err := g.fields(name, from.Body)
	if err != nil {
		return err
	}
	t, err := g.types.Share(fields, name)
	if err != nil {
		return err
	}
	o.Body = &bindings.Body{Encoding: bindings.JSON, Type: *t, Required: true}
	return nil
}

func (g *reader) fields(owner string, from *openapi.Node) ([]bindings.Field, error) {
	var out []bindings.Field
	for i, name := range from.Keys {
		t, err := g.fieldType(owner+source.Camel(name), from.All[i])
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", name, err)
		}
		out = append(out, bindings.Field{Name: name, Type: t})
	}
	return out, nil
}

func (g *reader) fieldType(name string, f *openapi.Node) (bindings.Type, error) {
	inner := f.Get("fields")
	if inner == nil || len(inner.Keys) == 0 {
		return scalar(f.Str("type"), f.Str("format"))
	}
	fields, err := g.fields(name, inner)
	if err != nil {
		return bindings.Type{}, err
	}
	t, err := g.types.Share(fields, name)
	if err != nil {
		return bindings.Type{}, err
	}
	return *t, nil
}

func scalar(kind, format string) (bindings.Type, error) {
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

// pageSize is the highest page size of every list; the list of events allows more.
const pageSize = 250

// pagesOf declares the pages of a list with a page token: the answer has the next
// one.
func pagesOf(o *source.Operation) *bindings.Pages {
	if o.Method != "GET" {
		return nil
	}
	for _, f := range o.Query {
		if f.Name == "pageToken" {
			return &bindings.Pages{
				Items: "items", Cursors: map[string]string{"pageToken": "nextPageToken"},
				SizeParam: "maxResults", Size: pageSize,
			}
		}
	}
	return nil
}
