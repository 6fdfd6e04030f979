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

// agency is a company without any location.
func agency(c *engine.Config) {
	i := slices.IndexFunc(c.Connections, func(s connection.Settings) bool { return s.Name == "highlevel" })
	c.Connections[i].Name, c.Connections[i].Account, c.Connections[i].As = "highlevel/agency", "sandboxCompany000001", "company"
}

// TestInstall: a company's customer installs the app in a location, whose
// events and calls then have a connection of its own; takes it away, and its
// runs stand; installs it again, and they go on.
func TestInstall(t *testing.T) {
	w := newWorld(t, map[string]string{"crm.lua": `
local highlevel = require "highlevel"
on("highlevel.contact.created", function(event)
  highlevel.contacts.create_note { contactId = event.data.id, body = "seen by " .. event.connection }
end)
`}, agency)
	install := func(trigger string) {
		t.Helper()
		must(t, w.apps.Emit(t.Context(), "highlevel.app."+trigger, map[string]any{"appId": "app1", "companyId": "sandboxCompany000001", "locationId": "loc-rome"},
			sandbox.EmitOptions{Unstored: true, Account: "loc-rome"}))
	}
	contact := func(id string) {
		t.Helper()
		must(t, w.apps.Emit(t.Context(), "highlevel.contact.created", map[string]any{"id": id, "email": id + "@rome.example", "locationId": "loc-rome"},
			sandbox.EmitOptions{Account: "loc-rome"}))
	}
	status := func() connection.Status {
		t.Helper()
		all, err := w.journal.Connections(t.Context())
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
	install("installed") // the vendor may tell it twice
	contact("ada")
	w.settle()
	if runs := w.runs(); len(runs) != 1 || runs[0].Run.Connection != "highlevel/loc-rome" || runs[0].Run.State != journal.Succeeded {
		t.Fatalf("got %+v", runs)
	}

	install("uninstalled")
	if s := status(); s.State != connection.Refused || !strings.Contains(s.Reason, "HighLevel says that the app was uninstalled") {
		t.Fatalf("got %+v", s)
	}
	contact("ben") // sent before, say
	w.until(func() bool {
		runs := w.runs()
		return len(runs) == 2 && runs[1].Run.State == journal.Blocked
	})
	install("installed")
	w.until(func() bool { return w.runs()[1].Run.State == journal.Succeeded })
	notes := 0
	for _, note := range w.apps.Records("highlevel", "contacts/notes") {
		if strings.Contains(string(note), "seen by highlevel/loc-rome") {
			notes++
		}
	}
	if notes != 2 {
		t.Errorf("%d notes were written, want 2", notes)
	}
}
