package sandbox

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// What Slack's methods do; slack.go says which method does what.

func slackText(r *request, name string) object {
	return object{"value": text(r.fields[name]), "creator": slackBot, "last_set": number(r.now.Unix())}
}

// channel finds the channel that a request names, by id or by name.
func (r *request) channel() (*record, *failure) {
	want := text(r.fields["channel"])
	if found := r.app.store.get("channels", want); found != nil {
		return found, nil
	}
	for _, c := range r.app.store.all("channels", nil) {
		if name := text(c.fields["name"]); name != "" && name == strings.TrimPrefix(want, "#") {
			return c, nil
		}
	}
	if r.app.store.get("users", want) != nil {
		return r.direct(want), nil
	}
	return nil, slackError("channel_not_found")
}

// direct is the conversation with one person, opened when it is needed.
func (r *request) direct(user string) *record {
	id := "D" + strings.TrimPrefix(user, "U")
	if found := r.app.store.get("channels", id); found != nil {
		return found
	}
	return r.app.make(r.app.model.resource("channels"), id, object{"is_im": true, "user": user, "created": number(r.now.Unix()),
		"members": []any{user, slackBot}}, nil, r)
}

// slackPost posts a message.
func slackPost(subtype string) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
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
		if subtype != "" {
			fields["subtype"] = subtype
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

func slackUnschedule(r *request) (result, *failure) {
	found := r.app.store.get("scheduled_messages", text(r.fields["scheduled_message_id"]))
	if found == nil {
		return result{}, slackError("invalid_scheduled_message_id")
	}
	r.app.store.remove("scheduled_messages", found)
	return result{}, nil
}

// slackChannel answers with a channel, changed as alter says.
func slackChannel(alter func(*request) object) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		channel, failed := r.channel()
		if failed != nil {
			return result{}, failed
		}
		if alter == nil {
			return slackShow(r, channel), nil
		}
		r.app.alter(r.plan.resource, channel, alter(r))
		out := slackShow(r, channel)
		out.changes = []changed{{resource: r.plan.resource, verb: "changed", record: channel,
			fields: object{"channel": object{"id": channel.id, "name": channel.fields["name"], "created": channel.fields["created"]}}}}
		return out, nil
	}
}

func slackShow(r *request, channel *record) result {
	shown, _ := clone(channel.fields).(object)
	members, _ := shown["members"].([]any)
	shown["num_members"] = count(len(members))
	delete(shown, "members")
	return result{fields: object{"channel": shown, "topic": lookup(channel.fields, "topic.value"), "purpose": lookup(channel.fields, "purpose.value")}}
}

func slackArchive(archived bool) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		channel, failed := r.channel()
		switch {
		case failed != nil:
			return result{}, failed
		case archived && channel.fields["is_general"] == true:
			return result{}, slackError("cant_archive_general")
		case archived && channel.fields["is_archived"] == true:
			return result{}, slackError("already_archived")
		case !archived && channel.fields["is_archived"] != true:
			return result{}, slackError("not_archived")
		}
		r.app.alter(r.plan.resource, channel, object{"is_archived": archived})
		return result{changes: []changed{{resource: r.plan.resource, verb: "changed", record: channel,
			fields: object{"channel": channel.id, "user": slackBot}}}}, nil
	}
}

func slackMembers(join bool) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		channel, failed := r.channel()
		if failed != nil {
			return result{}, failed
		}
		have, _ := channel.fields["members"].([]any)
		have = slices.Clone(have)
		given := text(r.fields["users"])
		if given == "" {
			given = text(r.fields["user"])
		}
		for id := range strings.SplitSeq(given, ",") {
			if r.app.store.get("users", id) == nil {
				return result{}, slackError("user_not_found")
			}
			at := slices.Index(have, any(id))
			switch {
			case join && at >= 0:
				return result{}, slackError("already_in_channel")
			case join:
				have = append(have, id)
			case at < 0:
				return result{}, slackError("not_in_channel")
			default:
				have = slices.Delete(have, at, at+1)
			}
		}
		r.app.alter(r.plan.resource, channel, object{"members": have})
		return slackShow(r, channel), nil
	}
}

func slackCreate(r *request) (result, *failure) {
	name := text(r.fields["name"])
	if name == "" || len(name) > 80 || strings.ToLower(name) != name || strings.ContainsAny(name, " .,#@!?") {
		return result{}, slackError("invalid_name_specials")
	}
	for _, c := range r.app.store.all("channels", nil) {
		if c.fields["name"] == name {
			return result{}, slackError("name_taken")
		}
	}
	fields := slackSeed("", name, false)
	delete(fields, "id")
	fields["creator"], fields["created"], fields["members"] = slackBot, number(r.now.Unix()), []any{slackBot}
	fields["is_private"] = r.fields["is_private"] == true
	made := r.app.make(r.plan.resource, "", fields, nil, r)
	out := slackShow(r, made)
	out.changes = []changed{{resource: r.plan.resource, verb: "created", record: made, fields: object{
		"channel": object{"id": made.id, "name": name, "created": fields["created"], "creator": slackBot}}}}
	return out, nil
}

