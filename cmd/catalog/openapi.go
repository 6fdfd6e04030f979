package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// document is what we use of an OpenAPI 3 document.
type document struct {
	name       string // the file's name without .json
	Paths      ordered[ordered[json.RawMessage]]
	Components struct {
		Schemas ordered[*schema]
	}
}

type endpoint struct {
	OperationID string `json:"operationId"`
	Deprecated  bool
	Parameters  []parameter
	RequestBody *content
	Responses   ordered[content]
	Security    []map[string][]string
	Tags        []string
}

type parameter struct {
	Name     string
	In       string
	Required bool
	Schema   *schema
	Explode  *bool
}

type content struct {
	Required bool
	Content  ordered[struct{ Schema *schema }]
}

// openAPI reads a folder of OpenAPI documents that refer to each other.
type openAPI struct {
	documents map[string]*document
	// header says what becomes of a header parameter.
	header func(o *Operation, p parameter) (keep bool, err error)
	// types holds what was converted, by document and name in it.
	types map[string]map[string]*bindings.Definition
	order []*typeOf
}

// typeOf is a converted type and where it came from.
type typeOf struct {
	document string
	*bindings.Definition
}

func readOpenAPI(folder string) (*openAPI, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no OpenAPI document (*.json) in %s", folder)
	}
	api := &openAPI{documents: map[string]*document{}, types: map[string]map[string]*bindings.Definition{}}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		d := &document{name: strings.TrimSuffix(filepath.Base(file), ".json")}
		if err := json.Unmarshal(text, d); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		api.documents[d.name] = d
		api.types[d.name] = map[string]*bindings.Definition{}
	}
	return api, nil
}

