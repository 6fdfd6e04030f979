// Package document reads operations.json: a description of the part of Microsoft Graph that is
// Teams.
package document

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/openapi"
	"github.com/tidewire/tidewire/bindings/source"
)

// facts is operations.json, a description of the part of Microsoft Graph that is
// Teams. It has neither names nor answers: both follow from Graph's own
// conventions, which are those of OData.
type facts struct {
	Operations []operationFacts
	Types      *openapi.Node
}

type operationFacts struct {
	Method string
	Path   string
	Query  []string
	Body   bodyFacts
}

// bodyFacts is the name of a type, or the parameters of an action.
type bodyFacts struct {
	Type   string
	Fields []fieldFacts
}

type fieldFacts struct {
	Name string
	Type string
}

// UnmarshalJSON reads a body.
func (b *bodyFacts) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, &b.Type)
	}
	return json.Unmarshal(text, &b.Fields)
}

// Read reads the folder with operations.json.
func Read(folder string) (*source.Source, error) {
	var facts facts
	if err := source.ReadJSON(folder, "operations.json", &facts); err != nil {
		return nil, err
	}
	t := &reader{facts: facts, types: &source.Types{}}
	for i, name := range facts.Types.Keys {
		if err := t.define(name, facts.Types.All[i]); err != nil {
			return nil, fmt.Errorf("type %s: %w", name, err)
		}
	}
	for _, o := range facts.Operations {
		if err := t.operation(o); err != nil {
			return nil, fmt.Errorf("%s %s: %w", o.Method, o.Path, err)
		}
	}
	if err := t.card(); err != nil {
		return nil, err
	}
	t.events()
	t.source.Types = t.types.List
	return &t.source, nil
}

type reader struct {
	facts  facts
	types  *source.Types
	source source.Source
}

func (t *reader) operation(o operationFacts) error {
	name, err := nameOf(o.Method, o.Path)
	if err != nil {
		return err
	}
	made := &source.Operation{Group: name.group, From: "operations.json: " + o.Method + " " + o.Path}
	made.ID, made.Method, made.Path = name.id, o.Method, o.Path
	for part := range strings.SplitSeq(o.Path, "/") {
		if param, found := strings.CutPrefix(part, "{"); found {
			made.PathParams = append(made.PathParams, bindings.Field{Name: strings.TrimSuffix(param, "}"), Required: true, Type: bindings.Type{Kind: bindings.String}})
		}
	}
	for _, param := range o.Query {
		made.Query = append(made.Query, bindings.Field{Name: param, Type: bindings.Type{Kind: optionKind(param)}})
	}
	if made.Body, err = t.body(o, name); err != nil {
		return err
	}
	if err := t.answer(made, name); err != nil {
		return err
	}
	switch {
	case o.Method == "PATCH" || o.Method == "PUT":
		made.Idempotent = "gives one record the same values again"
	case o.Method == "DELETE" && name.item && !reusedIDs[name.noun]:
		made.Idempotent = "deletes one record by its id, which the vendor does not give again"
	}
	t.source.Operations = append(t.source.Operations, made)
	return nil
}

// reusedIDs are the nouns whose ids are made of the ids of what they connect, so
// that the same id can be used again.
var reusedIDs = map[string]bool{"chat": true, "member": true, "pinned-message": true}

// optionKind is the type of one of OData's parameters; lists are written as one
// text, as "id,displayName".
func optionKind(param string) bindings.Kind {
	switch param {
	case "$count":
		return bindings.Boolean
	case "$skip", topParam:
		return bindings.Integer
	}
	return bindings.String
}

// topParam is the parameter for the size of a page.
const topParam = "$top"

// pageSizes are the nouns whose lists accept $top, with the highest page size, by
// the vendor's reference. Its description of the API has $top everywhere, but
// elsewhere the service refuses it.
var pageSizes = map[string]int{"message": 50, "reply": 50, "chat": 50}

// nextLink is the field in which every list has the whole address of its next page.
const nextLink = "@odata.nextLink"

