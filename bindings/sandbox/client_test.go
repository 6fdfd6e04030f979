package sandbox_test

import (
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

// TestArgumentsOfClients: a vendor that is lenient reads arguments from JSON, a
// form and a query, and the token among them.
func TestArgumentsOfClients(t *testing.T) {
	w := start(t, sandbox.Config{Strict: true})
	const form = "application/x-www-form-urlencoded"
	w.Call("POST /slack/chat.postMessage", "channel=C0GENERAL01&text=Hi&blocks=%5B%7B%22type%22%3A%22divider%22%7D%5D", "Content-Type", form).
		Is(200, "ok", "true", "message.text", "Hi")
	w.Call("GET /slack/conversations.info?channel=C0GENERAL01", "").Is(200, "channel.name", "general")
	w.Call("POST /slack/conversations.info?channel=C0GENERAL01", "", "Content-Type", form).Is(200, "channel.name", "general")
	for _, test := range []struct{ line, body, problem string }{
		{"POST /slack/auth.test", "token=sandbox-token", ""},
		{"POST /slack/auth.test", "token=wrong", "invalid_auth"},
		{"POST /slack/auth.test", "", "not_authed"},
		{"GET /slack/auth.test?token=sandbox-token", "", ""},
		{"GET /slack/auth.test?token=wrong", "", "invalid_auth"},
	} {
		w.Call(test.line, test.body, "Content-Type", form, "Authorization", "").Is(200, "error", test.problem)
	}
	for _, one := range w.Requests("slack") {
		if one.Query != "" {
			t.Errorf("the log has the query %q", one.Query)
		}
	}
	w.Call("GET /highlevel/contacts/", "", "Version", "2023-02-21").Is(422) // locationId is missing, the version is not
	w.Call("GET /highlevel/contacts/", "", "Version", "2020-01-01").Is(401)
	w.Call("GET /highlevel/contacts/", "", "Version", "").Is(401)
}

// TestTokensOfClients: Slack's clients get tokens at the vendor's own path, without
// grant_type.
func TestTokensOfClients(t *testing.T) {
	w := start(t, sandbox.Config{})
	page := w.Post("/slack/oauth/authorize?client_id=sandbox-client&scope=chat:write&redirect_uri=https%3A%2F%2Flocalhost%2Fback", "decision=allow")
	_, code, _ := strings.Cut(page.Header.Get("Location"), "?code=")
	const back = "&redirect_uri=https%3A%2F%2Flocalhost%2Fback&code="
	w.Post("/slack/oauth.v2.access", "client_id=sandbox-client&client_secret=wrong"+back+code).Is(200, "error", "bad_client_secret")
	granted := w.Post("/slack/oauth.v2.access", client+back+code).Is(200, "ok", "true", "scope", "chat:write", "team.id", "T0SANDBOX01")
	w.Call("POST /slack/auth.test", "", "Authorization", "Bearer "+granted.Get("access_token")).Is(200, "ok", "true")
}

// TestPathsOfClients: where only the host can be set in a client, the vendor's own
// path finds the app.
func TestPathsOfClients(t *testing.T) {
	w := start(t, sandbox.Config{})
	w.Call("GET /calendar/v3/users/me/calendarList", "").Is(200)
	w.Call("GET /v1.0/me", "").Is(200, "displayName", "Ada Sandbox")
	w.Call("GET /api/1.0/users/me", "").Is(200, "data.name", "Ada Sand")
	w.Call("POST /api/auth.test", "").Is(200, "team_id", "T0SANDBOX01")
	w.Call("GET /v2/organization", "").Is(200)
	w.Call("GET /v3/anything", "").Is(404)
}

func TestGraphClient(t *testing.T) {
	w := start(t, sandbox.Config{})
	w.Call("GET /teams/me?$select=displayName", "").Is(200, "displayName", "Ada Sandbox", "id", "")
	w.Call("GET /teams/me/joinedTeams?$select=id", "").Is(200, "value.0.displayName", "")
	w.Call("POST /teams/$batch", `{"requests":[{"id":"a","method":"GET","url":"/me"},{"id":"b","method":"GET","url":"/chats/none"},
		{"id":"c","method":"GET","url":"/me","dependsOn":["b"]},{"id":"d","method":"PATCH","url":"/chats/none","body":{"topic":1}}]}`).
		Is(200, "responses.0.id", "a", "responses.0.status", "200", "responses.0.body.displayName", "Ada Sandbox", "responses.1.status", "404",
			"responses.2.status", "424", "responses.3.status", "400")
	w.Call("POST /teams/$batch", `{"requests":[]}`).Is(400)
	w.Call("POST /teams/$batch", `{"requests":[{"id":"a","method":"GET","url":"/me"}]}`, "Authorization", "Bearer wrong").Is(200, "responses.0.status", "401")
}

func TestAsanaPages(t *testing.T) {
	w := start(t, sandbox.Config{})
	for range 3 {
		w.Call("POST /asana/tasks", `{"data":{"name":"x","projects":["1200000000000005"]}}`).Is(201)
	}
	first := w.Call("GET /asana/projects/1200000000000005/tasks?limit=2", "").Is(200)
	if want := "/projects/1200000000000005/tasks?limit=2&offset=" + first.Get("next_page.offset"); first.Get("next_page.path") != want {
		t.Errorf("the path is %q, want %q", first.Get("next_page.path"), want)
	}
	w.Follow(first, "next_page.uri").Is(200, "data.1.name", "", "next_page", "")
}

func TestAttendees(t *testing.T) {
	w := start(t, sandbox.Config{})
	made := w.Call("POST /googlecalendar/calendars/primary/events", `{"summary":"x","start":{"date":"2026-03-05"},"end":{"date":"2026-03-06"},
		"attendees":[{"email":"ada@sandbox.example","responseStatus":"accepted"},{"email":"bob@client.example"}]}`).
		Is(200, "attendees.0.self", "true", "attendees.0.organizer", "true", "attendees.0.responseStatus", "accepted",
			"attendees.1.responseStatus", "needsAction", "attendees.1.self", "")
	w.Call("GET /googlecalendar/calendars/primary/events/"+made.Get("id")+"?maxAttendees=1", "").
		Is(200, "attendeesOmitted", "true", "attendees.0.email", "ada@sandbox.example", "attendees.1.email", "")
	w.Call("GET /googlecalendar/calendars/primary/events/"+made.Get("id"), "").Is(200, "attendeesOmitted", "", "attendees.1.email", "bob@client.example")
}
