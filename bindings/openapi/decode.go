package openapi

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/yamltext"
)

// decode reads an app file. Its error joins all errors in the file, each with
// its place.
func decode(file string, source []byte) (*appFile, error) {
	root, err := yamltext.Parse(file, source)
	if err != nil {
		return nil, err
	}
	content, d := &appFile{}, decoder{file: file}
	d.value("", root, reflect.ValueOf(content).Elem())
	return content, errors.Join(d.problems...)
}

// decoder sets Go values from YAML. A key is that of keyOf, with "_" and case
// ignored: base_url is BaseURL.
type decoder struct {
	file     string
	problems []error
}

func (d *decoder) report(key string, n *yaml.Node, format string, args ...any) {
	d.problems = append(d.problems, &yamltext.Error{File: d.file, Line: n.Line, Key: key, Text: fmt.Sprintf(format, args...)})
}

func (d *decoder) expected(key string, n *yaml.Node, what string) {
	d.report(key, n, "found %s, expected %s", yamltext.Describe(n), what)
}

// value sets one value. A null does not change it.
func (d *decoder) value(key string, n *yaml.Node, into reflect.Value) {
	if yamltext.IsNull(n) {
		return
	}
	switch at := into.Addr().Interface().(type) {
	case *time.Duration:
		text, _ := yamltext.Text(n)
		var err error
		if *at, err = time.ParseDuration(text); err != nil {
			d.expected(key, n, "a length of time such as 30m or 24h")
		}
		return
	case *bindings.Duration:
		var read time.Duration
		d.value(key, n, reflect.ValueOf(&read).Elem())
		*at = bindings.Duration(read)
		return
	case *bindings.Type:
		text, isText := yamltext.Text(n)
		if !isText {
			d.expected(key, n, "a type such as string or [string]")
			return
		}
		var err error
		if *at, err = bindings.ParseType(text); err != nil {
			d.report(key, n, "%v", err)
		}
		return
	case *any:
		value, problems := yamltext.Value(d.file, n)
		for _, p := range problems {
			p.Key = strings.TrimSuffix(key+"."+p.Key, ".")
			d.problems = append(d.problems, p)
		}
		*at = value
		return
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.value(key, n, into.Elem())
	case reflect.Struct:
		d.fields(key, n, into)
	case reflect.Map:
		d.members(key, n, into)
	case reflect.Slice:
		d.items(key, n, into)
	default:
		d.scalar(key, n, into)
	}
}

func (d *decoder) scalar(key string, n *yaml.Node, into reflect.Value) {
	value, _ := yamltext.Value(d.file, n)
	text, isText := yamltext.Text(n)
	switch into.Kind() {
	case reflect.String:
		if into.SetString(text); !isText {
			d.expected(key, n, "text")
		}
	case reflect.Bool:
		truth, isBool := value.(bool)
		if into.SetBool(truth); !isBool {
			d.expected(key, n, "true or false")
		}
	case reflect.Int:
		whole, isWhole := value.(int)
		if into.SetInt(int64(whole)); !isWhole {
			d.expected(key, n, "a whole number")
		}
	default:
		d.report(key, n, "%s cannot be in an app file", into.Type())
	}
}

func (d *decoder) items(key string, n *yaml.Node, into reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.expected(key, n, "a list")
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(key+"."+strconv.Itoa(i), item, into.Index(i))
	}
}

func (d *decoder) members(key string, n *yaml.Node, into reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.expected(key, n, "words with values")
		return
	}
	into.Set(reflect.MakeMap(into.Type()))
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, inner := n.Content[i], key+"."+n.Content[i].Value
		k, v := reflect.New(into.Type().Key()).Elem(), reflect.New(into.Type().Elem()).Elem()
		d.scalar(inner, name, k)
		d.value(inner, n.Content[i+1], v)
		into.SetMapIndex(k, v)
	}
}

func (d *decoder) fields(key string, n *yaml.Node, into reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.expected(key, n, "words with values")
		return
	}
	filled := map[int]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		inner := strings.TrimPrefix(key+"."+name.Value, ".")
		switch at := fieldOf(into.Type(), name.Value); {
		case at < 0:
			d.unknown(inner, name, into.Type())
		case filled[at]:
			d.report(inner, name, "is here a second time; take one away")
		default:
			filled[at] = true
			d.value(inner, n.Content[i+1], into.Field(at))
		}
	}
}

// fieldOf returns the index of the field with a key, -1 if there is none.
func fieldOf(t reflect.Type, key string) int {
	key = strings.ReplaceAll(key, "_", "")
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && strings.EqualFold(key, strings.ReplaceAll(keyOf(f), "_", "")) {
			return i
		}
	}
	return -1
}

// keyOf returns the key of a field in an app file: its tag, or else its name.
func keyOf(f reflect.StructField) string {
	if key := f.Tag.Get("app"); key != "" {
		return key
	}
	return bindings.Snake(f.Name)
}

func (d *decoder) unknown(key string, name *yaml.Node, t reflect.Type) {
	var keys []string
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			keys = append(keys, keyOf(f))
		}
	}
	slices.Sort(keys)
	if near := bindings.Nearest(name.Value, keys); near != "" {
		d.report(key, name, "unknown word; did you mean %s?", near)
		return
	}
	d.report(key, name, "unknown word; the words here are %s", strings.Join(keys, ", "))
}
