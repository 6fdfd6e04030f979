package poll_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/asana"
	"github.com/tidewire/tidewire/bindings/googlecalendar"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/ingest"
	"github.com/tidewire/tidewire/engine/journal"
)

// appFixture is a poller of a real app in the sandbox.
type appFixture struct {
	*fixture
	apps *sandbox.Sandbox
}

func newAppFixture(t *testing.T, app *bindings.App, source string) appFixture {
	t.Helper()
	var apps *sandbox.Sandbox
	w := newFixture(t, source, func(w *fixture) {
		var err error
		apps, err = sandbox.New(sandbox.Config{Apps: []*bindings.App{app}, Rules: all.Rules(), Seed: 1, Now: w.clock.Now})
		w.must(err)
		w.must(apps.Start(context.WithoutCancel(t.Context()), "127.0.0.1:0"))
		t.Cleanup(func() { w.must(apps.Close()) })
		w.app = app
		w.setting = connection.Settings{Name: app.Name, Account: apps.Account(app.Name), BaseURL: apps.URL(app.Name),
			Credentials: map[string]string{"token": sandbox.Token}, Poll: app.Polls[0].Every}
		w.reader = func(c *connection.Connection, item json.RawMessage) (journal.Event, bool) {
			return ingest.New(ingest.Config{Apps: []*bindings.App{app}, Connections: w.set}).Read(c, item)
		}
	})
	return appFixture{w, apps}
}

