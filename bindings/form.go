package bindings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// WebhookForm says how a webhook that comes as a form (application/x-www-form-urlencoded)
// becomes a body: Slack's buttons and slash commands. It is signed like any
// other; it has no Data, At and ID but those that stand here, and its answer is
// empty, since vendors show or judge what an answer to a form holds.
type WebhookForm struct {
	// Name is how triggers refer to it.
	Name string
	// Field is the form's field that holds the body as JSON text. Empty: the
	// fields are the body, an object of texts; of a repeated one the last counts.
	Field string
	// Type is the path in the body of the vendor's type. Empty: Name is the
	// type, for a form that tells of one kind of thing.
	Type string
	// ID and At are paths in the body, of which the first found counts: what
	// names this one sending, and the time at which it happened, as in
	// Webhook.At. Without an ID the hash of the signed body is taken.
	ID []string
	At []string
	// Secret are fields of the body that nothing keeps and no script sees.
	Secret []string
	// Check is a field of the form that says that the vendor only tries the
	// address: it is acknowledged and tells of nothing.
	Check string
}

// FormBody is a form as a body.
type FormBody struct {
	*WebhookForm
	JSON    []byte // without what is secret
	Checked bool   // Check is there: it tells of nothing
}

// ReadForm reads a form in the way of the first of Forms whose Field it has.
func (w *Webhook) ReadForm(text []byte) (FormBody, error) {
	names, values, err := formFields(string(text))
	if err != nil {
		return FormBody{}, err
	}
	for i := range w.Forms {
		f := &w.Forms[i]
		if f.Field != "" && !slices.Contains(names, f.Field) {
			continue
		}
		b := FormBody{WebhookForm: f, Checked: f.Check != "" && slices.Contains(names, f.Check)}
		if f.Field == "" {
			b.JSON, err = f.object(names, values)
		} else if b.JSON, err = without([]byte(values[f.Field]), f.Secret); err != nil {
			err = fmt.Errorf("field %q: %w", f.Field, err)
		}
		return b, err
	}
	return FormBody{}, fmt.Errorf("a form that is none of %s", strings.Join(w.formNames(), ", "))
}

func (w *Webhook) formNames() []string {
	names := make([]string, len(w.Forms))
	for i, f := range w.Forms {
		names[i] = f.Name
	}
	return names
}

// formFields gives the names of a form's fields in order, each once, and their
// values.
func formFields(text string) (names []string, values map[string]string, err error) {
	values = map[string]string{}
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		if name, err = url.QueryUnescape(name); err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return nil, nil, errors.New("not a form: a \"%\" without two hexadecimal digits behind it")
		}
		if _, there := values[name]; !there {
			names = append(names, name)
		}
		values[name] = value
	}
	return names, values, nil
}

func (f *WebhookForm) object(names []string, values map[string]string) ([]byte, error) {
	var out bytes.Buffer
	for _, name := range names {
		if slices.Contains(f.Secret, name) {
			continue
		}
		value, err := json.Marshal(values[name])
		if err != nil {
			return nil, err
		}
		member(&out, name, value)
	}
	return slices.Concat([]byte{'{'}, out.Bytes(), []byte{'}'}), nil
}

func member(out *bytes.Buffer, name string, value []byte) {
	if out.Len() > 0 {
		out.WriteByte(',')
	}
	quoted, _ := json.Marshal(name) // a string always encodes
	out.Write(quoted)
	out.WriteByte(':')
	out.Write(value)
}

// without writes a JSON object without some of its members.
func without(text []byte, names []string) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("expected a JSON object")
	}
	var out bytes.Buffer
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			return nil, fmt.Errorf("expected a JSON object: %w", err)
		}
		if name := name.(string); !slices.Contains(names, name) {
			member(&out, name, value)
		}
	}
	if _, err := d.Token(); err != nil || len(bytes.TrimSpace(text[d.InputOffset():])) > 0 {
		return nil, errors.New("expected one JSON object and nothing behind it")
	}
	return slices.Concat([]byte{'{'}, out.Bytes(), []byte{'}'}), nil
}
