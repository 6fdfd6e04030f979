package engine_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// clockFixture is a fixture with a clock that the test advances.
type clockFixture struct {
	*fixture
	clock *clock.Manual
}

func newClockFixture(t *testing.T, mute, script string, changes ...func(*engine.Config)) *clockFixture {
	t.Helper()
	clock := clock.NewManual(time.Now().Round(0))
	f := &clockFixture{&fixture{t: t, apps: newSandbox(t, sandbox.Config{Seed: 1, Now: clock.Now}), log: newLogBuffer(), withoutWebhooks: mute}, clock}
	f.build(map[string]string{"watch.lua": script}, append(changes, func(c *engine.Config) { c.Clock = clock })...)
	return f
}

// setting changes the settings of a connection.
func setting(name string, change func(i int, c *engine.Config)) func(*engine.Config) {
	return func(c *engine.Config) {
		for i := range c.Connections {
			if c.Connections[i].Name == name {
				change(i, c)
			}
		}
	}
}

// privateIntegration sets HighLevel's token to that of a private integration, for
// which there are no webhooks.
func privateIntegration(i int, c *engine.Config) {
	c.Connections[i].Credentials = map[string]string{"token": sandbox.Token}
}

func withReconcile(i int, c *engine.Config) { c.Connections[i].Reconcile = time.Hour }

// await lets time pass until a condition is true.
func (f *clockFixture) await(what string, condition func() bool) {
	f.t.Helper()
	f.awaitBy(time.Second, what, condition)
}

// awaitBy is await with the time that passes between two checks. They are paced: on a busy
// machine days would pass during one call, so that it is answered for a time that is over.
func (f *clockFixture) awaitBy(step time.Duration, what string, condition func() bool) {
	f.t.Helper()
	deadline := time.Now().Add(maxWait)
	pace := time.NewTicker(100 * time.Microsecond)
	defer pace.Stop()
	for !condition() {
		if time.Now().After(deadline) {
			f.t.Fatalf("%s: not within %s; the log:\n%s", what, maxWait, f.log)
		}
		f.clock.Advance(step)
		<-pace.C
	}
}

// awaitPolls waits until each list was polled once more.
func (f *clockFixture) awaitPolls() {
	f.t.Helper()
	from := f.clock.Now()
	f.await("a poll", func() bool {
		status, err := f.journal.Status(f.t.Context())
		must(f.t, err)
		return len(status.Polls) > 0 && !slices.ContainsFunc(status.Polls, func(p control.PollStatus) bool {
			if p.Problem != "" {
				f.t.Fatalf("poll %s of %s: %s", p.Poll, p.Connection, p.Problem)
			}
			return !p.Last.After(from)
		})
	})
	f.settle()
}

// events returns the events, oldest first, each with its trigger, source and a
// field of its data.
func (f *clockFixture) events(field string) (all []string) {
	f.t.Helper()
	events, err := f.journal.Events(f.t.Context(), journal.EventQuery{Limit: 1000})
	must(f.t, err)
	slices.Reverse(events)
	for _, e := range events {
		all = append(all, fmt.Sprintf("%s by %s: %s", bindings.TriggerName(e.Type).Local(), e.Source, jsonpath.Text(e.Data, field)))
	}
	return all
}

func (f *clockFixture) expectEvents(field string, expected ...string) {
	f.t.Helper()
	got := f.events(field)
	slices.Sort(got) // connections are polled concurrently
	slices.Sort(expected)
	if !slices.Equal(got, expected) {
		f.t.Errorf("events\n  %s\nexpected\n  %s\nthe log:\n%s", strings.Join(got, "\n  "), strings.Join(expected, "\n  "), f.log)
	}
	runs := f.runs()
	if len(runs) != len(expected) {
		f.t.Errorf("%d runs for %d events", len(runs), len(expected))
	}
	for _, one := range runs {
		if one.Run.State != journal.Succeeded {
			f.t.Errorf("run of %s is %s: %+v", one.Run.Event, one.Run.State, one.Run.Problem)
		}
	}
}

// put stores a record at the vendor without sending a webhook.
func (f *clockFixture) put(app, resource string, fields map[string]any) gjson.Result {
	f.t.Helper()
	stored, err := f.apps.Put(app, resource, fields)
	must(f.t, err)
	return gjson.ParseBytes(stored)
}

