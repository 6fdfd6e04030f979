package run

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/tidewire/tidewire/bindings/jsonpointer"
	"github.com/tidewire/tidewire/engine/vm"
)

// openSecrets returns the arguments of a step with the values of its secrets, and
// these values, so that they can be redacted in errors. Both are only for
// sending; the record has the names of the secrets.
func (h *host) openSecrets(s vm.Step) (args json.RawMessage, secrets []string, err error) {
	args = s.Args
	lookup := func(name string) (string, error) {
		secret, err := h.runner.config.Secret(name)
		secrets = append(secrets, secret)
		return secret, err
	}
	for _, pointer := range slices.Sorted(maps.Keys(s.Secrets)) {
		text, err := s.Secrets[pointer].Open(lookup)
		if err != nil {
			return nil, nil, err
		}
		value, err := json.Marshal(text)
		if err != nil {
			return nil, nil, fmt.Errorf("open the secret at %s: %w", pointer, err)
		}
		secrets = append(secrets, text)
		if args, err = replace(args, jsonpointer.Split(pointer), value); err != nil {
			return nil, nil, fmt.Errorf("open the secret at %s: %w", pointer, err)
		}
	}
	return args, secrets, nil
}

// replace returns document with the value at path replaced.
func replace(document json.RawMessage, path []string, value json.RawMessage) (json.RawMessage, error) {
	if len(path) == 0 {
		return value, nil
	}
	if len(document) > 0 && document[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(document, &list); err != nil {
			return nil, err
		}
		i, err := strconv.Atoi(path[0])
		if err != nil || i < 0 || i >= len(list) {
			return nil, fmt.Errorf("no item %q", path[0])
		}
		if list[i], err = replace(list[i], path[1:], value); err != nil {
			return nil, err
		}
		return json.Marshal(list)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(document, &object); err != nil {
		return nil, err
	}
	inner, found := object[path[0]]
	if !found {
		return nil, fmt.Errorf("no field %q", path[0])
	}
	changed, err := replace(inner, path[1:], value)
	if err != nil {
		return nil, err
	}
	object[path[0]] = changed
	return json.Marshal(object)
}
