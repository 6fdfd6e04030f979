package run

import (
	"encoding/json"
	"testing"

	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
)

func TestStepStatus(t *testing.T) {
	request := journal.Step{Number: 3, State: journal.Begun, Sent: json.RawMessage(`{"method":"POST"}`)}
	session := journal.Step{Number: 3, State: journal.Begun, Sent: json.RawMessage(`{"consent":{"session":"s-1"}}`)}
	tests := []struct {
		name    string
		changes []transition
		record  journal.Step // of the last change
		state   call.SendState
		sent    string
		refused int
		session string
	}{
		{"nothing recorded", nil, journal.Step{}, call.Unsent, "", 0, ""},
		{"recorded", []transition{recorded}, request, call.MaybeDone, `{"method":"POST"}`, 0, ""},
		{"answered, not done", []transition{recorded, notDone}, request, call.NotDone, `{"method":"POST"}`, 3, ""},
		{"sent again after that", []transition{recorded, notDone, recorded}, request, call.MaybeDone, `{"method":"POST"}`, 0, ""},
		{"withdrawn", []transition{recorded, notDone, withdrawn}, request, call.Unsent, "", 0, ""},
		{"the customer is asked", []transition{consentAsked}, session, call.NotDone, `{"consent":{"session":"s-1"}}`, 3, ""},
		{"the customer agreed", []transition{consentAsked, consentGiven}, session, call.Unsent, "", 0, "s-1"},
		{"and it is sent", []transition{consentAsked, consentGiven, recorded}, session, call.MaybeDone, `{"consent":{"session":"s-1"}}`, 0, "s-1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := stepStatus{recoveries: 7}
			for _, c := range test.changes {
				a = a.after(c, test.record)
			}
			if a.state != test.state || string(a.record.Sent) != test.sent || a.removable() != test.refused || a.session != test.session || a.recoveries != 7 {
				t.Errorf("got %+v", a)
			}
		})
	}
}
