package engine_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
)

// twoWay is a script that syncs contacts and clients in both directions. If echoes
// started it, each change would cause changes on both sides for ever.
const twoWay = `local highlevel, qonto = require "highlevel", require "qonto"

on({ "highlevel.contact.created", "highlevel.contact.updated" }, function(event)
  local c = event.data
  local fields = { kind = "individual", first_name = c.firstName, last_name = c.lastName, email = c.email }
  local known = links.get("highlevel.contact", c.id, "qonto.client")
  if known then
    fields.id = known
    qonto.clients.update(fields)
  else
    local made = qonto.clients.create(fields).client
    links.put("highlevel.contact", c.id, "qonto.client", made.id)
  end
end)

on({ "qonto.client.created", "qonto.client.updated" }, function(event)
  local c = event.data
  local client = qonto.clients.get { id = c.id }.client
  local known = links.get("qonto.client", c.id, "highlevel.contact")
  local fields = { firstName = client.first_name, lastName = client.last_name, email = client.email }
  if known then
    fields.contactId = known
    highlevel.contacts.update(fields)
  else
    local made = highlevel.contacts.create(fields).contact
    links.put("qonto.client", c.id, "highlevel.contact", made.id)
  end
end)
`

// distinctTimes returns a clock whose times differ by a millisecond at least, so
// that no two changes have the same time at a vendor.
func distinctTimes() func() time.Time {
	var mu sync.Mutex
	last := time.Now()
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		last = last.Add(time.Millisecond)
		if now := time.Now(); now.After(last) {
			last = now
		}
		return last
	}
}

// change makes a request of a person to an app of the sandbox, and returns the
// answer.
func (f *fixture) change(app, method, path, body string) gjson.Result {
	f.t.Helper()
	request, err := http.NewRequest(method, f.apps.URL(app)+path, strings.NewReader(body))
	must(f.t, err)
	for name, value := range map[string]string{"Authorization": "Bearer sandbox-token", "Content-Type": "application/json", "Version": "2021-07-28"} {
		request.Header.Set(name, value)
	}
	if app == "highlevel" && strings.HasPrefix(path, "/calendars") {
		request.Header.Set("Version", "2021-04-15")
	}
	if app == "qonto" {
		request.Header.Set("Authorization", "demo:sandbox-token")
	}
	response, err := http.DefaultClient.Do(request)
	must(f.t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	must(f.t, err)
	if response.StatusCode > 299 {
		f.t.Fatalf("%s %s answered %d %s", method, path, response.StatusCode, answer)
	}
	return gjson.ParseBytes(answer)
}

// TestTwoWaySyncDoesNotLoop changes a record on one side, then on the other. Each
// change is copied once, and the event that the copy causes is an echo.
func TestTwoWaySyncDoesNotLoop(t *testing.T) {
	f := &fixture{t: t, apps: newSandbox(t, sandbox.Config{Seed: 1, Now: distinctTimes()}), log: newLogBuffer()}
	f.build(map[string]string{"sync.lua": twoWay})
	location := f.apps.Account("highlevel")
	made := f.change("highlevel", "POST", "/contacts/", `{"locationId":"`+location+`","firstName":"Ada","lastName":"Lovelace","email":"ada@example.com"}`)
	f.settle()
	f.change("highlevel", "PUT", "/contacts/"+made.Get("contact.id").Str, `{"firstName":"Augusta"}`)
	f.settle()
	client := ""
	for _, one := range f.apps.Records("qonto", "clients") {
		if gjson.GetBytes(one, "email").Str == "ada@example.com" {
			client = gjson.GetBytes(one, "id").Str
			if name := gjson.GetBytes(one, "first_name").Str; name != "Augusta" {
				t.Errorf("the client is called %q", name)
			}
		}
	}
	f.change("qonto", "PATCH", "/clients/"+client, `{"last_name":"King"}`)
	f.settle()
	contact := f.change("highlevel", "GET", "/contacts/"+made.Get("contact.id").Str, "").Get("contact")
	if name := contact.Get("lastName").Str; name != "King" {
		t.Errorf("the contact is called %q; it was changed on the other side", name)
	}
	runs := f.runs()
	if len(runs) != 3 {
		t.Errorf("%d runs for 3 changes", len(runs))
	}
	for _, story := range runs {
		if story.Run.State != journal.Succeeded {
			t.Errorf("run of %s: %s %+v", story.Run.Event, story.Run.State, story.Run.Problem)
		}
	}
	events, err := f.journal.Events(t.Context(), journal.EventQuery{Limit: 100})
	must(t, err)
	echoes := 0
	for _, e := range events {
		if e.Echo {
			echoes++
		}
	}
	if echoes < 3 || len(events) != echoes+3 {
		t.Errorf("%d events, %d of them echoes; expected each of 3 changes to come back as one", len(events), echoes)
	}
}

// TestAsanaEventOfOwnChangeIsEcho changes a task in a run. Asana's events have the
// name of the field that changed, and not its value.
func TestAsanaEventOfOwnChangeIsEcho(t *testing.T) {
	f := newFixture(t, map[string]string{"sync.lua": `local asana = require "asana"
on("asana.task.changed", function(event)
  asana.tasks.update { task_gid = event.data.resource.gid, notes = event.id }
end)`})
	task := f.change("asana", "POST", "/tasks", `{"data":{"name":"Call","projects":["1200000000000005"]}}`).Get("data.gid").Str
	f.change("asana", "PUT", "/tasks/"+task, `{"data":{"name":"Call Ada"}}`)
	f.settle()
	f.change("asana", "PUT", "/tasks/"+task, `{"data":{"completed":true}}`)
	f.settle()
	if runs := f.runs(); len(runs) != 2 {
		t.Errorf("%d runs for a name and an end that somebody gave a task", len(runs))
	}
}

// TestGoogleEventOfOwnChangeIsEcho changes a calendar event in a run. Google's
// list has the event with our change.
func TestGoogleEventOfOwnChangeIsEcho(t *testing.T) {
	clock := clock.NewManual(time.Now().Round(0))
	f := &fixture{t: t, apps: newSandbox(t, sandbox.Config{Now: clock.Now}), log: newLogBuffer()}
	f.build(map[string]string{"sync.lua": `local googlecalendar = require "googlecalendar"
on({ "googlecalendar.event.created", "googlecalendar.event.updated" }, function(event)
  googlecalendar.events.patch { calendarId = event.data.calendarId, eventId = event.data.id, description = event.id }
end)`}, func(c *engine.Config) { c.Clock = clock })
	awaitPolls := func() {
		t.Helper()
		for range 2 { // events that the first poll found are stored before the second
			before, timeout := f.apps.Calls("googlecalendar", "events.list"), time.After(maxWait)
			for clock.Advance(2 * time.Minute); f.apps.Calls("googlecalendar", "events.list") == before; {
				select {
				case <-time.After(5 * time.Millisecond):
					clock.Advance(time.Second) // the next poll may have been scheduled after the two minutes passed
				case <-timeout:
					t.Fatal("the calendars are not polled")
				}
			}
			f.settle()
		}
	}
	awaitPolls()
	made := f.change("googlecalendar", "POST", "/calendars/primary/events", `{"summary":"Review","start":{"date":"2026-03-05"},"end":{"date":"2026-03-06"}}`).Get("id").Str
	awaitPolls()
	f.change("googlecalendar", "PATCH", "/calendars/primary/events/"+made, `{"summary":"Compiler review"}`)
	awaitPolls()
	awaitPolls()
	if runs := f.runs(); len(runs) != 2 {
		t.Errorf("%d runs for an event that somebody made and changed", len(runs))
	}
}
