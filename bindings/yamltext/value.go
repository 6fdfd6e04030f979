package yamltext

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Value returns a tree of Parse as Go values: nil, bool, string, int, float64,
// []any and map[string]any. A number that is not written as a plain decimal, a
// number that a float64 cannot represent, and a time are errors unless they are
// in quotes. n is in the file; the Key of an error begins at n.
func Value(file string, n *yaml.Node) (any, []*Error) {
	var problems []*Error
	v := value(n, "", &problems)
	for _, p := range problems {
		p.File = file
	}
	return v, problems
}

func value(n *yaml.Node, key string, problems *[]*Error) any {
	switch n.Kind {
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for i, item := range n.Content {
			list = append(list, value(item, join(key, strconv.Itoa(i)), problems))
		}
		return list
	case yaml.MappingNode:
		members := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i].Value
			members[name] = value(n.Content[i+1], join(key, name), problems)
		}
		return members
	}
	v, problem := scalar(n)
	if problem != "" {
		*problems = append(*problems, &Error{Line: n.Line, Key: key, Text: problem})
	}
	return v
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

func scalar(n *yaml.Node) (any, string) {
	switch n.Tag {
	case "!!null":
		return nil, ""
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), ""
	case "!!timestamp":
		return nil, fmt.Sprintf("found %s, which YAML takes for a time; put it in quotes", n.Value)
	case "!!int", "!!float":
		return Number(n.Value)
	}
	if n.Style == 0 && likeNumber.MatchString(n.Value) {
		return Number(n.Value)
	}
	return n.Value, ""
}

var (
	plainDecimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
	// likeNumber matches numbers that the YAML parser returns as texts because
	// they are too large for its types.
	likeNumber = regexp.MustCompile(`^[-+]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9_]+)?)$`)
)

// maxInteger is 2^53: float64, Lua's number, cannot represent all integers
// beyond it.
const maxInteger = 1 << 53

// Number reads a number without quotes, as an int or a float64. The problem is
// empty, or the reason why the number would be changed.
func Number(text string) (number any, problem string) {
	if !plainDecimal.MatchString(text) {
		return nil, fmt.Sprintf("found %s, expected a plain decimal number such as 12 or 1.5; put it in quotes if it is a text", brief(text))
	}
	if !strings.Contains(text, ".") {
		i, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil || i > maxInteger || i < -maxInteger:
			return nil, tooLarge(text)
		case i == 0 && text[0] == '-':
			return nil, negativeZero(text)
		}
		return int(i), ""
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || math.Abs(f) > maxInteger:
		return nil, tooLarge(text)
	case f == 0 && text[0] == '-':
		return nil, negativeZero(text)
	case strconv.FormatFloat(f, 'f', -1, 64) != strings.TrimSuffix(strings.TrimRight(text, "0"), "."):
		return nil, fmt.Sprintf("found %s, which has more digits than a number holds; write fewer, or put it in quotes", brief(text))
	}
	return f, ""
}

func tooLarge(text string) string {
	return fmt.Sprintf("found %s, expected a number up to %d (2^53), beyond which digits are lost; put it in quotes", brief(text), int64(maxInteger))
}

func negativeZero(text string) string {
	return fmt.Sprintf("found %s, expected 0; put it in quotes if it is a text", brief(text))
}