// TestPrivateIntegrationReceivesChanges changes contacts in HighLevel, which sends
// no webhooks to a private integration. Each change has one run.
func TestPrivateIntegrationReceivesChanges(t *testing.T) {
	f := newClockFixture(t, "highlevel", `
on("highlevel.*.*", { lane = false }, function(event) log.info("told", { type = event.type, source = event.source }) end)`,
		setting("highlevel", privateIntegration))
	location := f.apps.Account("highlevel")
	for i := range 250 { // contacts that exist at the first poll make no events
		f.put("highlevel", "contacts", map[string]any{"firstName": "Old", "lastName": fmt.Sprint(i), "email": fmt.Sprintf("old%d@example.com", i)})
	}
	f.awaitPolls()
	f.expectEvents("id")

	made := f.change("highlevel", "POST", "/contacts/", `{"locationId":"`+location+`","firstName":"Ada","email":"ada@example.com"}`).Get("contact.id").Str
	f.awaitPolls()
	f.expectEvents("email", "contact.created by poll: ada@example.com")

	f.change("highlevel", "PUT", "/contacts/"+made, `{"email":"lovelace@example.com"}`)
	f.change("highlevel", "POST", "/contacts/"+made+"/tags", `{"tags":["vip"]}`)
	f.awaitPolls()
	f.awaitPolls()
	f.expectEvents("email", "contact.created by poll: ada@example.com", "contact.updated by poll: lovelace@example.com", "contact.tags_updated by poll: lovelace@example.com")
}

// TestHighLevelChangesWithoutWebhook changes a task, for which HighLevel sends no
// webhook.
func TestHighLevelChangesWithoutWebhook(t *testing.T) {
	f := newClockFixture(t, "", `on("highlevel.task.*", { lane = false }, function(event) end)`)
	contact := f.put("highlevel", "contacts", map[string]any{"firstName": "Ada", "email": "ada@example.com"}).Get("id").Str
	f.awaitPolls()
	task := f.change("highlevel", "POST", "/contacts/"+contact+"/tasks", `{"title":"Call","dueDate":"2027-01-01T09:00:00Z","completed":false}`).Get("task.id").Str
	f.settle()
	f.awaitPolls()
	f.expectEvents("title", "task.created by webhook: Call")
	f.change("highlevel", "PUT", "/contacts/"+contact+"/tasks/"+task, `{"title":"Call back"}`)
	f.awaitPolls()
	f.awaitPolls()
	f.expectEvents("title", "task.created by webhook: Call", "task.updated by poll: Call back")
	f.change("highlevel", "PUT", "/contacts/"+contact+"/tasks/"+task+"/completed", `{"completed":true}`)
	f.settle()
	f.awaitPolls()
	f.expectEvents("title", "task.created by webhook: Call", "task.updated by poll: Call back", "task.completed by webhook: Call back", "task.updated by poll: Call back")
}

// TestTaskOfScriptIsReportedOnce polls tasks, which have no times of change. A script
// makes a task, which somebody edits at once. Then the script edits it, somebody edits
// it and changes it back to what the script wrote, and both edit it.
func TestTaskOfScriptIsReportedOnce(t *testing.T) {
	for interval, scans := range map[time.Duration]int{10 * time.Second: 15, 5 * time.Minute: 2} {
		t.Run(fmt.Sprint(interval), func(t *testing.T) {
			f := newClockFixture(t, "highlevel", `
local highlevel = require "highlevel"
on("emit:task", function(event)
  local task = event.data
  if task.taskId then highlevel.contacts.update_task(task) else highlevel.contacts.create_task(task) end
end)
on("highlevel.task.*", { lane = false }, function(event) end)`,
				setting("highlevel", privateIntegration), setting("highlevel", func(i int, c *engine.Config) { c.Connections[i].Poll = interval }))
			contact := f.put("highlevel", "contacts", map[string]any{"firstName": "Ada", "email": "ada@example.com"}).Get("id").Str
			call := func(task map[string]any) {
				t.Helper()
				task["contactId"] = contact
				data, err := json.Marshal(task)
				must(t, err)
				_, err = f.journal.Send(t.Context(), control.Message{Type: "emit:task", Data: data})
				must(t, err)
				f.settle()
			}
			polls := func() {
				for range scans {
					f.awaitPolls()
				}
			}
			f.awaitPolls()
			call(map[string]any{"title": "Call", "dueDate": "2027-01-01T09:00:00Z", "completed": false})
			tasks := f.apps.Records("highlevel", "contacts/tasks")
			id := gjson.GetBytes(tasks[len(tasks)-1], "id").Str
			edit := func(title string) {
				f.change("highlevel", "PUT", "/contacts/"+contact+"/tasks/"+id, `{"title":"`+title+`"}`)
			}
			edit("Ring")
			polls()
			call(map[string]any{"taskId": id, "title": "Call back"})
			polls()
			edit("Write")
			polls()
			edit("Call back")
			polls()
			call(map[string]any{"taskId": id, "title": "Visit"})
			edit("Call")
			polls()
			var titles []string
			for _, e := range f.events("title") {
				if !strings.HasPrefix(e, " by hand") {
					titles = append(titles, e)
				}
			}
			if want := []string{"task.updated by poll: Ring", "task.updated by poll: Write", "task.updated by poll: Call back", "task.updated by poll: Call"}; !slices.Equal(titles, want) {
				t.Errorf("found %q, expected %q", titles, want)
			}
			if runs := len(f.runs()); runs != 3+4 {
				t.Errorf("found %d runs, expected those of three calls and four changes", runs)
			}
		})
	}
}

