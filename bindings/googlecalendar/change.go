package googlecalendar

import (
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// calendars are those in the user's list in which the user has at least a
// role: reader, writer, owner.
func calendars(role string) *bindings.ForEach {
	return &bindings.ForEach{
		List: bindings.Call{Operation: "calendar_list.list", Args: map[string]any{"minAccessRole": role}},
		ID:   "id",
	}
}

// listed is one of the four kinds of list: each has a token that stands for
// what we have seen, and refuses one that is too old with 410.
// developers.google.com/workspace/calendar/api/guides/sync
func listed(p bindings.Poll, deleted map[string]string) bindings.Poll {
	p.Record = "id"
	p.Ignore = []string{"etag"}
	p.Sync = &bindings.Sync{
		Param:    "syncToken",
		Answer:   "nextSyncToken",
		Expired:  []int{410},
		Complete: true,
		Deleted:  deleted,
	}
	return p
}

// polls: no webhook tells what changed, so that the lists are always looked
// at, and sooner where a channel says that something did.
func polls() []bindings.Poll {
	ofCalendar := map[string]any{"calendarId": "{of.id}"}
	return []bindings.Poll{
		listed(bindings.Poll{
			Name:      "events",
			ForEach:   calendars("reader"),
			List:      bindings.Call{Operation: "events.list", Args: ofCalendar},
			Updated:   "updated",
			Created:   "created",
			Series:    "recurringEventId",
			Adds:      map[string]string{"calendarId": "id"},
			PerItem:   true,
			OnCreated: "googlecalendar.event.created",
			OnUpdated: "googlecalendar.event.updated",
			OnDeleted: "googlecalendar.event.deleted",
			Every:     time.Minute,
		}, map[string]string{"status": "cancelled"}),
		listed(bindings.Poll{
			Name:      "calendars",
			List:      bindings.Call{Operation: "calendar_list.list"},
			OnCreated: "googlecalendar.calendar.added",
			OnUpdated: "googlecalendar.calendar.updated",
			OnDeleted: "googlecalendar.calendar.removed",
			Every:     5 * time.Minute,
		}, map[string]string{"deleted": "true"}),
		// Only an owner sees who else may see.
		listed(bindings.Poll{
			Name:      "acl",
			ForEach:   calendars("owner"),
			List:      bindings.Call{Operation: "acl.list", Args: ofCalendar},
			Adds:      map[string]string{"calendarId": "id"},
			PerItem:   true,
			OnCreated: "googlecalendar.acl_rule.created",
			OnUpdated: "googlecalendar.acl_rule.updated",
			OnDeleted: "googlecalendar.acl_rule.deleted",
			Every:     15 * time.Minute,
		}, map[string]string{"role": "none"}),
		listed(bindings.Poll{
			Name:      "settings",
			List:      bindings.Call{Operation: "settings.list"},
			OnCreated: "googlecalendar.setting.changed",
			OnUpdated: "googlecalendar.setting.changed",
			Every:     15 * time.Minute,
		}, nil),
	}
}

// channelLife is what a channel is asked to live. The vendor gives a week
// where nothing is asked for.
const channelLife = 7 * 24 * time.Hour

// channel has the vendor say when a list changed. It cannot be prolonged: a
// new one is made before the old one ends.
func channel(name, triggers, watch string, of *bindings.ForEach) bindings.Subscription {
	args := map[string]any{
		"id": "{id}", "type": "web_hook", "address": "{url}", "token": "{secret}", "expiration": "{expires.ms}",
	}
	if of != nil {
		args["calendarId"] = "{of.id}"
	}
	return bindings.Subscription{
		Name:     name,
		ForEach:  of,
		Triggers: []string{triggers},
		Create:   bindings.Call{Operation: watch, Args: args},
		Remove:   bindings.Call{Operation: "channels.stop", Args: map[string]any{"id": "{id}", "resourceId": "{kept.resourceId}"}},
		ID:       "id",
		Expires:  "expiration",
		Stored:   []string{"resourceId"},
		Lifetime: channelLife,
		Poll:     name,
	}
}

// subscriptions: calendars that others publish, such as holidays, take no
// channels, so that none is asked for where the user cannot write.
func subscriptions() []bindings.Subscription {
	return []bindings.Subscription{
		channel("events", "googlecalendar.event.*", "events.watch", calendars("writer")),
		channel("calendars", "googlecalendar.calendar.*", "calendar_list.watch", nil),
		channel("acl", "googlecalendar.acl_rule.*", "acl.watch", calendars("owner")),
		channel("settings", "googlecalendar.setting.*", "settings.watch", nil),
	}
}

// webhook: a message of a channel is headers without a body, and says only
// that something changed: "exists", or "not_exists" for what is gone. The
// first, "sync", says that the channel is there.
// developers.google.com/workspace/calendar/api/guides/push
func webhook() *bindings.Webhook {
	return &bindings.Webhook{
		Token: &bindings.WebhookToken{Header: "X-Goog-Channel-Token"},
		Headers: map[string]string{
			"channel":  "X-Goog-Channel-ID",
			"expires":  "X-Goog-Channel-Expiration",
			"message":  "X-Goog-Message-Number",
			"resource": "X-Goog-Resource-ID",
			"state":    "X-Goog-Resource-State",
			"uri":      "X-Goog-Resource-URI",
		},
		Type:        "state",
		Ignore:      []string{"sync"},
		PollOn:      []string{"*"},
		RetryStatus: 503,
	}
}
