package sandbox

import (
	"slices"
	"strconv"
	"strings"
)

// What the methods of messages do; slack.go says which method does what.

// slackPost posts a message.
func slackPost(r *Call) (Result, *Failure) {
	channel, failed := r.channel()
	switch {
	case failed != nil:
		return Result{}, failed
	case channel.Fields["is_archived"] == true:
		return Result{}, slackError("is_archived")
	case Empty(r.Fields["text"]) && Empty(r.Fields["blocks"]) && Empty(r.Fields["attachments"]) && Empty(r.Fields["markdown_text"]):
		return Result{}, slackError("no_text")
	}
	fields := Object{"type": "message", "user": slackBot, "bot_id": "B0SANDBOT01", "team": slackTeam}
	for _, name := range []string{"text", "blocks", "attachments", "thread_ts", "metadata", "username"} {
		if v := r.Fields[name]; !Empty(v) {
			fields[name] = Clone(v)
		}
	}
	if fields["blocks"] != nil {
		fields["blocks"] = r.named(fields["blocks"])
	}
	if fields["text"] == nil {
		fields["text"] = Text(r.Fields["markdown_text"])
	}
	if thread := Text(fields["thread_ts"]); thread != "" {
		parent := r.Get("messages", thread)
		if parent == nil {
			return Result{}, slackError("thread_not_found")
		}
		parent.Fields["thread_ts"] = thread
		replies, _ := strconv.Atoi(Text(parent.Fields["reply_count"]))
		parent.Fields["reply_count"] = Count(replies + 1)
	}
	made := r.Make(r.Resource, "", fields, map[string]string{"channel": channel.ID})
	event, _ := Clone(made.Fields).(Object)
	event["channel"], event["channel_type"], event["event_ts"] = channel.ID, "channel", made.ID
	return Result{
		Fields:  Object{"channel": channel.ID, "ts": made.ID, "message": made.Fields},
		Changes: []Change{{Resource: r.Resource, Verb: "created", Record: made, Fields: event}},
	}, nil
}

func slackEphemeral(r *Call) (Result, *Failure) {
	if _, failed := r.channel(); failed != nil {
		return Result{}, failed
	}
	if r.Get("users", Text(r.Fields["user"])) == nil {
		return Result{}, slackError("user_not_found")
	}
	return Result{Fields: Object{"message_ts": slackTime(r.Moment())}}, nil
}

// message finds the message that a request names by channel and time.
func (r *Call) message(name string) (*Record, *Record, *Failure) {
	channel, failed := r.channel()
	if failed != nil {
		return nil, nil, failed
	}
	found := r.Get("messages", Text(r.Fields[name]))
	if found == nil || found.Links["channel"] != channel.ID {
		return nil, nil, slackError("message_not_found")
	}
	return channel, found, nil
}

func slackUpdate(r *Call) (Result, *Failure) {
	channel, found, failed := r.message("ts")
	if failed != nil {
		return Result{}, failed
	}
	previous := Clone(found.Fields)
	fields := Object{"edited": Object{"user": slackBot, "ts": slackTime(r.Now.UnixMilli())}}
	for _, name := range []string{"text", "blocks", "attachments", "metadata"} {
		if v := r.Fields[name]; v != nil {
			fields[name] = v
		}
	}
	if fields["blocks"] != nil {
		fields["blocks"] = r.named(fields["blocks"])
	}
	r.Alter(r.Resource, found, fields)
	event := Object{"channel": channel.ID, "message": Clone(found.Fields), "previous_message": previous,
		"ts": slackTime(r.Now.UnixMilli()), "subtype": "message_changed", "type": "message"}
	return Result{
		Fields:  Object{"channel": channel.ID, "ts": found.ID, "text": Text(found.Fields["text"]), "message": found.Fields},
		Changes: []Change{{Resource: r.Resource, Verb: "updated", Record: found, Fields: event}},
	}, nil
}

func slackDelete(r *Call) (Result, *Failure) {
	channel, found, failed := r.message("ts")
	if failed != nil {
		return Result{}, failed
	}
	r.Remove("messages", found)
	event := Object{"channel": channel.ID, "deleted_ts": found.ID, "previous_message": Clone(found.Fields),
		"ts": slackTime(r.Now.UnixMilli()), "subtype": "message_deleted", "type": "message"}
	return Result{
		Fields:  Object{"channel": channel.ID, "ts": found.ID},
		Changes: []Change{{Resource: r.Resource, Verb: "deleted", Record: found, Fields: event}},
	}, nil
}

