package sandbox_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/sandbox"
)

// sentForm is the newest webhook, checked to be a signed form.
func sentForm(t *testing.T, w world, r *receiver) url.Values {
	t.Helper()
	must(t, w.Idle(t.Context()))
	all := r.hooks()
	if len(all) == 0 {
		t.Fatal("nothing was sent")
	}
	h := all[len(all)-1]
	if kind := h.header.Get("Content-Type"); kind != "application/x-www-form-urlencoded" {
		t.Errorf("Content-Type %q", kind)
	}
	if _, err := signatureOf("slack").Verify(h.header, []byte(h.body), "shh", w.clock.now(), time.Minute); err != nil {
		t.Error(err)
	}
	form, err := url.ParseQuery(h.body)
	must(t, err)
	return form
}

func TestInteractionIsAForm(t *testing.T) {
	w, r := start(t, sandbox.Config{}), receive(t)
	must(t, w.Subscribe("slack", r.URL, "shh"))
	ts := w.call("POST /slack/chat.postMessage", `{"channel":"C0SALES0001","text":"Which?"}`).get("ts")
	must(t, w.Emit(t.Context(), "slack.block_action.performed", map[string]any{
		"channel": map[string]any{"id": "C0SALES0001"}, "message": map[string]any{"ts": ts, "text": "Which?"},
		"actions": []any{map[string]any{"type": "button", "action_id": "go", "value": "yes"}},
	}, sandbox.EmitOptions{ID: "trigger-7"}))
	payload := sentForm(t, w, r).Get("payload")
	for path, want := range map[string]string{
		"type": "block_actions", "trigger_id": "trigger-7", "team.id": "T0SANDBOX01", "user.id": "U0SANDADA01", "user.name": "ada",
		"channel.name": "sales", "container.message_ts": ts, "actions.0.value": "yes", "actions.0.action_ts": "1772600767.000000",
	} {
		if got := at(payload, path); got != want {
			t.Errorf("%s is %q, expected %q: %s", path, got, want, payload)
		}
	}
}

func TestSlashCommandIsAForm(t *testing.T) {
	w, r := start(t, sandbox.Config{}), receive(t)
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
	w.call("POST "+answer.Path, `{"text":"Only for you"}`, "Authorization", "").is(200, "ok", "true")
	w.call("POST "+answer.Path, `{"text":"For all","response_type":"in_channel"}`, "Authorization", "").is(200, "ok", "true")
	w.post("/slack/conversations.history", "channel=C0GENERAL01").is(200, "messages.#.text", `["For all"]`)
	w.call("POST "+answer.Path, `{}`).is(500, "error", "no_text")
	w.call("POST "+answer.Path, `no`).is(400, "error", "invalid_payload")
	w.clock.pass(31 * time.Minute)
	w.call("POST "+answer.Path, `{"text":"late"}`).is(404, "error", "used_url")
	w.call("POST /slack/response/nowhere", `{"text":"x"}`).is(404)
}

// Somebody waits before a screen, so that a form is sent once.
func TestFormsAreSentOnce(t *testing.T) {
	w, r := start(t, sandbox.Config{Sleep: instant}), receive(t, 500)
	must(t, w.Subscribe("slack", r.URL, "shh"))
	if err := w.Emit(t.Context(), "slack.shortcut.used", map[string]any{"callback_id": "new"}, sandbox.EmitOptions{}); err == nil {
		t.Error("a refused form went well")
	}
	if got := len(r.hooks()); got != 1 {
		t.Errorf("sent %d times, expected once", got)
	}
}
