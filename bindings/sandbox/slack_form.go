package sandbox

// slackForm completes an interaction or a slash command: who did it, where,
// and the address at which an answer is taken. What the data says stays.
func slackForm(e *Envelope) {
	a := e.App
	defaults := Object{"token": "sandbox-verification", "api_app_id": "A0SANDBOX01"}
	channel := Text(Lookup(e.Body, "channel.id"))
	if e.Form.Field == "" {
		channel = Text(e.Body["channel_id"])
		if channel == "" {
			channel = "C0GENERAL01"
		}
		user := slackKnown(a, "users", Text(e.Body["user_id"]), slackUser)
		defaults["command"], defaults["text"] = "/tidewire", ""
		defaults["user_id"], defaults["user_name"] = user.ID, user.Fields["name"]
		defaults["channel_id"] = channel
		if c := a.Get("channels", channel); c != nil {
			defaults["channel_name"] = c.Fields["name"]
		}
		defaults["team_domain"], defaults["is_enterprise_install"] = "sandbox", "false"
	} else {
		slackInteraction(e, defaults)
		if channel == "" {
			channel = Text(Lookup(e.Body, "container.channel_id"))
		}
	}
	if e.Takes("response_url") && e.Body["response_url"] == nil && channel != "" {
		e.Body["response_url"] = slackResponseURL(e, channel)
	}
	for name, v := range defaults {
		if e.Body[name] == nil {
			e.Body[name] = v
		}
	}
	a.Save("triggers", &Record{ID: e.ID, Fields: Object{}, At: e.At.UnixMilli()})
}

// slackInteraction adds the person, and to a click its place and time.
func slackInteraction(e *Envelope, defaults Object) {
	a, at := e.App, slackTime(e.At.UnixMilli())
	user := slackKnown(a, "users", Text(Lookup(e.Body, "user.id")), slackUser)
	e.Body["user"] = Object{"id": user.ID, "username": user.Fields["name"], "name": user.Fields["name"], "team_id": e.Account}
	e.Body["team"] = Object{"id": Lookup(e.Body, "team.id"), "domain": "sandbox"}
	defaults["is_enterprise_install"] = false
	if id := Text(Lookup(e.Body, "channel.id")); id != "" && Lookup(e.Body, "channel.name") == nil {
		channel := Object{"id": id}
		if c := a.Get("channels", id); c != nil {
			channel["name"] = c.Fields["name"]
		}
		e.Body["channel"] = channel
	}
	if e.Takes("action_ts") {
		defaults["action_ts"] = at
	}
	if ts := Text(Lookup(e.Body, "message.ts")); ts != "" {
		if e.Takes("message_ts") {
			defaults["message_ts"] = ts
		}
		if e.Takes("container") {
			defaults["container"] = Object{"type": "message", "message_ts": ts, "channel_id": Lookup(e.Body, "channel.id"), "is_ephemeral": false}
		}
	} else if id := Text(Lookup(e.Body, "view.id")); id != "" && e.Takes("container") {
		defaults["container"] = Object{"type": "view", "view_id": id}
	}
	actions, _ := e.Body["actions"].([]any)
	for _, v := range actions {
		if action, ok := v.(Object); ok && action["action_ts"] == nil && e.Takes("container") {
			action["action_ts"] = at
		}
	}
}

// slackKnown gives a record by id, or the one of every day.
func slackKnown(a *App, resource, id, usual string) *Record {
	if id == "" {
		id = usual
	}
	if found := a.Get(resource, id); found != nil {
		return found
	}
	return &Record{ID: id, Fields: Object{"name": id}}
}

// slackResponseURL gives an address that takes five answers within half an hour.
func slackResponseURL(e *Envelope, channel string) string {
	id := Letters(e.App.Random, 24, MixedAlphabet)
	e.App.Save("responses", &Record{ID: id, At: e.At.UnixMilli(),
		Fields: Object{"channel": channel, "message": Lookup(e.Body, "message.ts"), "left": Count(slackResponses)}})
	return e.App.URL() + slackResponsePath + id
}