// names of the documents, sorted.
func (api *openAPI) names() []string {
	var names []string
	for name := range api.documents {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// methods are the members of a path that are operations.
var methods = map[string]string{"get": "GET", "head": "HEAD", "post": "POST", "put": "PUT", "patch": "PATCH", "delete": "DELETE"}

// operations converts a document's operations; their group is its name.
func (api *openAPI) operations(d *document) ([]*Operation, error) {
	var all []*Operation
	for _, path := range d.Paths {
		for _, m := range path.value {
			method := methods[m.key]
			if method == "" {
				return nil, fmt.Errorf("%s: %s: unknown method %q", d.name, path.key, m.key)
			}
			from := fmt.Sprintf("%s: %s %s", d.name, method, path.key)
			var e endpoint
			if err := json.Unmarshal(m.value, &e); err != nil {
				return nil, fmt.Errorf("%s: %w", from, err)
			}
			o, err := api.operation(d, from, method, path.key, e)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", from, err)
			}
			all = append(all, o)
		}
	}
	return all, nil
}

func (api *openAPI) operation(d *document, from, method, path string, e endpoint) (*Operation, error) {
	if e.OperationID == "" {
		return nil, fmt.Errorf("operationId is missing")
	}
	o := &Operation{Group: d.name, From: from}
	o.ID, o.Method, o.Path, o.Deprecated = e.OperationID, method, path, e.Deprecated
	o.Scopes, o.AnyScope = scopes(e.Security)
	stem := pascal(e.OperationID)
	if err := api.parameters(d, o, stem, e.Parameters); err != nil {
		return nil, err
	}
	if err := pathParameters(o); err != nil {
		return nil, err
	}
	if e.RequestBody != nil {
		body, err := api.body(d, stem, e.RequestBody)
		if err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
		o.Body = body
	}
	answer, err := api.answer(d, stem, e.Responses)
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	o.Answer = answer
	return o, nil
}

func (api *openAPI) parameters(d *document, o *Operation, stem string, parameters []parameter) error {
	for _, p := range parameters {
		if p.In == "header" {
			keep, err := api.header(o, p)
			if err != nil {
				return err
			}
			if !keep {
				continue
			}
		}
		t, err := api.convert(d, stem+"."+p.Name, p.Schema)
		if err != nil {
			return fmt.Errorf("%s parameter %q: %w", p.In, p.Name, err)
		}
		// A list that is not exploded is one value with commas, which a
		// script writes itself.
		if t.Kind == bindings.List && p.In == "query" && p.Explode != nil && !*p.Explode {
			t = bindings.Type{Kind: bindings.String}
		}
		field := bindings.Field{Name: p.Name, Required: p.Required, Type: t}
		switch p.In {
		case "path":
			field.Required = true
			o.PathParams = append(o.PathParams, field)
		case "query":
			o.Query = append(o.Query, field)
		case "header":
			o.Header = append(o.Header, field)
		default:
			return fmt.Errorf("parameter %q stands in %q; expected path, query or header", p.Name, p.In)
		}
	}
	return nil
}

// pathParameters puts the parameters in the order of the path and adds as
// strings those that the document forgot to declare.
func pathParameters(o *Operation) error {
	declared := map[string]bindings.Field{}
	for _, f := range o.PathParams {
		declared[f.Name] = f
	}
	var inPath []bindings.Field
	for _, part := range strings.Split(o.Path, "{")[1:] {
		name, _, found := strings.Cut(part, "}")
		if !found {
			return fmt.Errorf("path %q: %q is not closed", o.Path, "{")
		}
		f, found := declared[name]
		if !found {
			f = bindings.Field{Name: name, Required: true, Type: bindings.Type{Kind: bindings.String}}
		}
		delete(declared, name)
		inPath = append(inPath, f)
	}
	for name := range declared {
		return fmt.Errorf("path parameter %q is not in the path", name)
	}
	o.PathParams = inPath
	return nil
}

var encodings = map[string]bindings.Encoding{
	"application/json":                  bindings.JSON,
	"application/x-www-form-urlencoded": bindings.Form,
	"multipart/form-data":               bindings.Multipart,
}

// body takes the first media type of a request.
func (api *openAPI) body(d *document, stem string, c *content) (*bindings.Body, error) {
	if len(c.Content) == 0 {
		return nil, nil
	}
	first := c.Content[0]
	encoding, known := encodings[first.key]
	if !known {
		return nil, fmt.Errorf("unknown media type %q", first.key)
	}
	t, err := api.convert(d, stem+"Body", first.value.Schema)
	if err != nil {
		return nil, err
	}
	if t.Kind == bindings.Any {
		t.Kind = bindings.Object
	}
	return &bindings.Body{Encoding: encoding, Type: t, Required: c.Required}, nil
}

// answer takes the first 2xx answer that has a schema.
func (api *openAPI) answer(d *document, stem string, responses ordered[content]) (*bindings.Type, error) {
	for _, r := range responses {
		if !strings.HasPrefix(r.key, "2") {
			continue
		}
		for _, c := range r.value.Content {
			if c.value.Schema == nil {
				continue
			}
			t, err := api.convert(d, stem+"Answer", c.value.Schema)
			if err != nil {
				return nil, err
			}
			if t.Kind == bindings.Any {
				return nil, nil
			}
			return &t, nil
		}
	}
	return nil, nil
}

// scopes gives what all alternatives of a security requirement ask for, or the
// alternatives where they differ.
func scopes(security []map[string][]string) (all, one []string) {
	var sets [][]string
	for _, alternative := range security {
		var set []string
		for _, scopes := range alternative {
			set = append(set, scopes...)
		}
		sort.Strings(set)
		sets = append(sets, set)
	}
	seen := map[string]bool{}
	for i, set := range sets {
		if len(set) == 0 {
			return nil, nil // an alternative that asks for nothing
		}
		if i > 0 && !slices.Equal(set, sets[0]) {
			for _, set := range sets {
				for _, scope := range set {
					if !seen[scope] {
						seen[scope] = true
						one = append(one, scope)
					}
				}
			}
			return nil, one
		}
	}
	if len(sets) > 0 {
		return sets[0], nil
	}
	return nil, nil
}

// pascal turns "get-contact" into "GetContact".
func pascal(id string) string {
	var b strings.Builder
	for _, word := range strings.Split(bindings.Snake(id), "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}
