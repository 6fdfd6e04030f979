package engine_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/vm"
)

// foundCall is a call of an operation that has ways to be found. args select the
// way.
type foundCall struct {
	operation, args string
	keyed           bool // it is found by a key of ours
	oauth           bool // the connection has tokens of OAuth
}

// prepared are records that the calls need, by app and resource.
var prepared = map[string]map[string]string{
	"highlevel": {
		"contacts": `{"id":"there","email":"there@example.com"}`, "conversations": `{"id":"there","contactId":"there"}`,
		"calendars/events/appointments": `{"id":"there","contactId":"there"}`, "invoices/estimate": `{"_id":"there","contactDetails":{"id":"there"}}`,
	},
	"teams": {
		"teams/channels/messages": `{"id":"there","teamId":"` + teamID + `","channelId":"` + channelID + `"}`, "chats/messages": `{"id":"there","chatId":"` + chatID + `"}`,
	},
	"asana": {"tasks": `{"gid":"1200000000000099","name":"There","workspace":{"gid":"1200000000000001"}}`},
}

const (
	teamID    = "5a0d7e2c-0000-4000-8000-0000005a1e50"
	channelID = "19:5a0d7e2c000000000000000000000002@thread.tacv2"
	chatID    = "19:5a0d7e2c000000000000000000000003@thread.v2"
)

