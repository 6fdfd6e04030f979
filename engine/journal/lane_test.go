package journal_test

import (
	"testing"

	"github.com/tidewire/tidewire/engine/journal"
)

func TestLaneOfEmittedEvents(t *testing.T) {
	hook := &journal.Hook{Lane: journal.Lane{Kind: journal.LaneRecord}}
	if key := hook.LaneKey(&journal.Event{Type: "emit:deal.won", Account: "a"}); key != "" {
		t.Errorf("emitted without a lane, it has the lane %q", key)
	}
	if key := hook.LaneKey(&journal.Event{Type: "emit:deal.won", Account: "a", Record: "r"}); key != "record:a/r" {
		t.Errorf("emitted with a lane, it has %q", key)
	}
	if key := hook.LaneKey(&journal.Event{Type: "crm.note.created", Account: "a"}); key != "record:a/" {
		t.Errorf("a webhook about no record has the lane %q", key)
	}
}
