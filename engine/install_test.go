package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
)

// agency configures a company without locations.
func agency(c *engine.Config) {
	i := slices.IndexFunc(c.Connections, func(s connection.Settings) bool { return s.Name == "highlevel" })
	c.Connections[i].Name, c.Connections[i].Account, c.Connections[i].As = "highlevel/agency", "sandboxCompany000001", "company"
}

// TestInstall installs the app in a location of a company, whose events and calls
// then have a connection of their own. After the app is removed, runs are blocked;
// after it is installed again, they continue.
func TestInstall(t *testing.T) {
	f := newFixture(t, map[string]string{"crm.lua": `
local highlevel = require "highlevel"
on("highlevel.contact.created", function(event)
  highlevel.contacts.create_note { contactId = event.data.id, body = "seen by " .. event.connection }
end)
`}, agency)
	install := func(trigger string) {
		t.Helper()
		must(t, f.apps.Emit(t.Context(), "highlevel.app."+trigger, map[string]any{"appId": "sandbox", "companyId": "sandboxCompany000001", "locationId": "loc-rome"},
			sandbox.EmitOptions{Unstored: true, Account: "loc-rome"}))
	}
	contact := func(id string) {
		t.Helper()
		must(t, f.apps.Emit(t.Context(), "highlevel.contact.created", map[string]any{"id": id, "email": id + "@rome.example", "locationId": "loc-rome"},
			sandbox.EmitOptions{Account: "loc-rome"}))
	}
	status := func() connection.Status {
		t.Helper()
		all, err := f.journal.Connections(t.Context())
		must(t, err)
		i := slices.IndexFunc(all, func(s connection.Status) bool { return s.Account == "loc-rome" })
		if i < 0 {
			t.Fatalf("no connection of the location is among %v", all)
		}
		return all[i]
	}
	install("installed")
	if s := status(); s.Name != "highlevel/loc-rome" || s.Parent != "highlevel/agency" || s.State != connection.Connected {
		t.Fatalf("got %+v", s)
	}
	install("installed") // the vendor may send the event twice
	contact("ada")
	f.settle()
	if runs := f.runs(); len(runs) != 1 || runs[0].Run.Connection != "highlevel/loc-rome" || runs[0].Run.State != journal.Succeeded {
		t.Fatalf("got %+v", runs)
	}

	install("uninstalled")
	if s := status(); s.State != connection.Refused || !strings.Contains(s.Reason, "HighLevel reports that the app was uninstalled") {
		t.Fatalf("got %+v", s)
	}
	contact("ben") // a webhook that was sent before the removal
	f.until(func() bool {
		runs := f.runs()
		return len(runs) == 2 && runs[1].Run.State == journal.Blocked
	})
	install("installed")
	f.until(func() bool { return f.runs()[1].Run.State == journal.Succeeded })
	notes := 0
	for _, note := range f.apps.Records("highlevel", "contacts/notes") {
		if strings.Contains(string(note), "seen by highlevel/loc-rome") {
			notes++
		}
	}
	if notes != 2 {
		t.Errorf("%d notes were written, want 2", notes)
	}
}
