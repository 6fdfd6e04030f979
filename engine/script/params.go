package script

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// template is what a template.yaml beside a main.lua says that matters here;
// the rest of it is for people.
type template struct {
	Params map[string]yaml.Node `yaml:"params"`
}

// declaration is one parameter of a template.
type declaration struct {
	Type        string `yaml:"type"`
	Default     any    `yaml:"default"`
	Required    bool   `yaml:"required"`
	Description string `yaml:"description"`
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
	var t template
	if err := yaml.Unmarshal(templateText, &t); err != nil {
		return nil, fmt.Errorf("not valid YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var errs []error
	for _, name := range sortedKeys(t.Params) {
		node := t.Params[name]
		d, err := readDeclaration(&node)
		if err == nil {
			err = d.resolve(name, values)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: param %q: %w", node.Line, name, err))
		}
	}
	for _, name := range sortedKeys(values) {
		if !has(t.Params, name) {
			errs = append(errs, fmt.Errorf("the configuration gives a param %q that is not declared here%s", name, meant(name, sortedKeys(t.Params), "declared are")))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return json.Marshal(values)
}

func readDeclaration(node *yaml.Node) (declaration, error) {
	var d declaration
	if node.Kind != yaml.MappingNode {
		return d, errors.New("expected type, default, required or description")
	}
	for i := 0; i < len(node.Content); i += 2 {
		if field := node.Content[i].Value; !contains(paramFields, field) {
			return d, fmt.Errorf("unknown field %q%s", field, meant(field, paramFields, "fields are"))
		}
	}
	if err := node.Decode(&d); err != nil {
		return d, errors.New(strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "\n", " "))
	}
	if d.Type == "" {
		d.Type = "string"
	}
	if !contains(paramTypes, d.Type) {
		return d, fmt.Errorf("unknown type %q%s", d.Type, meant(d.Type, paramTypes, "types are"))
	}
	return d, nil
}

// resolve checks the value of a param, or puts its default in.
func (d declaration) resolve(name string, values map[string]json.RawMessage) error {
	value, said := values[name]
	if said {
		if !d.holds(value) {
			return fmt.Errorf("expected %s, found %s in the configuration", article(d.Type), found(value))
		}
		return nil
	}
	if d.Default != nil {
		raw, err := json.Marshal(d.Default)
		if err != nil {
			return fmt.Errorf("the default: %w", err)
		}
		if !d.holds(raw) {
			return fmt.Errorf("the default is %s; expected %s", found(raw), article(d.Type))
		}
		values[name] = raw
		return nil
	}
	if d.Required {
		return errors.New("required; give it a value in the configuration, under params")
	}
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
	switch d.Type {
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
