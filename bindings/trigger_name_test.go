package bindings_test

import (
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

func TestTriggerName(t *testing.T) {
	for _, test := range []struct{ name, app, noun, verb, appNoun, local string }{
		{"highlevel.contact.created", "highlevel", "contact", "created", "highlevel.contact", "contact.created"},
		{"highlevel.contact.note.deleted", "highlevel", "contact.note", "deleted", "highlevel.contact.note", "contact.note.deleted"},
		{"highlevel.contact.*", "highlevel", "contact", "*", "highlevel.contact", "contact.*"},
		{"slack.message", "slack", "", "message", "", "message"},
		{"slack.", "slack", "", "", "", ""},
		{".created", "", "", "", "", ""},
		{"in:/orders.json", "", "", "", "", ""},
		{"emit:order.paid", "", "", "", "", ""},
		{"run.failed", "", "", "", "", ""},
		{"every", "", "", "", "", ""},
		{"approval", "", "", "", "", ""},
		{"", "", "", "", "", ""},
	} {
		n := bindings.TriggerName(test.name)
		if n.App() != test.app || n.Noun() != test.noun || n.Verb() != test.verb || n.AppNoun() != test.appNoun || n.Local() != test.local {
			t.Errorf("%q is app %q, noun %q, verb %q, app and noun %q, local %q; want %q", test.name, n.App(), n.Noun(), n.Verb(), n.AppNoun(), n.Local(), test)
		}
	}
}
