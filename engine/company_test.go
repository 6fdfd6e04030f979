package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/connection"
)

// company configures an agency with three locations, each a connection that uses
// the agency's token. All webhooks have one address.
func company(c *engine.Config) {
	agency := c.Connections[slices.IndexFunc(c.Connections, func(s connection.Settings) bool { return s.Name == "highlevel" })]
	agency.Name, agency.Account, agency.As = "highlevel/agency", "sandboxCompany000001", "company"
	others := slices.DeleteFunc(c.Connections, func(s connection.Settings) bool { return s.Name == "highlevel" })
	c.Connections = append(others, agency)
	for _, place := range []string{"berlin", "oslo", "paris"} {
		c.Connections = append(c.Connections, connection.Settings{Name: "highlevel/" + place, Account: "loc-" + place, Parent: agency.Name})
	}
}

const companyScript = `
local highlevel, v3 = require "highlevel", require "highlevel.v3"
on("highlevel.contact.created", function(event)
  highlevel.contacts.create_note { contactId = event.data.id, body = "seen by " .. event.connection }
  local same = v3.contacts.get { contactId = event.data.id }.contact
  v3.contacts.upsert { email = same.email, source = event.account }
  highlevel.objects.list {}
  highlevel.payments.list_orders {}
end)
on("highlevel.app.installed", function(event)
  highlevel.users.search {}
  v3.saas.list_locations { page = 1 }
  local answer, err = try(highlevel.contacts.upsert, { email = "x@example.com" })
  log.info("refused", { kind = err.kind, message = err.message })
  local gone, why = try(v3.companies.get, { companyId = "nowhere" })
  log.info("lost", { says = tostring(why), app = why.app, operation = why.operation })
end)
`

// TestLocationsOfACompany has three locations of one company, which share the
// app's address and the company's token. No data of one is read or written as
// another's.
func TestLocationsOfACompany(t *testing.T) {
	f := newFixture(t, map[string]string{"crm.lua": companyScript}, company)
	for n := range 3 {
		for _, place := range []string{"oslo", "paris", "berlin"} {
			contact := map[string]any{"id": fmt.Sprintf("%s-%d", place, n), "email": fmt.Sprintf("%d@%s.example", n, place), "locationId": "loc-" + place}
			must(t, f.apps.Emit(t.Context(), "highlevel.contact.created", contact, sandbox.EmitOptions{Account: "loc-" + place}))
		}
	}
	f.settle()
	runs := f.runs()
	if len(runs) != 9 {
		t.Fatalf("%d runs, expected 9", len(runs))
	}
	for _, r := range runs {
		place := strings.TrimPrefix(r.Run.Connection, "highlevel/")
		if r.Run.State != "succeeded" || r.Run.Account != "loc-"+place || !strings.Contains(r.Run.Lane, place+"-") {
			t.Errorf("run %s of %s by %s in lane %q is %s: %+v", r.Run.ID, r.Run.Account, r.Run.Connection, r.Run.Lane, r.Run.State, r.Run.Problem)
		}
	}
	named := map[string]int{}
	for _, r := range f.apps.Requests("highlevel") {
		for _, place := range []string{"oslo", "paris", "berlin"} {
			sent := r.Path + "?" + r.Query + " " + r.Body
			if strings.Contains(sent, place+"-") || strings.Contains(sent, "@"+place) || strings.Contains(sent, "by highlevel/"+place) {
				for _, other := range []string{"oslo", "paris", "berlin"} {
					if other != place && strings.Contains(sent, other) {
						t.Errorf("%s %s names %s and %s", r.Operation, sent, place, other)
					}
				}
			}
			if strings.Contains(sent, "loc-"+place) {
				named[place+" "+r.Operation]++
			}
		}
	}
	for _, place := range []string{"oslo", "paris", "berlin"} {
		for _, operation := range []string{"v3.contacts.upsert", "objects.list", "payments.list_orders"} {
			if got := named[place+" "+operation]; got != 3 {
				t.Errorf("%s was sent for %s %d times, expected 3", operation, place, got)
			}
		}
	}
	for _, note := range f.apps.Records("highlevel", "contacts/notes") {
		of, text := gjson.GetBytes(note, "contactId").String(), gjson.GetBytes(note, "body").String()
		if place, _, _ := strings.Cut(of, "-"); text != "seen by highlevel/"+place {
			t.Errorf("the note of %s is %q", of, text)
		}
	}
}

// TestCallsOfACompany sends an install event, which is the company's. Calls on
// the company's connection get its id where an operation needs a company, and
// not where it needs a location.
func TestCallsOfACompany(t *testing.T) {
	f := newFixture(t, map[string]string{"crm.lua": companyScript}, company)
	install := map[string]any{"type": "INSTALL", "appId": "sandbox", "companyId": "sandboxCompany000001", "locationId": "loc-rome", "installType": "Location"}
	must(t, f.apps.Emit(t.Context(), "highlevel.app.installed", install, sandbox.EmitOptions{Account: "loc-rome"}))
	f.settle()
	runs := f.runs()
	if len(runs) != 1 || runs[0].Run.Connection != "highlevel/agency" || runs[0].Run.State != "succeeded" {
		t.Fatalf("runs %+v", runs)
	}
	var steps []string
	for _, s := range runs[0].Steps {
		steps = append(steps, s.Name)
	}
	if got, want := strings.Join(steps, " "), "highlevel.users.search highlevel.v3.saas.list_locations highlevel.contacts.upsert highlevel.v3.companies.get"; got != want {
		t.Errorf("the journal has the steps %s, expected %s", got, want)
	}
	queries := map[string]string{}
	for _, r := range f.apps.Requests("highlevel") {
		queries[r.Operation] = r.Path + "?" + r.Query
	}
	if q := queries["users.search"]; !strings.Contains(q, "companyId=sandboxCompany000001") || strings.Contains(q, "locationId") {
		t.Errorf("users were searched with %q", q)
	}
	if q := queries["v3.saas.list_locations"]; !strings.Contains(q, "/sandboxCompany000001?page=1") {
		t.Errorf("locations were listed with %q", q)
	}
	if _, sent := queries["contacts.upsert"]; sent {
		t.Error("a contact was upserted without a location")
	}
	f.log.await(t, 0, `refused.*missing argument \\"locationId\\": connection \\"highlevel/agency\\" has no location of its own, so name one`)
	f.log.await(t, 0, `lost.*"app":"highlevel","operation":"v3\.companies\.get","says":"highlevel\.v3\.companies\.get: `)

	// A webhook of a location that no connection has is refused.
	err := f.apps.Emit(t.Context(), "highlevel.contact.created", map[string]any{"id": "nice-1", "locationId": "loc-nice"},
		sandbox.EmitOptions{Account: "loc-nice", Unstored: true})
	if err == nil || !strings.HasSuffix(err.Error(), "answered 404") {
		t.Errorf("a webhook of an unknown location: %v", err)
	}
}