func slackOpen(r *request) (result, *failure) {
	if !empty(r.fields["channel"]) {
		return slackChannel(nil)(r)
	}
	users := strings.Split(text(r.fields["users"]), ",")
	for _, id := range users {
		if r.app.store.get("users", id) == nil {
			return result{}, slackError("user_not_found")
		}
	}
	if len(users) > 1 {
		slices.Sort(users)
		id := "G" + strings.Join(users, "")
		found := r.app.store.get("channels", id)
		if found == nil {
			members := []any{slackBot}
			for _, u := range users {
				members = append(members, u)
			}
			found = r.app.make(r.plan.resource, id, object{"is_mpim": true, "created": number(r.now.Unix()), "members": members}, nil, r)
		}
		return slackShow(r, found), nil
	}
	return slackShow(r, r.direct(users[0])), nil
}

// slackChannels lists the channels of the kinds asked for, public ones where
// nothing is asked.
func slackChannels(r *request) (result, *failure) {
	kinds := strings.Split(text(r.fields["types"]), ",")
	if kinds[0] == "" {
		kinds = []string{"public_channel"}
	}
	all := slices.DeleteFunc(r.app.store.all("channels", nil), func(c *record) bool {
		kind := "public_channel"
		switch {
		case c.fields["is_im"] == true:
			kind = "im"
		case c.fields["is_mpim"] == true:
			kind = "mpim"
		case c.fields["is_private"] == true:
			kind = "private_channel"
		}
		return !slices.Contains(kinds, kind) || r.fields["exclude_archived"] == true && c.fields["is_archived"] == true
	})
	return result{listed: true, page: r.cut(all)}, nil
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

func slackListMembers(r *request) (result, *failure) {
	channel, failed := r.channel()
	if failed != nil {
		return result{}, failed
	}
	members, _ := channel.fields["members"].([]any)
	size := r.positive("limit")
	if size == 0 || size > maxPage {
		size = r.app.rules.pageSize
	}
	start, _ := strconv.Atoi(strings.TrimPrefix(text(r.fields["cursor"]), "member-"))
	start = min(max(start, 0), len(members))
	end := min(start+size, len(members))
	next := ""
	if end < len(members) {
		next = "member-" + strconv.Itoa(end)
	}
	return result{fields: object{"members": clone(members[start:end]), "response_metadata": object{"next_cursor": next}}}, nil
}

func slackUserOf(r *request) (*record, *failure) {
	id := text(r.fields["user"])
	if id == "" {
		id = slackUser
	}
	if found := r.app.store.get("users", id); found != nil {
		return found, nil
	}
	return nil, slackError("user_not_found")
}

func slackUserInfo(r *request) (result, *failure) {
	user, failed := slackUserOf(r)
	if failed != nil {
		return result{}, failed
	}
	return result{fields: object{"user": user.fields, "team": object{"id": slackTeam}}}, nil
}

func slackByEmail(r *request) (result, *failure) {
	for _, user := range r.app.store.all("users", nil) {
		if email := text(lookup(user.fields, "profile.email")); email != "" && strings.EqualFold(email, text(r.fields["email"])) {
			return result{fields: object{"user": user.fields}}, nil
		}
	}
	return result{}, slackError("users_not_found")
}

func slackPresence(r *request) (result, *failure) {
	_, failed := slackUserOf(r)
	return result{fields: object{"presence": "active", "online": true, "connection_count": json.Number("1")}}, failed
}

func slackProfile(r *request) (result, *failure) {
	user, failed := slackUserOf(r)
	if failed != nil {
		return result{}, failed
	}
	return result{fields: object{"profile": user.fields["profile"]}}, nil
}

func slackSetProfile(r *request) (result, *failure) {
	user, failed := slackUserOf(r)
	if failed != nil {
		return result{}, failed
	}
	profile, _ := clone(user.fields["profile"]).(object)
	given, _ := r.fields["profile"].(object)
	if name := text(r.fields["name"]); name != "" {
		given = object{name: r.fields["value"]}
	}
	for name, v := range given {
		profile[name] = v
	}
	r.app.alter(r.plan.resource, user, object{"profile": profile})
	return result{fields: object{"profile": profile}}, nil
}

// slackStartStream begins a message that is written bit by bit.
func slackStartStream(r *request) (result, *failure) {
	channel, failed := r.channel()
	if failed != nil {
		return result{}, failed
	}
	thread := text(r.fields["thread_ts"])
	if r.app.store.get("messages", thread) == nil {
		return result{}, slackError("thread_not_found")
	}
	made := r.app.make(r.plan.resource, "", object{"type": "message", "user": slackBot, "bot_id": "B0SANDBOT01", "thread_ts": thread,
		"text": text(r.fields["markdown_text"])}, map[string]string{"channel": channel.id}, nil)
	return result{fields: object{"channel": channel.id, "ts": made.id}}, nil
}

// slackStream writes a message bit by bit.
func slackStream(r *request) (result, *failure) {
	channel, found, failed := r.message("ts")
	if failed != nil {
		return result{}, failed
	}
	written := text(found.fields["text"]) + text(r.fields["markdown_text"])
	r.app.alter(r.plan.resource, found, slackMerged(object{"text": written}, r.given("blocks", "metadata")))
	return result{fields: object{"channel": channel.id, "ts": found.id, "message": found.fields}}, nil
}
