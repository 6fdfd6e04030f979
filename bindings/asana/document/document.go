// Package document reads operations.json: the operations of Asana's OpenAPI document.
package document

import (
	"fmt"
	"slices"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/openapi"
	"github.com/tidewire/tidewire/bindings/source"
)

// facts is operations.json: the operations of Asana's OpenAPI document without
// their answers, which are in corrections.txt.
type facts struct {
	Operations []operationFacts
}

type operationFacts struct {
	ID       string
	Method   string
	Path     string
	Tag      string
	Scopes   []string
	Params   []paramFacts
	BodyType string `json:"body_type"`
	Body     *openapi.Node
}

type paramFacts struct {
	Name     string
	In       string
	Type     string
	Required bool
}

// fieldFacts is a field of a body; Items is the type of a list's items.
type fieldFacts struct {
	Type     string
	Format   string
	Items    string
	Enum     []string
	Required bool
	Fields   *openapi.Node
}

func fieldOf(n *openapi.Node) fieldFacts {
	var words []string
	for _, word := range n.Items("enum") {
		words = append(words, word.Text) // null is the empty text
	}
	return fieldFacts{Type: n.Str("type"), Format: n.Str("format"), Items: n.Str("items"), Enum: words, Required: n.Is("required"), Fields: n.Get("fields")}
}

// wrapField is the field around the fields of every JSON body and around the data
// of every answer.
const wrapField = "data"

// Read reads the folder with operations.json.
func Read(folder string) (*source.Source, error) {
	var document facts
	if err := source.ReadJSON(folder, "operations.json", &document); err != nil {
		return nil, err
	}
	a := &reader{types: &source.Types{}}
	a.answers()
	for _, o := range document.Operations {
		if err := a.operation(o); err != nil {
			return nil, fmt.Errorf("operation %s: %w", o.ID, err)
		}
	}
	a.source.Types = a.types.List
	return &a.source, nil
}

type reader struct {
	types  *source.Types
	source source.Source
}

// The answers that corrections.txt refines.
const (
	answerType = "Answer"   // with one record
	pageType   = "Page"     // with several
	nextType   = "NextPage" // the next page
	// A record in another one that names it, with and without its name.
	compactType   = "Compact"
	referenceType = "Reference"
)

func (a *reader) answers() {
	text, thing := bindings.Type{Kind: bindings.String}, bindings.Type{Kind: bindings.Object}
	data := func(t bindings.Type) bindings.Field { return bindings.Field{Name: wrapField, Type: t} }
	things := bindings.Type{Kind: bindings.List, Items: &thing}
	a.types.List = []*bindings.Definition{
		{Name: answerType, Fields: []bindings.Field{data(thing)}},
		{Name: pageType, Fields: []bindings.Field{data(things), {Name: "next_page", Type: bindings.Type{Kind: bindings.Named, Name: nextType}}}},
		{Name: nextType, Fields: []bindings.Field{{Name: "offset", Type: text}, {Name: "path", Type: text}, {Name: "uri", Type: text}}},
		{Name: referenceType, Fields: []bindings.Field{{Name: "gid", Type: text}, {Name: "resource_type", Type: text}}},
		{Name: compactType, Fields: []bindings.Field{{Name: "gid", Type: text}, {Name: "resource_type", Type: text}, {Name: "name", Type: text}}},
	}
}

func (a *reader) operation(o operationFacts) error {
	made := &source.Operation{Group: bindings.Snake(o.Tag), From: "operations.json: " + o.ID}
	made.ID, made.Method, made.Path = o.ID, o.Method, o.Path
	made.Scopes = slices.Clone(o.Scopes)
	for _, p := range o.Params {
		if err := a.param(made, p); err != nil {
			return err
		}
	}
	if o.Body != nil {
		if err := a.body(made, o); err != nil {
			return err
		}
	}
	made.Answer = &bindings.Type{Kind: bindings.Named, Name: answerType}
	if made.Pages = pagesOf(made); made.Pages != nil {
		made.Answer.Name = pageType
	}
	if made.Method == "DELETE" {
		made.Idempotent = "deletes one record by its id, which the vendor does not give again"
	}
	a.source.Operations = append(a.source.Operations, made)
	return nil
}

