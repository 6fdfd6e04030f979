package script

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidewire/tidewire/bindings/yamltext"
)

// declaration is a parameter of a template.
type declaration struct {
	file      string
	line      int // of its name
	kind      string
	value     any // the default, nil if there is none
	valueLine int
	required  bool
}

// param is a parameter as it is written in a template.yaml.
type param struct{ name, value *yaml.Node }

var (
	paramTypes  = []string{"string", "number", "integer", "boolean", "list", "map"}
	paramFields = []string{"type", "default", "required", "description"}
)

// resolveParams makes the params of a script from the declarations of its
// template and the values in the configuration. A script without a template
// gets the values as they are. The error joins all that are found; one that has
// a line in the template is a *yamltext.Error.
func resolveParams(template string, templateText []byte, declared bool, configured json.RawMessage) (json.RawMessage, error) {
	values := map[string]json.RawMessage{}
	if len(configured) > 0 && string(configured) != "null" {
		if err := json.Unmarshal(configured, &values); err != nil {
			return nil, fmt.Errorf("the params in the configuration: expected names with values, found %s", describe(configured))
		}
	}
	if !declared {
		return json.Marshal(values)
	}
	params, err := readTemplate(template, templateText)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(params)) {
		d, err := readDeclaration(template, params[name])
		if err == nil {
			err = d.resolve(name, values)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !has(params, name) {
			errs = append(errs, fmt.Errorf("the configuration gives a param %q that is not declared here%s", name, suggestion(name, slices.Sorted(maps.Keys(params)), "declared are")))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return json.Marshal(values)
}

// readTemplate returns the params that a template.yaml declares. Its other keys
// are for people and are not read.
func readTemplate(file string, text []byte) (map[string]param, error) {
	root, err := yamltext.Parse(file, text)
	switch {
	case err != nil:
		return nil, err
	case root.Kind != yaml.MappingNode && !yamltext.IsNull(root):
		return nil, &yamltext.Error{File: file, Line: root.Line,
			Text: fmt.Sprintf("found %s, expected a title, params and the like by name", yamltext.Describe(root))}
	}
	params := map[string]param{}
	switch key, list := yamltext.Get(root, "params"); {
	case list == nil || yamltext.IsNull(list):
	case list.Kind != yaml.MappingNode:
		return nil, &yamltext.Error{File: file, Line: key.Line, Key: "params", Text: fmt.Sprintf("found %s, expected params by name", yamltext.Describe(list))}
	default:
		for i := 0; i+1 < len(list.Content); i += 2 {
			params[list.Content[i].Value] = param{list.Content[i], list.Content[i+1]}
		}
	}
	return params, nil
}

func readDeclaration(file string, p param) (declaration, error) {
	d := declaration{file: file, line: p.name.Line, kind: "string"}
	name, node := p.name.Value, p.value
	if node.Kind != yaml.MappingNode {
		return d, d.wrong(d.line, name, "found %s, expected type, default, required or description", yamltext.Describe(node))
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		field, line, value := node.Content[i].Value, node.Content[i].Line, node.Content[i+1]
		key := name + "." + field
		text, isText := yamltext.Text(value)
		switch {
		case !contains(paramFields, field):
			return d, d.wrong(line, key, "unknown field%s", suggestion(field, paramFields, "fields are"))
		case field == "default":
			var problems []*yamltext.Error
			if d.value, problems = yamltext.Value(file, value); len(problems) > 0 {
				inner := strings.TrimSuffix(key+"."+problems[0].Key, ".")
				return d, d.wrong(problems[0].Line, inner, "%s", problems[0].Text)
			}
			d.valueLine = line
		case yamltext.IsNull(value):
		case !isText:
			return d, d.wrong(line, key, "found %s, expected text", yamltext.Describe(value))
		case field == "type":
			if d.kind = cmp.Or(text, d.kind); !contains(paramTypes, d.kind) {
				return d, d.wrong(line, key, "unknown type %q%s", d.kind, suggestion(d.kind, paramTypes, "types are"))
			}
		case field == "required":
			if value.Decode(&d.required) != nil {
				return d, d.wrong(line, key, "found %s, expected true or false", yamltext.Describe(value))
			}
		}
	}
	return d, nil
}

// wrong returns an error in the value of a key below params.
func (d declaration) wrong(line int, key, format string, args ...any) error {
	return &yamltext.Error{File: d.file, Line: line, Key: "params." + key, Text: fmt.Sprintf(format, args...)}
}

// resolve checks the configured value of a param, or sets its default.
func (d declaration) resolve(name string, values map[string]json.RawMessage) error {
	value, configured := values[name]
	switch {
	case configured && !d.accepts(value):
		return d.wrong(d.line, name, "found %s in the configuration, expected %s", describe(value), article(d.kind))
	case configured:
		return nil
	case d.value == nil && d.required:
		return d.wrong(d.line, name, "required; give it a value in the configuration, under params")
	case d.value == nil:
		return nil
	}
	raw, err := json.Marshal(d.value)
	if err != nil {
		return d.wrong(d.valueLine, name+".default", "%v", err)
	}
	if !d.accepts(raw) {
		return d.wrong(d.valueLine, name+".default", "found %s, expected %s", describe(raw), article(d.kind))
	}
	values[name] = raw
	return nil
}

func article(kind string) string {
	if kind == "integer" {
		return "an integer"
	}
	return "a " + kind
}

// accepts reports whether a value is of the declared type.
func (d declaration) accepts(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return false
	}
	c := raw[0]
	switch d.kind {
	case "string":
		return c == '"'
	case "boolean":
		return c == 't' || c == 'f'
	case "list":
		return c == '['
	case "map":
		return c == '{'
	case "integer":
		var n float64
		return json.Unmarshal(raw, &n) == nil && c != 'n' && n == float64(int64(n))
	}
	return c == '-' || c >= '0' && c <= '9'
}
