package sandbox_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

// receiver takes webhooks and answers as it is told.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	got      []hook
	statuses []int // of the next answers; then 200
	came     chan struct{}
}

type hook struct {
	header http.Header
	body   string
}

func receive(t *testing.T, statuses ...int) *receiver {
	r := &receiver{statuses: statuses, came: make(chan struct{}, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, h *http.Request) {
		body, _ := io.ReadAll(h.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		if word := gjson.GetBytes(body, "challenge").String(); word != "" {
			_, _ = io.WriteString(w, word)
			return
		}
		r.got = append(r.got, hook{h.Header, string(body)})
		status := http.StatusOK
		if len(r.statuses) > 0 {
			status, r.statuses = r.statuses[0], r.statuses[1:]
		}
		w.WriteHeader(status)
		r.came <- struct{}{}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) hooks() []hook {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got
}

func at(body, path string) string { return gjson.Get(body, path).String() }

func signatureOf(app string) bindings.Signature {
	for _, a := range all.Apps() {
		if a.Name == app {
			return a.Webhook.Signatures[0]
		}
	}
	return bindings.Signature{}
}

func instant(context.Context, time.Duration) error { return nil }

func TestChangesAreToldInSignedWebhooks(t *testing.T) {
	w, r := start(t, sandbox.Config{}), receive(t)
	must(t, w.Subscribe("highlevel", r.URL, ""))
	id := w.call("POST /highlevel/contacts/", contact).get("contact.id")
	w.call("PUT /highlevel/contacts/"+id, `{"dnd":true}`)
	w.call("POST /highlevel/contacts/"+id+"/tags", `{"tags":["vip"]}`)
	w.call("POST /highlevel/contacts/"+id+"/notes", `{"body":"hi"}`)
	task := w.call("POST /highlevel/contacts/"+id+"/tasks", `{"title":"Call","dueDate":"2026-03-05T09:00:00Z","completed":false}`).get("task.id")
	w.call("PUT /highlevel/contacts/"+id+"/tasks/"+task+"/completed", `{"completed":true}`)
	w.call("PUT /highlevel/contacts/"+id, `{"city":"Lyon"}`)
	w.call("DELETE /highlevel/contacts/"+id, "")
	must(t, w.Idle(t.Context()))
	want := []string{"ContactCreate", "ContactDndUpdate", "ContactTagUpdate", "NoteCreate", "TaskCreate", "TaskComplete", "ContactUpdate", "ContactDelete"}
	got := r.hooks()
	if len(got) != len(want) {
		t.Fatalf("%d webhooks, expected %d: %+v", len(got), len(want), got)
	}
	ids := map[string]bool{}
	for i, h := range got {
		if at(h.body, "type") != want[i] || at(h.body, "locationId") != "loc1" {
			t.Errorf("webhook %d is %s, expected %s of loc1", i, h.body, want[i])
		}
		ids[at(h.body, "webhookId")] = true
		if _, err := signatureOf("highlevel").Verify(h.header, []byte(h.body), w.PublicKey("highlevel"), w.clock.now(), time.Minute); err != nil {
			t.Errorf("webhook %d: %v", i, err)
		}
		if _, err := signatureOf("highlevel").Verify(h.header, []byte(h.body), "", w.clock.now(), time.Minute); err == nil {
			t.Error("signed with the vendor's own key")
		}
	}
	if len(ids) != len(want) {
		t.Errorf("%d ids for %d webhooks", len(ids), len(want))
	}
	if at(got[3].body, "contactId") != id || at(got[3].body, "body") != "hi" {
		t.Errorf("note: %s", got[3].body)
	}
}

func TestAppointmentIsWrapped(t *testing.T) {
	w, r := start(t, sandbox.Config{}), receive(t)
	must(t, w.Subscribe("highlevel", r.URL, ""))
	w.call("POST /highlevel/calendars/events/appointments",
		`{"calendarId":"c","locationId":"loc1","contactId":"p","startTime":"2026-03-05T09:00:00Z","title":"Welcome"}`, "Version", "2021-04-15").is(201)
	must(t, w.Idle(t.Context()))
	if got := r.hooks(); len(got) != 1 || at(got[0].body, "type") != "AppointmentCreate" || at(got[0].body, "appointment.title") != "Welcome" ||
		at(got[0].body, "locationId") != "loc1" {
		t.Errorf("got %+v", got)
	}
}

func TestQontoWebhook(t *testing.T) {
	w, r := start(t, sandbox.Config{}), receive(t)
	must(t, w.Subscribe("qonto", r.URL, "shh"))
	w.call("POST /qonto/clients", `{"kind":"company","name":"Atelier"}`).is(200)
	must(t, w.Idle(t.Context()))
	got := r.hooks()
	if len(got) != 1 {
		t.Fatalf("%d webhooks", len(got))
	}
	h := got[0]
	if at(h.body, "type") != "v1/clients" || at(h.body, "data.event") != "created" || at(h.body, "data.name") != "Atelier" ||
		at(h.body, "organization_id") != w.Account("qonto") {
		t.Errorf("got %s", h.body)
	}
	if _, err := signatureOf("qonto").Verify(h.header, []byte(h.body), "shh", w.clock.now(), time.Minute); err != nil {
		t.Error(err)
	}
	if w.PublicKey("qonto") != "" {
		t.Error("an app that signs with a secret has no public key")
	}
}

func TestSlackWebhook(t *testing.T) {
	w, r := start(t, sandbox.Config{}), receive(t)
	must(t, w.Subscribe("slack", r.URL, "shh"))
	w.call("POST /slack/chat.postMessage", `{"channel":"C0GENERAL01","text":"Hello"}`).is(200, "ok", "true")
	must(t, w.Idle(t.Context()))
	got := r.hooks()
	if len(got) != 1 {
		t.Fatalf("%d webhooks", len(got))
	}
	h := got[0]
	if at(h.body, "type") != "event_callback" || at(h.body, "event.type") != "message" || at(h.body, "event.channel") != "C0GENERAL01" ||
		at(h.body, "event.text") != "Hello" || at(h.body, "team_id") != "T0SANDBOX01" || at(h.body, "event_time") != "1772600767" {
		t.Errorf("got %s", h.body)
	}
	if _, err := signatureOf("slack").Verify(h.header, []byte(h.body), "shh", w.clock.now(), time.Minute); err != nil {
		t.Error(err)
	}
}

func TestSlackChecksTheAddress(t *testing.T) {
	w := start(t, sandbox.Config{})
	deaf := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(deaf.Close)
	must(t, w.Subscribe("slack", deaf.URL, "shh"))
	must(t, w.Idle(t.Context()))
	if d := w.Deliveries(); len(d) != 1 || d[0].Trigger != "url_verification" || d[0].Error == "" {
		t.Errorf("got %+v", d)
	}
}

func TestVendorsSendAgain(t *testing.T) {
	for _, test := range []struct {
		app, trigger string
		statuses     []int
		sent         int
		ok           bool
	}{
		{"highlevel", "highlevel.contact.created", []int{429, 429}, 3, true},
		{"highlevel", "highlevel.contact.created", []int{500}, 1, false},
		{"highlevel", "highlevel.contact.created", []int{429, 429, 429, 429, 429, 429, 429, 429}, 7, false},
		{"qonto", "qonto.client.created", []int{500, 404}, 3, true},
		{"slack", "slack.message.posted", []int{500, 500, 500, 500, 500}, 4, false},
	} {
		t.Run(test.trigger, func(t *testing.T) {
			w, r := start(t, sandbox.Config{Sleep: instant}), receive(t, test.statuses...)
			must(t, w.Subscribe(test.app, r.URL, "shh"))
			err := w.Emit(t.Context(), test.trigger, map[string]any{"id": "x1"}, sandbox.EmitOptions{})
			if (err == nil) != test.ok {
				t.Errorf("emit says %v", err)
			}
			got := r.hooks()
			if len(got) != test.sent {
				t.Fatalf("sent %d times, expected %d", len(got), test.sent)
			}
			for i, h := range got {
				if h.body != got[0].body {
					t.Errorf("sending %d has another body", i)
				}
			}
			if test.app == "slack" && got[3].header.Get("X-Slack-Retry-Num") != "3" {
				t.Errorf("headers of a repeat: %v", got[3].header)
			}
		})
	}
}

func TestEmitChangesTheWorldToo(t *testing.T) {
	w, r := start(t, sandbox.Config{}), receive(t)
	must(t, w.Subscribe("qonto", r.URL, "shh"))
	data := map[string]any{"id": "7d1c", "kind": "company", "name": "Atelier", "email": "a@atelier.fr"}
	must(t, w.Emit(t.Context(), "qonto.client.created", data, sandbox.EmitOptions{ID: "evt-1"}))
	w.call("GET /qonto/clients/7d1c", "").is(200, "client.name", "Atelier")
	if got := r.hooks()[0].body; at(got, "id") != "evt-1" || at(got, "data.id") != "7d1c" || at(got, "data.email") != "a@atelier.fr" {
		t.Errorf("got %s", got)
	}
	must(t, w.Emit(t.Context(), "qonto.client.deleted", map[string]any{"id": "7d1c"}, sandbox.EmitOptions{}))
	w.call("GET /qonto/clients/7d1c", "").is(404)
	must(t, w.Emit(t.Context(), "qonto.client.created", data, sandbox.EmitOptions{Unstored: true}))
	w.call("GET /qonto/clients/7d1c", "").is(404)
}

func TestEmitNeedsATriggerAndASubscriber(t *testing.T) {
	w := start(t, sandbox.Config{})
	for _, trigger := range []string{"qonto.client.created", "qonto.client.creatd", "nobody.x.y"} {
		if err := w.Emit(t.Context(), trigger, nil, sandbox.EmitOptions{}); err == nil {
			t.Errorf("emit %q went well", trigger)
		}
	}
}

func TestSubscribeRefusesWhatCannotWork(t *testing.T) {
	w := start(t, sandbox.Config{})
	for _, try := range [][3]string{{"nobody", "http://127.0.0.1:1", "x"}, {"qonto", "ftp://x", "x"}, {"qonto", "http://127.0.0.1:1", ""}} {
		if err := w.Subscribe(try[0], try[1], try[2]); err == nil {
			t.Errorf("subscribe %v went well", try)
		}
	}
}

func TestCloseEndsWhatWaits(t *testing.T) {
	r := receive(t, 429)
	w := start(t, sandbox.Config{RetryDelay: time.Hour})
	must(t, w.Subscribe("highlevel", r.URL, ""))
	w.call("POST /highlevel/contacts/", contact)
	<-r.came
	must(t, w.Close())
	if n := len(r.hooks()); n != 1 {
		t.Errorf("sent %d times, expected once", n)
	}
}
