package slack_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
)

func TestSandboxUpload(t *testing.T) {
	w, r := start(t, sandbox.Config{}), sandboxtest.Receive(t)
	must(t, w.Subscribe("slack", r.URL, "shh"))
	one := w.Post("/slack/files.getUploadURLExternal", "filename=report.txt&length=7").Is(200, "ok", "true")
	id, address := one.Get("file_id"), path(t, one.Get("upload_url"))
	w.Post("/slack/files.completeUploadExternal", "files="+url.QueryEscape(`[{"id":"`+id+`"}]`)).Is(200, "error", "file_not_found")
	w.Call("POST "+address, "content", "Authorization", "", "Content-Type", "application/octet-stream").Is(200)
	done := w.Post("/slack/files.completeUploadExternal", "channel_id=C0SALES0001&initial_comment=Here&files="+url.QueryEscape(`[{"id":"`+id+`","title":"Report"}]`)).
		Is(200, "ok", "true", "files.0.id", id, "files.0.title", "Report", "files.0.size", "7", "files.0.mimetype", "text/plain", "files.0.channels.0", "C0SALES0001")
	w.Call("GET "+path(t, done.Get("files.0.url_private")), "").Is(200)
	w.Call("GET "+path(t, done.Get("files.0.url_private")), "", "Authorization", "").Is(404)
	w.Post("/slack/files.list", "channel=C0SALES0001").Is(200, "files.#.name", `["report.txt"]`, "paging.pages", "1")
	w.Post("/slack/conversations.history", "channel=C0SALES0001").Is(200, "messages.0.text", "Here", "messages.0.files.0.id", id)
	must(t, w.Idle(t.Context()))
	var events []string
	for _, h := range r.Webhooks() {
		events = append(events, sandboxtest.Value(h.Body, "event.type")+sandboxtest.Value(h.Body, "event.subtype"))
	}
	if got := strings.Join(events, " "); got != "file_created messagefile_share file_shared" {
		t.Errorf("got a webhook of %s", got)
	}
	w.Post("/slack/files.completeUploadExternal", "files="+url.QueryEscape(`[{"id":"`+id+`"}]`)).Is(200, "error", "file_not_found")
	w.Post("/slack/files.delete", "file="+id).Is(200, "ok", "true")
	w.Post("/slack/files.info", "file="+id).Is(200, "error", "file_not_found")
}

// path is the part of an address after the host.
func path(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	return u.Path
}

func TestSandboxReactions(t *testing.T) {
	w := start(t, sandbox.Config{})
	ts := w.Call("POST /slack/chat.postMessage", `{"channel":"C0SALES0001","text":"Hello"}`).Get("ts")
	item := "channel=C0SALES0001&timestamp=" + ts
	w.Post("/slack/reactions.add", item+"&name=eyes").Is(200, "ok", "true")
	w.Post("/slack/reactions.add", item+"&name=eyes").Is(200, "error", "already_reacted")
	w.Post("/slack/reactions.get", item).Is(200, "message.reactions.0.name", "eyes", "message.reactions.0.count", "1")
	w.Post("/slack/reactions.remove", item+"&name=eyes").Is(200, "ok", "true")
	w.Post("/slack/reactions.remove", item+"&name=eyes").Is(200, "error", "no_reaction")
}

func TestSandboxPeopleAndEmoji(t *testing.T) {
	w := start(t, sandbox.Config{})
	w.Post("/slack/auth.test", "").Is(200, "team_id", "T0SANDBOX01", "user_id", "U0SANDBOT01")
	w.Post("/slack/team.info", "").Is(200, "team.name", "Sandbox")
	w.Post("/slack/admin.emoji.add", "name=ship&url=https://example.com/ship.png").Is(200, "ok", "true")
	w.Post("/slack/admin.emoji.list", "").Is(200, "emoji.ship.url", "https://example.com/ship.png")
	w.Post("/slack/users.info", "user=U0SANDADA01").Is(200, "user.real_name", "Ada Sand")
	w.Post("/slack/users.info", "user=U404").Is(200, "error", "user_not_found")
	id := w.Call("POST /slack/chat.scheduleMessage", `{"channel":"C0SALES0001","text":"later","post_at":1900000000}`).Is(200, "ok", "true").Get("scheduled_message_id")
	w.Post("/slack/chat.scheduledMessages.list", "").Is(200, "scheduled_messages.#.text", `["later"]`)
	w.Call("POST /slack/chat.deleteScheduledMessage", `{"channel":"C0SALES0001","scheduled_message_id":"`+id+`"}`).Is(200, "ok", "true")
	w.Call("POST /slack/chat.deleteScheduledMessage", `{"channel":"C0SALES0001","scheduled_message_id":"`+id+`"}`).Is(200, "error", "invalid_scheduled_message_id")
}

func TestSandboxViews(t *testing.T) {
	w, r := start(t, sandbox.Config{}), sandboxtest.Receive(t)
	must(t, w.Subscribe("slack", r.URL, "shh"))
	open := `{"type":"modal","callback_id":"order","blocks":[{"type":"input","element":{"type":"plain_text_input"}}]}`
	w.Post("/slack/views.open", "trigger_id=nobody&view="+url.QueryEscape(open)).Is(200, "error", "invalid_trigger_id")
	must(t, w.Emit(t.Context(), "slack.shortcut.used", map[string]any{"callback_id": "new"}, sandbox.EmitOptions{ID: "gesture-1"}))
	view := w.Post("/slack/views.open", "trigger_id=gesture-1&view="+url.QueryEscape(open)).Is(200, "ok", "true", "view.callback_id", "order")
	if view.Get("view.blocks.0.block_id") == "" || view.Get("view.blocks.0.element.action_id") == "" {
		t.Errorf("no ids in %s", view.Body)
	}
	pushed := w.Post("/slack/views.push", "trigger_id=gesture-1&view="+url.QueryEscape(`{"type":"modal"}`))
	pushed.Is(200, "view.root_view_id", view.Get("view.id"), "view.previous_view_id", view.Get("view.id"))
	w.Post("/slack/views.update", "view_id="+view.Get("view.id")+"&hash=old&view="+url.QueryEscape(open)).Is(200, "error", "hash_conflict")
	w.Post("/slack/views.update", "view_id="+view.Get("view.id")+"&view="+url.QueryEscape(`{"type":"modal","callback_id":"done"}`)).Is(200, "view.callback_id", "done")
	w.Clock.Advance(4 * time.Second)
	w.Post("/slack/views.open", "trigger_id=gesture-1&view="+url.QueryEscape(open)).Is(200, "error", "expired_trigger_id")
	home := w.Post("/slack/views.publish", "user_id=U0SANDADA01&view="+url.QueryEscape(`{"type":"home"}`)).Is(200, "view.type", "home")
	w.Post("/slack/views.publish", "user_id=U0SANDADA01&view="+url.QueryEscape(`{"type":"home"}`)).Is(200, "view.id", home.Get("view.id"))
}
