package engine_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

// TestACustomerApprovesOnTheirPhone shows strong customer authentication as
// Qonto has it, in the real engine's own time: a new bank account stands until
// it is approved, and is then opened once.
func TestACustomerApprovesOnTheirPhone(t *testing.T) {
	w := newWorld(t, map[string]string{"open.lua": `local qonto = require "qonto"
on("in:/open", { verify = "none" }, function(event)
  qonto.bank_accounts.create { name = event.data.name }
end)`})
	must(t, w.apps.AskConsent("qonto", true))
	if status, text := w.post("/in/open", `{"name":"Travel"}`); status != http.StatusAccepted && status != http.StatusOK {
		t.Fatalf("answered %d %s", status, text)
	}
	var waiting control.RunDetails
	w.until(func() bool {
		waiting = w.runs()[0]
		return waiting.Run.State == journal.Blocked
	})
	if text := waiting.Run.Problem.Message; !strings.Contains(text, "the customer is asked to approve it in the Qonto app") {
		t.Errorf("the run says that %q", text)
	}
	found, err := w.engine.Doctor(t.Context())
	must(t, err)
	if len(found) != 1 || !strings.HasPrefix(found[0].Do, "have the customer approve it, and the run goes on") {
		t.Errorf("the doctor found %+v", found)
	}
	sessions := w.apps.Consents("qonto")
	if len(sessions) != 1 {
		t.Fatalf("the customer was asked %d times", len(sessions))
	}
	must(t, w.apps.Decide("qonto", sessions[0], true))
	w.settle()
	if state := w.runs()[0].Run.State; state != journal.Succeeded {
		t.Errorf("the run is %s", state)
	}
	opened := 0
	for _, account := range w.apps.Records("qonto", "bank_accounts") {
		if gjson.GetBytes(account, "name").String() == "Travel" {
			opened++
		}
	}
	if opened != 1 {
		t.Errorf("%d accounts were opened", opened)
	}
}
