package engine_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

// TestCallAwaitsConsent makes a call with Qonto's strong customer authentication.
// The run is blocked until the customer approves, and the bank account is then
// opened once.
func TestCallAwaitsConsent(t *testing.T) {
	f := newFixture(t, map[string]string{"open.lua": `local qonto = require "qonto"
on("in:/open", { verify = "none" }, function(event)
  qonto.bank_accounts.create { name = event.data.name }
end)`})
	must(t, f.apps.AskConsent("qonto", true))
	if status, text := f.post("/in/open", `{"name":"Travel"}`); status != http.StatusAccepted && status != http.StatusOK {
		t.Fatalf("answered %d %s", status, text)
	}
	var waiting control.RunDetails
	f.until(func() bool {
		waiting = f.runs()[0]
		return waiting.Run.State == journal.Blocked
	})
	if text := waiting.Run.Problem.Message; !strings.Contains(text, "the customer is asked to approve it in the Qonto app") {
		t.Errorf("the run has %q", text)
	}
	found, err := f.engine.Doctor(t.Context())
	must(t, err)
	if len(found) != 1 || !strings.HasPrefix(found[0].Do, "have the customer approve it, and the run goes on") {
		t.Errorf("the doctor found %+v", found)
	}
	sessions := f.apps.Consents("qonto")
	if len(sessions) != 1 {
		t.Fatalf("the customer was asked %d times", len(sessions))
	}
	must(t, f.apps.Decide("qonto", sessions[0], true))
	f.settle()
	if state := f.runs()[0].Run.State; state != journal.Succeeded {
		t.Errorf("the run is %s", state)
	}
	opened := 0
	for _, account := range f.apps.Records("qonto", "bank_accounts") {
		if gjson.GetBytes(account, "name").String() == "Travel" {
			opened++
		}
	}
	if opened != 1 {
		t.Errorf("%d accounts were opened", opened)
	}
}
