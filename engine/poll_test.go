package engine_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// watched is a world whose clock goes as fast as the machine can follow.
type watched struct {
	*world
	clock *journaltest.Clock
}

func newWatched(t *testing.T, mute, script string, changes ...func(*engine.Config)) *watched {
	t.Helper()
	clock := journaltest.NewClock()
	w := &watched{&world{t: t, apps: newSandbox(t, sandbox.Config{Seed: 1, Now: clock.Now}), log: newBook(), mute: mute}, clock}
	w.build(map[string]string{"watch.lua": script}, append(changes, func(c *engine.Config) { c.Clock = clock })...)
	return w
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

// private gives HighLevel the token of a private integration.
func private(i int, c *engine.Config) {
	c.Connections[i].Credentials = map[string]string{"token": sandbox.Token}
}

func reconciled(i int, c *engine.Config) { c.Connections[i].Reconcile = time.Hour }

// come lets time pass until a fact has come.
func (w *watched) come(what string, fact func() bool) {
	w.t.Helper()
	late := time.Now().Add(patience)
	for !fact() {
		if time.Now().After(late) {
			w.t.Fatalf("%s: it did not come within %s; the log:\n%s", what, patience, w.log)
		}
		w.clock.Pass(time.Second)
	}
}

// looked waits until each poll was looked at once more.
func (w *watched) looked() {
	w.t.Helper()
	from := w.clock.Now()
	w.come("a look", func() bool {
		status, err := w.journal.Status(w.t.Context())
		must(w.t, err)
		return len(status.Polls) > 0 && !slices.ContainsFunc(status.Polls, func(p control.PollStatus) bool {
			if p.Problem != "" {
				w.t.Fatalf("poll %s of %s: %s", p.Poll, p.Connection, p.Problem)
			}
			return !p.Last.After(from)
		})
	})
	w.settle()
}

// told are the events of triggers, oldest first: trigger, way in, and a field.
func (w *watched) told(field string) (all []string) {
	w.t.Helper()
	events, err := w.journal.Events(w.t.Context(), journal.EventQuery{Limit: 1000})
	must(w.t, err)
	slices.Reverse(events)
	for _, e := range events {
		_, short, _ := strings.Cut(e.Type, ".")
		all = append(all, fmt.Sprintf("%s by %s: %s", short, e.Source, jsonpath.Text(e.Data, field)))
	}
	return all
}

func (w *watched) want(field string, expected ...string) {
	w.t.Helper()
	got := w.told(field)
	slices.Sort(got) // connections are polled side by side
	slices.Sort(expected)
	if !slices.Equal(got, expected) {
		w.t.Errorf("told\n  %s\nexpected\n  %s\nthe log:\n%s", strings.Join(got, "\n  "), strings.Join(expected, "\n  "), w.log)
	}
	runs := w.runs()
	if len(runs) != len(expected) {
		w.t.Errorf("%d runs for %d events", len(runs), len(expected))
	}
	for _, one := range runs {
		if one.Run.State != journal.Succeeded {
			w.t.Errorf("run of %s is %s: %+v", one.Run.Event, one.Run.State, one.Run.Problem)
		}
	}
}

// put stores a record at the vendor without a webhook, as if that were lost.
func (w *watched) put(app, resource string, fields map[string]any) gjson.Result {
	w.t.Helper()
	stored, err := w.apps.Put(app, resource, fields)
	must(w.t, err)
	return gjson.ParseBytes(stored)
}

// TestAPrivateIntegrationHearsOfChanges changes things in HighLevel, which
// sends a private integration no webhooks: each change runs its hook once.
func TestAPrivateIntegrationHearsOfChanges(t *testing.T) {
	w := newWatched(t, "highlevel", `
on("highlevel.*.*", { lane = false }, function(event) log.info("told", { type = event.type, source = event.source }) end)`,
		setting("highlevel", private))
	location := w.apps.Account("highlevel")
	for i := range 250 { // of which nothing is told
		w.put("highlevel", "contacts", map[string]any{"firstName": "Old", "lastName": fmt.Sprint(i), "email": fmt.Sprintf("old%d@example.com", i)})
	}
	w.looked()
	w.want("id")

	made := w.change("highlevel", "POST", "/contacts/", `{"locationId":"`+location+`","firstName":"Ada","email":"ada@example.com"}`).Get("contact.id").Str
	w.looked()
	w.want("email", "contact.created by poll: ada@example.com")

	w.change("highlevel", "PUT", "/contacts/"+made, `{"email":"lovelace@example.com"}`)
	w.change("highlevel", "POST", "/contacts/"+made+"/tags", `{"tags":["vip"]}`)
	w.looked()
	w.looked()
	w.want("email", "contact.created by poll: ada@example.com", "contact.updated by poll: lovelace@example.com", "contact.tags_updated by poll: lovelace@example.com")
}

// TestWhatHighLevelTellsByNoWebhook changes a task.
func TestWhatHighLevelTellsByNoWebhook(t *testing.T) {
	w := newWatched(t, "", `on("highlevel.task.*", { lane = false }, function(event) end)`)
	contact := w.put("highlevel", "contacts", map[string]any{"firstName": "Ada", "email": "ada@example.com"}).Get("id").Str
	w.looked()
	task := w.change("highlevel", "POST", "/contacts/"+contact+"/tasks", `{"title":"Call","dueDate":"2027-01-01T09:00:00Z","completed":false}`).Get("task.id").Str
	w.settle()
	w.looked()
	w.want("title", "task.created by webhook: Call")
	w.change("highlevel", "PUT", "/contacts/"+contact+"/tasks/"+task, `{"title":"Call back"}`)
	w.looked()
	w.looked()
	w.want("title", "task.created by webhook: Call", "task.updated by poll: Call back")
	w.change("highlevel", "PUT", "/contacts/"+contact+"/tasks/"+task+"/completed", `{"completed":true}`)
	w.settle()
	w.looked()
	w.want("title", "task.created by webhook: Call", "task.updated by poll: Call back", "task.completed by webhook: Call back", "task.updated by poll: Call back")
}

// TestReconcileFindsWhatWebhooksLost has webhooks that are lost, and come late.
func TestReconcileFindsWhatWebhooksLost(t *testing.T) {
	w := newWatched(t, "", `on({ "highlevel.contact.created", "highlevel.contact.updated" }, { lane = false }, function(event) end)
on("qonto.client.*", { lane = false }, function(event) end)`,
		setting("highlevel", reconciled), setting("qonto", reconciled))
	location := w.apps.Account("highlevel")
	w.looked()
	first := w.change("highlevel", "POST", "/contacts/", `{"locationId":"`+location+`","firstName":"Ada","email":"ada@example.com"}`).Get("contact.id").Str
	w.settle()
	w.looked()
	w.want("email", "contact.created by webhook: ada@example.com") // once

	w.put("highlevel", "contacts", map[string]any{"id": first, "email": "lost@example.com"})
	client := w.put("qonto", "clients", map[string]any{"kind": "company", "name": "Lost SAS", "email": "lost@sas.example"})
	w.looked()
	expected := []string{"contact.created by webhook: ada@example.com", "contact.updated by reconcile: lost@example.com", "client.created by reconcile: lost@sas.example"}
	w.want("email", expected...)

	// And then the webhooks come after all.
	contact := map[string]any{}
	for _, r := range w.apps.Records("highlevel", "contacts") {
		if gjson.GetBytes(r, "id").Str == first {
			must(t, json.Unmarshal(r, &contact))
		}
	}
	must(t, w.apps.Emit(t.Context(), "highlevel.contact.updated", contact, sandbox.EmitOptions{Unstored: true}))
	must(t, w.apps.Emit(t.Context(), "qonto.client.created", json.RawMessage(client.Raw), sandbox.EmitOptions{Unstored: true}))
	w.settle()
	w.looked()
	w.want("email", expected...)
}

// TestTheDoctorTellsOfAPollThatFails waits two hours for a list.
func TestTheDoctorTellsOfAPollThatFails(t *testing.T) {
	w := newWatched(t, "", `on("highlevel.task.updated", function(event) end)`)
	w.looked()
	must(t, w.apps.Fault(sandbox.Fault{App: "highlevel", Operation: "locations.search_tasks", Status: 403, Times: 1000}))
	var found []control.Finding
	w.come("a finding", func() bool {
		var err error
		found, err = w.journal.Doctor(t.Context())
		must(t, err)
		return len(found) > 0
	})
	if len(found) != 1 || found[0].Kind != "poll" || !strings.HasPrefix(found[0].Text, "tasks of highlevel cannot be read: highlevel.locations.search_tasks") {
		t.Errorf("found %+v", found)
	}
}

// polled asks for all that webhooks tell too.
func polled(i int, c *engine.Config) { c.Connections[i].Poll = time.Minute }

// TestGoogleCalendarIsPolledByTokens makes, changes and removes an event, also
// while the vendor forgets the token.
func TestGoogleCalendarIsPolledByTokens(t *testing.T) {
	w := newWatched(t, "", `on("googlecalendar.event.*", { lane = false }, function(event) end)`)
	const events = "/calendars/primary/events"
	w.looked()
	id := w.change("googlecalendar", "POST", events, `{"summary":"Call","start":{"dateTime":"2027-03-02T09:00:00Z"},"end":{"dateTime":"2027-03-02T10:00:00Z"}}`).Get("id").Str
	w.looked()
	w.want("summary", "event.created by poll: Call")
	w.change("googlecalendar", "PATCH", events+"/"+id, `{"summary":"Call back"}`)
	must(t, w.apps.InvalidateSyncTokens("googlecalendar"))
	w.looked()
	w.want("summary", "event.created by poll: Call", "event.updated by poll: Call back")
	w.change("googlecalendar", "DELETE", events+"/"+id, "")
	w.looked()
	w.looked()
	told := w.told("id")
	if len(told) != 3 || told[2] != "event.deleted by poll: "+id {
		t.Errorf("told %q", told)
	}
}

// TestAnInvitationToAnOlderEventIsCreated has a hook on created only. It runs
// for an event that was made before the first look and is listed only later.
func TestAnInvitationToAnOlderEventIsCreated(t *testing.T) {
	clock := journaltest.NewClock()
	w := &watched{&world{t: t, apps: newSandbox(t, sandbox.Config{Seed: 1, Now: clock.Now}), log: newBook()}, clock}
	put := func(summary string, age time.Duration) (id string) {
		id = w.change("googlecalendar", "POST", "/calendars/primary/events", `{"summary":"`+summary+`","start":{"date":"2027-03-05"},"end":{"date":"2027-03-06"}}`).Get("id").Str
		w.put("googlecalendar", "calendars/events", map[string]any{"id": id, "created": w.clock.Now().Add(-age).UTC().Format(time.RFC3339)})
		return id
	}
	const days = 24 * time.Hour
	a := put("a", 9*days)
	put("b", time.Hour)
	w.build(map[string]string{"watch.lua": `on("googlecalendar.event.created", { lane = false }, function(event) end)`},
		func(c *engine.Config) { c.Clock = clock })
	w.looked()
	put("c", 9*days)
	put("d", 0)
	w.looked()
	w.looked()
	w.want("summary", "event.created by poll: c", "event.created by poll: d")
	must(t, w.apps.InvalidateSyncTokens("googlecalendar"))
	w.change("googlecalendar", "PATCH", "/calendars/primary/events/"+a, `{"location":"Lille"}`)
	put("e", 9*days)
	w.looked()
	w.looked()
	w.want("summary", "event.created by poll: c", "event.created by poll: d", "event.created by poll: e")
}

// TestAsanaIsPolledByItsFeed has changes of a task told in their order.
func TestAsanaIsPolledByItsFeed(t *testing.T) {
	w := newWatched(t, "asana", `on("asana.task.*", { lane = false }, function(event) end)`, setting("asana", polled))
	project := gjson.GetBytes(w.apps.Records("asana", "projects")[0], "gid").Str
	w.looked()
	task := w.change("asana", "POST", "/tasks", `{"data":{"name":"Call","projects":["`+project+`"]}}`).Get("data.gid").Str
	w.looked()
	w.change("asana", "PUT", "/tasks/"+task, `{"data":{"name":"Call back"}}`)
	w.looked()
	w.looked()
	told := w.told("resource.gid")
	if len(told) < 2 || told[0] != "task.added by poll: "+task || told[len(told)-1] != "task.changed by poll: "+task {
		t.Errorf("told %q", told)
	}
}

// TestTeamsIsPolledByItsDelta has messages of a channel told.
func TestTeamsIsPolledByItsDelta(t *testing.T) {
	w := newWatched(t, "teams", `on({ "teams.message.*", "teams.chat_message.*" }, { lane = false }, function(event) end)`, setting("teams", polled))
	const (
		leads = "/teams/5a0d7e2c-0000-4000-8000-0000005a1e50/channels/19:5a0d7e2c000000000000000000000002@thread.tacv2/messages"
		deals = "/chats/19:5a0d7e2c000000000000000000000003@thread.v2/messages"
	)
	w.change("teams", "POST", leads, `{"body":{"content":"before"}}`)
	w.looked()
	id := w.change("teams", "POST", leads, `{"body":{"content":"Hello"}}`).Get("id").Str
	w.change("teams", "POST", deals, `{"body":{"content":"Deal"}}`)
	w.looked()
	w.want("body.content", "message.created by poll: Hello", "chat_message.created by poll: Deal")
	w.clock.Pass(time.Hour)
	w.change("teams", "PATCH", leads+"/"+id, `{"body":{"content":"Hello again"}}`)
	w.looked()
	w.looked()
	w.want("body.content", "message.created by poll: Hello", "chat_message.created by poll: Deal", "message.updated by poll: Hello again")
}

// TestATwoWaySyncByPollsDoesNotLoop carries changes to and fro where one side is
// polled: what our own calls changed comes back as an echo.
func TestATwoWaySyncByPollsDoesNotLoop(t *testing.T) {
	w := newWatched(t, "highlevel", twoWay, setting("highlevel", private))
	location := w.apps.Account("highlevel")
	w.looked()
	made := w.change("highlevel", "POST", "/contacts/", `{"locationId":"`+location+`","firstName":"Ada","lastName":"Lovelace","email":"ada@example.com"}`).Get("contact.id").Str
	for range 3 {
		w.looked()
	}
	clients := w.apps.Records("qonto", "clients")
	client := gjson.GetBytes(clients[len(clients)-1], "id").Str
	w.change("qonto", "PATCH", "/clients/"+client, `{"last_name":"King"}`)
	for range 3 {
		w.looked()
	}
	if name := w.change("highlevel", "GET", "/contacts/"+made, "").Get("contact.lastName").Str; name != "King" {
		t.Errorf("the contact is called %q", name)
	}
	if runs := w.runs(); len(runs) != 2 {
		t.Errorf("%d runs for 2 changes: %q", len(runs), w.told("email"))
	}
}

// TestAllThatAPrivateIntegrationIsTold makes and changes one of each thing.
func TestAllThatAPrivateIntegrationIsTold(t *testing.T) {
	w := newWatched(t, "highlevel", `on({ "highlevel.note.*", "highlevel.task.*", "highlevel.opportunity.*", "highlevel.appointment.*" }, { lane = false }, function(event) end)`,
		setting("highlevel", private))
	location := w.apps.Account("highlevel")
	contact := w.put("highlevel", "contacts", map[string]any{"firstName": "Ada", "email": "ada@example.com"}).Get("id").Str
	w.looked()
	note := w.change("highlevel", "POST", "/contacts/"+contact+"/notes", `{"body":"Called"}`).Get("note.id").Str
	w.put("highlevel", "contacts", map[string]any{"id": contact, "source": "phone"}) // as a note does
	task := w.change("highlevel", "POST", "/contacts/"+contact+"/tasks", `{"title":"Call","dueDate":"2027-01-01T09:00:00Z","completed":false}`).Get("task.id").Str
	deal := w.change("highlevel", "POST", "/opportunities/", `{"pipelineId":"sandboxPipeline00001","pipelineStageId":"sandboxStage00000001","locationId":"`+location+
		`","name":"Deal","status":"open","contactId":"`+contact+`","monetaryValue":40}`).Get("opportunity.id").Str
	at := w.clock.Now().UTC().Add(48 * time.Hour)
	meeting := w.change("highlevel", "POST", "/calendars/events/appointments", fmt.Sprintf(`{"calendarId":"sandboxCalendar00001","locationId":%q,"contactId":%q,"title":"Meet","startTime":%q,"endTime":%q}`,
		location, contact, at.Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339))).Get("id").Str
	w.looked()
	w.looked()
	made := []string{"note.created by poll: " + location, "task.created by poll: " + location, "opportunity.created by poll: " + location, "appointment.created by poll: " + location}
	w.want("locationId", slices.Clone(made)...)

	w.change("highlevel", "PUT", "/contacts/"+contact+"/notes/"+note, `{"body":"Called twice"}`)
	w.put("highlevel", "contacts", map[string]any{"id": contact, "source": "again"})
	w.change("highlevel", "PUT", "/contacts/"+contact+"/tasks/"+task+"/completed", `{"completed":true}`)
	w.change("highlevel", "PUT", "/opportunities/"+deal, `{"pipelineStageId":"sandboxStage00000002","monetaryValue":50}`)
	w.change("highlevel", "PUT", "/calendars/events/appointments/"+meeting, `{"title":"Meet again"}`)
	w.looked()
	w.looked()
	for _, trigger := range []string{"note.updated", "task.updated", "task.completed", "opportunity.stage_updated", "opportunity.monetary_value_updated", "appointment.updated"} {
		made = append(made, trigger+" by poll: "+location)
	}
	w.want("locationId", slices.Clone(made)...)

	w.change("highlevel", "DELETE", "/contacts/"+contact+"/tasks/"+task, "")
	w.change("highlevel", "DELETE", "/opportunities/"+deal, "")
	w.clock.Pass(time.Hour)
	w.looked()
	w.looked()
	w.want("locationId", append(made, "task.deleted by poll: "+location, "opportunity.deleted by poll: "+location)...)
}

