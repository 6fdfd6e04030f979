// Package document reads a description of Slack's methods and events, taken from its SDKs.
package document

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/source"
)

// families are the groups whose changing methods are sent as JSON. Every other
// method is sent as a form, which all methods accept, and some nothing else:
// files.getUploadURLExternal.
var families = []string{"chat", "conversations", "users"}

// groupOf is the group of a method: its name without the last word.
func groupOf(method string) string {
	if first, _, _ := strings.Cut(method, "."); slices.Contains(families, first) {
		return first
	}
	return method[:strings.LastIndexByte(method, '.')]
}

// methodFacts is one method in methods.json.
type methodFacts struct {
	Name   string
	Read   bool
	Args   []fieldFacts
	Answer []fieldFacts
	Tier   string
	Scopes []string
	Paged  string

	Deprecated bool
}

type fieldFacts struct {
	Name     string
	Type     string
	Items    string
	Enum     []string
	Required bool
}

// Read reads the folder with methods.json and events.json.
func Read(folder string) (*source.Source, error) {
	var methods struct{ Methods []methodFacts }
	if err := source.ReadJSON(folder, "methods.json", &methods); err != nil {
		return nil, err
	}
	var events struct{ Events []eventFacts }
	if err := source.ReadJSON(folder, "events.json", &events); err != nil {
		return nil, err
	}
	s := &reader{types: &source.Types{}}
	s.types.List = append(s.types.List, &bindings.Definition{Name: metadataType, Fields: []bindings.Field{
		{Name: "next_cursor", Type: bindings.Type{Kind: bindings.String}},
		{Name: "messages", Type: bindings.Type{Kind: bindings.List, Items: &bindings.Type{Kind: bindings.String}}},
	}, Open: true})
	for _, m := range methods.Methods {
		if !strings.Contains(m.Name, ".") {
			return nil, fmt.Errorf("method %s: expected a family and a dot before the last word", m.Name)
		}
		if err := s.method(groupOf(m.Name), m); err != nil {
			return nil, fmt.Errorf("method %s: %w", m.Name, err)
		}
	}
	for _, e := range events.Events {
		if err := s.event(e); err != nil {
			return nil, fmt.Errorf("event %s %s: %w", e.Type, e.Subtype, err)
		}
	}
	s.source.Types = s.types.List
	return &s.source, nil
}

type reader struct {
	types  *source.Types
	source source.Source
}

// metadataType is the type of the metadata in every answer.
const metadataType = "ResponseMetadata"

// usualTier is the tier of methods without a documented tier; most have it.
const usualTier = "Tier2"

// method adds the operation of a method.
func (s *reader) method(group string, m methodFacts) error {
	o := &source.Operation{Group: group, From: "methods.json: " + m.Name}
	o.ID, o.Method, o.Path = m.Name, "POST", "/"+m.Name
	o.Safe, o.Limit, o.Deprecated = m.Read, strings.ToLower(cmp.Or(m.Tier, usualTier)), m.Deprecated
	o.AnyScope = scopesOf(m.Scopes)
	encoding := bindings.Form
	if slices.Contains(families, group) && !m.Read {
		encoding = bindings.JSON
	}
	if len(m.Args) > 0 {
		fields, err := fieldsOf(m.Args)
		if err != nil {
			return err
		}
		name := source.Camel(m.Name)
		if _, err := s.types.Add(name, fields); err != nil {
			return err
		}
		o.Body = &bindings.Body{Encoding: encoding, Type: bindings.Type{Kind: bindings.Named, Name: name}}
		for _, f := range fields {
			o.Body.Required = o.Body.Required || f.Required
		}
	}
	fields, err := fieldsOf(m.Answer)
	if err != nil {
		return err
	}
	fields = append([]bindings.Field{{Name: "ok", Type: bindings.Type{Kind: bindings.Boolean}}}, fields...)
	fields = append(fields, bindings.Field{Name: "response_metadata", Type: bindings.Type{Kind: bindings.Named, Name: metadataType}})
	name := source.Camel(m.Name) + "Answer"
	if len(m.Answer) == 0 {
		name = "Answer"
	}
	if o.Answer, err = s.types.Add(name, fields); err != nil {
		return err
	}
	if m.Paged == "cursor" {
		if o.Pages, err = pagesOf(m); err != nil {
			return err
		}
	}
	s.source.Operations = append(s.source.Operations, o)
	return nil
}

