package bindings_test

import (
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

func TestTriggerName(t *testing.T) {
	for _, test := range []struct{ name, app, noun, verb string }{
		{"highlevel.contact.created", "highlevel", "contact", "created"},
		{"highlevel.contact.note.deleted", "highlevel", "contact.note", "deleted"},
		{"highlevel.contact.*", "highlevel", "contact", "*"},
		{"slack.message", "slack", "", "message"},
		{"in:/orders.json", "", "", ""},
		{"emit:order.paid", "", "", ""},
		{"run.failed", "", "", ""},
		{"every", "", "", ""},
		{"approval", "", "", ""},
		{"", "", "", ""},
	} {
		n := bindings.TriggerName(test.name)
		if n.App() != test.app || n.Noun() != test.noun || n.Verb() != test.verb {
			t.Errorf("%q is app %q, noun %q, verb %q; want %q, %q, %q", test.name, n.App(), n.Noun(), n.Verb(), test.app, test.noun, test.verb)
		}
	}
}