// answer sets what an operation answers: a list with the address of its next
// page, the one record that the path names, or nothing that is described.
func (t *reader) answer(made *source.Operation, name operationName) error {
	switch {
	case made.Method == "DELETE":
		made.Status = 204
	case name.list:
		page, err := t.page(name.kind.typ, name.delta)
		if err != nil {
			return err
		}
		made.Answer, made.Pages = page, &bindings.Pages{Items: "value", URL: nextLink}
		hasTop := slices.ContainsFunc(made.Query, func(f bindings.Field) bool { return f.Name == topParam })
		if size := pageSizes[name.noun]; hasTop && size > 0 {
			made.Pages.SizeParam, made.Pages.Size = topParam, size
		}
	case name.noun != "" && name.kind.typ == "":
		made.Answer = &bindings.Type{Kind: bindings.Object}
	case name.noun != "":
		made.Answer = &bindings.Type{Kind: bindings.Named, Name: name.kind.typ}
	}
	return nil
}

// page is the type of an answer with a list.
func (t *reader) page(kind string, delta bool) (*bindings.Type, error) {
	text := bindings.Type{Kind: bindings.String}
	fields := []bindings.Field{
		{Name: "value", Type: bindings.Type{Kind: bindings.List, Items: &bindings.Type{Kind: bindings.Named, Name: kind}}},
		{Name: "@odata.count", Type: bindings.Type{Kind: bindings.Integer}},
		{Name: nextLink, Type: text},
	}
	name := kind + "Page"
	if delta {
		name, fields = kind+"Changes", append(fields, bindings.Field{Name: "@odata.deltaLink", Type: text})
	}
	return t.types.Add(name, fields)
}

// body is the body of a request. Actions omit parameters that have a default.
func (t *reader) body(o operationFacts, name operationName) (*bindings.Body, error) {
	if o.Body.Type != "" {
		typ, err := t.parse(o.Body.Type)
		return &bindings.Body{Encoding: bindings.JSON, Type: typ, Required: true}, err
	}
	if len(o.Body.Fields) == 0 {
		return nil, nil
	}
	fields, err := t.fields(o.Body.Fields)
	if err != nil {
		return nil, err
	}
	typ, err := t.types.Share(fields, source.Camel(name.id))
	if err != nil {
		return nil, err
	}
	return &bindings.Body{Encoding: bindings.JSON, Type: *typ}, nil
}

// define adds a type, which is an object with fields. An enum of several words is
// written where it is used.
func (t *reader) define(name string, typ *openapi.Node) error {
	if len(typ.Items("enum")) > 0 {
		return nil
	}
	var declared []fieldFacts
	for _, f := range typ.Items("fields") {
		declared = append(declared, fieldFacts{Name: f.Str("name"), Type: f.Str("type")})
	}
	fields, err := t.fields(declared)
	if err != nil {
		return err
	}
	t.types.List = append(t.types.List, &bindings.Definition{Name: name, Fields: fields, Open: typ.Is("open")})
	return nil
}

func (t *reader) fields(fields []fieldFacts) ([]bindings.Field, error) {
	var out []bindings.Field
	for _, f := range fields {
		typ, err := t.parse(f.Type)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", f.Name, err)
		}
		out = append(out, bindings.Field{Name: f.Name, Type: typ})
	}
	return out, nil
}

// unknownValue is in the vendor's enums for later values; it is never sent.
const unknownValue = "unknownFutureValue"

func (t *reader) parse(text string) (bindings.Type, error) {
	if item, found := strings.CutPrefix(text, "[]"); found {
		items, err := t.parse(item)
		return bindings.Type{Kind: bindings.List, Items: &items}, err
	}
	switch text {
	case "string", "datetime", "time", "base64":
		return bindings.Type{Kind: bindings.String}, nil
	case "boolean":
		return bindings.Type{Kind: bindings.Boolean}, nil
	case "integer":
		return bindings.Type{Kind: bindings.Integer}, nil
	case "number":
		return bindings.Type{Kind: bindings.Number}, nil
	}
	typ := t.facts.Types.Get(text)
	if typ == nil {
		return bindings.Type{}, fmt.Errorf("unknown type %q", text)
	}
	if words := typ.Texts("enum"); len(words) > 0 {
		return source.Enum(slices.DeleteFunc(words, func(word string) bool { return word == unknownValue })), nil
	}
	return bindings.Type{Kind: bindings.Named, Name: text}, nil
}