// TestReconcileFindsLostChanges makes changes whose webhooks are lost and then
// arrive late.
func TestReconcileFindsLostChanges(t *testing.T) {
	f := newClockFixture(t, "", `on({ "highlevel.contact.created", "highlevel.contact.updated" }, { lane = false }, function(event) end)
on("qonto.client.*", { lane = false }, function(event) end)`,
		setting("highlevel", withReconcile), setting("qonto", withReconcile))
	location := f.apps.Account("highlevel")
	f.awaitPolls()
	first := f.change("highlevel", "POST", "/contacts/", `{"locationId":"`+location+`","firstName":"Ada","email":"ada@example.com"}`).Get("contact.id").Str
	f.settle()
	f.awaitPolls()
	f.expectEvents("email", "contact.created by webhook: ada@example.com") // once

	f.put("highlevel", "contacts", map[string]any{"id": first, "email": "lost@example.com"})
	client := f.put("qonto", "clients", map[string]any{"kind": "company", "name": "Lost SAS", "email": "lost@sas.example"})
	f.awaitPolls()
	expected := []string{"contact.created by webhook: ada@example.com", "contact.updated by reconcile: lost@example.com", "client.created by reconcile: lost@sas.example"}
	f.expectEvents("email", expected...)

	// The webhooks arrive late, and make no second event.
	contact := map[string]any{}
	for _, r := range f.apps.Records("highlevel", "contacts") {
		if gjson.GetBytes(r, "id").Str == first {
			must(t, json.Unmarshal(r, &contact))
		}
	}
	must(t, f.apps.Emit(t.Context(), "highlevel.contact.updated", contact, sandbox.EmitOptions{Unstored: true}))
	must(t, f.apps.Emit(t.Context(), "qonto.client.created", json.RawMessage(client.Raw), sandbox.EmitOptions{Unstored: true}))
	f.settle()
	f.awaitPolls()
	f.expectEvents("email", expected...)
}

// TestDoctorFindsFailingPoll has a list that cannot be read.
func TestDoctorFindsFailingPoll(t *testing.T) {
	f := newClockFixture(t, "", `on("highlevel.task.updated", function(event) end)`)
	f.awaitPolls()
	must(t, f.apps.Fault(sandbox.Fault{App: "highlevel", Operation: "locations.search_tasks", Status: 403, Times: 1000}))
	var found []control.Finding
	f.awaitBy(time.Minute, "a finding", func() bool { // after an hour
		var err error
		found, err = f.journal.Doctor(t.Context())
		must(t, err)
		return len(found) > 0
	})
	if len(found) != 1 || found[0].Kind != "poll" || !strings.HasPrefix(found[0].Text, "tasks of highlevel cannot be read: highlevel.locations.search_tasks") {
		t.Errorf("found %+v", found)
	}
}

// withPoll polls also for the triggers that have webhooks.
func withPoll(i int, c *engine.Config) { c.Connections[i].Poll = time.Minute }