// call makes a request to the app, and returns the value at a path of the answer.
func (s appFixture) call(line, body, path string) string {
	s.Helper()
	method, target, _ := strings.Cut(line, " ")
	r, err := http.NewRequestWithContext(s.Context(), method, s.apps.URL(s.app.Name)+target, strings.NewReader(body))
	s.must(err)
	r.Header.Set("Authorization", "Bearer "+sandbox.Token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	s.must(err)
	defer answer.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	content, err := io.ReadAll(answer.Body)
	s.must(err)
	if answer.StatusCode > 299 {
		s.Fatalf("%s: %s: %s", line, answer.Status, content)
	}
	return gjson.GetBytes(content, path).String()
}

// wantEvents scans a poll and expects these events, each with a field of its
// data.
func (s appFixture) wantEvents(poll, field string, want ...string) {
	s.Helper()
	s.clock.Advance(time.Minute)
	if _, err := s.poller.Scan(s.Context(), s.app.Name, poll, journal.Poll); err != nil {
		s.Fatalf("scan of %s: %v", poll, err)
	}
	all := s.events()
	var found []string
	for _, e := range all[s.seen:] {
		found = append(found, bindings.TriggerName(e.Type).Local()+" "+gjson.GetBytes(e.Data, field).String())
	}
	s.seen = len(all)
	s.clock.Advance(time.Minute)
	s.want("events", fmt.Sprint(found), fmt.Sprint(want))
}

// Google's lists have tokens: what is created, changed and deleted is reported
// once for each calendar, also when the token expires.
func TestGoogleCalendarIsPolled(t *testing.T) {
	s := newAppFixture(t, googlecalendar.App(), `on("googlecalendar.*.*", { lane = false }, function(event) end)`)
	const day = `"start":{"date":"2026-03-05"},"end":{"date":"2026-03-06"}}`
	const team = "/calendars/c_0sandboxteam@group.calendar.google.com"
	old := s.call("POST /calendars/primary/events", `{"summary":"old",`+day, "id")
	gone := s.call("POST /calendars/primary/events", `{"summary":"gone",`+day, "id")
	s.wantEvents("events", "summary")
	s.call("POST "+team+"/events", `{"summary":"new",`+day, "id")
	s.call("PATCH /calendars/primary/events/"+old, `{"summary":"changed"}`, "id")
	s.call("DELETE /calendars/primary/events/"+gone, "", "")
	s.wantEvents("events", "calendarId", "event.updated ada@sandbox.example", "event.deleted ada@sandbox.example",
		"event.created c_0sandboxteam@group.calendar.google.com")
	s.wantEvents("events", "summary")

	s.call("PATCH /calendars/primary/events/"+old, `{"summary":"changed again"}`, "id")
	s.must(s.apps.InvalidateSyncTokens("googlecalendar"))
	s.wantEvents("events", "summary", "event.updated changed again")

	s.wantEvents("calendars", "summary")
	trips := s.call("POST /calendars", `{"summary":"Trips"}`, "id")
	s.wantEvents("calendars", "summary", "calendar.added Trips")
	s.call("DELETE /calendars/"+trips, "", "")
	s.wantEvents("calendars", "summary", "calendar.removed Trips")

	s.wantEvents("acl", "id")
	s.call("POST "+team+"/acl", `{"role":"reader","scope":{"type":"user","value":"ben@sandbox.example"}}`, "id")
	s.wantEvents("acl", "id", "acl_rule.created user:ben@sandbox.example")
	s.call("DELETE "+team+"/acl/user:ben@sandbox.example", "", "")
	s.wantEvents("acl", "calendarId", "acl_rule.deleted c_0sandboxteam@group.calendar.google.com")

	s.wantEvents("settings", "id")
	_, err := s.apps.Put("googlecalendar", "users/me/settings", map[string]any{"id": "locale", "value": "fr"})
	s.must(err)
	s.wantEvents("settings", "value", "setting.changed fr")
}

// An event that is added to a calendar is created there however old it is, also
// when the token expires. A changed occurrence of a recurring event is a change,
// unless the calendar has only that occurrence.
func TestAnOlderEventIsAddedToAGoogleCalendar(t *testing.T) {
	s := newAppFixture(t, googlecalendar.App(), `on("googlecalendar.*.*", { lane = false }, function(event) end)`)
	put := func(summary, series string) (id string) {
		t.Helper()
		id = s.call("POST /calendars/primary/events", `{"summary":"`+summary+`","start":{"date":"2026-03-05"},"end":{"date":"2026-03-06"}}`, "id")
		fields := map[string]any{"id": id, "created": s.clock.Now().Add(-9 * 24 * time.Hour).UTC().Format(time.RFC3339)}
		if series != "" {
			fields["recurringEventId"] = series
		}
		_, err := s.apps.Put("googlecalendar", "calendars/events", fields)
		s.must(err)
		return id
	}
	weekly := put("weekly", "")
	s.wantEvents("events", "summary")
	put("invitation", "")
	put("one of weekly", weekly)
	put("one of another", "another")
	s.wantEvents("events", "summary", "event.created invitation", "event.updated one of weekly", "event.created one of another")
	s.wantEvents("events", "summary")
	s.must(s.apps.InvalidateSyncTokens("googlecalendar"))
	moved := put("moved", "")
	s.wantEvents("events", "summary", "event.created moved")
	s.must(s.apps.InvalidateSyncTokens("googlecalendar"))
	s.wantEvents("events", "summary")

	s.call("DELETE /calendars/primary/events/"+moved, "", "")
	s.wantEvents("events", "summary", "event.deleted moved")
	s.call("PATCH /calendars/primary/events/"+moved, `{"status":"confirmed"}`, "")
	s.wantEvents("events", "summary", "event.created moved")

	s.wantEvents("calendars", "summary")
	trips := s.call("POST /calendars", `{"summary":"Trips"}`, "id")
	s.wantEvents("calendars", "summary", "calendar.added Trips")
	s.call("DELETE /users/me/calendarList/"+trips, "", "")
	s.wantEvents("calendars", "summary", "calendar.removed Trips")
	s.call("POST /users/me/calendarList", `{"id":"`+trips+`"}`, "")
	s.wantEvents("calendars", "summary", "calendar.added Trips")
}

// Asana's feed of a project has the events of its webhook.
func TestAsanaIsPolled(t *testing.T) {
	s := newAppFixture(t, asana.App(), `on("asana.*.*", { lane = false }, function(event) end)`)
	const launch = `"projects":["1200000000000005"]`
	s.call("POST /tasks", `{"data":{"name":"before",`+launch+`}}`, "data.gid")
	s.wantEvents("changes", "resource.gid")
	task := s.call("POST /tasks", `{"data":{"name":"after",`+launch+`}}`, "data.gid")
	s.call("PUT /tasks/"+task, `{"data":{"completed":true}}`, "data.gid")
	s.call("POST /tasks/"+task+"/stories", `{"data":{"text":"done"}}`, "data.gid")
	s.wantEvents("changes", "resource.resource_type", "task.added task", "task.added task", "task.changed task", "story.added story", "comment.added story")
	s.wantEvents("changes", "resource.gid")

	s.call("DELETE /tasks/"+task, "", "")
	s.wantEvents("changes", "resource.gid", "task.deleted "+task)
	s.must(s.apps.InvalidateSyncTokens("asana"))
	s.call("POST /tasks", `{"data":{"name":"unseen",`+launch+`}}`, "data.gid")
	s.wantEvents("changes", "resource.gid")
	s.call("POST /tasks", `{"data":{"name":"seen",`+launch+`}}`, "data.gid")
	s.wantEvents("changes", "action", "task.added added", "task.added added")
}
