package slack

import (
	"encoding/json"
	"strconv"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

// sample has the arguments that methods need and their types do not require.
func sample() sandbox.Sample {
	text, item := sandbox.Object{"text": "hello"}, sandbox.Object{"channel": "C0SALES0001", "timestamp": "1.000000"}
	return sandbox.Sample{
		Args: sandbox.Object{
			"channel": "C0SALES0001", "channel_id": "C0SALES0001", "channels": "C0SALES0001", "user": "U0SANDBEN01", "user_id": "U0SANDBEN01", "users": "U0SANDBEN01",
			"ts": "1.000000", "message_ts": "1.000000", "timestamp": "1.000000", "thread_ts": "1.000000", "email": "ada@sandbox.example",
			"post_at": json.Number("1900000000"), "scheduled_message_id": "Q01", "text": "hello", "name": "new-channel",
			"file": "X01", "view_id": "X01", "trigger_id": "gesture", "files": []any{sandbox.Object{"id": "upload"}},
		},
		Body: map[string]sandbox.Object{
			"POST /chat.postMessage": text, "POST /chat.postEphemeral": text, "POST /chat.update": text, "POST /chat.scheduleMessage": text,
			"POST /conversations.open": {"users": "U0SANDBEN01"}, "POST /views.update": {"view_id": "X01"},
			"POST /oauth.v2.access": {
				"client_id": sandbox.ClientID, "client_secret": sandbox.ClientSecret, "grant_type": "refresh_token", "refresh_token": sandbox.RefreshToken,
			},
			"POST /reactions.get": item, "POST /reactions.remove": item,
		},
		Prepare: prepare,
		Fill:    fill,
	}
}

func prepare(a *sandbox.App, op *bindings.Operation) {
	message := a.Make("messages", "1.000000", sandbox.Object{"text": "hi"}, map[string]string{"channel": "C0SALES0001"})
	a.Make("scheduled_messages", "Q01", sandbox.Object{}, nil)
	a.Make("files", "X01", sandbox.Object{}, nil)
	a.Make("views", "X01", sandbox.Object{}, nil)
	a.Save("triggers", &sandbox.Record{ID: "gesture", Fields: sandbox.Object{}, At: a.Time().UnixMilli()})
	a.Save("uploads", &sandbox.Record{ID: "upload", Fields: sandbox.Object{"name": "a.txt"}, Content: []byte("content")})
	switch channel := a.Get("channels", "C0SALES0001"); op.Path {
	case "/conversations.unarchive":
		channel.Fields["is_archived"] = true
	case "/conversations.kick":
		channel.Fields["members"] = []any{"U0SANDBEN01"}
	case "/reactions.remove":
		message.Fields["reactions"] = []any{sandbox.Object{"name": "new-channel"}}
	}
}

// fill creates members, and messages in addition to the one that prepare created.
func fill(a *sandbox.App, op *bindings.Operation, n int) bool {
	switch op.Path {
	case "/conversations.members":
		members := make([]any, n)
		for i := range members {
			members[i] = strconv.Itoa(i)
		}
		a.Get("channels", "C0SALES0001").Fields["members"] = members
	case "/conversations.history", "/conversations.replies":
		for i := 1; i < n; i++ {
			fields := sandbox.Object{"text": strconv.Itoa(i)}
			if op.Path == "/conversations.replies" {
				fields["thread_ts"] = "1.000000"
			}
			a.Make("messages", strconv.Itoa(i+1)+".000000", fields, map[string]string{"channel": "C0SALES0001"})
		}
	default:
		return false
	}
	return true
}
