package slack

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

// The functions of the methods of messages; sandbox.go assigns them.

// postMessage posts a message.
func postMessage(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	channel, failed := findChannel(r)
	switch {
	case failed != nil:
		return sandbox.Result{}, failed
	case channel.Fields["is_archived"] == true:
		return sandbox.Result{}, refuse("is_archived")
	case sandbox.Empty(r.Fields["text"]) && sandbox.Empty(r.Fields["blocks"]) && sandbox.Empty(r.Fields["attachments"]) && sandbox.Empty(r.Fields["markdown_text"]):
		return sandbox.Result{}, refuse("no_text")
	}
	fields := sandbox.Object{"type": "message", "user": botID, "bot_id": "B0SANDBOT01", "team": teamID}
	for _, name := range []string{"text", "blocks", "attachments", "thread_ts", "metadata", "username"} {
		if v := r.Fields[name]; !sandbox.Empty(v) {
			fields[name] = sandbox.Clone(v)
		}
	}
	if fields["blocks"] != nil {
		fields["blocks"] = addBlockIDs(r, fields["blocks"])
	}
	if fields["text"] == nil {
		fields["text"] = sandbox.Text(r.Fields["markdown_text"])
	}
	if parentTS := sandbox.Text(fields["thread_ts"]); parentTS != "" {
		parent := r.Get("messages", parentTS)
		if parent == nil {
			return sandbox.Result{}, refuse("thread_not_found")
		}
		parent.Fields["thread_ts"] = parentTS
		replies, _ := strconv.Atoi(sandbox.Text(parent.Fields["reply_count"]))
		parent.Fields["reply_count"] = sandbox.Count(replies + 1)
	}
	made := r.Make(r.Resource, "", fields, map[string]string{"channel": channel.ID})
	event, _ := sandbox.Clone(made.Fields).(sandbox.Object)
	event["channel"], event["channel_type"], event["event_ts"] = channel.ID, "channel", made.ID
	return sandbox.Result{
		Fields:  sandbox.Object{"channel": channel.ID, "ts": made.ID, "message": made.Fields},
		Changes: []sandbox.Change{{Resource: r.Resource, Verb: "created", Record: made, Fields: event}},
	}, nil
}

// postMeMessage posts a message about its author.
func postMeMessage(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	out, failed := postMessage(r)
	if failed == nil {
		message := out.Changes[0].Record.Fields
		message["subtype"] = "me_message"
		out.Changes[0].Fields["subtype"] = "me_message"
		out.Fields = sandbox.Object{"channel": out.Fields["channel"], "ts": out.Fields["ts"]}
	}
	return out, failed
}

func postEphemeral(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	if _, failed := findChannel(r); failed != nil {
		return sandbox.Result{}, failed
	}
	if r.Get("users", sandbox.Text(r.Fields["user"])) == nil {
		return sandbox.Result{}, refuse("user_not_found")
	}
	return sandbox.Result{Fields: sandbox.Object{"message_ts": timestamp(r.UniqueTime())}}, nil
}

// findMessage finds the message that a request names by channel and time.
func findMessage(r *sandbox.Call, name string) (*sandbox.Record, *sandbox.Record, *sandbox.Failure) {
	channel, failed := findChannel(r)
	if failed != nil {
		return nil, nil, failed
	}
	found := r.Get("messages", sandbox.Text(r.Fields[name]))
	if found == nil || found.Links["channel"] != channel.ID {
		return nil, nil, refuse("message_not_found")
	}
	return channel, found, nil
}

func updateMessage(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	channel, found, failed := findMessage(r, "ts")
	if failed != nil {
		return sandbox.Result{}, failed
	}
	previous := sandbox.Clone(found.Fields)
	fields := sandbox.Object{"edited": sandbox.Object{"user": botID, "ts": timestamp(r.Now.UnixMilli())}}
	for _, name := range []string{"text", "blocks", "attachments", "metadata"} {
		if v := r.Fields[name]; v != nil {
			fields[name] = v
		}
	}
	if fields["blocks"] != nil {
		fields["blocks"] = addBlockIDs(r, fields["blocks"])
	}
	r.Update(r.Resource, found, fields)
	event := sandbox.Object{"channel": channel.ID, "message": sandbox.Clone(found.Fields), "previous_message": previous,
		"ts": timestamp(r.Now.UnixMilli()), "subtype": "message_changed", "type": "message"}
	return sandbox.Result{
		Fields:  sandbox.Object{"channel": channel.ID, "ts": found.ID, "text": sandbox.Text(found.Fields["text"]), "message": found.Fields},
		Changes: []sandbox.Change{{Resource: r.Resource, Verb: "updated", Record: found, Fields: event}},
	}, nil
}

func deleteMessage(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	channel, found, failed := findMessage(r, "ts")
	if failed != nil {
		return sandbox.Result{}, failed
	}
	r.Remove("messages", found)
	event := sandbox.Object{"channel": channel.ID, "deleted_ts": found.ID, "previous_message": sandbox.Clone(found.Fields),
		"ts": timestamp(r.Now.UnixMilli()), "subtype": "message_deleted", "type": "message"}
	return sandbox.Result{
		Fields:  sandbox.Object{"channel": channel.ID, "ts": found.ID},
		Changes: []sandbox.Change{{Resource: r.Resource, Verb: "deleted", Record: found, Fields: event}},
	}, nil
}

