package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Node is a value of a document. The members of an object are in the order of
// the document.
type Node struct {
	Kind Kind
	Text string // of a scalar: a string without quotes, a number as it is written
	Keys []string
	All  []*Node // items of a list, values of an object
	Line int     // in the document; 0 in JSON
}

// Kind is the kind of a value.
type Kind uint8

// The kinds of values.
const (
	Null Kind = iota
	Text
	Number
	Boolean
	List
	Object
)

// maxNodes bounds the number of values of a document, after the expansion of
// YAML aliases.
const maxNodes = 8_000_000

var errTooLarge = errors.New("the document is too large")

// Parse reads JSON or YAML.
func Parse(source []byte) (*Node, error) {
	trimmed := bytes.TrimLeft(source, " \t\r\n\ufeff")
	if len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		n, err := parseJSON(trimmed)
		if err == nil {
			return n, nil
		}
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line := 1 + bytes.Count(source[:min(len(source), len(source)-len(trimmed)+int(syntax.Offset))], []byte("\n"))
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(source, &document); err != nil {
		return nil, err
	}
	if len(document.Content) == 0 {
		return nil, errors.New("the document is empty")
	}
	remaining := maxNodes
	return fromYAML(document.Content[0], &remaining, 0)
}

// scalars are the kinds of YAML scalars by their tag; others are texts.
var scalars = map[string]Kind{"!!int": Number, "!!float": Number, "!!bool": Boolean, "!!null": Null}

// maxDepth bounds values within values.
const maxDepth = 200

func fromYAML(y *yaml.Node, remaining *int, depth int) (*Node, error) {
	if *remaining--; *remaining < 0 || depth > maxDepth {
		return nil, errTooLarge
	}
	n := &Node{Line: y.Line}
	switch y.Kind {
	case yaml.AliasNode:
		return fromYAML(y.Alias, remaining, depth+1)
	case yaml.ScalarNode:
		n.Text, n.Kind = y.Value, Text
		if kind, known := scalars[y.Tag]; known {
			n.Kind = kind
		}
	case yaml.SequenceNode:
		n.Kind = List
		for _, item := range y.Content {
			inner, err := fromYAML(item, remaining, depth+1)
			if err != nil {
				return nil, err
			}
			n.All = append(n.All, inner)
		}
	case yaml.MappingNode:
		return n, n.members(y, remaining, depth)
	}
	return n, nil
}

// members reads the members of an object, including merged ones.
func (n *Node) members(y *yaml.Node, remaining *int, depth int) error {
	n.Kind = Object
	for i := 0; i+1 < len(y.Content); i += 2 {
		inner, err := fromYAML(y.Content[i+1], remaining, depth+1)
		if err != nil {
			return err
		}
		if y.Content[i].Tag == "!!merge" {
			n.Keys, n.All = append(n.Keys, inner.Keys...), append(n.All, inner.All...)
			continue
		}
		n.Keys, n.All = append(n.Keys, y.Content[i].Value), append(n.All, inner)
	}
	return nil
}

// UnmarshalJSON decodes a value and keeps the order of members, for fields of
// structs.
func (n *Node) UnmarshalJSON(text []byte) error {
	parsed, err := parseJSON(text)
	if err == nil {
		*n = *parsed
	}
	return err
}

func parseJSON(source []byte) (*Node, error) {
	d := json.NewDecoder(bytes.NewReader(source))
	d.UseNumber()
	n, err := jsonValue(d, 0)
	if err == nil {
		_, err = d.Token()
		if err == io.EOF {
			return n, nil
		}
		err = errors.New("found more after the document's end")
	}
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the document ends before it is complete")
	}
	return nil, err
}

func jsonValue(d *json.Decoder, depth int) (*Node, error) {
	if depth > maxDepth {
		return nil, errTooLarge
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case string:
		return &Node{Kind: Text, Text: v}, nil
	case json.Number:
		return &Node{Kind: Number, Text: v.String()}, nil
	case bool:
		return &Node{Kind: Boolean, Text: strconv.FormatBool(v)}, nil
	case json.Delim:
		n := &Node{Kind: List}
		if v == '{' {
			n.Kind = Object
		}
		for d.More() {
			if n.Kind == Object {
				key, err := d.Token()
				if err != nil {
					return nil, err
				}
				n.Keys = append(n.Keys, key.(string))
			}
			inner, err := jsonValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			n.All = append(n.All, inner)
		}
		_, err := d.Token()
		return n, err
	}
	return &Node{}, nil
}

// Len returns the number of items of a list, or of members of an object.
func (n *Node) Len() int {
	if n == nil {
		return 0
	}
	return len(n.All)
}

// Get returns a member of an object, nil if there is none. A nil Node has no
// members.
func (n *Node) Get(key string) *Node {
	if n == nil || n.Kind != Object {
		return nil
	}
	for i, k := range n.Keys {
		if k == key {
			return n.All[i]
		}
	}
	return nil
}

// Str returns the text of a scalar member, empty if there is none.
func (n *Node) Str(key string) string {
	if v := n.Get(key); v != nil && v.Kind != List && v.Kind != Object && v.Kind != Null {
		return v.Text
	}
	return ""
}

// Is reports whether a member is the boolean true.
func (n *Node) Is(key string) bool {
	v := n.Get(key)
	return v != nil && v.Kind == Boolean && v.Text == "true"
}

// Items returns the items of a member that is a list.
func (n *Node) Items(key string) []*Node {
	if v := n.Get(key); v != nil && v.Kind == List {
		return v.All
	}
	return nil
}

// Texts returns the items that are texts of a member that is a list.
func (n *Node) Texts(key string) (all []string) {
	for _, item := range n.Items(key) {
		if item.Kind == Text {
			all = append(all, item.Text)
		}
	}
	return all
}

// Each calls a function for each member of an object, in order.
func (n *Node) Each(do func(key string, value *Node)) {
	if n == nil || n.Kind != Object {
		return
	}
	for i, key := range n.Keys {
		do(key, n.All[i])
	}
}

// Literal returns a text or a number as JSON; false for other values.
func (n *Node) Literal() (string, bool) {
	switch n.Kind {
	case Text:
		quoted, err := json.Marshal(n.Text)
		return string(quoted), err == nil
	case Number:
		return n.Text, json.Valid([]byte(n.Text))
	}
	return "", false
}