// foundCalls are calls for each way to find one. An operation without a call here
// fails the test.
var foundCalls = map[string][]foundCall{
	"googlecalendar": {
		{operation: "events.insert", args: `{"calendarId":"primary","summary":"a","start":{"dateTime":"2026-03-03T10:00:00Z"},"end":{"dateTime":"2026-03-03T11:00:00Z"}}`, keyed: true},
		{operation: "events.import", args: `{"calendarId":"primary","iCalUID":"a@example.com","start":{"dateTime":"2026-03-03T10:00:00Z"},"end":{"dateTime":"2026-03-03T11:00:00Z"}}`},
		{operation: "events.quick_add", args: `{"calendarId":"primary","text":"a"}`},
		{operation: "calendars.insert", args: `{"summary":"a"}`},
	},
	"slack": {
		{operation: "chat.post_message", args: `{"channel":"C0GENERAL01","text":"a"}`, keyed: true},
		{operation: "chat.post_message", args: `{"channel":"C0GENERAL01","text":"a","metadata":{"event_type":"own","event_payload":{}}}`},
		{operation: "chat.me_message", args: `{"channel":"C0GENERAL01","text":"a"}`},
		{operation: "conversations.create", args: `{"name":"a-channel"}`},
	},
	"asana": {
		{operation: "tasks.create", args: `{"name":"a","projects":["1200000000000005"]}`, keyed: true, oauth: true},
		{operation: "tasks.create", args: `{"name":"a","projects":["1200000000000005"]}`},
		{operation: "tasks.create_subtask", args: `{"task_gid":"1200000000000099","name":"a"}`, keyed: true, oauth: true},
		{operation: "tasks.create_subtask", args: `{"task_gid":"1200000000000099","name":"a"}`},
		{operation: "projects.create", args: `{"name":"a","team":"1200000000000004"}`},
		{operation: "projects.create_for_team", args: `{"team_gid":"1200000000000004","name":"a"}`},
		{operation: "projects.create_for_workspace", args: `{"workspace_gid":"1200000000000001","name":"a","team":"1200000000000004"}`},
		{operation: "tags.create", args: `{"name":"a"}`},
		{operation: "tags.create_for_workspace", args: `{"workspace_gid":"1200000000000001","name":"a"}`},
		{operation: "stories.create_for_task", args: `{"task_gid":"1200000000000099","text":"a"}`},
		{operation: "attachments.create_for_object", args: `{"parent":"1200000000000099","resource_subtype":"external","url":"https://example.com","name":"a"}`},
	},
	"qonto": {
		{operation: "clients.create", args: `{"kind":"company","name":"a","email":"a@example.com"}`},
		{operation: "client_invoices.create", args: `{"client_id":"CLIENT","issue_date":"2026-03-02","due_date":"2026-04-02","currency":"EUR","payment_methods":{"iban":"FR7616798000010000000000123"},"items":[{"title":"a","quantity":"1","unit_price":{"value":"1.00","currency":"EUR"},"vat_rate":"0.2"}]}`},
		{operation: "quotes.create", args: `{"client_id":"CLIENT","issue_date":"2026-03-02","expiry_date":"2026-04-02","currency":"EUR","items":[{"title":"a","quantity":"1","unit_price":{"value":"1.00","currency":"EUR"},"vat_rate":"0.2"}],"terms_and_conditions":"none"}`},
	},
	"teams": {
		{operation: "channels.send_message", args: `{"teamId":"` + teamID + `","channelId":"` + channelID + `","body":{"content":"a"}}`},
		{operation: "chats.send_message", args: `{"chatId":"` + chatID + `","body":{"content":"a"}}`},
		{operation: "channels.send_reply", args: `{"teamId":"` + teamID + `","channelId":"` + channelID + `","chatMessageId":"there","body":{"content":"a"}}`},
		{operation: "chats.send_reply", args: `{"chatId":"` + chatID + `","chatMessageId":"there","body":{"content":"a"}}`},
		{operation: "chats.create", args: `{"chatType":"group","topic":"a","members":[{"@odata.type":"#microsoft.graph.aadUserConversationMember","user@odata.bind":"https://graph.microsoft.com/v1.0/users('5a0d7e2c-0000-4000-8000-00000000ada0')"}]}`},
		{operation: "channels.create", args: `{"teamId":"` + teamID + `","displayName":"a"}`},
		{operation: "tags.create", args: `{"teamId":"` + teamID + `","displayName":"a","members":[{"userId":"5a0d7e2c-0000-4000-8000-00000000ada0"}]}`},
	},
	"highlevel": {
		{operation: "contacts.create", args: `{"email":"a@example.com"}`},
		{operation: "contacts.create_task", args: `{"contactId":"there","title":"a","dueDate":"2026-03-03T10:00:00Z","completed":false}`},
		{operation: "contacts.create_note", args: `{"contactId":"there","body":"a"}`},
		{operation: "calendars.create_appointment", args: `{"calendarId":"sandboxCalendar00001","contactId":"there","startTime":"2026-03-03T10:00:00Z"}`},
		{operation: "opportunities.create", args: `{"pipelineId":"sandboxPipeline00001","name":"a","status":"open","contactId":"there"}`},
		{operation: "locations.create_tag", args: `{"name":"a"}`},
		{operation: "calendars.create_appointment_note", args: `{"appointmentId":"there","body":"a"}`},
		{operation: "conversations.send_message", args: `{"type":"SMS","contactId":"there","message":"a"}`},
		{operation: "conversations.add_inbound_message", args: `{"type":"SMS","conversationId":"there","contactId":"there","conversationProviderId":"p","message":"a"}`},
		{operation: "conversations.add_outbound_call", args: `{"type":"Call","conversationId":"there","conversationProviderId":"p"}`},
		{operation: "invoices.create", args: `{"name":"a","businessDetails":{},"currency":"EUR","items":[{"name":"a","currency":"EUR","amount":1,"qty":1}],"discount":{"type":"percentage","value":0},"contactDetails":{"id":"there","name":"There","email":"there@example.com","phoneNo":"+33100000000"},"issueDate":"2026-03-02","sentTo":{"email":["there@example.com"]},"liveMode":false}`},
		{operation: "invoices.create_estimate", args: `{"name":"a","businessDetails":{},"currency":"EUR","items":[{"name":"a","currency":"EUR","amount":1,"qty":1}],"discount":{"type":"percentage","value":0},"contactDetails":{"id":"there","name":"There","email":"there@example.com","phoneNo":"+33100000000"},"frequencySettings":{"enabled":false,"schedule":{}}}`},
		{operation: "invoices.create_from_estimate", args: `{"estimateId":"there","markAsInvoiced":true}`},
		{operation: "invoices.text2pay", args: `{"name":"a","currency":"EUR","items":[{"name":"a","currency":"EUR","amount":1,"qty":1}],"contactDetails":{"id":"there","name":"There","email":"there@example.com","phoneNo":"+33100000000"},"issueDate":"2026-03-02","sentTo":{"email":["there@example.com"]},"liveMode":false,"action":"draft","userId":"sandboxUser000000001"}`},
	},
}

