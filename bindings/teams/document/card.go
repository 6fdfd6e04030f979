package document

import (
	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/source"
)

// maxCardBytes is the highest size of a message by webhook.
const maxCardBytes = 28 << 10

// addressSetting is the setting of a connection with a workflow's address.
const addressSetting = "webhook_url"

// card adds what Graph does not have: the address of a workflow to which Adaptive
// Cards are posted. Its message is that of the vendor's page on incoming
// webhooks; only the fields that every card has are checked, since the others
// grow with its versions.
func (t *reader) card() error {
	text := bindings.Type{Kind: bindings.String}
	named := func(name string) bindings.Type { return bindings.Type{Kind: bindings.Named, Name: name} }
	listOf := func(name string) bindings.Type {
		item := named(name)
		return bindings.Type{Kind: bindings.List, Items: &item}
	}
	t.types.List = append(t.types.List,
		&bindings.Definition{Name: "cardElement", Fields: []bindings.Field{{Name: "type", Required: true, Type: text}}, Open: true},
		&bindings.Definition{Name: "adaptiveCard", Fields: []bindings.Field{
			{Name: "type", Required: true, Type: source.Enum([]string{"AdaptiveCard"})},
			{Name: "version", Required: true, Type: source.Enum([]string{"1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6"})},
			{Name: "$schema", Type: text},
			{Name: "body", Type: listOf("cardElement")},
			{Name: "actions", Type: listOf("cardElement")},
			{Name: "fallbackText", Type: text},
			{Name: "msteams", Type: bindings.Type{Kind: bindings.Object}},
		}, Open: true},
		&bindings.Definition{Name: "cardAttachment", Fields: []bindings.Field{
			{Name: "contentType", Required: true, Type: source.Enum([]string{"application/vnd.microsoft.card.adaptive"})},
			{Name: "content", Required: true, Type: named("adaptiveCard")},
			{Name: "contentUrl", Type: text},
			{Name: "name", Type: text},
		}})
	message, err := t.types.Add("cardMessage", []bindings.Field{
		{Name: "type", Required: true, Type: source.Enum([]string{"message"})},
		{Name: "attachments", Required: true, Type: listOf("cardAttachment")},
		{Name: "summary", Type: text},
	})
	if err != nil {
		return err
	}
	o := &source.Operation{Group: "webhooks", From: "incoming webhooks by workflows"}
	o.ID, o.Method, o.Path, o.Address = "post-webhook", "POST", "/workflows/invoke", addressSetting
	o.Body = &bindings.Body{Encoding: bindings.JSON, Type: *message, Required: true, Max: maxCardBytes}
	o.Status, o.Limit = 202, "workflow"
	t.source.Operations = append(t.source.Operations, o)
	return nil
}
