package highlevel_test

import (
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/highlevel"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
)

const contact = `{"locationId":"loc1","firstName":"Ann","lastName":"Lee","email":"Ann@Example.com","phone":"+33123"}`

// start starts a sandbox of HighLevel.
func start(t *testing.T, config sandbox.Config) *sandboxtest.Server {
	return sandboxtest.StartApp(t, highlevel.App(), highlevel.Rules(), config)
}

func TestContactIsCreatedChangedAndDeleted(t *testing.T) {
	w := start(t, sandbox.Config{})
	made := w.Call("POST /highlevel/contacts/", contact).Is(201, "contact.firstName", "Ann", "contact.locationId", "loc1", "contact.tags.#", "0")
	id := made.Get("contact.id")
	if len(id) != 20 {
		t.Errorf("id %q, expected 20 letters", id)
	}
	w.Call("GET /highlevel/contacts/"+id, "").Is(200, "contact.email", "Ann@Example.com", "contact.name", "Ann Lee", "contact.dateAdded", "2026-03-04T05:06:07.000Z")
	w.Call("PUT /highlevel/contacts/"+id, `{"city":"Lyon"}`).Is(200, "contact.city", "Lyon", "contact.firstName", "Ann")
	w.Call("POST /highlevel/contacts/"+id+"/tags", `{"tags":["VIP","new"]}`).Is(200, "tags", `["VIP","new"]`)
	w.Call("DELETE /highlevel/contacts/"+id+"/tags", `{"tags":["vip"]}`).Is(200, "tags", `["new"]`)
	w.Call("GET /highlevel/contacts/?locationId=loc1", "").Is(200, "contacts.#", "1", "contacts.0.id", id)
	w.Call("GET /highlevel/contacts/?locationId=loc2", "").Is(200, "contacts.#", "0")
	w.Call("DELETE /highlevel/contacts/"+id, "").Is(200, "succeded", "true")
	w.Call("GET /highlevel/contacts/"+id, "").Is(404, "statusCode", "404", "error", "Not Found", "message", "contact with id "+id+" not found")
}

func TestUpsertFindsByEmailThenPhone(t *testing.T) {
	w := start(t, sandbox.Config{})
	id := w.Call("POST /highlevel/contacts/upsert", contact).Is(200, "new", "true").Get("contact.id")
	for name, body := range map[string]string{
		"email in other case": `{"locationId":"loc1","email":"ANN@example.com","city":"Paris"}`,
		"phone alone":         `{"locationId":"loc1","phone":"+33123"}`,
	} {
		t.Run(name, func(t *testing.T) {
			w.Call("POST /highlevel/contacts/upsert", body).Is(200, "new", "false", "contact.id", id)
		})
	}
	w.Call("POST /highlevel/contacts/upsert", `{"locationId":"loc2","email":"ann@example.com"}`).Is(200, "new", "true")
	w.Call("POST /highlevel/contacts/", contact).Is(400, "meta.contactId", id, "meta.matchingField", "email")
	if got := len(w.Records("highlevel", "contacts")); got != 2 {
		t.Errorf("%d contacts, expected 2", got)
	}
}

// Custom fields are sent as field_value, and read as value or fieldValue.
func TestCustomFieldsHaveTheirAnswerNames(t *testing.T) {
	w := start(t, sandbox.Config{})
	id := w.Call("POST /highlevel/contacts/", `{"locationId":"loc1","email":"ann@example.com","customFields":[{"id":"f1","key":"size","field_value":"L"},{"id":"f2","field_value":["a","b"]}]}`).
		Is(201, "contact.customFields", `[{"id":"f1","value":"L"},{"id":"f2","value":"a, b"}]`).Get("contact.id")
	w.Call("GET /highlevel/contacts/"+id, "").Is(200, "contact.customFields", `[{"id":"f1","value":"L"},{"id":"f2","value":"a, b"}]`)
	w.Call("PUT /highlevel/contacts/"+id, `{"customFields":[{"id":"f1","field_value":3}]}`).Is(200, "contact.customFields", `[{"id":"f1","value":"3"}]`)
	w.Call("POST /highlevel/opportunities/", `{"locationId":"loc1","pipelineId":"sandboxPipeline00001","pipelineStageId":"sandboxStage00000001","name":"x","status":"open","contactId":"`+id+`","customFields":[{"id":"f3","field_value":["a"]}]}`).
		Is(201, "opportunity.customFields", `[{"fieldValue":["a"],"id":"f3"}]`)
}

