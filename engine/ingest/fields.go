package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxFields bounds the fields of a form and the parameters of an address.
const maxFields = 1000

// fields are the fields of a form in the order of their names' first values.
type fields struct {
	names  []string
	values map[string][]json.RawMessage
	count  int
}

var errTooManyFields = fmt.Errorf("it has more than %d fields", maxFields)

func (f *fields) add(name string, value json.RawMessage) error {
	if f.count++; f.count > maxFields {
		return errTooManyFields
	}
	if f.values == nil {
		f.values = map[string][]json.RawMessage{}
	}
	if _, found := f.values[name]; !found {
		f.names = append(f.names, name)
	}
	f.values[name] = append(f.values[name], value)
	return nil
}

func (f *fields) addText(name, text string) error {
	value, err := quote(text)
	if err != nil {
		return err
	}
	return f.add(name, value)
}

// object returns the fields as JSON: a value, or a list where a name is repeated.
func (f *fields) object() (json.RawMessage, error) {
	out := []byte{'{'}
	for i, name := range f.names {
		if i > 0 {
			out = append(out, ',')
		}
		quoted, err := quote(name)
		if err != nil {
			return nil, err
		}
		out = append(append(out, quoted...), ':')
		values := f.values[name]
		if len(values) == 1 {
			out = append(out, values[0]...)
			continue
		}
		out = append(append(append(out, '['), bytes.Join(rawBytes(values), []byte{','})...), ']')
	}
	return append(out, '}'), nil
}

func rawBytes(values []json.RawMessage) [][]byte {
	all := make([][]byte, len(values))
	for i, v := range values {
		all[i] = v
	}
	return all
}

// addPairs adds the fields of a text in the form encoding.
func (f *fields) addPairs(text string) error {
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return errors.New(`a "%" without two hexadecimal digits after it`)
		}
		if err := f.addText(name, value); err != nil {
			return err
		}
	}
	return nil
}

// formFields reads a body in the form encoding.
func (m *message) formFields() (content, *refusal) {
	form, refused := m.form()
	if refused != nil {
		return content{}, refused
	}
	var f fields
	err := f.addPairs(string(form))
	if err != nil {
		return content{}, unreadable("form", "the body is not a form: "+err.Error())
	}
	data, err := f.object()
	if err != nil {
		return content{}, unreadable("form", "the body is not a form: "+err.Error())
	}
	return content{data: data}, nil
}

// queryFields reads the parameters of a request's address.
func queryFields(r *http.Request, without string) (json.RawMessage, *refusal) {
	var f fields
	if err := f.addPairs(r.URL.RawQuery); err != nil {
		return nil, unreadable("query", "the parameters of the address cannot be read: "+err.Error())
	}
	if without != "" {
		delete(f.values, without)
		f.names = slices.DeleteFunc(f.names, func(name string) bool { return name == without })
	}
	query, err := f.object()
	if err != nil {
		return nil, unreadable("query", "the parameters of the address cannot be read: "+err.Error())
	}
	return query, nil
}
