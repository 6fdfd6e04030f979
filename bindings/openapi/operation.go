package openapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// methods are the keys of a path's object whose values are operations.
var methods = []string{"get", "head", "post", "put", "patch", "delete", "options"}

// endpoint is an operation of the document, and the operation that it is
// converted into.
type endpoint struct {
	place
	method, path string
	shared       []*Node // parameters of its path
	operation    *bindings.Operation
	group        string
}

// parameter is a parameter of an operation.
type parameter struct {
	in       string
	name     string
	required bool
	schema   place
	commas   bool // a list is written as one text with commas
}

// operation converts one operation.
func (r *reader) operation(e *endpoint) error {
	o := &bindings.Operation{ID: e.Str("operationId"), Method: strings.ToUpper(e.method), Path: e.path, Deprecated: e.Is("deprecated")}
	e.operation = o
	if o.ID == "" {
		o.ID = o.Method + " " + o.Path
	}
	stem := pascal(o.ID)
	parameters, err := r.parameters(e)
	if err != nil {
		return err
	}
	var form []parameter
	for _, p := range parameters {
		if p.in == "formData" || p.in == "body" {
			form = append(form, p)
			continue
		}
		if err := r.parameter(o, stem, p); err != nil {
			return err
		}
	}
	if err := setPathParams(o); err != nil {
		return err
	}
	if r.swagger {
		err = r.swaggerBody(e, o, stem, form)
	} else {
		err = r.body(e, o, stem)
	}
	if err != nil {
		return fmt.Errorf("body: %w", err)
	}
	if o.Answer, err = r.answer(e, stem); err != nil {
		o.Answer = nil // the operation can be called without it
		r.problems = append(r.problems, Problem{Operation: e.where(), Line: e.Line, Note: true,
			Text: "its answer is not described: " + err.Error()})
	}
	o.Scopes, o.AnyScope = r.scopes(e)
	if o.Method == "DELETE" && strings.HasSuffix(o.Path, "}") {
		o.Idempotent = "deletes one record by its id"
	}
	if o.Method == "PUT" {
		o.Idempotent = "puts the whole record in its place"
	}
	if o.Method == "OPTIONS" {
		o.Safe = true
	}
	return nil
}

// parameters returns the parameters of an operation and of its path. If both
// have one, that of the operation counts.
func (r *reader) parameters(e *endpoint) (all []parameter, err error) {
	index := map[string]int{}
	for _, n := range append(slices.Clone(e.shared), e.Items("parameters")...) {
		p, _, err := r.documents.follow(place{n, e.file})
		if err != nil {
			return nil, err
		}
		one := parameter{in: p.Str("in"), name: p.Str("name"), required: p.Is("required"), schema: p}
		if s := p.Get("schema"); s != nil {
			one.schema = place{s, p.file}
		} else if content := p.Get("content"); content != nil && len(content.All) > 0 {
			one.schema = place{nil, p.file} // JSON in one text, which scripts write
		}
		if r.swagger {
			format := p.Str("collectionFormat")
			one.commas = one.in == "query" && p.Str("type") == "array" && format != "multi"
		} else if explode := p.Get("explode"); one.in == "query" {
			one.commas = explode != nil && explode.Text == "false"
		}
		if at, found := index[one.in+" "+one.name]; found {
			all[at] = one
			continue
		}
		index[one.in+" "+one.name] = len(all)
		all = append(all, one)
	}
	return all, nil
}

// callHeaders are the headers that every call sets by itself.
var callHeaders = []string{"authorization", "accept", "content-type", "content-length", "user-agent", "cookie", "host"}

// parameter adds a parameter to an operation.
func (r *reader) parameter(o *bindings.Operation, stem string, p parameter) error {
	if p.name == "" {
		return fmt.Errorf("a parameter in %q has no name", p.in)
	}
	t, err := r.types.convert(stem+"."+p.name, p.schema)
	if err != nil {
		return fmt.Errorf("parameter %q: %w", p.name, err)
	}
	if list, _ := r.resolve(p.schema.file, t); p.commas && list.Kind == bindings.List {
		t = bindings.Type{Kind: bindings.String}
	}
	field := bindings.Field{Name: p.name, Required: p.required, Type: t}
	switch p.in {
	case "path":
		field.Required = true
		o.PathParams = append(o.PathParams, field)
	case "query":
		o.Query = append(o.Query, field)
	case "header":
		argument := !slices.Contains(callHeaders, strings.ToLower(p.name)) && !r.credentials[strings.ToLower(p.name)]
		if r.header != nil {
			if argument, err = r.header(o, p.name, p.schema.Node); err != nil {
				return err
			}
		}
		if argument {
			o.Header = append(o.Header, field)
		}
	case "cookie":
	default:
		return fmt.Errorf("parameter %q is in %q; expected path, query or header", p.name, p.in)
	}
	return nil
}