// TestGoogleCalendarPollBySyncToken makes, changes and removes an event, also after
// the sync token became invalid.
func TestGoogleCalendarPollBySyncToken(t *testing.T) {
	f := newClockFixture(t, "", `on("googlecalendar.event.*", { lane = false }, function(event) end)`)
	const events = "/calendars/primary/events"
	f.awaitPolls()
	id := f.change("googlecalendar", "POST", events, `{"summary":"Call","start":{"dateTime":"2027-03-02T09:00:00Z"},"end":{"dateTime":"2027-03-02T10:00:00Z"}}`).Get("id").Str
	f.awaitPolls()
	f.expectEvents("summary", "event.created by poll: Call")
	f.change("googlecalendar", "PATCH", events+"/"+id, `{"summary":"Call back"}`)
	must(t, f.apps.InvalidateSyncTokens("googlecalendar"))
	f.awaitPolls()
	f.expectEvents("summary", "event.created by poll: Call", "event.updated by poll: Call back")
	f.change("googlecalendar", "DELETE", events+"/"+id, "")
	f.awaitPolls()
	f.awaitPolls()
	if got := f.events("id"); len(got) != 3 || got[2] != "event.deleted by poll: "+id {
		t.Errorf("the events are %q", got)
	}
}

// TestCallBeforePollHidesNoCreation edits an event that somebody else has created and
// that no poll has listed yet.
func TestCallBeforePollHidesNoCreation(t *testing.T) {
	f := newClockFixture(t, "", `
local googlecalendar = require "googlecalendar"
on("googlecalendar.event.*", { lane = false }, function(event) end)
on("emit:edit", function(event) googlecalendar.events.patch { calendarId = event.data.calendar, eventId = event.data.id, summary = "Call back" } end)`)
	f.awaitPolls()
	made := f.change("googlecalendar", "POST", "/calendars/primary/events", `{"summary":"Call","start":{"date":"2027-03-02"},"end":{"date":"2027-03-03"}}`)
	data, err := json.Marshal(map[string]any{"calendar": f.apps.Account("googlecalendar"), "id": made.Get("id").Str})
	must(t, err)
	_, err = f.journal.Send(t.Context(), control.Message{Type: "emit:edit", Data: data})
	must(t, err)
	f.settle()
	f.awaitPolls()
	found := f.events("summary")
	if want := "event.created by poll: Call back"; !slices.Contains(found, want) {
		t.Errorf("found %q, expected %q", found, want)
	}
	for _, r := range f.runs() {
		if r.Run.State != journal.Succeeded {
			t.Errorf("run of %s is %s: %+v", r.Run.Event, r.Run.State, r.Run.Problem)
		}
	}
}

// TestInvitationToOlderEventIsCreated has a hook on created only. It runs for an
// event that was made before the first poll and appears in the list only later.
func TestInvitationToOlderEventIsCreated(t *testing.T) {
	clock := clock.NewManual(time.Now().Round(0))
	f := &clockFixture{&fixture{t: t, apps: newSandbox(t, sandbox.Config{Seed: 1, Now: clock.Now}), log: newLogBuffer()}, clock}
	put := func(summary string, age time.Duration) (id string) {
		id = f.change("googlecalendar", "POST", "/calendars/primary/events", `{"summary":"`+summary+`","start":{"date":"2027-03-05"},"end":{"date":"2027-03-06"}}`).Get("id").Str
		f.put("googlecalendar", "calendars/events", map[string]any{"id": id, "created": f.clock.Now().Add(-age).UTC().Format(time.RFC3339)})
		return id
	}
	const days = 24 * time.Hour
	a := put("a", 9*days)
	put("b", time.Hour)
	f.build(map[string]string{"watch.lua": `on("googlecalendar.event.created", { lane = false }, function(event) end)`},
		func(c *engine.Config) { c.Clock = clock })
	f.awaitPolls()
	put("c", 9*days)
	put("d", 0)
	f.awaitPolls()
	f.awaitPolls()
	f.expectEvents("summary", "event.created by poll: c", "event.created by poll: d")
	must(t, f.apps.InvalidateSyncTokens("googlecalendar"))
	f.change("googlecalendar", "PATCH", "/calendars/primary/events/"+a, `{"location":"Lille"}`)
	put("e", 9*days)
	f.awaitPolls()
	f.awaitPolls()
	f.expectEvents("summary", "event.created by poll: c", "event.created by poll: d", "event.created by poll: e")
}

