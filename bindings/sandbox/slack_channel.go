package sandbox

import (
	"slices"
	"strconv"
	"strings"
)

// What the methods of conversations and people do.

// channel finds the channel that a request names, by id or by name.
func (r *Call) channel() (*Record, *Failure) {
	want := Text(r.Fields["channel"])
	if found := r.Get("channels", want); found != nil {
		return found, nil
	}
	for _, c := range r.All("channels", nil) {
		if name := Text(c.Fields["name"]); name != "" && name == strings.TrimPrefix(want, "#") {
			return c, nil
		}
	}
	if r.Get("users", want) != nil {
		return r.direct(want), nil
	}
	return nil, slackError("channel_not_found")
}

// direct is the conversation with one person, opened when it is needed.
func (r *Call) direct(user string) *Record {
	id := "D" + strings.TrimPrefix(user, "U")
	if found := r.Get("channels", id); found != nil {
		return found
	}
	return r.Make("channels", id, Object{"is_im": true, "user": user, "created": Number(r.Now.Unix()),
		"members": []any{user, slackBot}}, nil)
}

// slackChannel answers with a channel, which gets what the rule sets.
func slackChannel(r *Call) (Result, *Failure) { return slackAlter(r, r.Set()) }

// slackSetText changes the topic or the purpose of a channel.
func slackSetText(name string) func(*Call) (Result, *Failure) {
	return func(r *Call) (Result, *Failure) {
		return slackAlter(r, Object{name: Object{"value": Text(r.Fields[name]), "creator": slackBot, "last_set": Number(r.Now.Unix())}})
	}
}

func slackAlter(r *Call, fields Object) (Result, *Failure) {
	channel, failed := r.channel()
	if failed != nil {
		return Result{}, failed
	}
	if len(fields) == 0 {
		return slackShow(r, channel), nil
	}
	r.Alter(r.Resource, channel, fields)
	out := slackShow(r, channel)
	out.Changes = []Change{{Resource: r.Resource, Verb: "changed", Record: channel,
		Fields: Object{"channel": Object{"id": channel.ID, "name": channel.Fields["name"], "created": channel.Fields["created"]}}}}
	return out, nil
}

func slackShow(r *Call, channel *Record) Result {
	shown, _ := Clone(channel.Fields).(Object)
	members, _ := shown["members"].([]any)
	shown["num_members"] = Count(len(members))
	delete(shown, "members")
	return Result{Fields: Object{"channel": shown, "topic": Lookup(channel.Fields, "topic.value"), "purpose": Lookup(channel.Fields, "purpose.value")}}
}

func slackArchive(r *Call) (Result, *Failure) {
	archived := r.Set()["is_archived"] == true
	channel, failed := r.channel()
	switch {
	case failed != nil:
		return Result{}, failed
	case archived && channel.Fields["is_general"] == true:
		return Result{}, slackError("cant_archive_general")
	case archived && channel.Fields["is_archived"] == true:
		return Result{}, slackError("already_archived")
	case !archived && channel.Fields["is_archived"] != true:
		return Result{}, slackError("not_archived")
	}
	r.Alter(r.Resource, channel, r.Set())
	return Result{Changes: []Change{{Resource: r.Resource, Verb: "changed", Record: channel,
		Fields: Object{"channel": channel.ID, "user": slackBot}}}}, nil
}

func slackMembers(join bool) func(*Call) (Result, *Failure) {
	return func(r *Call) (Result, *Failure) {
		channel, failed := r.channel()
		if failed != nil {
			return Result{}, failed
		}
		have, _ := channel.Fields["members"].([]any)
		have = slices.Clone(have)
		given := Text(r.Fields["users"])
		if given == "" {
			given = Text(r.Fields["user"])
		}
		for id := range strings.SplitSeq(given, ",") {
			if r.Get("users", id) == nil {
				return Result{}, slackError("user_not_found")
			}
			at := slices.Index(have, any(id))
			switch {
			case join && at >= 0:
				return Result{}, slackError("already_in_channel")
			case join:
				have = append(have, id)
			case at < 0:
				return Result{}, slackError("not_in_channel")
			default:
				have = slices.Delete(have, at, at+1)
			}
		}
		r.Alter(r.Resource, channel, Object{"members": have})
		return slackShow(r, channel), nil
	}
}

