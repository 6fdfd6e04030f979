package sandbox

import (
	"slices"
	"strconv"
	"strings"
)

// slackSpaces are the methods of the workspace: who one is, its groups, its
// emoji, its quiet hours, and what is searched in it.
func slackSpaces() map[string]*rule {
	group := slackKind{"usergroups", "usergroup", "usergroup", "no_such_subteam"}
	call := slackKind{"calls", "id", "call", "invalid_call_id"}
	canvas := slackKind{"canvases", "canvas_id", "", "canvas_not_found"}
	say := func(fields func(*request) object) *rule {
		return &rule{verb: none, do: func(r *request) (result, *failure) { return result{fields: fields(r)}, nil }}
	}
	return map[string]*rule{
		"api.test": {verb: none, do: func(r *request) (result, *failure) {
			if word := text(r.fields["error"]); word != "" {
				return result{}, slackError(word)
			}
			return result{fields: object{"args": r.fields}}, nil
		}},
		"auth.test": say(func(r *request) object {
			return object{"team": "Sandbox", "team_id": r.app.account, "user": "tidewire", "user_id": slackBot, "bot_id": "B0SANDBOT01",
				"url": "https://sandbox.slack.com/", "is_enterprise_install": false}
		}),
		"auth.teams.list": {resource: "teams", verb: list},
		"team.info": {resource: "teams", do: func(r *request) (result, *failure) {
			id := text(r.fields["team"])
			if id == "" {
				id = r.app.account
			}
			if found := r.app.store.get("teams", id); found != nil {
				return result{fields: object{"team": found.fields}}, nil
			}
			return result{fields: object{"team": object{"id": id, "name": "Sandbox", "domain": "sandbox"}}}, nil
		}},
		"team.profile.get": say(func(*request) object { return object{"profile": object{"fields": []any{}}} }),
		"team.preferences.list": say(func(*request) object {
			return object{"display_real_names": true, "allow_message_deletion": true, "msg_edit_window_mins": number(-1), "who_can_post_general": "everyone"}
		}),
		"team.billing.info": say(func(*request) object { return object{"plan": "std"} }),
		"bots.info": say(func(r *request) object {
			return object{"bot": object{"id": "B0SANDBOT01", "app_id": "A0SANDBOX01", "user_id": slackBot, "name": "Tidewire", "deleted": false}}
		}),
		"usergroups.create": {resource: "usergroups", trigger: "subteam.created", do: slackGroup},
		"usergroups.update": slackTold(group.set(func(r *request) object {
			return slackMerged(r.given("name", "handle", "description"), object{"date_update": number(r.now.Unix()), "updated_by": slackBot})
		})),
		"usergroups.disable": slackTold(group.set(func(r *request) object { return object{"date_delete": number(r.now.Unix())} })),
		"usergroups.enable":  slackTold(group.set(func(*request) object { return object{"date_delete": number(0)} })),
		"usergroups.list": slackListing("usergroups", func(r *request, g *record) bool {
			return r.fields["include_disabled"] == true || text(g.fields["date_delete"]) == "0" || g.fields["date_delete"] == nil
		}, nil),
		"usergroups.users.list": {resource: "usergroups", do: func(r *request) (result, *failure) {
			found, failed := group.find(r)
			if failed != nil {
				return result{}, failed
			}
			return result{fields: object{"users": found.fields["users"]}}, nil
		}},
		"usergroups.users.update": slackTold(group.set(func(r *request) object {
			users := slackNames(r.fields["users"])
			return object{"users": users, "user_count": count(len(users)), "date_update": number(r.now.Unix())}
		})),
		"calls.add": call.add(func(r *request) object {
			return object{"date_start": slackOr(r.fields["date_start"], number(r.now.Unix()))}
		}),
		"calls.info": call.info(),
		"calls.update": call.set(func(r *request) object {
			return r.given("join_url", "desktop_app_join_url", "title")
		}),
		"calls.end":                 call.set(func(r *request) object { return object{"date_end": number(r.now.Unix())} }),
		"calls.participants.add":    call.set(slackParticipants(true)),
		"calls.participants.remove": call.set(slackParticipants(false)),
		"canvases.create": {resource: "canvases", do: func(r *request) (result, *failure) {
			made := r.app.make(r.plan.resource, "", r.fields, nil, nil)
			return result{fields: object{"canvas_id": made.id}}, nil
		}},
		"canvases.edit":            canvas.set(func(r *request) object { return object{"changes": r.fields["changes"]} }),
		"canvases.delete":          canvas.drop(),
		"canvases.access.set":      canvas.info(),
		"canvases.access.delete":   canvas.info(),
		"canvases.sections.lookup": canvas.info(),
		"slackLists.create": {resource: "slack_lists", do: func(r *request) (result, *failure) {
			made := r.app.make(r.plan.resource, "", r.fields, nil, nil)
			return result{fields: object{"list_id": made.id}}, nil
		}},
		"slackLists.items.create": slackKind{"slackLists/items", "id", "item", "record_not_found"}.add(func(r *request) object {
			return object{"date_created": number(r.now.Unix()), "created_by": slackBot, "fields": slackOr(r.fields["initial_fields"], []any{})}
		}),
		"slackLists.items.info":   slackKind{"slackLists/items", "id", "record", "record_not_found"}.info(),
		"slackLists.items.delete": slackKind{"slackLists/items", "id", "", "record_not_found"}.drop(),
		"emoji.list":              {resource: "admin/emoji", do: slackEmoji},
		"admin.emoji.add":         {resource: "admin/emoji", do: slackAddEmoji},
		"admin.emoji.remove":      slackKind{"admin/emoji", "name", "", "emoji_not_found"}.drop(),
		"admin.emoji.rename":      {resource: "admin/emoji", do: slackRenameEmoji},
		"dnd.info":                {resource: "users", do: slackQuiet(nil)},
		"dnd.endDnd":              {resource: "users", do: slackQuiet(func(*request) any { return nil })},
		"dnd.endSnooze":           {resource: "users", do: slackQuiet(func(*request) any { return nil })},
		"dnd.setSnooze": {resource: "users", do: slackQuiet(func(r *request) any {
			return number(r.now.Unix() + 60*int64(r.positive("num_minutes")))
		})},
		"dnd.teamInfo": {resource: "users", do: func(r *request) (result, *failure) {
			users := object{}
			for _, id := range slackNames(r.fields["users"]) {
				if user := r.app.store.get("users", text(id)); user != nil {
					users[user.id] = r.quiet(user)
				}
			}
			return result{fields: object{"users": users}}, nil
		}},
		"search.messages": slackListing("messages", slackFound, slackFoundMessage),
		"search.files":    slackListing("files", slackFound, nil),
		"admin.users.list": slackListing("users", nil, func(_ *request, u *record) object {
			return object{"id": u.id, "username": u.fields["name"], "full_name": u.fields["real_name"], "email": lookup(u.fields, "profile.email"),
				"is_admin": u.fields["is_admin"] == true, "is_bot": u.fields["is_bot"] == true, "is_active": u.fields["deleted"] != true,
				"workspaces": []any{slackTeam}}
		}),
		"admin.conversations.search": slackListing("channels", func(r *request, c *record) bool {
			return c.fields["is_im"] != true && strings.Contains(text(c.fields["name"]), text(r.fields["query"]))
		}, func(_ *request, c *record) object {
			members, _ := c.fields["members"].([]any)
			return object{"id": c.id, "name": c.fields["name"], "purpose": lookup(c.fields, "purpose.value"), "created": c.fields["created"],
				"creator_id": c.fields["creator"], "is_private": c.fields["is_private"] == true, "is_archived": c.fields["is_archived"] == true,
				"member_count": count(len(members)), "internal_team_ids": []any{slackTeam}}
		}),
		"admin.conversations.lookup":           {resource: "channels", do: slackIDs},
		"admin.conversations.archive":          slackAdminChannel(object{"is_archived": true}),
		"admin.conversations.unarchive":        slackAdminChannel(object{"is_archived": false}),
		"admin.conversations.convertToPrivate": slackAdminChannel(object{"is_private": true}),
		"admin.conversations.convertToPublic":  slackAdminChannel(object{"is_private": false}),
		"admin.conversations.rename": slackKind{"channels", "channel_id", "", "channel_not_found"}.set(func(r *request) object {
			return r.given("name")
		}),
		"admin.conversations.delete": slackKind{"channels", "channel_id", "", "channel_not_found"}.drop(),
		"admin.conversations.create": {resource: "channels", do: func(r *request) (result, *failure) {
			made, failed := slackCreate(r)
			if failed != nil {
				return result{}, failed
			}
			return result{fields: object{"channel_id": lookup(made.fields, "channel.id")}, changes: made.changes}, nil
		}},
	}
}