func slackPermalink(r *Call) (Result, *Failure) {
	channel, found, failed := r.message("message_ts")
	if failed != nil {
		return Result{}, failed
	}
	return Result{Fields: Object{"channel": channel.ID,
		"permalink": "https://sandbox.slack.com/archives/" + channel.ID + "/p" + strings.ReplaceAll(found.ID, ".", "")}}, nil
}

func slackSchedule(r *Call) (Result, *Failure) {
	channel, failed := r.channel()
	if failed != nil {
		return Result{}, failed
	}
	if at, err := strconv.ParseInt(Text(r.Fields["post_at"]), 10, 64); err != nil || at <= r.Now.Unix() {
		return Result{}, slackError("time_in_past")
	}
	made := r.Make(r.Resource, "", Object{"channel_id": channel.ID, "post_at": r.Fields["post_at"],
		"date_created": Number(r.Now.Unix()), "text": Text(r.Fields["text"])}, map[string]string{"channel": channel.ID})
	return Result{Fields: Object{"channel": channel.ID, "scheduled_message_id": made.ID, "post_at": made.Fields["post_at"],
		"message": Object{"type": "delayed_message", "user": slackBot, "text": made.Fields["text"]}}}, nil
}

// slackHistory lists a channel's messages outside threads, the newest first.
func slackHistory(r *Call) (Result, *Failure) {
	channel, failed := r.channel()
	if failed != nil {
		return Result{}, failed
	}
	all := slices.DeleteFunc(r.All("messages", map[string]string{"channel": channel.ID}), func(m *Record) bool {
		thread := Text(m.Fields["thread_ts"])
		return thread != "" && thread != m.ID || m.Fields["is_ephemeral"] == true || !r.within(m.ID)
	})
	slices.Reverse(all)
	return Result{Listed: true, Page: r.PageOf(all)}, nil
}

// slackReplies lists a thread from its first message on.
func slackReplies(r *Call) (Result, *Failure) {
	_, parent, failed := r.message("ts")
	if failed != nil {
		return Result{}, slackError("thread_not_found")
	}
	all := slices.DeleteFunc(r.All("messages", parent.Links), func(m *Record) bool {
		return m != parent && Text(m.Fields["thread_ts"]) != parent.ID || m != parent && !r.within(m.ID)
	})
	return Result{Listed: true, Page: r.PageOf(all)}, nil
}

// within reports whether a message lies between oldest and latest.
func (r *Call) within(ts string) bool {
	at, _ := strconv.ParseFloat(ts, 64)
	inclusive := r.Fields["inclusive"] == true
	if oldest, err := strconv.ParseFloat(Text(r.Fields["oldest"]), 64); err == nil && (at < oldest || at == oldest && !inclusive) {
		return false
	}
	if latest, err := strconv.ParseFloat(Text(r.Fields["latest"]), 64); err == nil && latest > 0 && (at > latest || at == latest && !inclusive) {
		return false
	}
	return true
}

// slackReact adds a person's reaction to a message, or takes it away.
func slackReact(add bool) func(*Call) (Result, *Failure) {
	return func(r *Call) (Result, *Failure) {
		channel, message, failed := r.message("timestamp")
		if failed != nil {
			return Result{}, failed
		}
		name := Text(r.Fields["name"])
		all, _ := Clone(message.Fields["reactions"]).([]any)
		at := slices.IndexFunc(all, func(v any) bool { return Lookup(v, "name") == name })
		switch {
		case add && at >= 0:
			return Result{}, slackError("already_reacted")
		case !add && at < 0:
			return Result{}, slackError("no_reaction")
		case add:
			all = append(all, Object{"name": name, "users": []any{slackBot}, "count": Count(1)})
		default:
			all = slices.Delete(all, at, at+1)
		}
		message.Fields["reactions"] = all
		return Result{Changes: []Change{{Resource: r.Resource, Verb: "changed", Record: message, Fields: Object{
			"user": slackBot, "reaction": name, "item_user": message.Fields["user"], "event_ts": slackTime(r.Now.UnixMilli()),
			"item": Object{"type": "message", "channel": channel.ID, "ts": message.ID},
		}}}}, nil
	}
}

func slackReactions(r *Call) (Result, *Failure) {
	channel, message, failed := r.message("timestamp")
	if failed != nil {
		return Result{}, failed
	}
	return Result{Fields: Object{"type": "message", "channel": channel.ID, "message": message.Fields}}, nil
}