// TestAsanaPollByFeed polls changes of a task, in their order.
func TestAsanaPollByFeed(t *testing.T) {
	f := newClockFixture(t, "asana", `on("asana.task.*", { lane = false }, function(event) end)`, setting("asana", withPoll))
	project := gjson.GetBytes(f.apps.Records("asana", "projects")[0], "gid").Str
	f.awaitPolls()
	task := f.change("asana", "POST", "/tasks", `{"data":{"name":"Call","projects":["`+project+`"]}}`).Get("data.gid").Str
	f.awaitPolls()
	f.change("asana", "PUT", "/tasks/"+task, `{"data":{"name":"Call back"}}`)
	f.awaitPolls()
	f.awaitPolls()
	events := f.events("resource.gid")
	if len(events) < 2 || events[0] != "task.added by poll: "+task || events[len(events)-1] != "task.changed by poll: "+task {
		t.Errorf("the events are %q", events)
	}
}

// TestTeamsPollByDelta polls messages of a channel and a chat.
func TestTeamsPollByDelta(t *testing.T) {
	f := newClockFixture(t, "teams", `on({ "teams.message.*", "teams.chat_message.*" }, { lane = false }, function(event) end)`, setting("teams", withPoll))
	const (
		leads = "/teams/5a0d7e2c-0000-4000-8000-0000005a1e50/channels/19:5a0d7e2c000000000000000000000002@thread.tacv2/messages"
		deals = "/chats/19:5a0d7e2c000000000000000000000003@thread.v2/messages"
	)
	f.change("teams", "POST", leads, `{"body":{"content":"before"}}`)
	f.awaitPolls()
	id := f.change("teams", "POST", leads, `{"body":{"content":"Hello"}}`).Get("id").Str
	f.change("teams", "POST", deals, `{"body":{"content":"Deal"}}`)
	f.awaitPolls()
	f.expectEvents("body.content", "message.created by poll: Hello", "chat_message.created by poll: Deal")
	f.clock.Advance(time.Hour)
	f.change("teams", "PATCH", leads+"/"+id, `{"body":{"content":"Hello again"}}`)
	f.awaitPolls()
	f.awaitPolls()
	f.expectEvents("body.content", "message.created by poll: Hello", "chat_message.created by poll: Deal", "message.updated by poll: Hello again")
}

// TestTwoWaySyncByPollsDoesNotLoop syncs changes in both directions while one side
// is polled. The changes of our own calls are polled as echoes.
func TestTwoWaySyncByPollsDoesNotLoop(t *testing.T) {
	f := newClockFixture(t, "highlevel", twoWay, setting("highlevel", privateIntegration))
	location := f.apps.Account("highlevel")
	f.awaitPolls()
	made := f.change("highlevel", "POST", "/contacts/", `{"locationId":"`+location+`","firstName":"Ada","lastName":"Lovelace","email":"ada@example.com"}`).Get("contact.id").Str
	for range 3 {
		f.awaitPolls()
	}
	clients := f.apps.Records("qonto", "clients")
	client := gjson.GetBytes(clients[len(clients)-1], "id").Str
	f.change("qonto", "PATCH", "/clients/"+client, `{"last_name":"King"}`)
	for range 3 {
		f.awaitPolls()
	}
	if name := f.change("highlevel", "GET", "/contacts/"+made, "").Get("contact.lastName").Str; name != "King" {
		t.Errorf("the contact is called %q", name)
	}
	if runs := f.runs(); len(runs) != 2 {
		t.Errorf("%d runs for 2 changes: %q", len(runs), f.events("email"))
	}
}

