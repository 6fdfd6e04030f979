package sandbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
)

func instant(context.Context, time.Duration) error { return nil }

func TestVendorsRetryWebhooks(t *testing.T) {
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
			w, r := start(t, sandbox.Config{Sleep: instant}), sandboxtest.Receive(t, test.statuses...)
			must(t, w.Subscribe(test.app, r.URL, "shh"))
			err := w.Emit(t.Context(), test.trigger, map[string]any{"id": "x1"}, sandbox.EmitOptions{})
			if (err == nil) != test.ok {
				t.Errorf("emit returned %v", err)
			}
			got := r.Webhooks()
			if len(got) != test.sent {
				t.Fatalf("sent %d times, expected %d", len(got), test.sent)
			}
			for i, h := range got {
				if h.Body != got[0].Body {
					t.Errorf("sending %d has another body", i)
				}
			}
			if test.app == "slack" && got[3].Header.Get("X-Slack-Retry-Num") != "3" {
				t.Errorf("headers of a repeat: %v", got[3].Header)
			}
		})
	}
}

func TestEmitStoresRecords(t *testing.T) {
	w, r := start(t, sandbox.Config{}), sandboxtest.Receive(t)
	must(t, w.Subscribe("qonto", r.URL, "shh"))
	data := map[string]any{"id": "7d1c", "kind": "company", "name": "Atelier", "email": "a@atelier.fr"}
	must(t, w.Emit(t.Context(), "qonto.client.created", data, sandbox.EmitOptions{ID: "evt-1"}))
	w.Call("GET /qonto/clients/7d1c", "").Is(200, "client.name", "Atelier")
	if got := r.Webhooks()[0].Body; sandboxtest.Value(got, "id") != "evt-1" || sandboxtest.Value(got, "data.id") != "7d1c" || sandboxtest.Value(got, "data.email") != "a@atelier.fr" {
		t.Errorf("got %s", got)
	}
	must(t, w.Emit(t.Context(), "qonto.client.deleted", map[string]any{"id": "7d1c"}, sandbox.EmitOptions{}))
	w.Call("GET /qonto/clients/7d1c", "").Is(404)
	must(t, w.Emit(t.Context(), "qonto.client.created", data, sandbox.EmitOptions{Unstored: true}))
	w.Call("GET /qonto/clients/7d1c", "").Is(404)
}

func TestEmitNeedsATriggerAndASubscriber(t *testing.T) {
	w := start(t, sandbox.Config{})
	for _, trigger := range []string{"qonto.client.created", "qonto.client.creatd", "nobody.x.y"} {
		if err := w.Emit(t.Context(), trigger, nil, sandbox.EmitOptions{}); err == nil {
			t.Errorf("emit %q went well", trigger)
		}
	}
}

func TestSubscribeRefusesInvalidArguments(t *testing.T) {
	w := start(t, sandbox.Config{})
	for _, try := range [][3]string{{"nobody", "http://127.0.0.1:1", "x"}, {"qonto", "ftp://x", "x"}, {"qonto", "http://127.0.0.1:1", ""}} {
		if err := w.Subscribe(try[0], try[1], try[2]); err == nil {
			t.Errorf("subscribe %v went well", try)
		}
	}
}

func TestCloseEndsRetries(t *testing.T) {
	r := sandboxtest.Receive(t, 429)
	w := start(t, sandbox.Config{RetryDelay: time.Hour})
	must(t, w.Subscribe("highlevel", r.URL, ""))
	w.Call("POST /highlevel/contacts/", contact)
	<-r.Received
	must(t, w.Close())
	if n := len(r.Webhooks()); n != 1 {
		t.Errorf("sent %d times, expected once", n)
	}
}