func slackCreate(r *Call) (Result, *Failure) {
	name := Text(r.Fields["name"])
	if name == "" || len(name) > 80 || strings.ToLower(name) != name || strings.ContainsAny(name, " .,#@!?") {
		return Result{}, slackError("invalid_name_specials")
	}
	for _, c := range r.All("channels", nil) {
		if c.Fields["name"] == name {
			return Result{}, slackError("name_taken")
		}
	}
	fields := slackSeed("", name, false)
	delete(fields, "id")
	fields["creator"], fields["created"], fields["members"] = slackBot, Number(r.Now.Unix()), []any{slackBot}
	fields["is_private"] = r.Fields["is_private"] == true
	made := r.Make(r.Resource, "", fields, nil)
	out := slackShow(r, made)
	out.Changes = []Change{{Resource: r.Resource, Verb: "created", Record: made, Fields: Object{
		"channel": Object{"id": made.ID, "name": name, "created": fields["created"], "creator": slackBot}}}}
	return out, nil
}

func slackOpen(r *Call) (Result, *Failure) {
	if !Empty(r.Fields["channel"]) {
		return slackChannel(r)
	}
	users := strings.Split(Text(r.Fields["users"]), ",")
	for _, id := range users {
		if r.Get("users", id) == nil {
			return Result{}, slackError("user_not_found")
		}
	}
	if len(users) > 1 {
		slices.Sort(users)
		id := "G" + strings.Join(users, "")
		found := r.Get("channels", id)
		if found == nil {
			members := []any{slackBot}
			for _, u := range users {
				members = append(members, u)
			}
			found = r.Make(r.Resource, id, Object{"is_mpim": true, "created": Number(r.Now.Unix()), "members": members}, nil)
		}
		return slackShow(r, found), nil
	}
	return slackShow(r, r.direct(users[0])), nil
}

// slackChannels lists the channels of the kinds asked for, public ones where
// nothing is asked.
func slackChannels(r *Call) (Result, *Failure) {
	kinds := strings.Split(Text(r.Fields["types"]), ",")
	if kinds[0] == "" {
		kinds = []string{"public_channel"}
	}
	all := slices.DeleteFunc(r.All("channels", nil), func(c *Record) bool {
		kind := "public_channel"
		switch {
		case c.Fields["is_im"] == true:
			kind = "im"
		case c.Fields["is_mpim"] == true:
			kind = "mpim"
		case c.Fields["is_private"] == true:
			kind = "private_channel"
		}
		return !slices.Contains(kinds, kind) || r.Fields["exclude_archived"] == true && c.Fields["is_archived"] == true
	})
	return Result{Listed: true, Page: r.PageOf(all)}, nil
}

func slackListMembers(r *Call) (Result, *Failure) {
	channel, failed := r.channel()
	if failed != nil {
		return Result{}, failed
	}
	members, _ := channel.Fields["members"].([]any)
	size := r.Positive("limit")
	if size == 0 || size > 1000 {
		size = r.PageSize()
	}
	start, _ := strconv.Atoi(strings.TrimPrefix(Text(r.Fields["cursor"]), "member-"))
	start = min(max(start, 0), len(members))
	end := min(start+size, len(members))
	next := ""
	if end < len(members) {
		next = "member-" + strconv.Itoa(end)
	}
	return Result{Fields: Object{"members": Clone(members[start:end]), "response_metadata": Object{"next_cursor": next}}}, nil
}

func slackByEmail(r *Call) (Result, *Failure) {
	for _, user := range r.All("users", nil) {
		if email := Text(Lookup(user.Fields, "profile.email")); email != "" && strings.EqualFold(email, Text(r.Fields["email"])) {
			return Result{Fields: Object{"user": user.Fields}}, nil
		}
	}
	return Result{}, slackError("users_not_found")
}