// TestPrivateIntegrationReceivesAllTriggers makes and changes a record of each
// kind.
func TestPrivateIntegrationReceivesAllTriggers(t *testing.T) {
	f := newClockFixture(t, "highlevel", `on({ "highlevel.note.*", "highlevel.task.*", "highlevel.opportunity.*", "highlevel.appointment.*" }, { lane = false }, function(event) end)`,
		setting("highlevel", privateIntegration))
	location := f.apps.Account("highlevel")
	contact := f.put("highlevel", "contacts", map[string]any{"firstName": "Ada", "email": "ada@example.com"}).Get("id").Str
	f.awaitPolls()
	note := f.change("highlevel", "POST", "/contacts/"+contact+"/notes", `{"body":"Called"}`).Get("note.id").Str
	f.put("highlevel", "contacts", map[string]any{"id": contact, "source": "phone"}) // as a note does
	task := f.change("highlevel", "POST", "/contacts/"+contact+"/tasks", `{"title":"Call","dueDate":"2027-01-01T09:00:00Z","completed":false}`).Get("task.id").Str
	deal := f.change("highlevel", "POST", "/opportunities/", `{"pipelineId":"sandboxPipeline00001","pipelineStageId":"sandboxStage00000001","locationId":"`+location+
		`","name":"Deal","status":"open","contactId":"`+contact+`","monetaryValue":40}`).Get("opportunity.id").Str
	at := f.clock.Now().UTC().Add(48 * time.Hour)
	meeting := f.change("highlevel", "POST", "/calendars/events/appointments", fmt.Sprintf(`{"calendarId":"sandboxCalendar00001","locationId":%q,"contactId":%q,"title":"Meet","startTime":%q,"endTime":%q}`,
		location, contact, at.Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339))).Get("id").Str
	f.awaitPolls()
	f.awaitPolls()
	made := []string{"note.created by poll: " + location, "task.created by poll: " + location, "opportunity.created by poll: " + location, "appointment.created by poll: " + location}
	f.expectEvents("locationId", slices.Clone(made)...)

	f.change("highlevel", "PUT", "/contacts/"+contact+"/notes/"+note, `{"body":"Called twice"}`)
	f.put("highlevel", "contacts", map[string]any{"id": contact, "source": "again"})
	f.change("highlevel", "PUT", "/contacts/"+contact+"/tasks/"+task+"/completed", `{"completed":true}`)
	f.change("highlevel", "PUT", "/opportunities/"+deal, `{"pipelineStageId":"sandboxStage00000002","monetaryValue":50}`)
	f.change("highlevel", "PUT", "/calendars/events/appointments/"+meeting, `{"title":"Meet again"}`)
	f.awaitPolls()
	f.awaitPolls()
	for _, trigger := range []string{"note.updated", "task.updated", "task.completed", "opportunity.stage_updated", "opportunity.monetary_value_updated", "appointment.updated"} {
		made = append(made, trigger+" by poll: "+location)
	}
	f.expectEvents("locationId", slices.Clone(made)...)

	f.change("highlevel", "DELETE", "/contacts/"+contact+"/tasks/"+task, "")
	f.change("highlevel", "DELETE", "/opportunities/"+deal, "")
	f.clock.Advance(time.Hour)
	f.awaitPolls()
	f.awaitPolls()
	f.expectEvents("locationId", append(made, "task.deleted by poll: "+location, "opportunity.deleted by poll: "+location)...)
}

// TestQontoIsPolled polls changes where no webhooks can be received.
func TestQontoIsPolled(t *testing.T) {
	f := newClockFixture(t, "qonto", `on({ "qonto.client.*", "qonto.transaction.*", "qonto.client_invoice.*" }, { lane = false }, function(event) end)`, setting("qonto", withPoll))
	account := gjson.GetBytes(f.apps.Records("qonto", "bank_accounts")[0], "id").Str
	f.awaitPolls()
	client := f.put("qonto", "clients", map[string]any{"kind": "company", "name": "Acme", "currency": "EUR", "locale": "FR"}).Get("id").Str
	f.put("qonto", "transactions", map[string]any{"bank_account_id": account, "amount": 12.5, "side": "debit", "status": "pending", "currency": "EUR"})
	invoice := f.put("qonto", "client_invoices", map[string]any{"number": "F-1", "status": "unpaid", "currency": "EUR"}).Get("id").Str
	f.awaitPolls()
	made := []string{"client.created by poll: EUR", "transaction.created by poll: EUR", "client_invoice.created by poll: EUR"}
	f.expectEvents("currency", slices.Clone(made)...)
	f.put("qonto", "clients", map[string]any{"id": client, "name": "Acme SAS"})
	f.put("qonto", "client_invoices", map[string]any{"id": invoice, "status": "paid"})
	f.awaitPolls()
	f.awaitPolls()
	f.expectEvents("currency", append(made, "client.updated by poll: EUR", "client_invoice.updated by poll: EUR")...)
}
