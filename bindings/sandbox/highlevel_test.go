package sandbox_test

import (
	"testing"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

const contact = `{"locationId":"loc1","firstName":"Ann","lastName":"Lee","email":"Ann@Example.com","phone":"+33123"}`

func TestContactLivesAndDies(t *testing.T) {
	w := start(t, sandbox.Config{})
	made := w.call("POST /highlevel/contacts/", contact).is(201, "contact.firstName", "Ann", "contact.locationId", "loc1", "contact.tags.#", "0")
	id := made.get("contact.id")
	if len(id) != 20 {
		t.Errorf("id %q, expected 20 letters", id)
	}
	w.call("GET /highlevel/contacts/"+id, "").is(200, "contact.email", "Ann@Example.com", "contact.name", "Ann Lee", "contact.dateAdded", "2026-03-04T05:06:07.000Z")
	w.call("PUT /highlevel/contacts/"+id, `{"city":"Lyon"}`).is(200, "contact.city", "Lyon", "contact.firstName", "Ann")
	w.call("POST /highlevel/contacts/"+id+"/tags", `{"tags":["VIP","new"]}`).is(200, "tags", `["VIP","new"]`)
	w.call("DELETE /highlevel/contacts/"+id+"/tags", `{"tags":["vip"]}`).is(200, "tags", `["new"]`)
	w.call("GET /highlevel/contacts/?locationId=loc1", "").is(200, "contacts.#", "1", "contacts.0.id", id)
	w.call("GET /highlevel/contacts/?locationId=loc2", "").is(200, "contacts.#", "0")
	w.call("DELETE /highlevel/contacts/"+id, "").is(200, "succeded", "true")
	w.call("GET /highlevel/contacts/"+id, "").is(404, "statusCode", "404", "error", "Not Found", "message", "contact with id "+id+" not found")
}

func TestUpsertFindsByEmailThenPhone(t *testing.T) {
	w := start(t, sandbox.Config{})
	id := w.call("POST /highlevel/contacts/upsert", contact).is(200, "new", "true").get("contact.id")
	for name, body := range map[string]string{
		"email in other case": `{"locationId":"loc1","email":"ANN@example.com","city":"Paris"}`,
		"phone alone":         `{"locationId":"loc1","phone":"+33123"}`,
	} {
		t.Run(name, func(t *testing.T) {
			w.call("POST /highlevel/contacts/upsert", body).is(200, "new", "false", "contact.id", id)
		})
	}
	w.call("POST /highlevel/contacts/upsert", `{"locationId":"loc2","email":"ann@example.com"}`).is(200, "new", "true")
	w.call("POST /highlevel/contacts/", contact).is(400, "meta.contactId", id, "meta.matchingField", "email")
	if got := len(records(w, "highlevel", "contacts")); got != 2 {
		t.Errorf("%d contacts, expected 2", got)
	}
}

func TestTasksAndNotesHangUnderTheirContact(t *testing.T) {
	w := start(t, sandbox.Config{})
	ann := w.call("POST /highlevel/contacts/", contact).get("contact.id")
	bob := w.call("POST /highlevel/contacts/", `{"locationId":"loc1","email":"bob@example.com"}`).get("contact.id")
	task := w.call("POST /highlevel/contacts/"+ann+"/tasks", `{"title":"Call","dueDate":"2026-03-05T09:00:00Z","completed":false}`).
		is(201, "task.title", "Call", "task.contactId", ann).get("task.id")
	w.call("GET /highlevel/contacts/"+ann+"/tasks", "").is(200, "tasks.#", "1", "tasks.0.id", task)
	w.call("GET /highlevel/contacts/"+bob+"/tasks", "").is(200, "tasks.#", "0")
	w.call("GET /highlevel/contacts/"+bob+"/tasks/"+task, "").is(404)
	w.call("PUT /highlevel/contacts/"+ann+"/tasks/"+task+"/completed", `{"completed":true}`).is(200, "task.completed", "true")
	note := w.call("POST /highlevel/contacts/"+ann+"/notes", `{"body":"follow up"}`).is(201, "note.body", "follow up").get("note.id")
	w.call("PUT /highlevel/contacts/"+ann+"/notes/"+note, `{"body":"done"}`).is(200, "note.body", "done", "note.id", note)
	w.call("POST /highlevel/contacts/nobody/notes", `{"body":"x"}`).is(404)
	w.call("DELETE /highlevel/contacts/"+ann, "").is(200)
	if got := len(records(w, "highlevel", "tasks")); got != 0 {
		t.Errorf("%d tasks left of a deleted contact", got)
	}
}

func TestAppointmentsAreSeenFromEverySide(t *testing.T) {
	w := start(t, sandbox.Config{})
	ann := w.call("POST /highlevel/contacts/", contact).get("contact.id")
	v := []string{"Version", "2021-04-15"}
	id := w.call("POST /highlevel/calendars/events/appointments", `{"calendarId":"sandboxCalendar00001","locationId":"loc1","contactId":"`+ann+
		`","startTime":"2026-03-05T09:00:00Z","title":"Welcome"}`, v...).is(201, "title", "Welcome", "contactId", ann).get("id")
	w.call("GET /highlevel/calendars/events/appointments/"+id, "", v...).is(200, "event.startTime", "2026-03-05T09:00:00Z")
	w.call("GET /highlevel/contacts/"+ann+"/appointments", "").is(200, "events.#", "1", "events.0.id", id)
	w.call("GET /highlevel/calendars/events?locationId=loc1&startTime=1772600000000&endTime=1772800000000", "", v...).is(200, "events.0.id", id)
}

func TestMessagesMakeAConversation(t *testing.T) {
	w := start(t, sandbox.Config{})
	ann := w.call("POST /highlevel/contacts/", contact).get("contact.id")
	v := []string{"Version", "2021-04-15"}
	sent := w.call("POST /highlevel/conversations/messages", `{"type":"SMS","contactId":"`+ann+`","message":"Hello"}`, v...).is(200)
	conversation := sent.get("conversationId")
	w.call("POST /highlevel/conversations/messages", `{"type":"SMS","contactId":"`+ann+`","message":"Again"}`, v...).is(200, "conversationId", conversation)
	w.call("GET /highlevel/conversations/search?locationId=loc1&contactId="+ann, "", v...).
		is(200, "conversations.#", "1", "conversations.0.lastMessageBody", "Again")
	w.call("GET /highlevel/conversations/"+conversation+"/messages", "", v...).is(200, "messages.messages.#.body", `["Hello","Again"]`)
	w.call("POST /highlevel/conversations/messages", `{"type":"SMS","contactId":"nobody","message":"Hello"}`, v...).is(400)
}

func TestCalendarResourcesArePartedByType(t *testing.T) {
	w := start(t, sandbox.Config{})
	room := `{"locationId":"loc1","name":"Blue","description":"","quantity":1,"outOfService":0,"capacity":4,"calendarIds":[]}`
	w.call("POST /highlevel/calendars/resources/rooms", room, "Version", "2021-04-15").is(201, "name", "Blue", "resourceType", "rooms")
	w.call("GET /highlevel/calendars/resources/rooms?locationId=loc1&limit=10&skip=0", "", "Version", "2021-04-15").is(200, "#", "1", "0.name", "Blue")
	w.call("GET /highlevel/calendars/resources/equipments?locationId=loc1&limit=10&skip=0", "", "Version", "2021-04-15").is(200, "#", "0")
}

func TestSearchTakesFilters(t *testing.T) {
	w := start(t, sandbox.Config{})
	w.call("POST /highlevel/contacts/", contact).is(201)
	w.call("POST /highlevel/contacts/", `{"locationId":"loc1","email":"bob@example.com","firstName":"Bob"}`).is(201)
	for _, test := range []struct{ filters, want string }{
		{`{"field":"email","operator":"eq","value":"BOB@example.com"}`, `["Bob"]`},
		{`{"field":"email","operator":"contains","value":"example"}`, `["Ann","Bob"]`},
		{`{"field":"phone","operator":"not_exists"}`, `["Bob"]`},
		{`{"group":"OR","filters":[{"field":"firstName","operator":"eq","value":"Ann"},{"field":"firstName","operator":"eq","value":"Zoe"}]}`, `["Ann"]`},
	} {
		w.call("POST /highlevel/contacts/search", `{"locationId":"loc1","pageLimit":10,"filters":[`+test.filters+`]}`).
			is(200, "contacts.#.firstName", test.want, "total", w.call("POST /highlevel/contacts/search",
				`{"locationId":"loc1","pageLimit":10,"filters":[`+test.filters+`]}`).get("contacts.#"))
	}
}

func TestHighLevelRefusesAsTheVendorDoes(t *testing.T) {
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
			got := w.call(test.line, test.body, test.headers...)
			got.t = t
			got.is(test.status, test.pairs...)
		})
	}
}

func TestStrictRefusesUnknownFields(t *testing.T) {
	body := `{"locationId":"x","nickname":"Annie"}`
	start(t, sandbox.Config{}).call("POST /highlevel/contacts/", body).is(201)
	start(t, sandbox.Config{Strict: true}).call("POST /highlevel/contacts/", body).is(422, "message.0", "property nickname should not exist")
}

func TestUndescribedAnswerSaysSo(t *testing.T) {
	w := start(t, sandbox.Config{})
	got := w.call("GET /highlevel/ad-publishing/facebook/me?locationId=x", "", "Version", "2021-07-28")
	if got.status == 200 && got.header.Get("X-Sandbox-Note") == "" {
		t.Errorf("no note on %s", got.body)
	}
}