// resolve follows a type to one that is no alias. It returns the definition too
// if that is a named type.
func (r *reader) resolve(file string, t bindings.Type) (bindings.Type, *bindings.Definition) {
	for range maxHops {
		d := r.types.byName[r.types.scoped(file, t.Name)]
		if t.Kind != bindings.Named || d == nil || d.Is == nil {
			return t, d
		}
		t = *d.Is
	}
	return t, nil
}

// setPathParams sorts the parameters of the path in its order, and adds those
// that the document does not declare, as texts.
func setPathParams(o *bindings.Operation) error {
	declared := map[string]bindings.Field{}
	for _, f := range o.PathParams {
		declared[f.Name] = f
	}
	o.PathParams = nil
	for _, part := range strings.Split(o.Path, "{")[1:] {
		name, _, found := strings.Cut(part, "}")
		if !found || name == "" {
			return fmt.Errorf("path %q: a brace is not closed", o.Path)
		}
		f, known := declared[name]
		if !known {
			f = bindings.Field{Name: name, Required: true, Type: bindings.Type{Kind: bindings.String}}
		}
		if !slices.ContainsFunc(o.PathParams, func(other bindings.Field) bool { return other.Name == name }) {
			o.PathParams = append(o.PathParams, f)
		}
	}
	return nil
}

// body sets the body of an operation, for the media type of the lowest rank.
func (r *reader) body(e *endpoint, o *bindings.Operation, stem string) error {
	body, _, err := r.documents.follow(place{e.Get("requestBody"), e.file})
	if err != nil || body.Node == nil {
		return err
	}
	content := body.Get("content")
	if content == nil || len(content.Keys) == 0 {
		return nil
	}
	best, encoding := -1, bindings.Encoding("")
	for i, media := range content.Keys {
		if as, rank := encodingOf(media); best < 0 || rank < rankOf(content.Keys[best]) {
			best, encoding = i, as
		}
	}
	t, err := r.types.convert(stem+"Body", place{content.All[best].Get("schema"), body.file})
	if err != nil {
		return err
	}
	o.Body = &bindings.Body{Encoding: encoding, Type: t, Required: body.Is("required")}
	r.fitBody(e.file, o)
	return nil
}

// encodingOf returns the encoding of a media type and its rank: of several media
// types the one with the lowest rank is used.
func encodingOf(media string) (bindings.Encoding, int) {
	media, _, _ = strings.Cut(strings.ToLower(media), ";")
	switch media = strings.TrimSpace(media); {
	case media == "application/json":
		return bindings.JSON, 0
	case strings.HasSuffix(media, "+json"):
		return bindings.JSON, 1
	case media == "multipart/form-data":
		return bindings.Multipart, 2
	case media == "application/x-www-form-urlencoded":
		return bindings.Form, 3
	case media == "*/*":
		return bindings.JSON, 4
	}
	return bindings.Binary, 5
}

func rankOf(media string) int {
	_, rank := encodingOf(media)
	return rank
}

// fitBody changes the type of a body to one that its encoding can write: a
// binary body is a file, and a body of any type an object.
func (r *reader) fitBody(file string, o *bindings.Operation) {
	t, _ := r.resolve(file, o.Body.Type)
	switch {
	case o.Body.Encoding == bindings.Binary:
		o.Body.Type = bindings.Type{Kind: bindings.File}
	case t.Kind == bindings.Any:
		o.Body.Type = bindings.Type{Kind: bindings.Object}
	}
}

