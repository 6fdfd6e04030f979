package sandbox_test

import (
	"testing"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

func TestSlackMessages(t *testing.T) {
	w := start(t, sandbox.Config{})
	post := w.call("POST /slack/chat.postMessage", `{"channel":"#general","text":"Hello"}`).
		is(200, "ok", "true", "channel", "C0GENERAL01", "message.text", "Hello", "message.type", "message")
	ts := post.get("ts")
	w.call("POST /slack/chat.postMessage", `{"channel":"C0GENERAL01","text":"Reply","thread_ts":"`+ts+`"}`).is(200, "ok", "true")
	w.call("POST /slack/chat.postMessage", `{"channel":"general","text":"Second"}`).is(200, "ok", "true")
	w.post("/slack/conversations.history", "channel=C0GENERAL01").is(200, "ok", "true", "messages.#.text", `["Second","Hello"]`, "messages.1.reply_count", "1")
	w.post("/slack/conversations.replies", "channel=C0GENERAL01&ts="+ts).is(200, "messages.#.text", `["Hello","Reply"]`)
	w.call("POST /slack/chat.update", `{"channel":"C0GENERAL01","ts":"`+ts+`","text":"Hi"}`).is(200, "text", "Hi")
	w.call("POST /slack/chat.delete", `{"channel":"C0GENERAL01","ts":"`+ts+`"}`).is(200, "ok", "true")
	w.call("POST /slack/chat.delete", `{"channel":"C0GENERAL01","ts":"`+ts+`"}`).is(200, "ok", "false", "error", "message_not_found")
}

func TestSlackRefusesInOneWord(t *testing.T) {
	w := start(t, sandbox.Config{})
	for _, test := range []struct{ line, body, word string }{
		{"POST /slack/chat.postMessage", `{"channel":"C404","text":"x"}`, "channel_not_found"},
		{"POST /slack/chat.postMessage", `{"channel":"C0GENERAL01"}`, "no_text"},
		{"POST /slack/chat.postMessage", `{"text":"x"}`, "invalid_arguments"},
		{"POST /slack/chat.unknown", `{}`, "unknown_method"},
		{"POST /slack/conversations.create", `{"name":"general"}`, "name_taken"},
		{"POST /slack/conversations.archive", `{"channel":"C0GENERAL01"}`, "cant_archive_general"},
	} {
		w.call(test.line, test.body).is(200, "ok", "false", "error", test.word)
	}
	w.call("POST /slack/users.list", "", "Authorization", "").is(200, "ok", "false", "error", "not_authed")
	w.call("POST /slack/users.list", "", "Authorization", "Bearer nope").is(200, "ok", "false", "error", "invalid_auth")
}

func TestSlackChannelsAndPeople(t *testing.T) {
	w := start(t, sandbox.Config{})
	id := w.call("POST /slack/conversations.create", `{"name":"deals"}`).is(200, "channel.name", "deals").get("channel.id")
	w.call("POST /slack/conversations.invite", `{"channel":"`+id+`","users":"U0SANDADA01"}`).is(200, "channel.num_members", "2")
	w.post("/slack/conversations.members", "channel="+id+"&limit=1").is(200, "members.#", "1", "response_metadata.next_cursor", "member-1")
	w.call("POST /slack/conversations.archive", `{"channel":"`+id+`"}`).is(200, "ok", "true")
	w.call("POST /slack/chat.postMessage", `{"channel":"`+id+`","text":"x"}`).is(200, "error", "is_archived")
	w.post("/slack/conversations.list", "exclude_archived=true").is(200, "channels.#", "3")
	w.post("/slack/users.lookupByEmail", "email=ADA@sandbox.example").is(200, "user.id", "U0SANDADA01")
	w.post("/slack/users.list", "limit=2").is(200, "members.#", "2")
	direct := w.call("POST /slack/conversations.open", `{"users":"U0SANDADA01"}`).is(200, "channel.is_im", "true").get("channel.id")
	w.call("POST /slack/chat.postMessage", `{"channel":"U0SANDADA01","text":"psst"}`).is(200, "channel", direct)
}
