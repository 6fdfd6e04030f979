package slack_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
	"github.com/tidewire/tidewire/bindings/slack"
)

// sentForm returns the newest webhook, after checking that it is a signed form.
func sentForm(t *testing.T, w *sandboxtest.Server, r *sandboxtest.Receiver) url.Values {
	t.Helper()
	must(t, w.Idle(t.Context()))
	all := r.Webhooks()
	if len(all) == 0 {
		t.Fatal("nothing was sent")
	}
	h := all[len(all)-1]
	if kind := h.Header.Get("Content-Type"); kind != "application/x-www-form-urlencoded" {
		t.Errorf("Content-Type %q", kind)
	}
	if _, err := slack.App().Webhook.Signatures[0].Verify(h.Header, []byte(h.Body), "shh", w.Clock.Now(), time.Minute); err != nil {
		t.Error(err)
	}
	form, err := url.ParseQuery(h.Body)
	must(t, err)
	return form
}

func TestInteractionIsAForm(t *testing.T) {
	w, r := start(t, sandbox.Config{}), sandboxtest.Receive(t)
	must(t, w.Subscribe("slack", r.URL, "shh"))
	ts := w.Call("POST /slack/chat.postMessage", `{"channel":"C0SALES0001","text":"Which?"}`).Get("ts")
	must(t, w.Emit(t.Context(), "slack.block_action.performed", map[string]any{
		"channel": map[string]any{"id": "C0SALES0001"}, "message": map[string]any{"ts": ts, "text": "Which?"},
		"actions": []any{map[string]any{"type": "button", "action_id": "go", "value": "yes"}},
	}, sandbox.EmitOptions{ID: "trigger-7"}))
	payload := sentForm(t, w, r).Get("payload")
	for path, want := range map[string]string{
		"type": "block_actions", "trigger_id": "trigger-7", "team.id": "T0SANDBOX01", "user.id": "U0SANDADA01", "user.name": "ada",
		"channel.name": "sales", "container.message_ts": ts, "actions.0.value": "yes", "actions.0.action_ts": "1772600767.000000",
	} {
		if got := sandboxtest.Value(payload, path); got != want {
			t.Errorf("%s is %q, expected %q: %s", path, got, want, payload)
		}
	}
}

func TestSlashCommandIsAForm(t *testing.T) {
	w, r := start(t, sandbox.Config{}), sandboxtest.Receive(t)
	must(t, w.Subscribe("slack", r.URL, "shh"))
	must(t, w.Emit(t.Context(), "slack.slash_command.invoked", map[string]any{"command": "/deploy", "text": "a & b"}, sandbox.EmitOptions{}))
	form := sentForm(t, w, r)
	for field, want := range map[string]string{
		"command": "/deploy", "text": "a & b", "user_id": "U0SANDADA01", "channel_id": "C0GENERAL01", "channel_name": "general", "team_id": "T0SANDBOX01",
	} {
		if got := form.Get(field); got != want {
			t.Errorf("%s is %q, expected %q", field, got, want)
		}
	}
	if form.Get("trigger_id") == "" {
		t.Error("no trigger_id")
	}

	answer, err := url.Parse(form.Get("response_url"))
	must(t, err)
	w.Call("POST "+answer.Path, `{"text":"Only for you"}`, "Authorization", "").Is(200, "ok", "true")
	w.Call("POST "+answer.Path, `{"text":"For all","response_type":"in_channel"}`, "Authorization", "").Is(200, "ok", "true")
	w.Post("/slack/conversations.history", "channel=C0GENERAL01").Is(200, "messages.#.text", `["For all"]`)
	w.Call("POST "+answer.Path, `{}`).Is(400, "error", "no_text")
	w.Call("POST "+answer.Path, `no`).Is(400, "error", "invalid_payload")
	w.Clock.Advance(31 * time.Minute)
	w.Call("POST "+answer.Path, `{"text":"late"}`).Is(404, "error", "used_url")
	w.Call("POST /slack/response/nowhere", `{"text":"x"}`).Is(404)
}

