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

// WebhookForm is how a webhook whose body is a form
// (application/x-www-form-urlencoded) becomes a JSON body: Slack's buttons and
// slash commands. It is signed like any other webhook. ID and At are those
// below, and Webhook.Data is not used. It is answered with an empty body,
// because vendors show or interpret the body of that answer, unless a script
// answers it (Trigger.RespondWithin).
type WebhookForm struct {
	// Name is the value of Trigger.Form for it.
	Name string
	// Field is the form's field with the body as JSON text. Empty: the fields
	// are the body, an object of texts; the last one of several with the same
	// name counts.
	Field string
	// Type is the path in the body of the vendor's type. Empty: Name is the
	// type, for a form that has only one.
	Type string
	// ID and At are paths in the body, the first one found counts: of the id of
	// the event, and of the time at which it happened, as in Webhook.At.
	// Without an ID the hash of the signed body is the id.
	ID []string
	At []string
	// Secret are fields of the body that are removed: they are not stored, and
	// scripts do not get them.
	Secret []string
	// Check is a field of the form by which the vendor tests the address: the
	// webhook is acknowledged and makes no event.
	Check string
}

// FormBody is a form that became a body.
type FormBody struct {
	*WebhookForm
	JSON []byte // without the fields in Secret
	// AddressCheck is set if the form has the field Check: it makes no event.
	AddressCheck bool
}

// ReadForm reads a form as the first of Forms whose Field it has.
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
		b := FormBody{WebhookForm: f, AddressCheck: f.Check != "" && slices.Contains(names, f.Check)}
		if f.Field == "" {
			b.JSON, err = f.object(names, values)
		} else if b.JSON, err = removeMembers([]byte(values[f.Field]), f.Secret); err != nil {
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

// formFields returns the names of a form's fields in order, each once, and
// their values.
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
			return nil, nil, errors.New("not a form: a \"%\" without two hexadecimal digits after it")
		}
		if _, found := values[name]; !found {
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
		writeMember(&out, name, value)
	}
	return slices.Concat([]byte{'{'}, out.Bytes(), []byte{'}'}), nil
}

func writeMember(out *bytes.Buffer, name string, value []byte) {
	if out.Len() > 0 {
		out.WriteByte(',')
	}
	quoted, _ := json.Marshal(name) // a string always encodes
	out.Write(quoted)
	out.WriteByte(':')
	out.Write(value)
}

// removeMembers returns a JSON object without some of its members.
func removeMembers(text []byte, names []string) ([]byte, error) {
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
			writeMember(&out, name, value)
		}
	}
	if _, err := d.Token(); err != nil || len(bytes.TrimSpace(text[d.InputOffset():])) > 0 {
		return nil, errors.New("expected one JSON object and nothing after it")
	}
	return slices.Concat([]byte{'{'}, out.Bytes(), []byte{'}'}), nil
}
