package slack

import "github.com/tidewire/tidewire/bindings/sandbox"

// completeForm adds to an interaction or a slash command the person, the place,
// and the address for answers. It does not replace fields.
func completeForm(e *sandbox.Event) {
	a := e.App
	defaults := sandbox.Object{"token": "sandbox-verification", "api_app_id": "A0SANDBOX01"}
	channel := sandbox.Text(sandbox.Lookup(e.Body, "channel.id"))
	if e.Form.Field == "" {
		channel = sandbox.Text(e.Body["channel_id"])
		if channel == "" {
			channel = "C0GENERAL01"
		}
		user := recordOr(a, "users", sandbox.Text(e.Body["user_id"]), adaID)
		defaults["command"], defaults["text"] = "/tidewire", ""
		defaults["user_id"], defaults["user_name"] = user.ID, user.Fields["name"]
		defaults["channel_id"] = channel
		if c := a.Get("channels", channel); c != nil {
			defaults["channel_name"] = c.Fields["name"]
		}
		defaults["team_domain"], defaults["is_enterprise_install"] = "sandbox", "false"
	} else {
		completeInteraction(e, defaults)
		if channel == "" {
			channel = sandbox.Text(sandbox.Lookup(e.Body, "container.channel_id"))
		}
	}
	if e.Declares("response_url") && e.Body["response_url"] == nil && channel != "" {
		e.Body["response_url"] = newResponseURL(e, channel)
	}
	for name, v := range defaults {
		if e.Body[name] == nil {
			e.Body[name] = v
		}
	}
	a.Save("triggers", &sandbox.Record{ID: e.ID, Fields: sandbox.Object{}, At: e.At.UnixMilli()})
}

// completeInteraction adds the person, and the place and time of a click.
func completeInteraction(e *sandbox.Event, defaults sandbox.Object) {
	a, at := e.App, timestamp(e.At.UnixMilli())
	user := recordOr(a, "users", sandbox.Text(sandbox.Lookup(e.Body, "user.id")), adaID)
	e.Body["user"] = sandbox.Object{"id": user.ID, "username": user.Fields["name"], "name": user.Fields["name"], "team_id": e.Account}
	e.Body["team"] = sandbox.Object{"id": e.Account, "domain": "sandbox"}
	defaults["is_enterprise_install"] = false
	if id := sandbox.Text(sandbox.Lookup(e.Body, "channel.id")); id != "" && sandbox.Lookup(e.Body, "channel.name") == nil {
		channel := sandbox.Object{"id": id}
		if c := a.Get("channels", id); c != nil {
			channel["name"] = c.Fields["name"]
		}
		e.Body["channel"] = channel
	}
	if e.Declares("action_ts") {
		defaults["action_ts"] = at
	}
	if ts := sandbox.Text(sandbox.Lookup(e.Body, "message.ts")); ts != "" {
		if e.Declares("message_ts") {
			defaults["message_ts"] = ts
		}
		if e.Declares("container") {
			defaults["container"] = sandbox.Object{"type": "message", "message_ts": ts, "channel_id": sandbox.Lookup(e.Body, "channel.id"), "is_ephemeral": false}
		}
	} else if id := sandbox.Text(sandbox.Lookup(e.Body, "view.id")); id != "" && e.Declares("container") {
		defaults["container"] = sandbox.Object{"type": "view", "view_id": id}
	}
	actions, _ := e.Body["actions"].([]any)
	for _, v := range actions {
		if action, ok := v.(sandbox.Object); ok && action["action_ts"] == nil && e.Declares("container") {
			action["action_ts"] = at
		}
	}
}

// recordOr returns a record by id, or the default one without an id.
func recordOr(a *sandbox.App, resource, id, usual string) *sandbox.Record {
	if id == "" {
		id = usual
	}
	if found := a.Get(resource, id); found != nil {
		return found
	}
	return &sandbox.Record{ID: id, Fields: sandbox.Object{"name": id}}
}

// newResponseURL creates an address that accepts five answers within half an hour.
func newResponseURL(e *sandbox.Event, channel string) string {
	id := sandbox.Letters(e.App.Random, 24, sandbox.MixedAlphabet)
	e.App.Save("responses", &sandbox.Record{ID: id, At: e.At.UnixMilli(),
		Fields: sandbox.Object{"channel": channel, "message": sandbox.Lookup(e.Body, "message.ts"), "left": sandbox.Count(maxResponses)}})
	return e.App.URL() + responsePath + id
}