func permalink(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	channel, found, failed := findMessage(r, "message_ts")
	if failed != nil {
		return sandbox.Result{}, failed
	}
	return sandbox.Result{Fields: sandbox.Object{"channel": channel.ID,
		"permalink": "https://sandbox.slack.com/archives/" + channel.ID + "/p" + strings.ReplaceAll(found.ID, ".", "")}}, nil
}

func scheduleMessage(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	channel, failed := findChannel(r)
	if failed != nil {
		return sandbox.Result{}, failed
	}
	if at, err := strconv.ParseInt(sandbox.Text(r.Fields["post_at"]), 10, 64); err != nil || at <= r.Now.Unix() {
		return sandbox.Result{}, refuse("time_in_past")
	}
	made := r.Make(r.Resource, "", sandbox.Object{"channel_id": channel.ID, "post_at": r.Fields["post_at"],
		"date_created": sandbox.Number(r.Now.Unix()), "text": sandbox.Text(r.Fields["text"])}, map[string]string{"channel": channel.ID})
	return sandbox.Result{Fields: sandbox.Object{"channel": channel.ID, "scheduled_message_id": made.ID, "post_at": made.Fields["post_at"],
		"message": sandbox.Object{"type": "delayed_message", "user": botID, "text": made.Fields["text"]}}}, nil
}

// listMessages lists a channel's messages outside threads, the newest first.
func listMessages(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	channel, failed := findChannel(r)
	if failed != nil {
		return sandbox.Result{}, failed
	}
	all := slices.DeleteFunc(r.All("messages", map[string]string{"channel": channel.ID}), func(m *sandbox.Record) bool {
		parentTS := sandbox.Text(m.Fields["thread_ts"])
		return parentTS != "" && parentTS != m.ID || m.Fields["is_ephemeral"] == true || !inRange(r, m.ID)
	})
	slices.Reverse(all)
	return sandbox.Result{Listed: true, Page: r.PageOf(withoutMetadata(r, all))}, nil
}

// withoutMetadata returns the messages as a list has them, which has no metadata
// unless the request asks for it.
func withoutMetadata(r *sandbox.Call, all []*sandbox.Record) []*sandbox.Record {
	if r.Fields["include_all_metadata"] == true {
		return all
	}
	listed := slices.Clone(all)
	for i, m := range listed {
		if m.Fields["metadata"] != nil {
			copied := *m
			copied.Fields = maps.Clone(m.Fields)
			delete(copied.Fields, "metadata")
			listed[i] = &copied
		}
	}
	return listed
}

// listReplies lists a thread from its first message on.
func listReplies(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	_, parent, failed := findMessage(r, "ts")
	if failed != nil {
		return sandbox.Result{}, refuse("thread_not_found")
	}
	all := slices.DeleteFunc(r.All("messages", parent.Links), func(m *sandbox.Record) bool {
		return m != parent && sandbox.Text(m.Fields["thread_ts"]) != parent.ID || m != parent && !inRange(r, m.ID)
	})
	return sandbox.Result{Listed: true, Page: r.PageOf(withoutMetadata(r, all))}, nil
}

// inRange reports whether a message is between oldest and latest.
func inRange(r *sandbox.Call, ts string) bool {
	at, _ := strconv.ParseFloat(ts, 64)
	inclusive := r.Fields["inclusive"] == true
	if oldest, err := strconv.ParseFloat(sandbox.Text(r.Fields["oldest"]), 64); err == nil && (at < oldest || at == oldest && !inclusive) {
		return false
	}
	if latest, err := strconv.ParseFloat(sandbox.Text(r.Fields["latest"]), 64); err == nil && latest > 0 && (at > latest || at == latest && !inclusive) {
		return false
	}
	return true
}

// react adds a reaction to a message, or removes it.
func react(add bool) func(*sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	return func(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
		channel, message, failed := findMessage(r, "timestamp")
		if failed != nil {
			return sandbox.Result{}, failed
		}
		name := sandbox.Text(r.Fields["name"])
		all, _ := sandbox.Clone(message.Fields["reactions"]).([]any)
		at := slices.IndexFunc(all, func(v any) bool { return sandbox.Lookup(v, "name") == name })
		switch {
		case add && at >= 0:
			return sandbox.Result{}, refuse("already_reacted")
		case !add && at < 0:
			return sandbox.Result{}, refuse("no_reaction")
		case add:
			all = append(all, sandbox.Object{"name": name, "users": []any{botID}, "count": sandbox.Count(1)})
		default:
			all = slices.Delete(all, at, at+1)
		}
		message.Fields["reactions"] = all
		return sandbox.Result{Changes: []sandbox.Change{{Resource: r.Resource, Verb: "changed", Record: message, Fields: sandbox.Object{
			"user": botID, "reaction": name, "item_user": message.Fields["user"], "event_ts": timestamp(r.Now.UnixMilli()),
			"item": sandbox.Object{"type": "message", "channel": channel.ID, "ts": message.ID},
		}}}}, nil
	}
}

func getReactions(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	channel, message, failed := findMessage(r, "timestamp")
	if failed != nil {
		return sandbox.Result{}, failed
	}
	return sandbox.Result{Fields: sandbox.Object{"type": "message", "channel": channel.ID, "message": message.Fields}}, nil
}
