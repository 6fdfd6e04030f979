// Package document reads facts.json: a description of Qonto's API, whose documents are pages of
// prose.
package document

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/source"
)

// facts is facts.json: a description of Qonto's API, written by hand because the
// vendor's documents are pages of prose.
type facts struct {
	Schemas    map[string][]fieldFacts
	Operations []operationFacts
	Webhooks   struct {
		Events []eventFacts
	}
}

type operationFacts struct {
	ID         string
	Method     string
	Path       string
	Scope      string
	PathParams []fieldFacts `json:"path_params"`
	Query      []fieldFacts `json:"query_params"`
	Wrap       string       `json:"body_wrapper"`
	Body       []fieldFacts `json:"body_fields"`
	Content    string       `json:"content_type"`
	Status     int          `json:"success_status"`
	Key        string       `json:"response_key"`
	IsList     bool         `json:"response_is_list"`
	Schema     string       `json:"response_schema"`
	Paginated  bool
	Confidence string
	Idempotent bool `json:"idempotency_header"`
	SCA        string
}

// fieldFacts is a field; Required is true, false or the condition under which
// it is.
type fieldFacts struct {
	Name     string
	Type     string
	Required any
	Enum     []string
	Fields   []fieldFacts
}

// pathPrefix is part of the app's base URL.
const pathPrefix = "/v2"

// emptySchema names the schema of an answer that was not observed.
const emptySchema = "empty"

// Read reads the folder with facts.json.
func Read(folder string) (*source.Source, error) {
	var facts facts
	if err := source.ReadJSON(folder, "facts.json", &facts); err != nil {
		return nil, err
	}
	q := &reader{schemas: facts.Schemas, types: &source.Types{}}
	for _, name := range slices.Sorted(maps.Keys(facts.Schemas)) {
		if name == emptySchema {
			continue
		}
		if err := q.define(source.Camel(name), facts.Schemas[name]); err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
	}
	for _, o := range facts.Operations {
		if err := q.operation(o); err != nil {
			return nil, fmt.Errorf("operation %s: %w", o.ID, err)
		}
	}
	for _, e := range facts.Webhooks.Events {
		if err := q.event(e); err != nil {
			return nil, fmt.Errorf("event %s: %w", e.Type, err)
		}
	}
	q.source.Types = q.types.List
	return &q.source, nil
}

type reader struct {
	schemas map[string][]fieldFacts
	types   *source.Types
	source  source.Source
}

func (q *reader) operation(o operationFacts) error {
	path, found := strings.CutPrefix(o.Path, pathPrefix)
	if !found {
		return fmt.Errorf("path %q: expected it below %s", o.Path, pathPrefix)
	}
	made := &source.Operation{Group: groupOf(path), From: "facts.json: " + o.ID}
	made.ID, made.Method, made.Path = o.ID, o.Method, path
	made.Status, made.Key, made.Inferred = o.Status, o.Idempotent, o.Confidence == "inferred"
	made.Consent = o.SCA != ""
	if o.Scope != "" {
		made.Scopes = []string{o.Scope}
	}
	var err error
	if made.PathParams, err = q.fields(source.Camel(o.ID), o.PathParams); err != nil {
		return err
	}
	if made.Query, err = q.fields(source.Camel(o.ID), o.Query); err != nil {
		return err
	}
	if made.Body, err = q.body(o); err != nil {
		return err
	}
	if made.Answer, err = q.answer(o); err != nil {
		return err
	}
	if o.IsList && o.Method == "GET" {
		made.Pages = &bindings.Pages{Items: o.Key}
	}
	if o.Paginated {
		made.Pages.Page, made.Pages.Next = "page", "meta.next_page"
		made.Pages.SizeParam, made.Pages.Size = "per_page", 100
		made.Query = ensure(ensure(made.Query, "page"), "per_page")
	}
	if o.Method == "DELETE" && strings.HasSuffix(o.Path, "/{id}") {
		made.Idempotent = "deletes one record by its id, which the vendor does not give again"
	}
	q.source.Operations = append(q.source.Operations, made)
	return nil
}

