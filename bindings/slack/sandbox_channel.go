package slack

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

// The functions of the methods of conversations and people.

// findChannel finds the channel that a request names, by id or by name.
func findChannel(r *sandbox.Call) (*sandbox.Record, *sandbox.Failure) {
	want := sandbox.Text(r.Fields["channel"])
	if found := r.Get("channels", want); found != nil {
		return found, nil
	}
	for _, c := range r.All("channels", nil) {
		if name := sandbox.Text(c.Fields["name"]); name != "" && name == strings.TrimPrefix(want, "#") {
			return c, nil
		}
	}
	if r.Get("users", want) != nil {
		return directChannel(r, want), nil
	}
	return nil, refuse("channel_not_found")
}

// directChannel returns the conversation with one person, and creates it if there
// is none.
func directChannel(r *sandbox.Call, user string) *sandbox.Record {
	id := "D" + strings.TrimPrefix(user, "U")
	if found := r.Get("channels", id); found != nil {
		return found
	}
	return r.Make("channels", id, sandbox.Object{"is_im": true, "user": user, "created": sandbox.Number(r.Now.Unix()),
		"members": []any{user, botID}}, nil)
}

// getChannel answers with a channel, after the changes of Rule.Set.
func getChannel(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) { return updateChannel(r, r.Set()) }

// setChannelText changes the topic or the purpose of a channel.
func setChannelText(name string) func(*sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	return func(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
		return updateChannel(r, sandbox.Object{name: sandbox.Object{"value": sandbox.Text(r.Fields[name]), "creator": botID, "last_set": sandbox.Number(r.Now.Unix())}})
	}
}

func updateChannel(r *sandbox.Call, fields sandbox.Object) (sandbox.Result, *sandbox.Failure) {
	channel, failed := findChannel(r)
	if failed != nil {
		return sandbox.Result{}, failed
	}
	if len(fields) == 0 {
		return channelResult(r, channel), nil
	}
	r.Update(r.Resource, channel, fields)
	out := channelResult(r, channel)
	out.Changes = []sandbox.Change{{Resource: r.Resource, Verb: "changed", Record: channel,
		Fields: sandbox.Object{"channel": sandbox.Object{"id": channel.ID, "name": channel.Fields["name"], "created": channel.Fields["created"]}}}}
	return out, nil
}

func channelResult(r *sandbox.Call, channel *sandbox.Record) sandbox.Result {
	fields, _ := sandbox.Clone(channel.Fields).(sandbox.Object)
	members, _ := fields["members"].([]any)
	fields["num_members"] = sandbox.Count(len(members))
	delete(fields, "members")
	return sandbox.Result{Fields: sandbox.Object{"channel": fields, "topic": sandbox.Lookup(channel.Fields, "topic.value"), "purpose": sandbox.Lookup(channel.Fields, "purpose.value")}}
}

func archiveChannel(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	archived := r.Set()["is_archived"] == true
	channel, failed := findChannel(r)
	switch {
	case failed != nil:
		return sandbox.Result{}, failed
	case archived && channel.Fields["is_general"] == true:
		return sandbox.Result{}, refuse("cant_archive_general")
	case archived && channel.Fields["is_archived"] == true:
		return sandbox.Result{}, refuse("already_archived")
	case !archived && channel.Fields["is_archived"] != true:
		return sandbox.Result{}, refuse("not_archived")
	}
	r.Update(r.Resource, channel, r.Set())
	return sandbox.Result{Changes: []sandbox.Change{{Resource: r.Resource, Verb: "changed", Record: channel,
		Fields: sandbox.Object{"channel": channel.ID, "user": botID}}}}, nil
}