// pageSize is the highest page size that the vendor advises.
const pageSize = 200

// pagesOf declares the pages of the one list in the answer. If there is none with
// that name, the corrections declare them.
func pagesOf(m methodFacts) (*bindings.Pages, error) {
	pages := &bindings.Pages{Cursors: map[string]string{"cursor": "response_metadata.next_cursor"}}
	for _, f := range m.Answer {
		if f.Type != "array" {
			continue
		}
		if pages.Items != "" {
			return nil, fmt.Errorf("two lists in the answer: %s and %s", pages.Items, f.Name)
		}
		pages.Items = f.Name
	}
	for _, size := range []string{"limit", "count"} { // with both, limit belongs to the cursor
		if pages.SizeParam == "" && slices.ContainsFunc(m.Args, func(f fieldFacts) bool { return f.Name == size }) {
			pages.SizeParam, pages.Size = size, pageSize
		}
	}
	return pages, nil
}

// scopesOf adds to the scopes of 2021 those that replaced them; any one of them is
// enough. "none" is for no scope.
func scopesOf(scopes []string) []string {
	var out []string
	for _, scope := range scopes {
		switch scope {
		case "none":
			continue
		case "chat:write:user", "chat:write:bot":
			if !slices.Contains(out, "chat:write") {
				out = append(out, "chat:write")
			}
		case "channels:write":
			out = append(out, "channels:manage")
		case "files:write:user":
			out = append(out, "files:write")
		}
		out = append(out, scope)
	}
	return out
}

func fieldsOf(fields []fieldFacts) ([]bindings.Field, error) {
	var out []bindings.Field
	for _, f := range fields {
		t, err := typeOf(f)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", f.Name, err)
		}
		out = append(out, bindings.Field{Name: f.Name, Required: f.Required, Type: t})
	}
	return out, nil
}

// integers are numbers that count, or are whole seconds.
var integers = []string{
	"limit", "count", "page", "length", "duration", "duration_days", "num_minutes", "num_trigger_ids", "expires_in",
	"expiration_ts", "date_start", "date_end_of_support", "date_sessions_started", "last_message_activity_before", "before",
	"max_date_created", "min_date_created", "max_workflow_triggers", "crop_w", "crop_x", "crop_y",
}

func typeOf(f fieldFacts) (bindings.Type, error) {
	if len(f.Enum) > 0 {
		return source.Enum(f.Enum), nil
	}
	switch f.Type {
	case "string":
		return bindings.Type{Kind: bindings.String}, nil
	case "boolean":
		return bindings.Type{Kind: bindings.Boolean}, nil
	case "object":
		return bindings.Type{Kind: bindings.Object}, nil
	case "any":
		return bindings.Type{}, nil
	case "number":
		if slices.Contains(integers, f.Name) || strings.HasSuffix(f.Name, "_count") {
			return bindings.Type{Kind: bindings.Integer}, nil
		}
		return bindings.Type{Kind: bindings.Number}, nil
	case "array":
		item := bindings.Type{}
		if f.Items != "" {
			var err error
			if item, err = typeOf(fieldFacts{Name: f.Name, Type: f.Items}); err != nil {
				return item, err
			}
		}
		return bindings.Type{Kind: bindings.List, Items: &item}, nil
	}
	if first, second, found := strings.Cut(f.Type, "|"); found {
		a, err := typeOf(fieldFacts{Type: first})
		if err != nil {
			return a, err
		}
		b, err := typeOf(fieldFacts{Type: second})
		return bindings.Type{Kind: bindings.Union, OneOf: []bindings.Type{a, b}}, err
	}
	return bindings.Type{}, fmt.Errorf("unknown type %q", f.Type)
}