// groupOf is the group of an operation: the first part of its path, with the
// second if the first is a family of resources.
func groupOf(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if family := parts[0]; len(parts) > 1 && (family == "sepa" || family == "international") {
		return family + "_" + parts[1]
	}
	return parts[0]
}

func (q *reader) body(o operationFacts) (*bindings.Body, error) {
	if o.Content == "" {
		return nil, nil
	}
	encodings := map[string]bindings.Encoding{"application/json": bindings.JSON, "multipart/form-data": bindings.Multipart}
	body := &bindings.Body{Encoding: encodings[o.Content], Wrap: o.Wrap}
	if body.Encoding == "" {
		return nil, fmt.Errorf("unknown content type %q", o.Content)
	}
	name := source.Camel(o.ID)
	nested, err := nest(o.Body)
	if err != nil {
		return nil, err
	}
	if err := q.define(name, nested); err != nil {
		return nil, err
	}
	for _, f := range nested {
		body.Required = body.Required || f.Required == true
	}
	body.Type = bindings.Type{Kind: bindings.Named, Name: name}
	return body, nil
}

// nest moves "transfer.amount" into an object called transfer, and
// "invoices[][file]" into a list of objects called invoices.
func nest(fields []fieldFacts) ([]fieldFacts, error) {
	var out []fieldFacts
	at := map[string]int{}
	for _, f := range fields {
		outer, inner, dotted := strings.Cut(f.Name, ".")
		kind := "object"
		if !dotted {
			var listed bool
			if outer, inner, listed = strings.Cut(f.Name, "[]["); !listed {
				out = append(out, f)
				continue
			}
			inner, kind = strings.TrimSuffix(inner, "]"), "object[]"
		}
		i, found := at[outer]
		if !found {
			i = len(out)
			at[outer] = i
			out = append(out, fieldFacts{Name: outer, Type: kind, Required: false})
		}
		if strings.ContainsAny(inner, ".[") || out[i].Type != kind {
			return nil, fmt.Errorf("field %q: nested deeper than one object", f.Name)
		}
		f.Name = inner
		out[i].Fields = append(out[i].Fields, f)
		if f.Required == true {
			out[i].Required = true
		}
	}
	return out, nil
}

// answer is the type of an answer: the resource within its key, or by itself if
// there is no key. It is nil if no fields were observed.
func (q *reader) answer(o operationFacts) (*bindings.Type, error) {
	inner := bindings.Type{Kind: bindings.Object}
	if o.Schema != emptySchema {
		if q.schemas[o.Schema] == nil {
			return nil, fmt.Errorf("there is no schema %q", o.Schema)
		}
		inner = bindings.Type{Kind: bindings.Named, Name: source.Camel(o.Schema)}
	} else if o.Key == "" {
		return nil, nil
	}
	if o.Key == "" {
		return &inner, nil
	}
	kind := "Answer"
	fields := []bindings.Field{{Name: o.Key, Type: inner}}
	if o.IsList {
		fields[0].Type = bindings.Type{Kind: bindings.List, Items: &inner}
	}
	if o.Paginated {
		kind = "Page"
		fields = append(fields, bindings.Field{Name: "meta", Type: bindings.Type{Kind: bindings.Named, Name: "Meta"}})
	}
	return q.types.Share(fields, source.Camel(o.Key)+kind, source.Camel(o.ID)+kind)
}

// ensure adds an integer parameter that the list of parameters lacks.
func ensure(fields []bindings.Field, name string) []bindings.Field {
	for _, f := range fields {
		if f.Name == name {
			return fields
		}
	}
	return append(fields, bindings.Field{Name: name, Type: bindings.Type{Kind: bindings.Integer}})
}
