// Package yamltext reads YAML files that people write, and changes no value in
// them silently. YAML turns text without quotes into numbers, times and more:
// 0612345670 is an octal number, 2026-01-31 a time. Here a scalar is its own
// text, and Value refuses a number that would become another one. It reads
// files of settings; bindings/openapi reads vendors' documents.
package yamltext

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Error is an error in a file, with its place.
type Error struct {
	File string
	Line int // 0 where it is not known
	// Key is the path of the value, names and numbers of items with dots between
	// them; empty for the file as a whole.
	Key  string
	Text string // what was found, what was expected, what to do
}

// Error returns "FILE:LINE: key: text".
func (e *Error) Error() string { return e.Place() + ": " + e.Message() }

// Place returns "FILE:LINE", or the file alone if the line is not known.
func (e *Error) Place() string {
	if e.Line == 0 {
		return e.File
	}
	return fmt.Sprintf("%s:%d", e.File, e.Line)
}

// Message returns the error without its place.
func (e *Error) Message() string {
	if e.Key == "" {
		return e.Text
	}
	return e.Key + ": " + e.Text
}

// The limits of a file: levels of values within values, and values that aliases
// add.
const (
	maxDepth   = 200
	maxAliased = 100_000
)

// Parse reads the one document of a file. In the returned tree, aliases and
// merge keys are replaced by their values, and the keys of a mapping are scalars
// and unique. An empty file is a null scalar. The error is an *Error.
func Parse(file string, source []byte) (*yaml.Node, error) {
	root, err := parse(source)
	if err == nil {
		return root, nil
	}
	var problem *Error
	if !errors.As(err, &problem) {
		problem = invalid(err)
	}
	problem.File = file
	return nil, problem
}

var parserError = regexp.MustCompile(`(?s)^yaml: (?:line ([0-9]+): )?(.*)$`)

// invalid returns an error of the YAML parser as an Error.
func invalid(err error) *Error {
	problem := &Error{Text: "not valid YAML: " + err.Error()}
	if parts := parserError.FindStringSubmatch(err.Error()); parts != nil {
		problem.Line, _ = strconv.Atoi(parts[1]) // 0 if there is none
		problem.Text = "not valid YAML: " + parts[2]
	}
	return problem
}

func parse(source []byte) (*yaml.Node, error) {
	nothing := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: 1, Column: 1}
	decoder := yaml.NewDecoder(bytes.NewReader(source))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		return nothing, nil
	case err != nil:
		return nil, err
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, &Error{Line: second.Line, Text: "found a second document (---), expected one; join them"}
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	if len(first.Content) == 0 {
		return nothing, nil
	}
	e := expander{left: len(source) + maxAliased}
	return e.value(first.Content[0], 0)
}

// expander copies a tree without its aliases and merge keys.
type expander struct{ left int }

func (e *expander) value(n *yaml.Node, depth int) (*yaml.Node, error) {
	if e.left--; e.left < 0 {
		return nil, &Error{Line: n.Line, Text: fmt.Sprintf("aliases add more than %d values; write fewer", maxAliased)}
	}
	if depth > maxDepth {
		return nil, &Error{Line: n.Line, Text: fmt.Sprintf("values are nested more than %d levels deep, or an alias contains itself", maxDepth)}
	}
	if n.Kind == yaml.AliasNode {
		return e.value(n.Alias, depth+1)
	}
	if err := checkTag(n); err != nil {
		return nil, err
	}
	out := *n
	out.Anchor, out.Content = "", nil
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			inner, err := e.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			if missing(inner) {
				return nil, &Error{Line: item.Line, Text: "an item of the list has no value; take it away, or put a text that begins with # in quotes"}
			}
			out.Content = append(out.Content, inner)
		}
	case yaml.MappingNode:
		return &out, e.mapping(n, &out, depth)
	}
	return &out, nil
}

// missing reports whether there is no text at all where a value is expected.
func missing(n *yaml.Node) bool { return IsNull(n) && n.Value == "" }

// comment matches a comment that was probably meant as a value:
// "channel: #general".
var comment = regexp.MustCompile(`^#[^ \t#]`)