// A person waits for the answer, so a form is sent once.
func TestFormsAreSentOnce(t *testing.T) {
	w, r := start(t, sandbox.Config{Sleep: func(context.Context, time.Duration) error { return nil }}), sandboxtest.Receive(t, 500)
	must(t, w.Subscribe("slack", r.URL, "shh"))
	if err := w.Emit(t.Context(), "slack.shortcut.used", map[string]any{"callback_id": "new"}, sandbox.EmitOptions{}); err == nil {
		t.Error("a refused form went well")
	}
	if got := len(r.Webhooks()); got != 1 {
		t.Errorf("sent %d times, expected once", got)
	}
}

func TestUserActions(t *testing.T) {
	w, r := start(t, sandbox.Config{}), sandboxtest.Receive(t)
	must(t, w.Subscribe("slack", r.URL, "shh"))
	w.Call("POST /slack/chat.postMessage", `{"channel":"C0SALES0001","text":"Pay?","blocks":[{"type":"actions","elements":[
		{"type":"button","text":{"type":"plain_text","text":"Yes"},"value":"a1:yes"},
		{"type":"static_select","action_id":"why","options":[{"text":{"type":"plain_text","text":"Too much"},"value":"a1:no"}]}]}]}`).Is(200, "ok", "true")

	w.Call("POST /sandbox/do/slack/click", `{"value":"a1:yes","user":"U0SANDBEN01"}`).Is(200, "done", "click")
	click := sentForm(t, w, r).Get("payload")
	for path, want := range map[string]string{"actions.0.value": "a1:yes", "actions.0.type": "button", "user.username": "ben", "message.text": "Pay?", "channel.id": "C0SALES0001"} {
		if got := sandboxtest.Value(click, path); got != want {
			t.Errorf("%s is %q, expected %q: %s", path, got, want, click)
		}
	}
	if sandboxtest.Value(click, "actions.0.block_id") == "" || sandboxtest.Value(click, "response_url") == "" {
		t.Errorf("no block_id or response_url: %s", click)
	}
	w.Call("POST /sandbox/do/slack/click", `{"action_id":"why","value":"a1:no"}`).Is(200)
	if got := sandboxtest.Value(sentForm(t, w, r).Get("payload"), "actions.0.selected_option.value"); got != "a1:no" {
		t.Errorf("chosen %q", got)
	}
	answer, err := url.Parse(sandboxtest.Value(click, "response_url"))
	must(t, err)
	w.Call("POST "+answer.Path, `{"replace_original":true,"text":"Paid"}`).Is(200, "ok", "true")
	w.Post("/slack/conversations.history", "channel=C0SALES0001").Is(200, "messages.#.text", `["Paid"]`)

	w.Call("POST /sandbox/do/slack/command", `{"command":"/deploy to production","user":"U0SANDBEN01"}`).Is(200)
	if form := sentForm(t, w, r); form.Get("text") != "to production" || form.Get("user_name") != "ben" {
		t.Errorf("typed %v", form)
	}
	w.Call("POST /sandbox/do/slack/shortcut", `{"callback_id":"new"}`).Is(200)
	gesture := sandboxtest.Value(sentForm(t, w, r).Get("payload"), "trigger_id")
	w.Post("/slack/views.open", "trigger_id="+gesture+"&view="+url.QueryEscape(`{"type":"modal","callback_id":"order","private_metadata":"m",
		"blocks":[{"type":"input","block_id":"b.1","element":{"type":"plain_text_input","action_id":"0"}}]}`)).Is(200, "ok", "true")
	w.Call("POST /sandbox/do/slack/submit", `{"values":{"b.1":{"0":"two"}}}`).Is(200)
	sent := sentForm(t, w, r).Get("payload")
	for path, want := range map[string]string{"type": "view_submission", "view.callback_id": "order", "view.private_metadata": "m", `view.state.values.b\.1.0.value`: "two"} {
		if got := sandboxtest.Value(sent, path); got != want {
			t.Errorf("%s is %q, expected %q: %s", path, got, want, sent)
		}
	}
	for _, wrong := range [][2]string{
		{"slack/submit", `{}`}, {"slack/click", `{"value":"a1:yes"}`}, {"slack/command", `{"command":"deploy"}`}, {"slack/shortcut", `{}`},
		{"slack/shortcut", `{"callback_id":"x","ts":"1"}`}, {"slack/clik", `{}`}, {"nobody/click", `{}`}, {"slack/click", `[]`},
	} {
		w.Call("POST /sandbox/do/"+wrong[0], wrong[1]).Is(400)
	}
}