func slackOr(v, otherwise any) any {
	if v == nil {
		return otherwise
	}
	return v
}

func slackAdminChannel(fields object) *rule {
	return slackKind{"channels", "channel_id", "", "channel_not_found"}.set(func(*request) object { return fields })
}

// slackTold adds the event that tells of a changed group.
func slackTold(r *rule) *rule {
	inner := r.do
	r.trigger = "subteam.updated"
	r.do = func(r *request) (result, *failure) {
		out, failed := inner(r)
		if found := r.app.store.get("usergroups", text(r.fields["usergroup"])); failed == nil && found != nil {
			out.changes = []changed{{resource: r.plan.resource, record: found, fields: object{"subteam": clone(found.fields)}}}
		}
		return out, failed
	}
	return r
}

func slackGroup(r *request) (result, *failure) {
	for _, g := range r.app.store.all("usergroups", nil) {
		if g.fields["name"] == r.fields["name"] || !empty(r.fields["handle"]) && g.fields["handle"] == r.fields["handle"] {
			return result{}, slackError("name_already_exists")
		}
	}
	now := number(r.now.Unix())
	made := r.app.make(r.plan.resource, "", slackMerged(object{"handle": "", "description": ""}, r.given("name", "handle", "description"), object{
		"team_id": r.app.account, "is_external": false, "date_create": now, "date_update": now, "date_delete": number(0),
		"created_by": slackBot, "updated_by": slackBot, "users": []any{}, "user_count": number(0),
		"prefs": object{"channels": slackNames(r.fields["channels"]), "groups": []any{}},
	}), nil, nil)
	return result{fields: object{"usergroup": made.fields},
		changes: []changed{{resource: r.plan.resource, record: made, fields: object{"subteam": clone(made.fields)}}}}, nil
}

