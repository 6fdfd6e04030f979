package script

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidewire/tidewire/bindings/yamltext"
)

// declaration is one parameter of a template.
type declaration struct {
	line     int
	kind     string
	value    any // the default, nil if there is none
	required bool
}

var (
	paramTypes  = []string{"string", "number", "integer", "boolean", "list", "map"}
	paramFields = []string{"type", "default", "required", "description"}
)

// resolveParams makes the params of a script from what its template declares
// and what configuration says. Without a template all that is said is given.
// The error joins everything that is wrong.
func resolveParams(templateText []byte, declared bool, said json.RawMessage) (json.RawMessage, error) {
	values := map[string]json.RawMessage{}
	if len(said) > 0 && string(said) != "null" {
		if err := json.Unmarshal(said, &values); err != nil {
			return nil, fmt.Errorf("the params in the configuration: expected names with values, found %s", found(said))
		}
	}
	if !declared {
		return json.Marshal(values)
	}
	params, err := readTemplate(templateText)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, name := range sortedKeys(params) {
		d, err := readDeclaration(name, params[name])
		if err == nil {
			err = d.resolve(name, values)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	for _, name := range sortedKeys(values) {
		if !has(params, name) {
			errs = append(errs, fmt.Errorf("the configuration gives a param %q that is not declared here%s", name, meant(name, sortedKeys(params), "declared are")))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return json.Marshal(values)
}

// readTemplate gives the params that a template.yaml declares; the rest of it
// is for people.
func readTemplate(text []byte) (map[string]*yaml.Node, error) {
	root, err := yamltext.Parse(text)
	var place *yamltext.Error
	switch {
	case errors.As(err, &place):
		return nil, place
	case err != nil:
		return nil, fmt.Errorf("not valid YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	case root.Kind != yaml.MappingNode && !yamltext.IsNull(root):
		return nil, fmt.Errorf("line %d: found %s, expected a title, params and the like by name", root.Line, yamltext.Shown(root))
	}
	params := map[string]*yaml.Node{}
	switch key, list := yamltext.Get(root, "params"); {
	case list == nil || yamltext.IsNull(list):
	case list.Kind != yaml.MappingNode:
		return nil, fmt.Errorf("line %d: params: found %s, expected params by name", key.Line, yamltext.Shown(list))
	default:
		for i := 0; i+1 < len(list.Content); i += 2 {
			params[list.Content[i].Value] = list.Content[i+1]
		}
	}
	return params, nil
}

func readDeclaration(name string, node *yaml.Node) (declaration, error) {
	d := declaration{line: node.Line, kind: "string"}
	if node.Kind != yaml.MappingNode {
		return d, d.wrong(name, "expected type, default, required or description")
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		field, value := node.Content[i].Value, node.Content[i+1]
		text, isText := yamltext.Text(value)
		switch {
		case !contains(paramFields, field):
			return d, d.wrong(name, "unknown field %q%s", field, meant(field, paramFields, "fields are"))
		case field == "default":
			var problems []*yamltext.Error
			if d.value, problems = yamltext.Value(value); len(problems) > 0 {
				d.line = problems[0].Line
				return d, d.wrong(name, "%s: %s", strings.TrimSuffix("default."+problems[0].Key, "."), problems[0].Text)
			}
		case yamltext.IsNull(value):
		case !isText:
			return d, d.wrong(name, "%s: found %s, expected text", field, yamltext.Shown(value))
		case field == "type":
			d.kind = cmp.Or(text, d.kind)
		case field == "required":
			if value.Decode(&d.required) != nil {
				return d, d.wrong(name, "required: found %s, expected true or false", yamltext.Shown(value))
			}
		}
	}
	if !contains(paramTypes, d.kind) {
		return d, d.wrong(name, "unknown type %q%s", d.kind, meant(d.kind, paramTypes, "types are"))
	}
	return d, nil
}

// wrong is an error of a declaration, with its line.
func (d declaration) wrong(name, format string, args ...any) error {
	return fmt.Errorf("line %d: param %q: %s", d.line, name, fmt.Sprintf(format, args...))
}

// resolve checks the value of a param, or puts its default in.
func (d declaration) resolve(name string, values map[string]json.RawMessage) error {
	value, said := values[name]
	switch {
	case said && !d.holds(value):
		return d.wrong(name, "expected %s, found %s in the configuration", article(d.kind), found(value))
	case said:
		return nil
	case d.value == nil && d.required:
		return d.wrong(name, "required; give it a value in the configuration, under params")
	case d.value == nil:
		return nil
	}
	raw, err := json.Marshal(d.value)
	if err != nil {
		return d.wrong(name, "the default: %v", err)
	}
	if !d.holds(raw) {
		return d.wrong(name, "the default is %s; expected %s", found(raw), article(d.kind))
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

func (d declaration) holds(raw json.RawMessage) bool {
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
