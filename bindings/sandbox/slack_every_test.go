package sandbox

import (
	"encoding/json"
)

// slackGiven are arguments that fit what seedSlack puts there.
var slackGiven = map[string]any{
	"channel": "C0SALES0001", "channel_id": "C0SALES0001", "user": "U0SANDBEN01", "user_id": "U0SANDBEN01", "users": "U0SANDBEN01",
	"ts": "1.000000", "message_ts": "1.000000", "timestamp": "1.000000", "thread_ts": "1.000000", "email": "ada@sandbox.example",
	"post_at": json.Number("1900000000"), "scheduled_message_id": "Q01", "text": "hello", "name": "new-channel", "query": "000000",
	"file": "X01", "view_id": "X01",
	"trigger_id": "gesture", "files": []any{Object{"id": "upload"}}, "channels": "C0SALES0001",
}

// slackMore are arguments of methods that need one of several.
var slackMore = map[string]Object{
	"/chat.postMessage":     {"text": "hello"},
	"/chat.postEphemeral":   {"text": "hello"},
	"/chat.update":          {"text": "hello"},
	"/chat.scheduleMessage": {"text": "hello"},
	"/conversations.open":   {"users": "U0SANDBEN01"},
	"/reactions.get":        {"channel": "C0SALES0001", "timestamp": "1.000000"},
	"/reactions.remove":     {"channel": "C0SALES0001", "timestamp": "1.000000"},
	"/views.update":         {"view_id": "X01"},
}

// seedSlack puts there what the arguments name, in the state that the method
// wants to find.
func (m maker) seedSlack(a *App) {
	a.make(a.model.resource("messages"), "1.000000", Object{"text": "hi 000000"}, map[string]string{"channel": "C0SALES0001"}, nil)
	a.make(a.model.resource("scheduled_messages"), "Q01", Object{}, nil, nil)
	for _, name := range []string{"files", "views"} {
		a.make(a.model.resource(name), "X01", Object{}, nil, nil)
	}
	a.store.put("triggers", &Record{ID: "gesture", Fields: Object{}, At: a.sandbox.now().UnixMilli()})
	a.store.put("uploads", &Record{ID: "upload", Fields: Object{"name": "a.txt"}, Content: []byte("content")})
	channel := a.store.get("channels", "C0SALES0001")
	switch m.op.Path {
	case "/conversations.unarchive":
		channel.Fields["is_archived"] = true
	case "/conversations.kick":
		channel.Fields["members"] = []any{"U0SANDBEN01"}
	case "/reactions.remove":
		a.store.get("messages", "1.000000").Fields["reactions"] = []any{Object{"name": "new-channel"}}
	}
}