// TestQontoIsPolled finds what happened where no webhook can be received.
func TestQontoIsPolled(t *testing.T) {
	w := newWatched(t, "qonto", `on({ "qonto.client.*", "qonto.transaction.*", "qonto.client_invoice.*" }, { lane = false }, function(event) end)`, setting("qonto", polled))
	account := gjson.GetBytes(w.apps.Records("qonto", "bank_accounts")[0], "id").Str
	w.looked()
	client := w.put("qonto", "clients", map[string]any{"kind": "company", "name": "Acme", "currency": "EUR", "locale": "FR"}).Get("id").Str
	w.put("qonto", "transactions", map[string]any{"bank_account_id": account, "amount": 12.5, "side": "debit", "status": "pending", "currency": "EUR"})
	invoice := w.put("qonto", "client_invoices", map[string]any{"number": "F-1", "status": "unpaid", "currency": "EUR"}).Get("id").Str
	w.looked()
	made := []string{"client.created by poll: EUR", "transaction.created by poll: EUR", "client_invoice.created by poll: EUR"}
	w.want("currency", slices.Clone(made)...)
	w.put("qonto", "clients", map[string]any{"id": client, "name": "Acme SAS"})
	w.put("qonto", "client_invoices", map[string]any{"id": invoice, "status": "paid"})
	w.looked()
	w.looked()
	w.want("currency", append(made, "client.updated by poll: EUR", "client_invoice.updated by poll: EUR")...)
}
