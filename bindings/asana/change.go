package asana

import (
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// same are the fields that identify a change: the vendor's events have no id, and
// the same one is sent for every project that a task is in.
func same() []string {
	return []string{
		"action", "created_at", "user.gid", "resource.gid", "parent.gid", "change.field", "change.action",
		"change.new_value.gid", "change.added_value.gid", "change.removed_value.gid",
	}
}

// webhook: a body lists the events since the last one. Every eight hours the
// vendor sends an empty body, to check that the address still exists.
// developers.asana.com, "webhooks"
func webhook() *bindings.Webhook {
	return &bindings.Webhook{
		Signatures: []bindings.Signature{{
			Name:      "asana",
			Algorithm: bindings.HMACSHA256,
			Encoding:  bindings.Hex,
			Header:    "X-Hook-Signature",
			Value:     "{signature}",
			Signed:    "{body}",
		}},
		Handshake:  &bindings.Handshake{Header: "X-Hook-Secret"},
		Batch:      "events",
		Type:       "action",
		At:         "created_at",
		DedupPaths: same(),
		// After this status the vendor removes the webhook.
		GoneStatus:  410,
		RetryStatus: 503,
	}
}

// projects are the projects of the connection's workspace that are not archived.
func projects() *bindings.ForEach {
	return &bindings.ForEach{
		List: bindings.Call{Operation: "projects.list", Args: map[string]any{"workspace": "{account}", "archived": false}},
		ID:   "gid",
	}
}

// subscriptions: the webhook of a project reports all changes in it.
func subscriptions() []bindings.Subscription {
	return []bindings.Subscription{{
		Name:     "projects",
		ForEach:  projects(),
		Triggers: []string{"asana.*.*"},
		Create:   bindings.Call{Operation: "webhooks.create", Args: map[string]any{"resource": "{of.gid}", "target": "{url}"}},
		List:     &bindings.Call{Operation: "webhooks.list", Args: map[string]any{"workspace": "{account}", "resource": "{of.gid}"}},
		Remove:   bindings.Call{Operation: "webhooks.delete", Args: map[string]any{"webhook_gid": "{id}"}},
		Wrap:     "data",
		ID:       "gid",
		Address:  "target",
	}}
}

// polls: the feed of a project has the same events as its webhook, for
// connections that cannot receive any. The first call, and one whose token is too
// old, is answered by 412 with a new token.
func polls() []bindings.Poll {
	return []bindings.Poll{{
		Name:    "changes",
		ForEach: projects(),
		List:    bindings.Call{Operation: "events.list", Args: map[string]any{"resource": "{of.gid}"}},
		Sync:    &bindings.Sync{Param: "sync", Answer: "sync", Expired: []int{412}, ExpiredAnswer: "sync", Feed: true, Triggers: []string{"asana.*.*"}},
		Record:  "resource.gid",
		Compare: same(),
		Every:   time.Minute,
	}}
}
