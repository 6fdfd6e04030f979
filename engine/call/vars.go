package call

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// Vars returns the value of a name in braces in the arguments of a
// bindings.Call, and whether it has one.
type Vars func(name string) (value any, known bool)

// Item is one of the items that something is done for, once for each.
type Item struct {
	Value json.RawMessage
	Of    *Item // the item that its list was made for
}

// Var returns the value of {of.PATH}. A nil Item has none.
func (i *Item) Var(name string) (any, bool) {
	path, found := strings.CutPrefix(name, "of.")
	if i == nil || !found {
		return nil, false
	}
	if value, found := jsonpath.Lookup(i.Value, path); found && string(value) != "null" {
		return value, true
	}
	return i.Of.Var(path)
}

// placeholder is a name in braces. Other text in braces stays as it is.
var placeholder = regexp.MustCompile(`\{[a-z]+(?:\.[A-Za-z0-9_@$-]+)*\}`)

// Arguments writes the arguments of a call that the engine makes for itself. A
// text that is nothing but one placeholder becomes the value as it is. Where a
// placeholder has no value, the argument or field is left out, or the whole
// item of a list: half a filter would ask for something else.
func Arguments(args map[string]any, vars Vars) (json.RawMessage, error) {
	filled := expand(args, vars)
	if filled == nil {
		return json.RawMessage("{}"), nil
	}
	text, err := json.Marshal(filled)
	if err != nil {
		return nil, fmt.Errorf("write the arguments: %w", err)
	}
	return text, nil
}

// expand returns nil for what is left out.
func expand(v any, vars Vars) any {
	switch v := v.(type) {
	case string:
		return expandText(v, vars)
	case map[string]any:
		return expandTable(v, vars)
	case []any:
		return expandList(v, vars)
	}
	return v
}

// expandTable leaves out the fields without a value.
func expandTable(table map[string]any, vars Vars) any {
	out := make(map[string]any, len(table))
	for name, inner := range table {
		if filled := expand(inner, vars); filled != nil {
			out[name] = filled
		}
	}
	if len(out) == 0 && len(table) > 0 {
		return nil
	}
	return out
}

// expandList leaves out the items with a placeholder that has no value.
func expandList(list []any, vars Vars) any {
	out := make([]any, 0, len(list))
	for _, inner := range list {
		complete := true
		filled := expand(inner, func(name string) (any, bool) {
			value, known := vars(name)
			complete = complete && known
			return value, known
		})
		if filled != nil && complete {
			out = append(out, filled)
		}
	}
	if len(out) == 0 && len(list) > 0 {
		return nil
	}
	return out
}

func expandText(text string, vars Vars) any {
	if complete := placeholder.FindString(text); complete == text && complete != "" {
		value, known := vars(text[1 : len(text)-1])
		if !known {
			return nil
		}
		return value
	}
	missing := false
	filled := placeholder.ReplaceAllStringFunc(text, func(name string) string {
		value, known := vars(name[1 : len(name)-1])
		missing = missing || !known
		return valueText(value)
	})
	if missing {
		return nil
	}
	return filled
}

// valueText is a value inside a longer text.
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
