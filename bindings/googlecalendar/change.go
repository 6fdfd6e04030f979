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

// listed adds to a poll what the four kinds of list have in common: a sync token
// for the position that was read, and status 410 for one that is too old.
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

// polls: webhooks do not contain what changed, so the lists are always polled,
// and sooner when a channel reports a change.
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
		// Only an owner can read the access rules.
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

// channelLifetime is the lifetime that is requested for a channel. The vendor's default
// is a week.
const channelLifetime = 7 * 24 * time.Hour

// channel is a subscription for the changes of a list. It cannot be renewed: a new
// channel is created before the old one ends.
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
		Lifetime: channelLifetime,
		Poll:     name,
	}
}

// subscriptions: calendars that others publish, such as holidays, accept no
// channels, so none is created for calendars that the user cannot write.
func subscriptions() []bindings.Subscription {
	return []bindings.Subscription{
		channel("events", "googlecalendar.event.*", "events.watch", calendars("writer")),
		channel("calendars", "googlecalendar.calendar.*", "calendar_list.watch", nil),
		channel("acl", "googlecalendar.acl_rule.*", "acl.watch", calendars("owner")),
		channel("settings", "googlecalendar.setting.*", "settings.watch", nil),
	}
}

// webhook: a message of a channel has headers and no body, and reports only that
// something changed: "exists", or "not_exists" for a deleted record. The first,
// "sync", reports that the channel was created.
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
