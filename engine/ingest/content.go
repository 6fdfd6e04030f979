package ingest

import (
	"bytes"
	"mime"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// content is what a webhook says, however it was written.
type content struct {
	json    []byte             // one JSON object, unless there is a problem
	form    *bindings.FormBody // nil for a body of JSON
	problem string             // why it cannot be read
}

// readContent reads a body as JSON, or as a form where the vendor sends those.
// It says nothing yet of who sent it.
func readContent(hook *bindings.Webhook, m *message) content {
	c := content{json: m.body}
	kind, _, _ := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if len(hook.Forms) > 0 && kind == "application/x-www-form-urlencoded" {
		form, err := hook.ReadForm(m.body)
		c.form, c.json = &form, form.JSON
		if err != nil {
			c.problem = "the body is a form that cannot be read: " + err.Error()
			return c
		}
	}
	if !journal.ValidJSON(c.json) || bytes.TrimLeft(c.json, " \t\r\n")[0] != '{' {
		c.problem = "the body is not a JSON object"
	}
	return c
}

// kind is the word to count a problem by.
func (c content) kind() string {
	if c.form != nil {
		return "form"
	}
	return "json"
}

// told is what the vendor calls it.
func (c content) told(hook *bindings.Webhook) told {
	if c.form != nil {
		if c.form.Type == "" {
			return told{c.form.Name, c.form.Name}
		}
		return told{c.form.Name, journal.LookupText(c.json, c.form.Type)}
	}
	vendor := journal.LookupText(c.json, hook.Type)
	if vendor == "" && hook.Bare != "" {
		vendor = journal.LookupText(c.json, hook.Bare)
	}
	return told{"", vendor}
}

// id and at are the places of the event's id and of its time.
func (c content) id(hook *bindings.Webhook) []string {
	if c.form != nil {
		return c.form.ID
	}
	return []string{hook.ID}
}

func (c content) at(hook *bindings.Webhook) []string {
	if c.form != nil {
		return c.form.At
	}
	return []string{hook.At}
}
