package sandbox

// slackForm completes an interaction or a slash command: who did it, where,
// and the address at which an answer is taken. What the data says stays.
func slackForm(e *envelope) {
	a := e.app
	defaults := object{"token": "sandbox-verification", "api_app_id": "A0SANDBOX01"}
	channel := text(lookup(e.body, "channel.id"))
	if e.form.Field == "" {
		channel = text(e.body["channel_id"])
		if channel == "" {
			channel = "C0GENERAL01"
		}
		user := slackKnown(a, "users", text(e.body["user_id"]), slackUser)
		defaults["command"], defaults["text"] = "/tidewire", ""
		defaults["user_id"], defaults["user_name"] = user.id, user.fields["name"]
		defaults["channel_id"] = channel
		if c := a.store.get("channels", channel); c != nil {
			defaults["channel_name"] = c.fields["name"]
		}
		defaults["team_domain"], defaults["is_enterprise_install"] = "sandbox", "false"
	} else {
		slackInteraction(e, defaults)
		if channel == "" {
			channel = text(lookup(e.body, "container.channel_id"))
		}
	}
	if e.takes("response_url") && e.body["response_url"] == nil && channel != "" {
		e.body["response_url"] = slackResponseURL(e, channel)
	}
	for name, v := range defaults {
		if e.body[name] == nil {
			e.body[name] = v
		}
	}
	a.store.put("triggers", &record{id: e.id, fields: object{}, at: e.at.UnixMilli()})
}

// takes reports whether the trigger's data declares a field.
func (e *envelope) takes(field string) bool {
	_, d := e.app.def.Catalogue.Resolve(e.trigger.Data)
	return fieldOf(d, field) != nil
}

// slackInteraction adds the person, and to a click its place and time.
func slackInteraction(e *envelope, defaults object) {
	a, at := e.app, slackTime(e.at.UnixMilli())
	user := slackKnown(a, "users", text(lookup(e.body, "user.id")), slackUser)
	e.body["user"] = object{"id": user.id, "username": user.fields["name"], "name": user.fields["name"], "team_id": e.account}
	e.body["team"] = object{"id": lookup(e.body, "team.id"), "domain": "sandbox"}
	defaults["is_enterprise_install"] = false
	if id := text(lookup(e.body, "channel.id")); id != "" && lookup(e.body, "channel.name") == nil {
		channel := object{"id": id}
		if c := a.store.get("channels", id); c != nil {
			channel["name"] = c.fields["name"]
		}
		e.body["channel"] = channel
	}
	if e.takes("action_ts") {
		defaults["action_ts"] = at
	}
	if ts := text(lookup(e.body, "message.ts")); ts != "" {
		if e.takes("message_ts") {
			defaults["message_ts"] = ts
		}
		if e.takes("container") {
			defaults["container"] = object{"type": "message", "message_ts": ts, "channel_id": lookup(e.body, "channel.id"), "is_ephemeral": false}
		}
	} else if id := text(lookup(e.body, "view.id")); id != "" && e.takes("container") {
		defaults["container"] = object{"type": "view", "view_id": id}
	}
	actions, _ := e.body["actions"].([]any)
	for _, v := range actions {
		if action, ok := v.(object); ok && action["action_ts"] == nil && e.takes("container") {
			action["action_ts"] = at
		}
	}
}

// slackKnown gives a record by id, or the one of every day.
func slackKnown(a *app, resource, id, usual string) *record {
	if id == "" {
		id = usual
	}
	if found := a.store.get(resource, id); found != nil {
		return found
	}
	return &record{id: id, fields: object{"name": id}}
}

// slackResponseURL gives an address that takes five answers within half an hour.
func slackResponseURL(e *envelope, channel string) string {
	id := letters(e.app.random, 24, mixedAlphabet)
	e.app.store.put("responses", &record{id: id, at: e.at.UnixMilli(),
		fields: object{"channel": channel, "message": lookup(e.body, "message.ts"), "left": count(slackResponses)}})
	return e.app.sandbox.URL("slack") + slackResponsePath + id
}
