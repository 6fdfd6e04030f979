package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidwall/gjson"
)

// The bounds of what a script stores in its state.
const (
	MaxStateKey   = 1 << 10 // bytes of a key
	MaxStateValue = MaxValue
)

// maxExact is the largest integer up to which float64 holds every integer.
const maxExact = 1<<53 - 1

// Apply computes the operation over the current value of its key. It returns
// the next value, nil for none, and the step's result. A null is no value. An
// error is of kind invalid, or too_large, and changes nothing.
func (op *StateOp) Apply(current json.RawMessage) (next, result json.RawMessage, err *bindings.Error) {
	current = present(current)
	if len(op.Key) > MaxStateKey {
		return current, nil, op.invalid("the key has %d bytes, at most %d are allowed", len(op.Key), MaxStateKey)
	}
	switch op.Verb {
	case "get":
		return current, valueResult(current), nil
	case "put":
		next = present(op.Value)
	case "delete":
		next = nil
	case "add":
		sum, problem := add(current, op.Value)
		if problem != "" {
			return current, nil, op.invalid("%s", problem)
		}
		next = sum
	case "cas":
		if !Same(current, present(op.Expected)) {
			return current, casResult(current, false), nil
		}
		next = present(op.Value)
	default:
		return current, nil, op.invalid("there is no such operation; there are get, put, add, cas and delete")
	}
	if len(next) > MaxStateValue {
		problem := op.invalid("the value has %d bytes, at most %d can be stored under one key", len(next), MaxStateValue)
		problem.Kind = bindings.TooLarge
		return current, nil, problem
	}
	if op.Verb == "cas" {
		return next, casResult(next, true), nil
	}
	return next, valueResult(next), nil
}

func (op *StateOp) invalid(format string, args ...any) *bindings.Error {
	key := op.Key
	if len(key) > 60 {
		key = key[:60] + "…"
	}
	message := fmt.Sprintf("state.%s %q: ", op.Verb, key) + fmt.Sprintf(format, args...)
	return &bindings.Error{Kind: bindings.Invalid, Message: message}
}

// present returns nil for a null.
func present(value json.RawMessage) json.RawMessage {
	if v := bytes.TrimSpace(value); len(v) == 0 || string(v) == "null" {
		return nil
	}
	return value
}

func valueResult(value json.RawMessage) json.RawMessage {
	if value == nil {
		return json.RawMessage(`{}`)
	}
	out := make(json.RawMessage, 0, len(value)+len(`{"value":}`))
	out = append(out, `{"value":`...)
	out = append(out, value...)
	return append(out, '}')
}

func casResult(value json.RawMessage, swapped bool) json.RawMessage {
	out := valueResult(value)
	out = out[:len(out)-1]
	if value != nil {
		out = append(out, ',')
	}
	out = append(out, `"swapped":`...)
	return append(strconv.AppendBool(out, swapped), '}')
}

// add returns the sum of two JSON numbers; no current value counts as zero.
// Integers stay exact: a sum that a float64 would round is refused.
func add(current, more json.RawMessage) (sum json.RawMessage, problem string) {
	a, problem := number("the stored value", current)
	if problem != "" {
		return nil, problem
	}
	if present(more) == nil {
		return nil, "nothing to add was given"
	}
	b, problem := number("the value to add", more)
	if problem != "" {
		return nil, problem
	}
	s := a + b
	if math.IsInf(s, 0) {
		return nil, "the sum is too large for a number"
	}
	if s == math.Trunc(s) && math.Abs(s) <= maxExact {
		return strconv.AppendInt(nil, int64(s), 10), ""
	}
	if a == math.Trunc(a) && b == math.Trunc(b) {
		return nil, "the sum is beyond ±9007199254740991, where integers are no longer exact"
	}
	return strconv.AppendFloat(nil, s, 'g', -1, 64), ""
}

func number(what string, text json.RawMessage) (n float64, problem string) {
	if present(text) == nil {
		return 0, ""
	}
	value := gjson.ParseBytes(text)
	if value.Type != gjson.Number {
		return 0, fmt.Sprintf("%s is not a number but %s", what, kindOf(value))
	}
	n, err := strconv.ParseFloat(value.Raw, 64)
	if err != nil || n == math.Trunc(n) && math.Abs(n) > maxExact {
		return 0, what + " is beyond ±9007199254740991, where integers are no longer exact"
	}
	return n, ""
}

func kindOf(value gjson.Result) string {
	switch {
	case value.Type == gjson.String:
		return "a string"
	case value.IsBool():
		return "a boolean"
	case value.IsArray():
		return "a list"
	}
	return "an object"
}

// Same reports whether two JSON values are equal; nil is no value. The order of
// fields and the spelling of numbers and strings do not count.
func Same(a, b json.RawMessage) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return bytes.Equal(a, b) || sameValue(decode(a), decode(b))
}

func decode(text json.RawMessage) (value any) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if d.Decode(&value) != nil {
		return text // not JSON: equal to nothing
	}
	return value
}

func sameValue(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && sameNumber(a.String(), b.String())
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, sameValue)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, sameValue)
	case string, bool, nil:
		return a == b
	}
	return false
}
