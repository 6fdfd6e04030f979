package bindings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// decodeStrictly decodes the JSON of an entry. A key that its type does not have
// is an error, as is a value of another type.
func decodeStrictly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		return fmt.Errorf("expected one JSON object, found more after it")
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("key %q: expected %s, found %s", wrong.Field, jsonKind(wrong.Type), wrong.Value)
	}
	if key, unknown := strings.CutPrefix(err.Error(), `json: unknown field "`); unknown {
		return unknownKey(strings.TrimSuffix(key, `"`), reflect.TypeOf(into).Elem())
	}
	return err
}

// unknownKey is the error for a key that a type does not have.
func unknownKey(key string, in reflect.Type) error {
	if near := Nearest(key, keysOf(in)); near != "" {
		return fmt.Errorf("unknown key %q; did you mean %q?", key, near)
	}
	return fmt.Errorf("unknown key %q", key)
}

// keysOf are the keys of a struct in JSON, and those of the structs in it.
func keysOf(in reflect.Type) []string {
	for in.Kind() == reflect.Pointer || in.Kind() == reflect.Slice {
		in = in.Elem()
	}
	if in.Kind() != reflect.Struct {
		return nil
	}
	var keys []string
	for i := range in.NumField() {
		field := in.Field(i)
		if key, _, _ := strings.Cut(field.Tag.Get("json"), ","); key != "" && key != "-" {
			keys = append(append(keys, key), keysOf(field.Type)...)
		}
	}
	return keys
}

// jsonKind is what JSON calls a value of a Go type.
func jsonKind(of reflect.Type) string {
	switch of.Kind() {
	case reflect.Pointer:
		return jsonKind(of.Elem())
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	}
	return "a number"
}
