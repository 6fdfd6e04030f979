package asana

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

// The feed is stored as records: each is an event, and its links are the gids of
// the records that the event is about: the task, its projects, the workspace.
const eventLog = "event_log"

// maxFeed is the highest number of events in the feed; beyond, the older half is
// removed.
const maxFeed = 10_000

// withEvents are the resources whose changes are in the feed.
var withEvents = map[string]bool{"tasks": true, "projects": true, "sections": true, "stories": true, "attachments": true, "tags": true}

// events adds a change to the feed, and returns the events for its webhooks.
func events(a *sandbox.App, c sandbox.Change) []*sandbox.Event {
	if c.Record == nil || !withEvents[c.Resource] {
		return nil
	}
	event := eventOf(a, c)
	scope := scopeOf(a, c.Resource, c.Record)
	if parent := event["parent"]; parent != nil {
		scope["parent"] = sandbox.Text(sandbox.Lookup(parent, "gid"))
	}
	parents := []any{event["parent"]}
	if event["action"] == "added" && event["parent"] == nil {
		parents = parentsOf(a, c.Resource, c.Record)
	}
	var all []*sandbox.Event
	for _, parent := range parents {
		one, _ := sandbox.Clone(event).(sandbox.Object)
		if parent != nil {
			one["parent"] = sandbox.Object{"gid": sandbox.Lookup(parent, "gid"), "resource_type": sandbox.Lookup(parent, "resource_type")}
		}
		addToFeed(a, one, scope)
		if trigger := triggerOf(a, one); trigger != nil {
			all = append(all, &sandbox.Event{Trigger: trigger, Body: one, Links: scope})
		}
	}
	return all
}

// eventOf writes a change as an event of the feed.
func eventOf(a *sandbox.App, c sandbox.Change) sandbox.Object {
	what := sandbox.Object{"gid": c.Record.ID, "resource_type": sandbox.Singular(c.Resource)}
	if subtype := c.Record.Fields["resource_subtype"]; subtype != nil {
		what["resource_subtype"] = subtype
	}
	event := sandbox.Object{"user": sandbox.Object{"gid": userID, "resource_type": "user"}, "created_at": sandbox.FormatTime(a.Time()), "resource": what}
	switch action := sandbox.Text(c.Fields["action"]); {
	case c.Trigger != "": // made by hand
		event["action"] = bindings.TriggerName(c.Trigger).Verb()
	case action != "":
		event["action"] = action
	default:
		event["action"] = map[string]string{"created": "added", "updated": "changed", "deleted": "deleted"}[c.Verb]
		return event
	}
	for _, name := range []string{"parent", "change"} {
		if v := c.Fields[name]; v != nil {
			event[name] = v
		}
	}
	return event
}

// parentsOf are the records to which a new one was added. Each is an event.
func parentsOf(a *sandbox.App, resource string, rec *sandbox.Record) []any {
	var all []any
	switch resource {
	case "tasks":
		places, _ := rec.Fields["memberships"].([]any)
		for _, m := range places {
			all = append(all, sandbox.Lookup(m, "project"))
			if section := sandbox.Lookup(m, "section"); section != nil {
				all = append(all, section)
			}
		}
		if parent := rec.Fields["parent"]; parent != nil {
			all = append(all, parent)
		}
	case "stories":
		all = append(all, rec.Fields["target"])
	case "attachments":
		all = append(all, rec.Fields["parent"])
	case "sections":
		all = append(all, rec.Fields["project"])
	}
	if len(all) == 0 {
		return []any{nil}
	}
	return all
}

// scopeOf are the gids of all records that a change is about.
func scopeOf(a *sandbox.App, resource string, rec *sandbox.Record) map[string]string {
	scope := map[string]string{"self": rec.ID, "workspace": a.Account}
	add := func(v any) {
		if gid := sandbox.Text(sandbox.Lookup(v, "gid")); gid != "" {
			scope[gid] = gid
			for _, above := range []string{"tasks"} {
				if task := a.Get(above, gid); task != nil && gid != rec.ID {
					for name, inner := range scopeOf(a, "tasks", task) {
						scope[gid+name] = inner
					}
				}
			}
		}
	}
	projects, _ := rec.Fields["projects"].([]any)
	for _, project := range projects {
		add(project)
	}
	for _, name := range []string{"parent", "target", "project", "task"} {
		add(rec.Fields[name])
	}
	return scope
}

