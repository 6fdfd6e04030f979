package poll_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/teams"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
)

// The token of a channel is the whole address that the vendor returned for later
// changes, that of a chat is a time. Both lists exist for each item of others.
func TestTeamsMessages(t *testing.T) {
	var apps *sandbox.Sandbox
	w := newFixture(t, `on("teams.*.*", { lane = false }, function(event) end)`, func(w *fixture) {
		unlimited := *teams.App() // pages follow each other at once
		unlimited.Limits = nil
		w.app = &unlimited
		var err error
		apps, err = sandbox.New(sandbox.Config{Apps: []*bindings.App{w.app}, Rules: all.Rules(), Seed: 1, Now: w.clock.Now})
		w.must(err)
		w.must(apps.Start(w.Context(), "127.0.0.1:0"))
		t.Cleanup(func() { _ = apps.Close() })
		w.setting = connection.Settings{Name: "teams", BaseURL: apps.URL("teams"), Poll: time.Minute, Credentials: map[string]string{"token": sandbox.Token}}
	})
	do := func(method, path, body string) gjson.Result {
		t.Helper()
		w.clock.Advance(time.Minute)
		r, err := http.NewRequestWithContext(t.Context(), method, apps.URL("teams")+path, strings.NewReader(body))
		w.must(err)
		r.Header.Set("Authorization", "Bearer "+sandbox.Token)
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		w.must(err)
		defer answer.Body.Close()
		content, err := io.ReadAll(answer.Body)
		w.must(err)
		if answer.StatusCode > 299 {
			t.Fatalf("%s %s: %s", method, path, content)
		}
		return gjson.ParseBytes(content)
	}
	scan := func(poll string) (events []string) {
		t.Helper()
		before := len(w.events())
		w.clock.Advance(time.Minute)
		if _, err := w.poller.Scan(t.Context(), "teams", poll, journal.Poll); err != nil {
			t.Fatalf("scan of %s: %v", poll, err)
		}
		for _, e := range w.events()[before:] {
			events = append(events, fmt.Sprint(bindings.TriggerName(e.Type).Local(), " ", gjson.GetBytes(e.Data, "body.content"), " ",
				gjson.GetBytes(e.Data, "teamId").Exists(), gjson.GetBytes(e.Data, "channelId").Exists(), gjson.GetBytes(e.Data, "chatId").Exists(),
				e.Record == gjson.GetBytes(e.Data, "id").String()))
		}
		return events
	}
	expect := func(poll string, want ...string) {
		t.Helper()
		if got := scan(poll); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: found\n%q, expected\n%q", poll, got, want)
		}
	}
	channel := do("GET", "/me/joinedTeams", "").Get("value.0.id").String()
	channel = "/teams/" + channel + "/channels/" + do("GET", "/teams/"+channel+"/channels", "").Get("value.1.id").String()
	chat := "/chats/" + do("GET", "/chats", "").Get("value.0.id").String()

	for range 60 { // more than a page
		do("POST", channel+"/messages", `{"body":{"content":"old"}}`)
	}
	old := do("POST", chat+"/messages", `{"body":{"content":"old"}}`).Get("id").String()
	for _, poll := range []string{"messages", "message_changes", "chat_messages", "chat_message_changes", "chats"} {
		expect(poll)
	}
	made := do("POST", channel+"/messages", `{"body":{"content":"new"}}`).Get("id").String()
	expect("messages", "message.created new true true false true")
	expect("messages")
	expect("message_changes")
	do("PATCH", channel+"/messages/"+made, `{"body":{"content":"changed"}}`)
	expect("messages")
	expect("message_changes", "message.updated changed true true false true")

	do("POST", chat+"/messages", `{"body":{"content":"new"}}`)
	do("PATCH", chat+"/messages/"+old, `{"body":{"content":"changed"}}`)
	expect("chat_messages", "chat_message.created new false false true true")
	expect("chat_message_changes", "chat_message.updated changed false false true true")
	do("POST", "/chats", `{"chatType":"group","topic":"New","members":[]}`)
	expect("chats", "chat.created  false false false true")
}
