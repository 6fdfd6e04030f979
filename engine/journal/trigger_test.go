package journal_test

import (
	"testing"

	"github.com/tidewire/tidewire/engine/journal"
)

func TestMatchTrigger(t *testing.T) {
	for _, c := range []struct {
		trigger, event string
		matches        bool
	}{
		{"qonto.client.created", "qonto.client.created", true},
		{"qonto.client.created", "qonto.client.updated", false},
		{"highlevel.contact.*", "highlevel.contact.created", true},
		{"highlevel.*.created", "highlevel.contact.created", true},
		{"highlevel.*.*", "highlevel.contact.created", true},
		{"highlevel.*", "highlevel.contact.created", false},
		{"highlevel.contact.*", "highlevel.contact", false},
		{"highlevel.contact.*", "highlevel.contact.note.created", false},
		{"highlevel.contact.*", "highlevel.contact.", false},
		{"highlevel.con*", "highlevel.contact", false},
		{"*.client.created", "qonto.client.created", true},
		{"in:/orders", "in:/orders", true},
		{"in:/*", "in:/orders", false},
		{"emit:deal.*", "emit:deal.won", true},
		{"emit:deal.*", "deal.won", false},
		{"deal.*", "emit:deal.won", false},
		{"*", "every", true},
		{"*", "run.failed", false},
		{"run.failed", "run.failed", true},
		{"", "", true},
		{"*", "", false},
	} {
		if journal.MatchTrigger(c.trigger, c.event) != c.matches {
			t.Errorf("trigger %q, event %q: expected %v", c.trigger, c.event, c.matches)
		}
	}
	h := &journal.Hook{Triggers: []string{"qonto.client.created", "highlevel.contact.*"}}
	if !h.MatchesType("highlevel.contact.deleted") || h.MatchesType("qonto.client.deleted") {
		t.Error("a hook names what one of its triggers names")
	}
}
