package sandbox

import (
	"slices"
	"strconv"
	"strings"
)

// What the methods of messages do; slack.go says which method does what.

// slackPost posts a message.
func slackPost(r *request) (result, *failure) {
	channel, failed := r.channel()
	switch {
	case failed != nil:
		return result{}, failed
	case channel.fields["is_archived"] == true:
		return result{}, slackError("is_archived")
	case empty(r.fields["text"]) && empty(r.fields["blocks"]) && empty(r.fields["attachments"]) && empty(r.fields["markdown_text"]):
		return result{}, slackError("no_text")
	}
	fields := object{"type": "message", "user": slackBot, "bot_id": "B0SANDBOT01", "team": slackTeam}
	for _, name := range []string{"text", "blocks", "attachments", "thread_ts", "metadata", "username"} {
		if v := r.fields[name]; !empty(v) {
			fields[name] = clone(v)
		}
	}
	if fields["blocks"] != nil {
		fields["blocks"] = r.named(fields["blocks"])
	}
	if fields["text"] == nil {
		fields["text"] = text(r.fields["markdown_text"])
	}
	if thread := text(fields["thread_ts"]); thread != "" {
		parent := r.app.store.get("messages", thread)
		if parent == nil {
			return result{}, slackError("thread_not_found")
		}
		parent.fields["thread_ts"] = thread
		replies, _ := strconv.Atoi(text(parent.fields["reply_count"]))
		parent.fields["reply_count"] = count(replies + 1)
	}
	made := r.app.make(r.plan.resource, "", fields, map[string]string{"channel": channel.id}, nil)
	event, _ := clone(made.fields).(object)
	event["channel"], event["channel_type"], event["event_ts"] = channel.id, "channel", made.id
	return result{
		fields:  object{"channel": channel.id, "ts": made.id, "message": made.fields},
		changes: []changed{{resource: r.plan.resource, verb: "created", record: made, fields: event}},
	}, nil
}

func slackEphemeral(r *request) (result, *failure) {
	if _, failed := r.channel(); failed != nil {
		return result{}, failed
	}
	if r.app.store.get("users", text(r.fields["user"])) == nil {
		return result{}, slackError("user_not_found")
	}
	return result{fields: object{"message_ts": slackTime(r.app.store.moment(r.now))}}, nil
}

// message finds the message that a request names by channel and time.
func (r *request) message(name string) (*record, *record, *failure) {
	channel, failed := r.channel()
	if failed != nil {
		return nil, nil, failed
	}
	found := r.app.store.get("messages", text(r.fields[name]))
	if found == nil || found.links["channel"] != channel.id {
		return nil, nil, slackError("message_not_found")
	}
	return channel, found, nil
}

func slackUpdate(r *request) (result, *failure) {
	channel, found, failed := r.message("ts")
	if failed != nil {
		return result{}, failed
	}
	previous := clone(found.fields)
	fields := object{"edited": object{"user": slackBot, "ts": slackTime(r.now.UnixMilli())}}
	for _, name := range []string{"text", "blocks", "attachments", "metadata"} {
		if v := r.fields[name]; v != nil {
			fields[name] = v
		}
	}
	if fields["blocks"] != nil {
		fields["blocks"] = r.named(fields["blocks"])
	}
	r.app.alter(r.plan.resource, found, fields)
	event := object{"channel": channel.id, "message": clone(found.fields), "previous_message": previous,
		"ts": slackTime(r.now.UnixMilli()), "subtype": "message_changed", "type": "message"}
	return result{
		fields:  object{"channel": channel.id, "ts": found.id, "text": text(found.fields["text"]), "message": found.fields},
		changes: []changed{{resource: r.plan.resource, verb: "updated", record: found, fields: event}},
	}, nil
}

func slackDelete(r *request) (result, *failure) {
	channel, found, failed := r.message("ts")
	if failed != nil {
		return result{}, failed
	}
	r.app.store.remove("messages", found)
	event := object{"channel": channel.id, "deleted_ts": found.id, "previous_message": clone(found.fields),
		"ts": slackTime(r.now.UnixMilli()), "subtype": "message_deleted", "type": "message"}
	return result{
		fields:  object{"channel": channel.id, "ts": found.id},
		changes: []changed{{resource: r.plan.resource, verb: "deleted", record: found, fields: event}},
	}, nil
}