func changeMembers(join bool) func(*sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	return func(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
		channel, failed := findChannel(r)
		if failed != nil {
			return sandbox.Result{}, failed
		}
		have, _ := channel.Fields["members"].([]any)
		have = slices.Clone(have)
		given := sandbox.Text(r.Fields["users"])
		if given == "" {
			given = sandbox.Text(r.Fields["user"])
		}
		for id := range strings.SplitSeq(given, ",") {
			if r.Get("users", id) == nil {
				return sandbox.Result{}, refuse("user_not_found")
			}
			at := slices.Index(have, any(id))
			switch {
			case join && at >= 0:
				return sandbox.Result{}, refuse("already_in_channel")
			case join:
				have = append(have, id)
			case at < 0:
				return sandbox.Result{}, refuse("not_in_channel")
			default:
				have = slices.Delete(have, at, at+1)
			}
		}
		r.Update(r.Resource, channel, sandbox.Object{"members": have})
		return channelResult(r, channel), nil
	}
}

func createChannel(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	name := sandbox.Text(r.Fields["name"])
	if name == "" || len(name) > 80 || strings.ToLower(name) != name || strings.ContainsAny(name, " .,#@!?") {
		return sandbox.Result{}, refuse("invalid_name_specials")
	}
	for _, c := range r.All("channels", nil) {
		if c.Fields["name"] == name {
			return sandbox.Result{}, refuse("name_taken")
		}
	}
	fields := channelFields("", name, false)
	delete(fields, "id")
	fields["creator"], fields["created"], fields["members"] = botID, sandbox.Number(r.Now.Unix()), []any{botID}
	fields["is_private"] = r.Fields["is_private"] == true
	made := r.Make(r.Resource, "", fields, nil)
	out := channelResult(r, made)
	out.Changes = []sandbox.Change{{Resource: r.Resource, Verb: "created", Record: made, Fields: sandbox.Object{
		"channel": sandbox.Object{"id": made.ID, "name": name, "created": fields["created"], "creator": botID}}}}
	return out, nil
}

func openChannel(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	if !sandbox.Empty(r.Fields["channel"]) {
		return getChannel(r)
	}
	users := strings.Split(sandbox.Text(r.Fields["users"]), ",")
	for _, id := range users {
		if r.Get("users", id) == nil {
			return sandbox.Result{}, refuse("user_not_found")
		}
	}
	if len(users) > 1 {
		slices.Sort(users)
		id := "G" + strings.Join(users, "")
		found := r.Get("channels", id)
		if found == nil {
			members := []any{botID}
			for _, u := range users {
				members = append(members, u)
			}
			found = r.Make(r.Resource, id, sandbox.Object{"is_mpim": true, "created": sandbox.Number(r.Now.Unix()), "members": members}, nil)
		}
		return channelResult(r, found), nil
	}
	return channelResult(r, directChannel(r, users[0])), nil
}

// listChannels lists the channels of the requested kinds; by default the public
// ones.
func listChannels(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	kinds := strings.Split(sandbox.Text(r.Fields["types"]), ",")
	if kinds[0] == "" {
		kinds = []string{"public_channel"}
	}
	all := slices.DeleteFunc(r.All("channels", nil), func(c *sandbox.Record) bool {
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
	return sandbox.Result{Listed: true, Page: r.PageOf(all)}, nil
}

func listMembers(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	channel, failed := findChannel(r)
	if failed != nil {
		return sandbox.Result{}, failed
	}
	members, _ := channel.Fields["members"].([]any)
	size := r.PositiveArg("limit")
	if size == 0 || size > 1000 {
		size = r.PageSize()
	}
	start, _ := strconv.Atoi(strings.TrimPrefix(sandbox.Text(r.Fields["cursor"]), "member-"))
	start = min(max(start, 0), len(members))
	end := min(start+size, len(members))
	next := ""
	if end < len(members) {
		next = "member-" + strconv.Itoa(end)
	}
	return sandbox.Result{Fields: sandbox.Object{"members": sandbox.Clone(members[start:end]), "response_metadata": sandbox.Object{"next_cursor": next}}}, nil
}

func lookupByEmail(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	for _, user := range r.All("users", nil) {
		if email := sandbox.Text(sandbox.Lookup(user.Fields, "profile.email")); email != "" && strings.EqualFold(email, sandbox.Text(r.Fields["email"])) {
			return sandbox.Result{Fields: sandbox.Object{"user": user.Fields}}, nil
		}
	}
	return sandbox.Result{}, refuse("users_not_found")
}
