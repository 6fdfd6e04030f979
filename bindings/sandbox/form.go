package sandbox

import (
	"net/url"

	"github.com/tidewire/tidewire/bindings"
)

// formOf finds the form in which a trigger's webhook is sent; nil for JSON.
func (a *App) formOf(t *bindings.Trigger) *bindings.WebhookForm {
	for i := range a.Def.Webhook.Forms {
		if f := &a.Def.Webhook.Forms[i]; t.Form != "" && f.Name == t.Form {
			return f
		}
	}
	return nil
}

// fillForm writes the body of a webhook that is sent as a form. Fields of the data
// are not replaced; an id in it becomes the webhook's.
func (e *Event) fillForm(data Object) {
	var body any = data
	if e.Form.Type != "" {
		body = place(body, e.Form.Type, e.Trigger.Vendor)
	}
	if len(e.Form.ID) > 0 {
		if id := Text(Lookup(body, e.Form.ID[0])); id != "" {
			e.ID = id
		}
		body = place(body, e.Form.ID[0], e.ID)
	}
	_, d := e.App.Def.Catalogue.Resolve(e.Trigger.Data)
	paths := e.App.Def.Account.Paths
	for i, path := range paths {
		at := steps(path)
		inNoObject := len(at) > 1 && Lookup(body, at[0]) == nil // only some webhooks have it
		if fieldOf(d, at[0]) == nil || inNoObject && i < len(paths)-1 {
			continue
		}
		if Lookup(body, path) == nil {
			body = place(body, path, e.Account)
		}
		break
	}
	e.Body, _ = body.(Object)
	if e.App.rules.CompleteWebhook != nil {
		e.App.rules.CompleteWebhook(e)
	}
}

// encode returns the body as it is sent.
func (e *Event) encode() []byte {
	if e.Form == nil {
		return Encode(e.Body)
	}
	values := url.Values{}
	if e.Form.Field != "" {
		values.Set(e.Form.Field, string(Encode(e.Body)))
		return []byte(values.Encode())
	}
	for name, v := range e.Body {
		values.Set(name, Text(v))
	}
	return []byte(values.Encode())
}

// Declares reports whether the data of the event's trigger declares a field.
func (e *Event) Declares(field string) bool {
	_, d := e.App.Def.Catalogue.Resolve(e.Trigger.Data)
	return fieldOf(d, field) != nil
}