// mapping copies the members of a mapping: first its own, then those of its
// merge keys.
func (e *expander) mapping(from, into *yaml.Node, depth int) error {
	lines := map[string]int{}
	var merged []*yaml.Node
	mergeLine := 0
	for i := 0; i+1 < len(from.Content); i += 2 {
		key, err := e.value(from.Content[i], depth+1)
		if err != nil {
			return err
		}
		value, err := e.value(from.Content[i+1], depth+1)
		switch {
		case err != nil:
			return err
		case key.Tag == "!!merge" && mergeLine > 0:
			return &Error{Line: key.Line, Text: fmt.Sprintf("<< is here a second time, after line %d; name all mappings in one list, such as [*a, *b]", mergeLine)}
		case key.Tag == "!!merge":
			mergeLine = key.Line
			all, err := mergeable(value)
			if err != nil {
				return err
			}
			merged = append(merged, all...)
			continue
		case key.Kind != yaml.ScalarNode || IsNull(key):
			return &Error{Line: from.Content[i].Line, Text: fmt.Sprintf("found %s, expected a name before the colon", KindOf(key))}
		case missing(value) && from.Style&yaml.FlowStyle != 0 && (key.Tag != "!!str" || strings.Contains(key.Value, ":")):
			return &Error{Line: key.Line, Text: fmt.Sprintf("%q has no value, expected name: value; put a text with a comma or a colon in quotes", brief(key.Value))}
		case missing(value) && comment.MatchString(key.LineComment):
			return &Error{Line: key.Line, Text: fmt.Sprintf("%q has no value, since what begins with # is a comment; put it in quotes, or a blank after #", brief(key.Value))}
		case lines[key.Value] > 0:
			return &Error{Line: key.Line, Text: fmt.Sprintf("%q is here a second time, after line %d; take one away", brief(key.Value), lines[key.Value])}
		}
		lines[key.Value] = key.Line
		into.Content = append(into.Content, key, value)
	}
	for _, mapping := range merged {
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			if key := mapping.Content[i]; lines[key.Value] == 0 {
				lines[key.Value] = key.Line
				into.Content = append(into.Content, key, mapping.Content[i+1])
			}
		}
	}
	return nil
}

// mergeable returns the mappings of a merge key. If several have a key, the
// value of the first one counts.
func mergeable(value *yaml.Node) ([]*yaml.Node, error) {
	mappings := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		mappings = value.Content
	}
	for _, mapping := range mappings {
		if mapping.Kind != yaml.MappingNode {
			return nil, &Error{Line: mapping.Line, Text: fmt.Sprintf("found %s after <<, expected an alias of a mapping", KindOf(mapping))}
		}
	}
	return mappings, nil
}

// checkTag refuses tags that would change a value.
func checkTag(n *yaml.Node) error {
	if n.Style&yaml.TaggedStyle == 0 {
		return nil
	}
	if own := map[yaml.Kind]string{yaml.ScalarNode: "!!str", yaml.SequenceNode: "!!seq", yaml.MappingNode: "!!map"}[n.Kind]; n.Tag != own {
		return &Error{Line: n.Line, Text: fmt.Sprintf("found the tag %s, which would change the value; take it away, and put a text in quotes", brief(n.Tag))}
	}
	return nil
}

// Get returns the key and the value of a member of a mapping, nil if there is
// none.
func Get(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// Text returns the text of a scalar as it is in the file; false for lists,
// mappings and null.
func Text(n *yaml.Node) (string, bool) {
	if n.Kind != yaml.ScalarNode || IsNull(n) {
		return "", false
	}
	return n.Value, true
}

// IsNull reports whether a value is null: left out, ~ or null.
func IsNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// KindOf returns the kind of a value in a few words, for errors about values
// that may be secret.
func KindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "settings"
	}
	switch n.Tag {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number"
	case "!!timestamp":
		return "a time"
	}
	return "text"
}

// Describe returns a value that is no secret for an error: a text in quotes,
// another scalar as it is in the file, the kind of other values.
func Describe(n *yaml.Node) string {
	switch kind := KindOf(n); kind {
	case "text":
		return fmt.Sprintf("%q", brief(n.Value))
	case "true or false", "a number", "a time":
		return brief(n.Value)
	default:
		return kind
	}
}

// brief truncates a text that is too long for an error.
func brief(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return text
}