func slackPermalink(r *request) (result, *failure) {
	channel, found, failed := r.message("message_ts")
	if failed != nil {
		return result{}, failed
	}
	return result{fields: object{"channel": channel.id,
		"permalink": "https://sandbox.slack.com/archives/" + channel.id + "/p" + strings.ReplaceAll(found.id, ".", "")}}, nil
}

func slackSchedule(r *request) (result, *failure) {
	channel, failed := r.channel()
	if failed != nil {
		return result{}, failed
	}
	if at, err := strconv.ParseInt(text(r.fields["post_at"]), 10, 64); err != nil || at <= r.now.Unix() {
		return result{}, slackError("time_in_past")
	}
	made := r.app.make(r.plan.resource, "", object{"channel_id": channel.id, "post_at": r.fields["post_at"],
		"date_created": number(r.now.Unix()), "text": text(r.fields["text"])}, map[string]string{"channel": channel.id}, nil)
	return result{fields: object{"channel": channel.id, "scheduled_message_id": made.id, "post_at": made.fields["post_at"],
		"message": object{"type": "delayed_message", "user": slackBot, "text": made.fields["text"]}}}, nil
}

// slackHistory lists a channel's messages outside threads, the newest first.
func slackHistory(r *request) (result, *failure) {
	channel, failed := r.channel()
	if failed != nil {
		return result{}, failed
	}
	all := slices.DeleteFunc(r.app.store.all("messages", map[string]string{"channel": channel.id}), func(m *record) bool {
		thread := text(m.fields["thread_ts"])
		return thread != "" && thread != m.id || m.fields["is_ephemeral"] == true || !r.within(m.id)
	})
	slices.Reverse(all)
	return result{listed: true, page: r.cut(all)}, nil
}

// slackReplies lists a thread from its first message on.
func slackReplies(r *request) (result, *failure) {
	_, parent, failed := r.message("ts")
	if failed != nil {
		return result{}, slackError("thread_not_found")
	}
	all := slices.DeleteFunc(r.app.store.all("messages", parent.links), func(m *record) bool {
		return m != parent && text(m.fields["thread_ts"]) != parent.id || m != parent && !r.within(m.id)
	})
	return result{listed: true, page: r.cut(all)}, nil
}

// within reports whether a message lies between oldest and latest.
func (r *request) within(ts string) bool {
	at, _ := strconv.ParseFloat(ts, 64)
	inclusive := r.fields["inclusive"] == true
	if oldest, err := strconv.ParseFloat(text(r.fields["oldest"]), 64); err == nil && (at < oldest || at == oldest && !inclusive) {
		return false
	}
	if latest, err := strconv.ParseFloat(text(r.fields["latest"]), 64); err == nil && latest > 0 && (at > latest || at == latest && !inclusive) {
		return false
	}
	return true
}

// slackReact adds a person's reaction to a message, or takes it away.
func slackReact(add bool) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		channel, message, failed := r.message("timestamp")
		if failed != nil {
			return result{}, failed
		}
		name := text(r.fields["name"])
		all, _ := clone(message.fields["reactions"]).([]any)
		at := slices.IndexFunc(all, func(v any) bool { return lookup(v, "name") == name })
		switch {
		case add && at >= 0:
			return result{}, slackError("already_reacted")
		case !add && at < 0:
			return result{}, slackError("no_reaction")
		case add:
			all = append(all, object{"name": name, "users": []any{slackBot}, "count": count(1)})
		default:
			all = slices.Delete(all, at, at+1)
		}
		message.fields["reactions"] = all
		return result{changes: []changed{{resource: r.plan.resource, verb: "changed", record: message, fields: object{
			"user": slackBot, "reaction": name, "item_user": message.fields["user"], "event_ts": slackTime(r.now.UnixMilli()),
			"item": object{"type": "message", "channel": channel.id, "ts": message.id},
		}}}}, nil
	}
}

func slackReactions(r *request) (result, *failure) {
	channel, message, failed := r.message("timestamp")
	if failed != nil {
		return result{}, failed
	}
	return result{fields: object{"type": "message", "channel": channel.id, "message": message.fields}}, nil
}