func TestTasksAndNotesAreUnderTheirContact(t *testing.T) {
	w := start(t, sandbox.Config{})
	ann := w.Call("POST /highlevel/contacts/", contact).Get("contact.id")
	bob := w.Call("POST /highlevel/contacts/", `{"locationId":"loc1","email":"bob@example.com"}`).Get("contact.id")
	task := w.Call("POST /highlevel/contacts/"+ann+"/tasks", `{"title":"Call","dueDate":"2026-03-05T09:00:00Z","completed":false}`).
		Is(201, "task.title", "Call", "task.contactId", ann).Get("task.id")
	w.Call("GET /highlevel/contacts/"+ann+"/tasks", "").Is(200, "tasks.#", "1", "tasks.0.id", task)
	w.Call("GET /highlevel/contacts/"+bob+"/tasks", "").Is(200, "tasks.#", "0")
	w.Call("GET /highlevel/contacts/"+bob+"/tasks/"+task, "").Is(404)
	w.Call("PUT /highlevel/contacts/"+ann+"/tasks/"+task+"/completed", `{"completed":true}`).Is(200, "task.completed", "true")
	note := w.Call("POST /highlevel/contacts/"+ann+"/notes", `{"body":"follow up"}`).Is(201, "note.body", "follow up").Get("note.id")
	w.Call("PUT /highlevel/contacts/"+ann+"/notes/"+note, `{"body":"done"}`).Is(200, "note.body", "done", "note.id", note)
	w.Call("POST /highlevel/contacts/nobody/notes", `{"body":"x"}`).Is(404)
	w.Call("DELETE /highlevel/contacts/"+ann, "").Is(200)
	if got := len(w.Records("highlevel", "tasks")); got != 0 {
		t.Errorf("%d tasks left of a deleted contact", got)
	}
}

func TestAppointmentsAreListedByContactAndCalendar(t *testing.T) {
	w := start(t, sandbox.Config{})
	ann := w.Call("POST /highlevel/contacts/", contact).Get("contact.id")
	v := []string{"Version", "2021-04-15"}
	id := w.Call("POST /highlevel/calendars/events/appointments", `{"calendarId":"sandboxCalendar00001","locationId":"loc1","contactId":"`+ann+
		`","startTime":"2026-03-05T09:00:00Z","title":"Welcome"}`, v...).Is(201, "title", "Welcome", "contactId", ann).Get("id")
	w.Call("GET /highlevel/calendars/events/appointments/"+id, "", v...).Is(200, "event.startTime", "2026-03-05T09:00:00Z")
	w.Call("GET /highlevel/contacts/"+ann+"/appointments", "").Is(200, "events.#", "1", "events.0.id", id)
	w.Call("GET /highlevel/calendars/events?locationId=loc1&startTime=1772600000000&endTime=1772800000000", "", v...).Is(200, "events.0.id", id)
}

func TestFirstMessageCreatesConversation(t *testing.T) {
	w := start(t, sandbox.Config{})
	ann := w.Call("POST /highlevel/contacts/", contact).Get("contact.id")
	v := []string{"Version", "2021-04-15"}
	sent := w.Call("POST /highlevel/conversations/messages", `{"type":"SMS","contactId":"`+ann+`","message":"Hello"}`, v...).Is(200)
	conversation := sent.Get("conversationId")
	w.Call("POST /highlevel/conversations/messages", `{"type":"SMS","contactId":"`+ann+`","message":"Again"}`, v...).Is(200, "conversationId", conversation)
	w.Call("GET /highlevel/conversations/search?locationId=loc1&contactId="+ann, "", v...).
		Is(200, "conversations.#", "1", "conversations.0.lastMessageBody", "Again")
	w.Call("GET /highlevel/conversations/"+conversation+"/messages", "", v...).Is(200, "messages.messages.#.body", `["Hello","Again"]`)
	w.Call("POST /highlevel/conversations/messages", `{"type":"SMS","contactId":"nobody","message":"Hello"}`, v...).Is(400)
}

