package sandbox

import (
	"slices"
	"strconv"
)

// slackMarks are the methods of what hangs on messages and channels:
// reactions, pins, stars, bookmarks and reminders.
func slackMarks() map[string]*rule {
	bookmark := slackKind{"bookmarks", "bookmark_id", "bookmark", "not_found"}
	reminder := slackKind{"reminders", "reminder", "reminder", "not_found"}
	pinned := slackMark{resource: "pins", event: "pin", there: "already_pinned", gone: "no_pin"}
	starred := slackMark{resource: "stars", event: "star", there: "already_starred", gone: "not_starred"}
	return map[string]*rule{
		"reactions.add":    {resource: "messages", trigger: "reaction.added", do: slackReact(true)},
		"reactions.remove": {resource: "messages", trigger: "reaction.removed", do: slackReact(false)},
		"reactions.get": {resource: "messages", do: func(r *request) (result, *failure) {
			channel, message, failed := r.message("timestamp")
			if failed != nil {
				return result{}, failed
			}
			return result{fields: object{"type": "message", "channel": channel.id, "message": message.fields}}, nil
		}},
		"reactions.list": slackListing("reactions", nil, func(r *request, rec *record) object {
			shown, _ := clone(rec.fields).(object)
			if message := r.app.store.get("messages", rec.links["message"]); message != nil {
				shown["message"] = message.fields
			}
			return shown
		}),
		"pins.add":    pinned.add(),
		"pins.remove": pinned.remove(),
		"pins.list": slackListing("pins", func(r *request, rec *record) bool {
			return rec.fields["channel"] == r.fields["channel"]
		}, nil),
		"stars.add":    starred.add(),
		"stars.remove": starred.remove(),
		"stars.list":   {resource: "stars", verb: list},
		"bookmarks.add": bookmark.add(func(r *request) object {
			return object{"date_created": number(r.now.Unix()), "date_updated": number(0), "rank": "r", "app_id": "A0SANDBOX01"}
		}),
		"bookmarks.edit": bookmark.set(func(r *request) object {
			return slackMerged(r.given("title", "link", "emoji"), object{"date_updated": number(r.now.Unix())})
		}),
		"bookmarks.list":   {resource: "bookmarks", verb: list},
		"bookmarks.remove": bookmark.drop(),
		"reminders.add": reminder.add(func(r *request) object {
			fields := object{"creator": slackUser, "user": slackUser, "recurring": r.fields["recurrence"] != nil, "complete_ts": number(0)}
			if user := r.fields["user"]; !empty(user) {
				fields["user"] = user
			}
			if at, err := strconv.ParseInt(text(r.fields["time"]), 10, 64); err == nil {
				fields["time"] = number(at)
			} else {
				fields["time"] = number(r.now.Unix()) // "in ten minutes": words are the vendor's to read
			}
			return fields
		}),
		"reminders.complete": reminder.set(func(r *request) object { return object{"complete_ts": number(r.now.Unix())} }),
		"reminders.delete":   reminder.drop(),
		"reminders.info":     reminder.info(),
		"reminders.list":     {resource: "reminders", verb: list},
	}
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
		key := channel.id + " " + message.id + " " + name
		switch {
		case add && at >= 0:
			return result{}, slackError("already_reacted")
		case !add && at < 0:
			return result{}, slackError("no_reaction")
		case add:
			all = append(all, object{"name": name, "users": []any{slackBot}, "count": count(1)})
			r.app.make(r.app.model.resource("reactions"), key, object{"type": "message", "channel": channel.id}, map[string]string{"message": message.id}, nil)
		default:
			all = slices.Delete(all, at, at+1)
			if made := r.app.store.get("reactions", key); made != nil {
				r.app.store.remove("reactions", made)
			}
		}
		message.fields["reactions"] = all
		return result{changes: []changed{{resource: r.plan.resource, verb: "changed", record: message, fields: object{
			"user": slackBot, "reaction": name, "item_user": message.fields["user"], "event_ts": slackTime(r.now.UnixMilli()),
			"item": object{"type": "message", "channel": channel.id, "ts": message.id},
		}}}}, nil
	}
}

// slackMark is something that a message, or a file, has once.
type slackMark struct{ resource, event, there, gone string }

// item finds what is marked, and the mark it has.
func (m slackMark) item(r *request) (item object, key string, failed *failure) {
	if id := text(r.fields["file"]); id != "" {
		file := r.app.store.get("files", id)
		if file == nil {
			return nil, "", slackError("file_not_found")
		}
		return object{"type": "file", "file": file.fields}, id, nil
	}
	if text(r.fields["timestamp"]) == "" && m.resource == "stars" {
		channel, failed := r.channel()
		if failed != nil {
			return nil, "", slackError("no_item_specified")
		}
		return object{"type": "channel", "channel": channel.id}, channel.id, nil
	}
	channel, message, failed := r.message("timestamp")
	if failed != nil {
		return nil, "", failed
	}
	return object{"type": "message", "channel": channel.id, "message": message.fields}, channel.id + " " + message.id, nil
}

func (m slackMark) told(r *request, rec *record, item object) []changed {
	return []changed{{resource: r.plan.resource, record: rec, fields: object{
		"user": slackBot, "channel_id": item["channel"], "item": item, "event_ts": slackTime(r.now.UnixMilli()),
	}}}
}

func (m slackMark) add() *rule {
	return &rule{resource: m.resource, trigger: m.event + ".added", do: func(r *request) (result, *failure) {
		item, key, failed := m.item(r)
		if failed != nil {
			return result{}, failed
		}
		if r.app.store.get(m.resource, key) != nil {
			return result{}, slackError(m.there)
		}
		made := r.app.make(r.plan.resource, key, slackMerged(item, object{
			"created": number(r.now.Unix()), "created_by": slackBot, "date_create": number(r.now.Unix())}), nil, nil)
		return result{changes: m.told(r, made, item)}, nil
	}}
}

func (m slackMark) remove() *rule {
	return &rule{resource: m.resource, trigger: m.event + ".removed", do: func(r *request) (result, *failure) {
		item, key, failed := m.item(r)
		if failed != nil {
			return result{}, failed
		}
		made := r.app.store.get(m.resource, key)
		if made == nil {
			return result{}, slackError(m.gone)
		}
		r.app.store.remove(m.resource, made)
		return result{changes: m.told(r, made, item)}, nil
	}}
}