// swaggerBody sets the body of an operation of version 2, where it is one or
// several of the parameters.
func (r *reader) swaggerBody(e *endpoint, o *bindings.Operation, stem string, parameters []parameter) error {
	if len(parameters) == 0 {
		return nil
	}
	consumes := e.Texts("consumes")
	if e.Get("consumes") == nil {
		consumes = r.root.Texts("consumes")
	}
	o.Body = &bindings.Body{Encoding: bindings.JSON}
	if p := parameters[0]; p.in == "body" {
		t, err := r.types.convert(stem+"Body", p.schema)
		o.Body.Type, o.Body.Required = t, p.required
		if as, _ := encodingOf(firstOr(consumes, "application/json")); as == bindings.Binary {
			o.Body.Encoding = as
		}
		r.fitBody(e.file, o)
		return err
	}
	o.Body.Encoding = bindings.Form
	d := r.types.define(e.file, stem+"Form")
	for _, p := range parameters {
		t, err := r.types.convert(d.Name+"."+p.name, p.schema)
		if err != nil {
			return err
		}
		if t.Kind == bindings.File || slices.Contains(consumes, "multipart/form-data") {
			o.Body.Encoding = bindings.Multipart
		}
		o.Body.Required = o.Body.Required || p.required
		addField(d, bindings.Field{Name: p.name, Type: t})
		d.Fields[len(d.Fields)-1].Required = p.required
	}
	o.Body.Type = bindings.Type{Kind: bindings.Named, Name: d.Name}
	return nil
}

func firstOr(all []string, fallback string) string {
	if len(all) > 0 {
		return all[0]
	}
	return fallback
}

// answer returns the type of the first 2xx or default answer with a schema.
func (r *reader) answer(e *endpoint, stem string) (found *bindings.Type, err error) {
	e.Get("responses").Each(func(status string, n *Node) {
		if found != nil || err != nil || !strings.HasPrefix(status, "2") && status != "default" {
			return
		}
		var response place
		if response, _, err = r.documents.follow(place{n, e.file}); err != nil {
			return
		}
		schemas := schemasOf(response)
		i := slices.IndexFunc(schemas, func(s *Node) bool { return s != nil })
		if i < 0 {
			return
		}
		var t bindings.Type
		if t, err = r.types.convert(stem+"Answer", place{schemas[i], response.file}); err == nil && t.Kind != bindings.Any {
			found = &t
		}
	})
	return found, err
}

// schemasOf returns the schemas of an answer, one for each of its media types;
// nil for one without.
func schemasOf(response place) []*Node {
	content := response.Get("content")
	if content == nil {
		return []*Node{response.Get("schema")}
	}
	var schemas []*Node
	for i, media := range content.Keys {
		if as, _ := encodingOf(media); as == bindings.Binary && !strings.HasPrefix(media, "text/") && media != "application/xml" {
			schemas = append(schemas, &Node{Kind: Object, Keys: []string{"type", "format"}, All: []*Node{{Kind: Text, Text: "string"}, {Kind: Text, Text: "binary"}}})
			continue
		}
		schemas = append(schemas, content.All[i].Get("schema"))
	}
	return schemas
}

// scopes returns the scopes of an operation: all are required if every
// alternative of its security requirements has the same, else any one is enough.
func (r *reader) scopes(e *endpoint) (all, anyOf []string) {
	requirements := e.Items("security")
	if e.Get("security") == nil {
		requirements = r.root.Items("security")
	}
	var sets [][]string
	for _, requirement := range requirements {
		var set []string
		requirement.Each(func(scheme string, scopes *Node) {
			for _, s := range scopes.All {
				set = append(set, s.Text)
			}
		})
		slices.Sort(set)
		if len(set) == 0 {
			return nil, nil // an alternative without scopes
		}
		sets = append(sets, set)
	}
	if len(sets) == 0 {
		return nil, nil
	}
	if !slices.ContainsFunc(sets, func(set []string) bool { return !slices.Equal(set, sets[0]) }) {
		return sets[0], nil
	}
	for _, scope := range slices.Concat(sets...) {
		if !slices.Contains(anyOf, scope) {
			anyOf = append(anyOf, scope)
		}
	}
	return nil, anyOf
}

// pascal turns "get-contact" into "GetContact".
func pascal(id string) string {
	var b strings.Builder
	for _, word := range strings.Split(bindings.Snake(id), "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return TypeName(b.String())
}
