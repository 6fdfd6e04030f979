package script

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tidewire/tidewire/engine/vm"
)

// The functions below read options of hooks, which are JSON.

// describe returns a value for an error text, at most 60 bytes of it.
func describe(raw json.RawMessage) string {
	text := string(raw)
	switch {
	case text == "" || text == "null":
		return "nothing"
	case text[0] == '{':
		return "a table"
	case text[0] == '[':
		return "a list"
	case len(text) > 60:
		return strings.ToValidUTF8(text[:60], "") + "…"
	}
	return text
}

func readText(raw json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(raw, &text) != nil || text == "" {
		return "", fmt.Errorf("expected a text, found %s", describe(raw))
	}
	return text, nil
}

// readTable reads an object. An empty Lua table may be a list in JSON.
func readTable(raw json.RawMessage) (map[string]json.RawMessage, error) {
	var table map[string]json.RawMessage
	if json.Unmarshal(raw, &table) != nil || table == nil {
		if string(bytes.TrimSpace(raw)) == "[]" {
			return nil, nil
		}
		return nil, fmt.Errorf("expected a table, found %s", describe(raw))
	}
	return table, nil
}

func readTexts(raw json.RawMessage) ([]string, error) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return nil, fmt.Errorf("expected a list of texts, found %s", describe(raw))
	}
	texts := make([]string, len(list))
	for i, item := range list {
		var err error
		if texts[i], err = readText(item); err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
	}
	return texts, nil
}

// readDuration reads a length of time; a number is in seconds.
func readDuration(raw json.RawMessage) (time.Duration, error) {
	const longest = 366 * 24 * time.Hour
	var seconds float64
	if json.Unmarshal(raw, &seconds) == nil && seconds > 0 && seconds < longest.Seconds() {
		return time.Duration(seconds * float64(time.Second)), nil
	}
	text, err := readText(raw)
	if err != nil {
		return 0, fmt.Errorf(`expected seconds, or a length of time such as "30s" or "15m", found %s`, describe(raw))
	}
	length, err := vm.ParseDuration(text)
	if err != nil {
		return 0, err
	}
	if length <= 0 || length > longest {
		return 0, fmt.Errorf("expected more than nothing and at most a year, found %q", text)
	}
	return length, nil
}

func readCount(raw json.RawMessage) (int64, error) {
	var n float64
	if json.Unmarshal(raw, &n) != nil || n < 1 || n != float64(int64(n)) || n > 1e15 {
		return 0, fmt.Errorf("expected a whole number above 0, found %s", describe(raw))
	}
	return int64(n), nil
}

// readLimit reads the value of a limit: a text, or a number.
func readLimit(limit vm.Limit, raw json.RawMessage) (int64, error) {
	if limit.Name == "time" {
		length, err := readDuration(raw)
		return int64(length), err
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return limit.Parse(text)
	}
	if n, err := readCount(raw); err == nil {
		return n, nil
	}
	return limit.Parse(describe(raw))
}

// readScalar returns a text, number or boolean as JSON.
func readScalar(raw json.RawMessage) (string, error) {
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return "", fmt.Errorf("expected a text, number or boolean, found %s", describe(raw))
	}
	switch value.(type) {
	case string, float64, bool:
	default:
		return "", fmt.Errorf("expected a text, number or boolean, found %s", describe(raw))
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", err
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}
