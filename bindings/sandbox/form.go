package sandbox

import (
	"net/url"

	"github.com/tidewire/tidewire/bindings"
)

// formOf finds the form by which a trigger comes, nil for JSON.
func (a *app) formOf(t *bindings.Trigger) *bindings.WebhookForm {
	for i := range a.def.Webhook.Forms {
		if f := &a.def.Webhook.Forms[i]; t.Form != "" && f.Name == t.Form {
			return f
		}
	}
	return nil
}

// fillForm writes the body of a webhook that comes as a form. What the data
// has stays; an id in it is the webhook's.
func (e *envelope) fillForm(data object) {
	var body any = data
	if e.form.Type != "" {
		body = place(body, e.form.Type, e.trigger.Vendor)
	}
	if len(e.form.ID) > 0 {
		if id := text(lookup(body, e.form.ID[0])); id != "" {
			e.id = id
		}
		body = place(body, e.form.ID[0], e.id)
	}
	_, d := e.app.def.Catalogue.Resolve(e.trigger.Data)
	for _, path := range e.app.def.Account.Paths {
		if fieldOf(d, steps(path)[0]) == nil {
			continue
		}
		if lookup(body, path) == nil {
			body = place(body, path, e.account)
		}
		break
	}
	e.body, _ = body.(object)
	if e.app.rules.envelope != nil {
		e.app.rules.envelope(e)
	}
}

// written is the body as it is sent.
func (e *envelope) written() []byte {
	if e.form == nil {
		return encode(e.body)
	}
	values := url.Values{}
	if e.form.Field != "" {
		values.Set(e.form.Field, string(encode(e.body)))
		return []byte(values.Encode())
	}
	for name, v := range e.body {
		values.Set(name, text(v))
	}
	return []byte(values.Encode())
}
