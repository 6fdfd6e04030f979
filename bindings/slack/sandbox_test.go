package slack_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
	"github.com/tidewire/tidewire/bindings/slack"
)

// start starts a sandbox of Slack.
func start(t *testing.T, config sandbox.Config) *sandboxtest.Server {
	return sandboxtest.StartApp(t, slack.App(), slack.Rules(), config)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSandboxMessages(t *testing.T) {
	w := start(t, sandbox.Config{})
	post := w.Call("POST /slack/chat.postMessage", `{"channel":"#general","text":"Hello"}`).
		Is(200, "ok", "true", "channel", "C0GENERAL01", "message.text", "Hello", "message.type", "message")
	ts := post.Get("ts")
	w.Call("POST /slack/chat.postMessage", `{"channel":"C0GENERAL01","text":"Reply","thread_ts":"`+ts+`"}`).Is(200, "ok", "true")
	w.Call("POST /slack/chat.postMessage", `{"channel":"general","text":"Second"}`).Is(200, "ok", "true")
	w.Post("/slack/conversations.history", "channel=C0GENERAL01").Is(200, "ok", "true", "messages.#.text", `["Second","Hello"]`, "messages.1.reply_count", "1")
	w.Post("/slack/conversations.replies", "channel=C0GENERAL01&ts="+ts).Is(200, "messages.#.text", `["Hello","Reply"]`)
	w.Call("POST /slack/chat.update", `{"channel":"C0GENERAL01","ts":"`+ts+`","text":"Hi"}`).Is(200, "text", "Hi")
	w.Call("POST /slack/chat.delete", `{"channel":"C0GENERAL01","ts":"`+ts+`"}`).Is(200, "ok", "true")
	w.Call("POST /slack/chat.delete", `{"channel":"C0GENERAL01","ts":"`+ts+`"}`).Is(200, "ok", "false", "error", "message_not_found")
}

func TestSandboxErrorsAreCodes(t *testing.T) {
	w := start(t, sandbox.Config{})
	for _, test := range []struct{ line, body, word string }{
		{"POST /slack/chat.postMessage", `{"channel":"C404","text":"x"}`, "channel_not_found"},
		{"POST /slack/chat.postMessage", `{"channel":"C0GENERAL01"}`, "no_text"},
		{"POST /slack/chat.postMessage", `{"text":"x"}`, "invalid_arguments"},
		{"POST /slack/chat.unknown", `{}`, "unknown_method"},
		{"POST /slack/conversations.create", `{"name":"general"}`, "name_taken"},
		{"POST /slack/conversations.archive", `{"channel":"C0GENERAL01"}`, "cant_archive_general"},
	} {
		w.Call(test.line, test.body).Is(200, "ok", "false", "error", test.word)
	}
	w.Call("POST /slack/users.list", "", "Authorization", "").Is(200, "ok", "false", "error", "not_authed")
	w.Call("POST /slack/users.list", "", "Authorization", "Bearer nope").Is(200, "ok", "false", "error", "invalid_auth")
}

func TestSandboxChannelsAndPeople(t *testing.T) {
	w := start(t, sandbox.Config{})
	id := w.Call("POST /slack/conversations.create", `{"name":"deals"}`).Is(200, "channel.name", "deals").Get("channel.id")
	w.Call("POST /slack/conversations.invite", `{"channel":"`+id+`","users":"U0SANDADA01"}`).Is(200, "channel.num_members", "2")
	w.Post("/slack/conversations.members", "channel="+id+"&limit=1").Is(200, "members.#", "1", "response_metadata.next_cursor", "member-1")
	w.Call("POST /slack/conversations.archive", `{"channel":"`+id+`"}`).Is(200, "ok", "true")
	w.Call("POST /slack/chat.postMessage", `{"channel":"`+id+`","text":"x"}`).Is(200, "error", "is_archived")
	w.Post("/slack/conversations.list", "exclude_archived=true").Is(200, "channels.#", "3")
	w.Post("/slack/users.lookupByEmail", "email=ADA@sandbox.example").Is(200, "user.id", "U0SANDADA01")
	w.Post("/slack/users.list", "limit=2").Is(200, "members.#", "2")
	direct := w.Call("POST /slack/conversations.open", `{"users":"U0SANDADA01"}`).Is(200, "channel.is_im", "true").Get("channel.id")
	w.Call("POST /slack/chat.postMessage", `{"channel":"U0SANDADA01","text":"psst"}`).Is(200, "channel", direct)
}

func TestSandboxWebhook(t *testing.T) {
	w, r := start(t, sandbox.Config{}), sandboxtest.Receive(t)
	must(t, w.Subscribe("slack", r.URL, "shh"))
	w.Call("POST /slack/chat.postMessage", `{"channel":"C0GENERAL01","text":"Hello"}`).Is(200, "ok", "true")
	must(t, w.Idle(t.Context()))
	got := r.Webhooks()
	if len(got) != 1 {
		t.Fatalf("%d webhooks", len(got))
	}
	h := got[0]
	if sandboxtest.Value(h.Body, "type") != "event_callback" || sandboxtest.Value(h.Body, "event.type") != "message" || sandboxtest.Value(h.Body, "event.channel") != "C0GENERAL01" ||
		sandboxtest.Value(h.Body, "event.text") != "Hello" || sandboxtest.Value(h.Body, "team_id") != "T0SANDBOX01" || sandboxtest.Value(h.Body, "event_time") != "1772600767" {
		t.Errorf("got %s", h.Body)
	}
	if _, err := slack.App().Webhook.Signatures[0].Verify(h.Header, []byte(h.Body), "shh", w.Clock.Now(), time.Minute); err != nil {
		t.Error(err)
	}
}

func TestSandboxChecksTheAddress(t *testing.T) {
	w := start(t, sandbox.Config{})
	deaf := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(deaf.Close)
	must(t, w.Subscribe("slack", deaf.URL, "shh"))
	must(t, w.Idle(t.Context()))
	if d := w.Deliveries(); len(d) != 1 || d[0].Trigger != "url_verification" || d[0].Error == "" {
		t.Errorf("got %+v", d)
	}
}

func TestSandboxLimitsByMethod(t *testing.T) {
	w := start(t, sandbox.Config{EnforceLimits: true})
	for range 20 {
		w.Call("POST /slack/users.list", "").Is(200, "ok", "true")
	}
	refused := w.Call("POST /slack/users.list", "").Is(429, "ok", "false", "error", "ratelimited")
	if refused.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	w.Call("POST /slack/conversations.list", "").Is(200, "ok", "true")
}
