package sandbox

import (
	"slices"
	"strconv"
	"strings"
)

// What the methods of conversations and people do.

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

func slackByEmail(r *request) (result, *failure) {
	for _, user := range r.app.store.all("users", nil) {
		if email := text(lookup(user.fields, "profile.email")); email != "" && strings.EqualFold(email, text(r.fields["email"])) {
			return result{fields: object{"user": user.fields}}, nil
		}
	}
	return result{}, slackError("users_not_found")
}
