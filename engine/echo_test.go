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
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
)

// twoWay keeps contacts and clients alike, both ways. Without a guard each change
// would go to and fro for ever.
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

// ticking is a clock of which no two times are alike to a vendor who writes
// them to the millisecond: people are slower than that.
func ticking() func() time.Time {
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

// change does what a person would in an app of the sandbox, and gives the answer.
func (w *world) change(app, method, path, body string) gjson.Result {
	w.t.Helper()
	request, err := http.NewRequest(method, w.apps.URL(app)+path, strings.NewReader(body))
	must(w.t, err)
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
	must(w.t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	must(w.t, err)
	if response.StatusCode > 299 {
		w.t.Fatalf("%s %s answered %d %s", method, path, response.StatusCode, answer)
	}
	return gjson.ParseBytes(answer)
}

// TestATwoWaySyncDoesNotLoop changes a record on one side, then on the other:
// each change is carried over once, and what it brings back is an echo.
func TestATwoWaySyncDoesNotLoop(t *testing.T) {
	w := &world{t: t, apps: newSandbox(t, sandbox.Config{Seed: 1, Now: ticking()}), log: newBook()}
	w.build(map[string]string{"sync.lua": twoWay})
	location := w.apps.Account("highlevel")
	made := w.change("highlevel", "POST", "/contacts/", `{"locationId":"`+location+`","firstName":"Ada","lastName":"Lovelace","email":"ada@example.com"}`)
	w.settle()
	w.change("highlevel", "PUT", "/contacts/"+made.Get("contact.id").Str, `{"firstName":"Augusta"}`)
	w.settle()
	client := ""
	for _, one := range w.apps.Records("qonto", "clients") {
		if gjson.GetBytes(one, "email").Str == "ada@example.com" {
			client = gjson.GetBytes(one, "id").Str
			if name := gjson.GetBytes(one, "first_name").Str; name != "Augusta" {
				t.Errorf("the client is called %q", name)
			}
		}
	}
	w.change("qonto", "PATCH", "/clients/"+client, `{"last_name":"King"}`)
	w.settle()
	contact := w.change("highlevel", "GET", "/contacts/"+made.Get("contact.id").Str, "").Get("contact")
	if name := contact.Get("lastName").Str; name != "King" {
		t.Errorf("the contact is called %q; it was changed on the other side", name)
	}
	runs := w.runs()
	if len(runs) != 3 {
		t.Errorf("%d runs for 3 changes", len(runs))
	}
	for _, story := range runs {
		if story.Run.State != journal.Succeeded {
			t.Errorf("run of %s: %s %+v", story.Run.Event, story.Run.State, story.Run.Problem)
		}
	}
	events, err := w.journal.Events(t.Context(), journal.EventQuery{Limit: 100})
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

// TestWhatAsanaTellsOfOurOwnChangesIsAnEcho: its events tell which field
// changed and not to what.
func TestWhatAsanaTellsOfOurOwnChangesIsAnEcho(t *testing.T) {
	w := newWorld(t, map[string]string{"sync.lua": `local asana = require "asana"
on("asana.task.changed", function(event)
  asana.tasks.update { task_gid = event.data.resource.gid, notes = event.id }
end)`})
	task := w.change("asana", "POST", "/tasks", `{"data":{"name":"Call","projects":["1200000000000005"]}}`).Get("data.gid").Str
	w.change("asana", "PUT", "/tasks/"+task, `{"data":{"name":"Call Ada"}}`)
	w.settle()
	w.change("asana", "PUT", "/tasks/"+task, `{"data":{"completed":true}}`)
	w.settle()
	if runs := w.runs(); len(runs) != 2 {
		t.Errorf("%d runs for a name and an end that somebody gave a task", len(runs))
	}
}

// TestWhatGoogleTellsOfOurOwnChangesIsAnEcho: its lists tell the event as our
// call left it.
func TestWhatGoogleTellsOfOurOwnChangesIsAnEcho(t *testing.T) {
	clock := journaltest.NewClock()
	w := &world{t: t, apps: newSandbox(t, sandbox.Config{Now: clock.Now}), log: newBook()}
	w.build(map[string]string{"sync.lua": `local googlecalendar = require "googlecalendar"
on({ "googlecalendar.event.created", "googlecalendar.event.updated" }, function(event)
  googlecalendar.events.patch { calendarId = event.data.calendarId, eventId = event.data.id, description = event.id }
end)`}, func(c *engine.Config) { c.Clock = clock })
	look := func() {
		t.Helper()
		for range 2 { // what the first look found is then kept
			before, late := w.apps.Calls("googlecalendar", "events.list"), time.After(patience)
			for clock.Pass(2 * time.Minute); w.apps.Calls("googlecalendar", "events.list") == before; {
				select {
				case <-time.After(5 * time.Millisecond):
					clock.Pass(time.Second) // the next look may have been fixed only after the two minutes
				case <-late:
					t.Fatal("nobody looks at the calendars")
				}
			}
			w.settle()
		}
	}
	look()
	made := w.change("googlecalendar", "POST", "/calendars/primary/events", `{"summary":"Review","start":{"date":"2026-03-05"},"end":{"date":"2026-03-06"}}`).Get("id").Str
	look()
	w.change("googlecalendar", "PATCH", "/calendars/primary/events/"+made, `{"summary":"Compiler review"}`)
	look()
	look()
	if runs := w.runs(); len(runs) != 2 {
		t.Errorf("%d runs for an event that somebody made and changed", len(runs))
	}
}
