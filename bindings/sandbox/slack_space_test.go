package sandbox_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

func TestSlackUpload(t *testing.T) {
	w, r := start(t, sandbox.Config{}), receive(t)
	must(t, w.Subscribe("slack", r.URL, "shh"))
	one := w.post("/slack/files.getUploadURLExternal", "filename=report.txt&length=7").is(200, "ok", "true")
	id, address := one.get("file_id"), path(t, one.get("upload_url"))
	w.post("/slack/files.completeUploadExternal", "files="+url.QueryEscape(`[{"id":"`+id+`"}]`)).is(200, "error", "file_not_found")
	w.call("POST "+address, "content", "Authorization", "", "Content-Type", "application/octet-stream").is(200)
	done := w.post("/slack/files.completeUploadExternal", "channel_id=C0SALES0001&initial_comment=Here&files="+url.QueryEscape(`[{"id":"`+id+`","title":"Report"}]`)).
		is(200, "ok", "true", "files.0.id", id, "files.0.title", "Report", "files.0.size", "7", "files.0.mimetype", "text/plain", "files.0.channels.0", "C0SALES0001")
	w.call("GET "+path(t, done.get("files.0.url_private")), "").is(200)
	w.call("GET "+path(t, done.get("files.0.url_private")), "", "Authorization", "").is(404)
	w.post("/slack/files.list", "channel=C0SALES0001").is(200, "files.#.name", `["report.txt"]`, "paging.pages", "1")
	w.post("/slack/conversations.history", "channel=C0SALES0001").is(200, "messages.0.text", "Here", "messages.0.files.0.id", id)
	must(t, w.Idle(t.Context()))
	var told []string
	for _, h := range r.hooks() {
		told = append(told, at(h.body, "event.type")+at(h.body, "event.subtype"))
	}
	if got := strings.Join(told, " "); got != "file_created messagefile_share file_shared" {
		t.Errorf("told of %s", got)
	}
	w.post("/slack/files.completeUploadExternal", "files="+url.QueryEscape(`[{"id":"`+id+`"}]`)).is(200, "error", "file_not_found")
	w.post("/slack/files.delete", "file="+id).is(200, "ok", "true")
	w.post("/slack/files.info", "file="+id).is(200, "error", "file_not_found")
}

// path is what an address has behind the host.
func path(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	return u.Path
}

func TestSlackReactions(t *testing.T) {
	w := start(t, sandbox.Config{})
	ts := w.call("POST /slack/chat.postMessage", `{"channel":"C0SALES0001","text":"Hello"}`).get("ts")
	item := "channel=C0SALES0001&timestamp=" + ts
	w.post("/slack/reactions.add", item+"&name=eyes").is(200, "ok", "true")
	w.post("/slack/reactions.add", item+"&name=eyes").is(200, "error", "already_reacted")
	w.post("/slack/reactions.get", item).is(200, "message.reactions.0.name", "eyes", "message.reactions.0.count", "1")
	w.post("/slack/reactions.remove", item+"&name=eyes").is(200, "ok", "true")
	w.post("/slack/reactions.remove", item+"&name=eyes").is(200, "error", "no_reaction")
}

func TestSlackSpaces(t *testing.T) {
	w := start(t, sandbox.Config{})
	w.post("/slack/auth.test", "").is(200, "team_id", "T0SANDBOX01", "user_id", "U0SANDBOT01")
	w.post("/slack/team.info", "").is(200, "team.name", "Sandbox")
	w.post("/slack/admin.emoji.add", "name=ship&url=https://example.com/ship.png").is(200, "ok", "true")
	w.post("/slack/admin.emoji.list", "").is(200, "emoji.ship.url", "https://example.com/ship.png")
	w.post("/slack/users.info", "user=U0SANDADA01").is(200, "user.real_name", "Ada Sand")
	w.post("/slack/users.info", "user=U404").is(200, "error", "user_not_found")
	id := w.call("POST /slack/chat.scheduleMessage", `{"channel":"C0SALES0001","text":"later","post_at":1900000000}`).is(200, "ok", "true").get("scheduled_message_id")
	w.post("/slack/chat.scheduledMessages.list", "").is(200, "scheduled_messages.#.text", `["later"]`)
	w.call("POST /slack/chat.deleteScheduledMessage", `{"channel":"C0SALES0001","scheduled_message_id":"`+id+`"}`).is(200, "ok", "true")
	w.call("POST /slack/chat.deleteScheduledMessage", `{"channel":"C0SALES0001","scheduled_message_id":"`+id+`"}`).is(200, "error", "invalid_scheduled_message_id")
}

func TestSlackViews(t *testing.T) {
	w, r := start(t, sandbox.Config{}), receive(t)
	must(t, w.Subscribe("slack", r.URL, "shh"))
	open := `{"type":"modal","callback_id":"order","blocks":[{"type":"input","element":{"type":"plain_text_input"}}]}`
	w.post("/slack/views.open", "trigger_id=nobody&view="+url.QueryEscape(open)).is(200, "error", "invalid_trigger_id")
	must(t, w.Emit(t.Context(), "slack.shortcut.used", map[string]any{"callback_id": "new"}, sandbox.EmitOptions{ID: "gesture-1"}))
	view := w.post("/slack/views.open", "trigger_id=gesture-1&view="+url.QueryEscape(open)).is(200, "ok", "true", "view.callback_id", "order")
	if view.get("view.blocks.0.block_id") == "" || view.get("view.blocks.0.element.action_id") == "" {
		t.Errorf("no ids in %s", view.body)
	}
	pushed := w.post("/slack/views.push", "trigger_id=gesture-1&view="+url.QueryEscape(`{"type":"modal"}`))
	pushed.is(200, "view.root_view_id", view.get("view.id"), "view.previous_view_id", view.get("view.id"))
	w.post("/slack/views.update", "view_id="+view.get("view.id")+"&hash=old&view="+url.QueryEscape(open)).is(200, "error", "hash_conflict")
	w.post("/slack/views.update", "view_id="+view.get("view.id")+"&view="+url.QueryEscape(`{"type":"modal","callback_id":"done"}`)).is(200, "view.callback_id", "done")
	w.clock.pass(4 * time.Second)
	w.post("/slack/views.open", "trigger_id=gesture-1&view="+url.QueryEscape(open)).is(200, "error", "expired_trigger_id")
	home := w.post("/slack/views.publish", "user_id=U0SANDADA01&view="+url.QueryEscape(`{"type":"home"}`)).is(200, "view.type", "home")
	w.post("/slack/views.publish", "user_id=U0SANDADA01&view="+url.QueryEscape(`{"type":"home"}`)).is(200, "view.id", home.get("view.id"))
}