func TestCalendarResourcesAreListedByType(t *testing.T) {
	w := start(t, sandbox.Config{})
	resource := `{"locationId":"loc1","name":"Blue","description":"","quantity":1,"outOfService":0,"capacity":4,"calendarIds":[]}`
	w.Call("POST /highlevel/calendars/resources/rooms", resource, "Version", "2021-04-15").Is(201, "name", "Blue", "resourceType", "rooms")
	w.Call("GET /highlevel/calendars/resources/rooms?locationId=loc1&limit=10&skip=0", "", "Version", "2021-04-15").Is(200, "#", "1", "0.name", "Blue")
	w.Call("GET /highlevel/calendars/resources/equipments?locationId=loc1&limit=10&skip=0", "", "Version", "2021-04-15").Is(200, "#", "0")
}

func TestSearchFilters(t *testing.T) {
	w := start(t, sandbox.Config{})
	w.Call("POST /highlevel/contacts/", contact).Is(201)
	w.Call("POST /highlevel/contacts/", `{"locationId":"loc1","email":"bob@example.com","firstName":"Bob"}`).Is(201)
	for _, test := range []struct{ filters, want string }{
		{`{"field":"email","operator":"eq","value":"BOB@example.com"}`, `["Bob"]`},
		{`{"field":"email","operator":"contains","value":"example"}`, `["Ann","Bob"]`},
		{`{"field":"phone","operator":"not_exists"}`, `["Bob"]`},
		{`{"group":"OR","filters":[{"field":"firstName","operator":"eq","value":"Ann"},{"field":"firstName","operator":"eq","value":"Zoe"}]}`, `["Ann"]`},
	} {
		w.Call("POST /highlevel/contacts/search", `{"locationId":"loc1","pageLimit":10,"filters":[`+test.filters+`]}`).
			Is(200, "contacts.#.firstName", test.want, "total", w.Call("POST /highlevel/contacts/search",
				`{"locationId":"loc1","pageLimit":10,"filters":[`+test.filters+`]}`).Get("contacts.#"))
	}
}

func TestErrorsHaveTheVendorsShape(t *testing.T) {
	w := start(t, sandbox.Config{})
	for _, test := range []struct {
		name, line, body string
		headers          []string
		status           int
		pairs            []string
	}{
		{name: "missing field", line: "POST /highlevel/contacts/", body: `{"email":"a@b.c"}`, status: 422,
			pairs: []string{"statusCode", "422", "message.0", "locationId should not be empty", "error", "Unprocessable Entity"}},
		{name: "wrong type", line: "POST /highlevel/contacts/", body: `{"locationId":"x","firstName":7}`, status: 422,
			pairs: []string{"message.0", "firstName must be a string"}},
		{name: "no JSON", line: "POST /highlevel/contacts/", body: `{"locationId"`, status: 400},
		{name: "no token", line: "GET /highlevel/contacts/x", headers: []string{"Authorization", ""}, status: 401, pairs: []string{"error", "Unauthorized"}},
		{name: "wrong token", line: "GET /highlevel/contacts/x", headers: []string{"Authorization", "Bearer nope"}, status: 401},
		{name: "no version", line: "GET /highlevel/contacts/x", headers: []string{"Version", ""}, status: 401},
		{name: "wrong version", line: "GET /highlevel/contacts/x", headers: []string{"Version", "2020-01-01"}, status: 401},
		{name: "unknown path", line: "GET /highlevel/nothing/here", status: 404, pairs: []string{"message", "Cannot GET /nothing/here"}},
		{name: "wrong method", line: "PATCH /highlevel/contacts/x", status: 405},
		{name: "missing parameter", line: "GET /highlevel/contacts/", status: 422, pairs: []string{"message.0", "locationId should not be empty"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.Call(test.line, test.body, test.headers...).Is(test.status, test.pairs...)
		})
	}
}

