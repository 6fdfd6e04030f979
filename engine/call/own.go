package call

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// Vars tells what a word in braces stands for in the arguments of a
// bindings.Call, and whether it stands for anything.
type Vars func(word string) (value any, known bool)

// Item is one of the things that something is done for, once for each.
type Item struct {
	Value json.RawMessage
	Of    *Item // what its list was made for
}

// Var tells what {of.PATH} stands for. A nil Item knows nothing.
func (i *Item) Var(word string) (any, bool) {
	path, found := strings.CutPrefix(word, "of.")
	if i == nil || !found {
		return nil, false
	}
	if value, found := jsonpath.Lookup(i.Value, path); found && string(value) != "null" {
		return value, true
	}
	return i.Of.Var(path)
}

// placeholder is a word in braces. What else stands in braces stays as it is.
var placeholder = regexp.MustCompile(`\{[a-z]+(?:\.[A-Za-z0-9_@$-]+)*\}`)

// Arguments writes the arguments of a call that the engine makes for itself.
// A text that is nothing but one word takes the value as it is; where a word
// stands for nothing, the argument or field is left out, or the whole item of
// a list: half a filter would ask for something else.
func Arguments(args map[string]any, words Vars) (json.RawMessage, error) {
	filled := expand(args, words)
	if filled == nil {
		return json.RawMessage("{}"), nil
	}
	text, err := json.Marshal(filled)
	if err != nil {
		return nil, fmt.Errorf("write the arguments: %w", err)
	}
	return text, nil
}

// expand gives nil for what is to be left out.
func expand(v any, words Vars) any {
	switch v := v.(type) {
	case string:
		return expandText(v, words)
	case map[string]any:
		return expandTable(v, words)
	case []any:
		return expandList(v, words)
	}
	return v
}

// expandTable leaves out the fields that stand for nothing.
func expandTable(table map[string]any, words Vars) any {
	out := make(map[string]any, len(table))
	for name, inner := range table {
		if filled := expand(inner, words); filled != nil {
			out[name] = filled
		}
	}
	if len(out) == 0 && len(table) > 0 {
		return nil
	}
	return out
}

// expandList leaves out the items in which any word stands for nothing.
func expandList(list []any, words Vars) any {
	out := make([]any, 0, len(list))
	for _, inner := range list {
		whole := true
		filled := expand(inner, func(word string) (any, bool) {
			value, known := words(word)
			whole = whole && known
			return value, known
		})
		if filled != nil && whole {
			out = append(out, filled)
		}
	}
	if len(out) == 0 && len(list) > 0 {
		return nil
	}
	return out
}

func expandText(text string, words Vars) any {
	if whole := placeholder.FindString(text); whole == text && whole != "" {
		value, known := words(text[1 : len(text)-1])
		if !known {
			return nil
		}
		return value
	}
	missing := false
	filled := placeholder.ReplaceAllStringFunc(text, func(word string) string {
		value, known := words(word[1 : len(word)-1])
		missing = missing || !known
		return valueText(value)
	})
	if missing {
		return nil
	}
	return filled
}

// valueText is a value within a text.
func valueText(value any) string {
	raw, isJSON := value.(json.RawMessage)
	if !isJSON {
		return fmt.Sprint(value)
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}
