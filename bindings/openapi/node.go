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

// node is a value of a document, in document order, with the line on which it
// stands (0 in JSON).
type node struct {
	kind kind
	text string // of a scalar: a string without quotes, a number as it is written
	keys []string
	all  []*node // items of a list, values of an object
	line int
}

type kind uint8

const (
	null kind = iota
	text
	number
	boolean
	list
	object
)

// maxNodes bounds a document, aliases of YAML followed.
const maxNodes = 8_000_000

var errTooLarge = errors.New("the document is too large")

// parse reads JSON or YAML.
func parse(source []byte) (*node, error) {
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
	left := maxNodes
	return fromYAML(document.Content[0], &left, 0)
}

// maxDepth bounds values within values.
const maxDepth = 200

func fromYAML(y *yaml.Node, left *int, depth int) (*node, error) {
	if *left--; *left < 0 || depth > maxDepth {
		return nil, errTooLarge
	}
	n := &node{line: y.Line}
	switch y.Kind {
	case yaml.AliasNode:
		return fromYAML(y.Alias, left, depth+1)
	case yaml.ScalarNode:
		n.text = y.Value
		switch y.Tag {
		case "!!int", "!!float":
			n.kind = number
		case "!!bool":
			n.kind = boolean
		case "!!null":
			n.kind = null
		default:
			n.kind = text
		}
	case yaml.SequenceNode:
		n.kind = list
		for _, item := range y.Content {
			inner, err := fromYAML(item, left, depth+1)
			if err != nil {
				return nil, err
			}
			n.all = append(n.all, inner)
		}
	case yaml.MappingNode:
		n.kind = object
		for i := 0; i+1 < len(y.Content); i += 2 {
			inner, err := fromYAML(y.Content[i+1], left, depth+1)
			if err != nil {
				return nil, err
			}
			if y.Content[i].Tag == "!!merge" {
				n.keys, n.all = append(n.keys, inner.keys...), append(n.all, inner.all...)
				continue
			}
			n.keys, n.all = append(n.keys, y.Content[i].Value), append(n.all, inner)
		}
	}
	return n, nil
}

func parseJSON(source []byte) (*node, error) {
	d := json.NewDecoder(bytes.NewReader(source))
	d.UseNumber()
	n, err := jsonValue(d, 0)
	if err == nil {
		_, err = d.Token()
		if err == io.EOF {
			return n, nil
		}
		err = errors.New("more follows after the document's end")
	}
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the document ends before it is complete")
	}
	return nil, err
}

func jsonValue(d *json.Decoder, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errTooLarge
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case string:
		return &node{kind: text, text: v}, nil
	case json.Number:
		return &node{kind: number, text: v.String()}, nil
	case bool:
		return &node{kind: boolean, text: strconv.FormatBool(v)}, nil
	case json.Delim:
		n := &node{kind: list}
		if v == '{' {
			n.kind = object
		}
		for d.More() {
			if n.kind == object {
				key, err := d.Token()
				if err != nil {
					return nil, err
				}
				n.keys = append(n.keys, key.(string))
			}
			inner, err := jsonValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			n.all = append(n.all, inner)
		}
		_, err := d.Token()
		return n, err
	}
	return &node{}, nil
}

// get gives a member of an object, nil where there is none. A nil node has no
// members.
func (n *node) get(key string) *node {
	if n == nil || n.kind != object {
		return nil
	}
	for i, k := range n.keys {
		if k == key {
			return n.all[i]
		}
	}
	return nil
}

// str gives the text of a scalar member, empty where there is none.
func (n *node) str(key string) string {
	if v := n.get(key); v != nil && v.kind != list && v.kind != object && v.kind != null {
		return v.text
	}
	return ""
}

func (n *node) is(key string) bool {
	v := n.get(key)
	return v != nil && v.kind == boolean && v.text == "true"
}

// items are those of a list member.
func (n *node) items(key string) []*node {
	if v := n.get(key); v != nil && v.kind == list {
		return v.all
	}
	return nil
}

// texts are the items of a list member that are texts.
func (n *node) texts(key string) (all []string) {
	for _, item := range n.items(key) {
		if item.kind == text {
			all = append(all, item.text)
		}
	}
	return all
}

// each goes through the members of an object.
func (n *node) each(do func(key string, value *node)) {
	if n == nil || n.kind != object {
		return
	}
	for i, key := range n.keys {
		do(key, n.all[i])
	}
}

// literal writes a scalar as JSON.
func (n *node) literal() (string, bool) {
	switch n.kind {
	case text:
		quoted, err := json.Marshal(n.text)
		return string(quoted), err == nil
	case number:
		return n.text, json.Valid([]byte(n.text))
	}
	return "", false
}