func TestStrictRefusesUnknownFields(t *testing.T) {
	body := `{"locationId":"x","nickname":"Annie"}`
	start(t, sandbox.Config{}).Call("POST /highlevel/contacts/", body).Is(201)
	start(t, sandbox.Config{Strict: true}).Call("POST /highlevel/contacts/", body).Is(422, "message.0", "property nickname should not exist")
}

func TestUndescribedAnswerHasNote(t *testing.T) {
	w := start(t, sandbox.Config{})
	got := w.Call("GET /highlevel/ad-publishing/facebook/me?locationId=x", "", "Version", "2021-07-28")
	if got.Status == 200 && got.Header.Get("X-Sandbox-Note") == "" {
		t.Errorf("no note on %s", got.Body)
	}
}

func TestChangesAreSentInSignedWebhooks(t *testing.T) {
	w, r := start(t, sandbox.Config{}), sandboxtest.Receive(t)
	must(t, w.Subscribe("highlevel", r.URL, ""))
	id := w.Call("POST /highlevel/contacts/", contact).Get("contact.id")
	w.Call("PUT /highlevel/contacts/"+id, `{"dnd":true}`)
	w.Call("POST /highlevel/contacts/"+id+"/tags", `{"tags":["vip"]}`)
	w.Call("POST /highlevel/contacts/"+id+"/notes", `{"body":"hi"}`)
	task := w.Call("POST /highlevel/contacts/"+id+"/tasks", `{"title":"Call","dueDate":"2026-03-05T09:00:00Z","completed":false}`).Get("task.id")
	w.Call("PUT /highlevel/contacts/"+id+"/tasks/"+task+"/completed", `{"completed":true}`)
	w.Call("PUT /highlevel/contacts/"+id, `{"city":"Lyon"}`)
	w.Call("DELETE /highlevel/contacts/"+id, "")
	must(t, w.Idle(t.Context()))
	want := []string{"ContactCreate", "ContactDndUpdate", "ContactTagUpdate", "NoteCreate", "TaskCreate", "TaskComplete", "ContactUpdate", "ContactDelete"}
	got := r.Webhooks()
	if len(got) != len(want) {
		t.Fatalf("%d webhooks, expected %d: %+v", len(got), len(want), got)
	}
	ids := map[string]bool{}
	for i, h := range got {
		if sandboxtest.Value(h.Body, "type") != want[i] || sandboxtest.Value(h.Body, "locationId") != "loc1" {
			t.Errorf("webhook %d is %s, expected %s of loc1", i, h.Body, want[i])
		}
		ids[sandboxtest.Value(h.Body, "webhookId")] = true
		if _, err := highlevel.App().Webhook.Signatures[0].Verify(h.Header, []byte(h.Body), w.PublicKey("highlevel"), w.Clock.Now(), time.Minute); err != nil {
			t.Errorf("webhook %d: %v", i, err)
		}
		if _, err := highlevel.App().Webhook.Signatures[0].Verify(h.Header, []byte(h.Body), "", w.Clock.Now(), time.Minute); err == nil {
			t.Error("signed with the vendor's own key")
		}
	}
	if len(ids) != len(want) {
		t.Errorf("%d ids for %d webhooks", len(ids), len(want))
	}
	if sandboxtest.Value(got[3].Body, "contactId") != id || sandboxtest.Value(got[3].Body, "body") != "hi" {
		t.Errorf("note: %s", got[3].Body)
	}
}

func TestAppointmentIsWrapped(t *testing.T) {
	w, r := start(t, sandbox.Config{}), sandboxtest.Receive(t)
	must(t, w.Subscribe("highlevel", r.URL, ""))
	w.Call("POST /highlevel/calendars/events/appointments",
		`{"calendarId":"c","locationId":"loc1","contactId":"p","startTime":"2026-03-05T09:00:00Z","title":"Welcome"}`, "Version", "2021-04-15").Is(201)
	must(t, w.Idle(t.Context()))
	if got := r.Webhooks(); len(got) != 1 || sandboxtest.Value(got[0].Body, "type") != "AppointmentCreate" || sandboxtest.Value(got[0].Body, "appointment.title") != "Welcome" ||
		sandboxtest.Value(got[0].Body, "locationId") != "loc1" {
		t.Errorf("got %+v", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