// addToFeed adds an event to the feed.
func addToFeed(a *sandbox.App, event sandbox.Object, scope map[string]string) {
	feed := a.All(eventLog, nil)
	next := 0
	if len(feed) > 0 {
		next = numberOf(feed[len(feed)-1]) + 1
	}
	if len(feed) >= maxFeed {
		for _, old := range feed[:maxFeed/2] {
			a.Remove(eventLog, old)
		}
	}
	a.Save(eventLog, &sandbox.Record{ID: "event " + strconv.Itoa(next), Fields: event, Links: scope})
}

// numberOf is the number of an event in the feed.
func numberOf(event *sandbox.Record) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(event.ID, "event "))
	return n
}

// triggerOf returns the trigger of an event: of those that match, the one with
// the most conditions.
func triggerOf(a *sandbox.App, event sandbox.Object) *bindings.Trigger {
	var best *bindings.Trigger
	conditions := -1
	for _, name := range a.Def.Catalogue.Triggers() {
		t, _ := a.Def.Catalogue.Trigger(name)
		matched := t.Vendor == sandbox.Text(event["action"])
		for path, want := range t.When {
			matched = matched && sandbox.Text(sandbox.Lookup(event, path)) == want
		}
		if matched && len(t.When) > conditions {
			best, conditions = t, len(t.When)
		}
	}
	return best
}

// receives reports whether an event matches the filters of a webhook.
func receives(sub *sandbox.Subscription, e *sandbox.Event) bool {
	hook := sub.App.Get("webhooks", sub.Record)
	if hook == nil {
		return true
	}
	filters, _ := hook.Fields["filters"].([]any)
	return len(filters) == 0 || slices.ContainsFunc(filters, func(f any) bool {
		for name, path := range map[string]string{"resource_type": "resource.resource_type", "resource_subtype": "resource.resource_subtype", "action": "action"} {
			if want := sandbox.Text(sandbox.Lookup(f, name)); want != "" && want != sandbox.Text(sandbox.Lookup(e.Body, path)) {
				return false
			}
		}
		fields, _ := sandbox.Lookup(f, "fields").([]any)
		return len(fields) == 0 || sandbox.Matches(sandbox.Lookup(e.Body, "change.field"), fields)
	})
}

// syncToken is a position in the feed.
func syncToken(version int64, seen int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "asana %d %d", version, seen))
}

// feedSince returns the events of a resource since a token. Without one it
// returns the first token.
func feedSince(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	a := r.App
	resource := sandbox.Text(r.Query["resource"])
	if workspace := r.Params["workspace_gid"]; workspace != "" {
		resource = workspace
	}
	feed := a.All(eventLog, nil)
	first, end := 0, 0
	if len(feed) > 0 {
		first, end = numberOf(feed[0]), numberOf(feed[len(feed)-1])+1
	}
	var version int64
	var seen int
	raw, err := base64.RawURLEncoding.DecodeString(sandbox.Text(r.Query["sync"]))
	if err == nil {
		_, err = fmt.Sscanf(string(raw), "asana %d %d", &version, &seen)
	}
	if err != nil || seen < first || seen > end || !a.SyncTokenValid(version) {
		failed := refuse(http.StatusPreconditionFailed, "Sync token invalid or too old. If you are attempting to keep resources in sync, "+
			"you must fetch the full dataset for this query now and use the new sync token for the next sync.")
		failed.Extra = sandbox.Object{"sync": syncToken(a.Version(), end)}
		return sandbox.Result{}, failed
	}
	events := []any{}
	for seen < end && len(events) < 100 {
		entry := feed[seen-first]
		seen++
		for _, gid := range entry.Links {
			if gid == resource {
				one, _ := sandbox.Clone(entry.Fields).(sandbox.Object)
				one["type"] = sandbox.Lookup(one, "resource.resource_type")
				events = append(events, one)
				break
			}
		}
	}
	return sandbox.Result{Fields: sandbox.Object{"data": events, "sync": syncToken(a.Version(), seen), "has_more": seen < end}}, nil
}