func (a *reader) param(o *source.Operation, p paramFacts) error {
	t, err := a.fieldType("", fieldFacts{Type: p.Type, Items: "string"})
	if err != nil {
		return fmt.Errorf("parameter %q: %w", p.Name, err)
	}
	field := bindings.Field{Name: p.Name, Required: p.Required, Type: t}
	// Some operations repeat parameters of their path.
	for _, before := range slices.Concat(o.PathParams, o.Query) {
		if before.String() == field.String() {
			return nil
		}
	}
	switch p.In {
	case "path":
		o.PathParams = append(o.PathParams, field)
		if p.Name == "workspace_gid" {
			o.Account = p.Name
		}
	case "query":
		o.Query = append(o.Query, field)
		// Asana calls it form style without explode.
		if t.Kind == bindings.List {
			joined(o, p.Name)
		}
		if p.Name == "workspace" && p.Required {
			o.Account = p.Name
		}
	default:
		return fmt.Errorf("parameter %q: unknown place %q", p.Name, p.In)
	}
	return nil
}

func joined(o *source.Operation, name string) {
	if o.Join == nil {
		o.Join = map[string]string{}
	}
	o.Join[name] = ","
}

func (a *reader) body(o *source.Operation, from operationFacts) error {
	encodings := map[string]bindings.Encoding{"application/json": bindings.JSON, "multipart/form-data": bindings.Multipart}
	body := &bindings.Body{Encoding: encodings[from.BodyType], Required: true}
	fields := from.Body
	switch body.Encoding {
	case "":
		return fmt.Errorf("unknown content type %q", from.BodyType)
	case bindings.JSON:
		data := fields.Get(wrapField)
		if data == nil || len(fields.Keys) != 1 {
			return fmt.Errorf("expected a body that is %q", wrapField)
		}
		body.Wrap, fields = wrapField, data.Get("fields")
	}
	made, err := a.fields(source.Camel(from.ID), fields)
	if err != nil {
		return err
	}
	t, err := a.types.Share(made, source.Camel(from.ID))
	if err != nil {
		return err
	}
	body.Type = *t
	o.Body = body
	return nil
}

func (a *reader) fields(owner string, from *openapi.Node) ([]bindings.Field, error) {
	var out []bindings.Field
	if from == nil {
		return nil, nil
	}
	for i, name := range from.Keys {
		f := fieldOf(from.All[i])
		t, err := a.fieldType(owner+source.Camel(name), f)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", name, err)
		}
		out = append(out, bindings.Field{Name: name, Required: f.Required, Type: t})
	}
	return out, nil
}

func (a *reader) fieldType(name string, f fieldFacts) (bindings.Type, error) {
	switch {
	case len(f.Enum) > 0 && f.Type == "string":
		return source.Enum(f.Enum), nil
	case f.Fields != nil && len(f.Fields.Keys) > 0:
		fields, err := a.fields(name, f.Fields)
		if err != nil {
			return bindings.Type{}, err
		}
		t, err := a.types.Share(fields, name)
		if err != nil {
			return bindings.Type{}, err
		}
		return *t, nil
	}
	switch f.Type {
	case "string":
		if f.Format == "binary" {
			return bindings.Type{Kind: bindings.File}, nil
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
	case "any":
		return bindings.Type{}, nil
	case "array":
		item, err := a.fieldType(name, fieldFacts{Type: f.Items})
		return bindings.Type{Kind: bindings.List, Items: &item}, err
	}
	return bindings.Type{}, fmt.Errorf("unknown type %q", f.Type)
}

// pageSize is the highest page size of a list.
const pageSize = 100

// pagesOf declares the pages of a list with an offset, which is a token and no
// number.
func pagesOf(o *source.Operation) *bindings.Pages {
	var pages *bindings.Pages
	size := false
	for _, f := range o.Query {
		switch f.Name {
		case "offset":
			pages = &bindings.Pages{Items: wrapField, Cursors: map[string]string{"offset": "next_page.offset"}}
		case "limit":
			size = true
		}
	}
	if pages == nil || o.Method != "GET" {
		return nil
	}
	if size {
		pages.SizeParam, pages.Size = "limit", pageSize
	}
	return pages
}