// TestLookupOfApps calls operations of the sandbox whose request or answer is lost,
// whose list lags or which are done late. They are done once: where they are found
// by a key of ours, or were not done, without a person.
func TestLookupOfApps(t *testing.T) {
	for _, app := range all.Apps() {
		for _, c := range foundCalls[app.Name] {
			name := c.operation
			if c.keyed {
				name += " by key"
			}
			t.Run(app.Name+"/"+name, func(t *testing.T) {
				t.Parallel()
				op, _ := app.Operation(c.operation)
				f := newAppsFixture(t, app, c)
				before := f.records()
				if got := f.run(); got.State != journal.Succeeded {
					t.Fatalf("without a fault the run is %s: %s", got.State, problem(got))
				}
				made := f.records() - before
				if made == 0 {
					t.Fatal("the sandbox makes no record")
				}
				for _, fault := range []struct {
					name string
					send sandbox.Fault
					lag  time.Duration
					done bool
				}{
					{"request lost", sandbox.Fault{Cut: sandbox.CutRequest}, 0, false},
					{"answer lost", sandbox.Fault{Cut: sandbox.CutAnswer}, 0, true},
					{"list lags", sandbox.Fault{Cut: sandbox.CutAnswer}, 20 * time.Second, true},
					{"done late", sandbox.Fault{Late: 30 * time.Second}, 0, true},
				} {
					f := newAppsFixture(t, app, c)
					fault.send.App, fault.send.Operation, fault.send.Times = app.Name, c.operation, 1
					must(t, f.apps.Fault(fault.send))
					if fault.lag > 0 {
						for i := range op.Find {
							must(t, f.apps.Fault(sandbox.Fault{App: app.Name, Operation: op.Find[i].Operation, Lag: fault.lag}))
						}
					}
					before := f.records()
					got := f.run()
					want := journal.Succeeded
					if fault.done && !c.keyed {
						want = journal.Held
					}
					if n := f.records() - before; got.State != want || n != made {
						t.Errorf("%s: the run is %s, want %s, with %d new records, want %d: %s", fault.name, got.State, want, n, made, problem(got))
					}
					if want != journal.Held || got.State != want {
						continue
					}
					if l := f.last.Lookup(); l == nil || len(l.Candidates) == 0 {
						t.Errorf("%s: there are no candidates: %+v", fault.name, l)
					}
				}
			})
		}
	}
}

// TestOwnIDAtApps loses the answer to a call with an id of the script's own, which is
// sent again. The vendor refuses it, as the id is there: the run goes on if the record
// has what the call sends.
func TestOwnIDAtApps(t *testing.T) {
	app := appNamed(t, "googlecalendar")
	c := foundCall{operation: "events.insert", args: `{"id":"meeting01","calendarId":"primary","summary":"a","start":{"dateTime":"2026-03-03T10:00:00Z"},"end":{"dateTime":"2026-03-03T11:00:00Z"},"attendees":[{"email":"b@example.com"}]}`}
	for _, test := range []struct {
		name, there string
		fault       sandbox.Fault
		state       journal.State
		made        int
	}{
		{name: "answer lost", fault: sandbox.Fault{Cut: sandbox.CutAnswer}, state: journal.Succeeded, made: 1},
		{name: "request lost", fault: sandbox.Fault{Cut: sandbox.CutRequest}, state: journal.Succeeded, made: 1},
		{name: "answer lost to a refusal", fault: sandbox.Fault{Cut: sandbox.CutAnswer}, there: `{"id":"meeting01","calendarId":"primary","summary":"b"}`, state: journal.Failed},
		{name: "refused at once", there: strings.Replace(c.args, `"attendees"`, `"location":"x","attendees"`, 1), state: journal.Failed},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newAppsFixture(t, app, c)
			if test.there != "" {
				_, err := f.apps.Put(app.Name, "calendars/events", json.RawMessage(test.there))
				must(t, err)
			}
			if test.fault.App, test.fault.Operation, test.fault.Times = app.Name, c.operation, 1; test.fault.Cut != "" {
				must(t, f.apps.Fault(test.fault))
			}
			before := f.records()
			if got := f.run(); got.State != test.state || f.records()-before != test.made {
				t.Fatalf("the run is %s with %d new records, want %s with %d: %s", got.State, f.records()-before, test.state, test.made, problem(got))
			}
			if test.state == journal.Succeeded && jsonText(f.last.Result, "id") != "meeting01" {
				t.Errorf("the result is %s", f.last.Result)
			}
		})
	}
}

// TestCandidatesOfOtherCalls loses a request, while calls with keys of ours make
// records. These are no candidates, so the call is sent again.
func TestCandidatesOfOtherCalls(t *testing.T) {
	key := strings.Repeat("0a", 16)
	for _, test := range []struct{ app, operation, args, resource, other string }{
		{"slack", "chat.post_message", `{"channel":"C0GENERAL01","text":"a","metadata":{"event_type":"own","event_payload":{}}}`,
			"messages", `{"channel":"C0GENERAL01","text":"b","metadata":{"event_type":"tidewire_call","event_payload":{"key":"` + key + `"}}}`},
		{"googlecalendar", "events.quick_add", `{"calendarId":"primary","text":"a"}`, "calendars/events", `{"calendarId":"ada@sandbox.example","id":"` + key + `","summary":"b"}`},
		{"asana", "tasks.create", `{"name":"a","projects":["1200000000000005"]}`, "tasks",
			`{"name":"a","workspace":{"gid":"1200000000000001"},"projects":[{"gid":"1200000000000005"}],"external":{"gid":"` + key + `"}}`},
	} {
		t.Run(test.app, func(t *testing.T) {
			app := appNamed(t, test.app)
			f := newAppsFixture(t, app, foundCall{operation: test.operation, args: test.args})
			must(t, f.apps.Fault(sandbox.Fault{App: test.app, Operation: test.operation, Times: 1, Cut: sandbox.CutRequest}))
			_, err := f.apps.Put(test.app, test.resource, json.RawMessage(test.other))
			must(t, err)
			before := f.records()
			if got := f.run(); got.State != journal.Succeeded || f.records()-before != 1 {
				t.Errorf("the run is %s with %d new records, want succeeded with 1: %s", got.State, f.records()-before, problem(got))
			}
		})
	}
}