func slackParticipants(join bool) func(*request) object {
	return func(r *request) object {
		found := r.app.store.get("calls", text(r.fields["id"]))
		users, _ := clone(found.fields["users"]).([]any)
		given, _ := r.fields["users"].([]any)
		for _, v := range given {
			at := slices.IndexFunc(users, func(u any) bool { return string(encode(u)) == string(encode(v)) })
			switch {
			case join && at < 0:
				users = append(users, clone(v))
			case !join && at >= 0:
				users = slices.Delete(users, at, at+1)
			}
		}
		return object{"users": users}
	}
}

// slackEmoji answers with the address of each custom emoji, by name.
func slackEmoji(r *request) (result, *failure) {
	all := object{}
	for _, e := range r.app.store.all("admin/emoji", nil) {
		all[e.id] = slackOr(e.fields["url"], "alias:"+text(e.fields["alias_for"]))
	}
	return result{fields: object{"emoji": all, "cache_ts": slackTime(r.now.UnixMilli())}}, nil
}

func slackAddEmoji(r *request) (result, *failure) {
	name := text(r.fields["name"])
	if r.app.store.get("admin/emoji", name) != nil {
		return result{}, slackError("error_name_taken")
	}
	r.app.make(r.plan.resource, name, object{"url": r.fields["url"], "date_created": number(r.now.Unix()), "uploaded_by": slackBot}, nil, nil)
	return result{}, nil
}

func slackRenameEmoji(r *request) (result, *failure) {
	found := r.app.store.get("admin/emoji", text(r.fields["name"]))
	if found == nil {
		return result{}, slackError("emoji_not_found")
	}
	r.app.store.remove("admin/emoji", found)
	r.app.make(r.plan.resource, text(r.fields["new_name"]), found.fields, nil, nil)
	return result{}, nil
}

// quiet says whether somebody snoozes.
func (r *request) quiet(user *record) object {
	until, _ := strconv.ParseInt(text(user.fields["snoozed_until"]), 10, 64)
	left := max(until-r.now.Unix(), 0)
	return object{"dnd_enabled": left > 0, "next_dnd_start_ts": number(1), "next_dnd_end_ts": number(1), "snooze_enabled": left > 0,
		"snooze_endtime": number(until), "snooze_remaining": number(left), "snooze_is_indefinite": false}
}

// slackQuiet sets until when a person snoozes, where until is not nil.
func slackQuiet(until func(*request) any) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		user, failed := slackUserOf(r)
		if failed != nil {
			return result{}, failed
		}
		if until != nil {
			r.app.alter(r.plan.resource, user, object{"snoozed_until": until(r)})
		}
		return result{fields: r.quiet(user)}, nil
	}
}

// slackFound reports whether a message or a file has the words searched for.
func slackFound(r *request, rec *record) bool {
	words := strings.ToLower(text(r.fields["query"]))
	for _, name := range []string{"text", "name", "title"} {
		if strings.Contains(strings.ToLower(text(rec.fields[name])), words) {
			return true
		}
	}
	return false
}

func slackFoundMessage(r *request, m *record) object {
	shown, _ := clone(m.fields).(object)
	channel := object{"id": m.links["channel"]}
	if c := r.app.store.get("channels", m.links["channel"]); c != nil {
		channel["name"] = c.fields["name"]
	}
	shown["channel"] = channel
	shown["permalink"] = "https://sandbox.slack.com/archives/" + m.links["channel"] + "/p" + strings.ReplaceAll(m.id, ".", "")
	return shown
}
