package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// ordered is a JSON object whose keys keep the order of the document.
type ordered[T any] []member[T]

type member[T any] struct {
	key   string
	value T
}

// UnmarshalJSON reads the members one by one.
func (o *ordered[T]) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	open, err := d.Token()
	if err != nil {
		return err
	}
	if open == nil { // null is no object
		return nil
	}
	if open != json.Delim('{') {
		return fmt.Errorf("expected an object, found %.40s", text)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		m := member[T]{key: key.(string)}
		if err := d.Decode(&m.value); err != nil {
			return fmt.Errorf("%s: %w", m.key, err)
		}
		*o = append(*o, m)
	}
	return nil
}

func (o ordered[T]) get(key string) (value T, found bool) {
	for _, m := range o {
		if m.key == key {
			return m.value, true
		}
	}
	return value, false
}