func appNamed(t *testing.T, name string) *bindings.App {
	t.Helper()
	apps := all.Apps()
	at := slices.IndexFunc(apps, func(a *bindings.App) bool { return a.Name == name })
	if at < 0 {
		t.Fatalf("there is no app %q", name)
	}
	return apps[at]
}

// TestFoundCallsAreComplete checks that TestLookupOfApps has a call of each
// operation that can be found, but for those of editions and of the list here.
func TestFoundCallsAreComplete(t *testing.T) {
	// It has an idempotency key; only after the vendor's time for the key it is looked up.
	notCalled := []string{
		"qonto.transactions.add_attachment",
	}
	for _, app := range all.Apps() {
		for _, name := range app.Catalogue.Operations() {
			op, _ := app.Operation(name)
			called := slices.ContainsFunc(foundCalls[app.Name], func(c foundCall) bool { return c.operation == name })
			if len(op.Find) > 0 && !called && !slices.Contains(notCalled, app.Name+"."+name) {
				t.Errorf("%s.%s is not called", app.Name, name)
			}
		}
	}
}

// appsFixture is a runner at the sandbox.
type appsFixture struct {
	*runnerFixture
	apps *sandbox.Sandbox
	last journal.Step // of the run
}

func newAppsFixture(t *testing.T, app *bindings.App, c foundCall) *appsFixture {
	t.Helper()
	moving := &shiftingClock{Advancing: clock.Advancing{Manual: clock.NewManual(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))}}
	apps := newSandbox(t, sandbox.Config{Now: moving.Now, Seed: 1})
	f := &appsFixture{apps: apps, runnerFixture: &runnerFixture{TB: t, folder: journaltest.Folder(t), app: app, shiftingClock: moving}}
	args := c.args
	if strings.Contains(args, "CLIENT") {
		made, err := apps.Put(app.Name, "clients", json.RawMessage(`{"id":"0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0099","name":"There","kind":"company"}`))
		must(t, err)
		args = strings.ReplaceAll(args, "CLIENT", jsonText(made, "id"))
	}
	for resource, record := range prepared[app.Name] {
		_, err := apps.Put(app.Name, resource, json.RawMessage(record))
		must(t, err)
	}
	moving.Manual.Advance(time.Hour)
	f.machine = vm.New(vm.Config{Apps: []*bindings.App{app}})
	must(t, os.Mkdir(filepath.Join(f.folder, "scripts"), 0o700))
	source := fmt.Sprintf("local app = require %q\non(\"emit:go\", function()\n  app.%s(json.decode [==[%s]==])\nend)\n", app.Name, c.operation, args)
	must(t, os.WriteFile(filepath.Join(f.folder, "scripts", "orders.lua"), []byte(source), 0o600))
	settings := sandboxConfig(appAddresses(apps)).Connections
	settings = slices.DeleteFunc(settings, func(s connection.Settings) bool { return s.Name != app.Name })
	if c.oauth {
		settings[0].Credentials = map[string]string{"client_id": sandbox.ClientID, "client_secret": sandbox.ClientSecret, "refresh_token": sandbox.RefreshToken}
	}
	var err error
	f.set, err = connection.New(connection.Config{Apps: []*bindings.App{app}, Settings: settings, Folder: f.folder, Clock: f})
	must(t, err)
	t.Cleanup(f.set.Close)
	return f
}

// run executes the script once.
func (f *appsFixture) run() journal.Run {
	f.Helper()
	got, steps, _ := f.process(journal.Event{ID: "go", Type: "emit:go", Source: journal.Emit, Data: json.RawMessage(`{}`)}, 0, false)
	if len(steps) > 0 {
		f.last = steps[len(steps)-1]
	}
	return got
}

// records counts the records of the app.
func (f *appsFixture) records() (n int) {
	for _, resource := range f.apps.Resources(f.app.Name) {
		n += len(f.apps.Records(f.app.Name, resource))
	}
	return n
}

func jsonText(raw json.RawMessage, name string) string {
	var fields map[string]any
	_ = json.Unmarshal(raw, &fields)
	text, _ := fields[name].(string)
	return text
}
