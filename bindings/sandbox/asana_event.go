package sandbox

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// The feed is kept as records: each has an event, and as its links the gids of
// all that it is a change of: the task, its projects, the workspace.
const asanaEventLog = "event_log"

// maxFeed bounds the feed; the older half is then removed.
const maxFeed = 10_000

// asanaEvents are the resources whose changes are told.
var asanaEvents = map[string]bool{"tasks": true, "projects": true, "sections": true, "stories": true, "attachments": true, "tags": true}

// asanaAnnounce tells of a change: in the feed, and by the webhooks of all
// that it is a change of.
func asanaAnnounce(a *App, c Change) []*Envelope {
	if c.Record == nil || !asanaEvents[c.Resource] {
		return nil
	}
	named := func(v any) Object {
		return Object{"gid": Lookup(v, "gid"), "resource_type": Lookup(v, "resource_type")}
	}
	what := Object{"gid": c.Record.ID, "resource_type": Singular(c.Resource)}
	if subtype := c.Record.Fields["resource_subtype"]; subtype != nil {
		what["resource_subtype"] = subtype
	}
	event := Object{"user": Object{"gid": asanaMe, "resource_type": "user"}, "created_at": Stamp(a.Time()), "resource": what}
	switch action := Text(c.Fields["action"]); {
	case c.Trigger != "": // by hand
		event["action"] = c.Trigger[strings.LastIndexByte(c.Trigger, '.')+1:]
		for _, name := range []string{"parent", "change"} {
			if v := c.Fields[name]; v != nil {
				event[name] = v
			}
		}
	case action != "":
		event["action"] = action
		for _, name := range []string{"parent", "change"} {
			if v := c.Fields[name]; v != nil {
				event[name] = v
			}
		}
	default:
		event["action"] = map[string]string{"created": "added", "updated": "changed", "deleted": "deleted"}[c.Verb]
	}
	scope := a.asanaScope(c.Resource, c.Record)
	if parent := event["parent"]; parent != nil {
		scope["parent"] = Text(Lookup(parent, "gid"))
	}
	parents := []any{event["parent"]}
	if event["action"] == "added" && event["parent"] == nil {
		parents = a.asanaParents(c.Resource, c.Record)
	}
	var all []*Envelope
	for _, parent := range parents {
		one, _ := Clone(event).(Object)
		if parent != nil {
			one["parent"] = named(parent)
		}
		a.asanaKeep(one, scope)
		if trigger := a.asanaTrigger(one); trigger != nil {
			all = append(all, &Envelope{Trigger: trigger, Body: one, Links: scope})
		}
	}
	return all
}

// asanaParents are what a new record was added to, each told by itself.
func (a *App) asanaParents(resource string, rec *Record) []any {
	var all []any
	switch resource {
	case "tasks":
		places, _ := rec.Fields["memberships"].([]any)
		for _, m := range places {
			all = append(all, Lookup(m, "project"))
			if section := Lookup(m, "section"); section != nil {
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

// asanaScope are the gids of all that a change is one of.
func (a *App) asanaScope(resource string, rec *Record) map[string]string {
	scope := map[string]string{"self": rec.ID, "workspace": a.Account}
	add := func(v any) {
		if gid := Text(Lookup(v, "gid")); gid != "" {
			scope[gid] = gid
			for _, above := range []string{"tasks"} {
				if task := a.Get(above, gid); task != nil && gid != rec.ID {
					for name, inner := range a.asanaScope("tasks", task) {
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

// asanaKeep adds an event to the feed.
func (a *App) asanaKeep(event Object, scope map[string]string) {
	feed := a.All(asanaEventLog, nil)
	next := 0
	if len(feed) > 0 {
		next = asanaNumber(feed[len(feed)-1]) + 1
	}
	if len(feed) >= maxFeed {
		for _, old := range feed[:maxFeed/2] {
			a.Remove(asanaEventLog, old)
		}
	}
	a.Save(asanaEventLog, &Record{ID: "event " + strconv.Itoa(next), Fields: event, Links: scope})
}

// asanaNumber is the number of an event in the feed.
func asanaNumber(event *Record) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(event.ID, "event "))
	return n
}

// asanaTrigger is the most particular trigger that an event is of.
func (a *App) asanaTrigger(event Object) *bindings.Trigger {
	var best *bindings.Trigger
	most := -1
	for _, name := range a.Def.Catalogue.Triggers() {
		t, _ := a.Def.Catalogue.Trigger(name)
		fits := t.Vendor == Text(event["action"])
		for path, want := range t.When {
			fits = fits && Text(Lookup(event, path)) == want
		}
		if fits && len(t.When) > most {
			best, most = t, len(t.When)
		}
	}
	return best
}

// asanaWants holds an event against the filters of a webhook.
func asanaWants(sub *Subscription, e *Envelope) bool {
	hook := sub.App.Get("webhooks", sub.Record)
	if hook == nil {
		return true
	}
	filters, _ := hook.Fields["filters"].([]any)
	return len(filters) == 0 || slices.ContainsFunc(filters, func(f any) bool {
		for name, path := range map[string]string{"resource_type": "resource.resource_type", "resource_subtype": "resource.resource_subtype", "action": "action"} {
			if want := Text(Lookup(f, name)); want != "" && want != Text(Lookup(e.Body, path)) {
				return false
			}
		}
		fields, _ := Lookup(f, "fields").([]any)
		return len(fields) == 0 || Fits(Lookup(e.Body, "change.field"), fields)
	})
}

// asanaToken stands for what of the feed was seen.
func asanaToken(version int64, seen int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "asana %d %d", version, seen))
}

// asanaFeed gives what changed of a resource since a token; without one it
// gives the first.
func asanaFeed(r *Call) (Result, *Failure) {
	a := r.App
	resource := Text(r.Query["resource"])
	if workspace := r.Params["workspace_gid"]; workspace != "" {
		resource = workspace
	}
	feed := a.All(asanaEventLog, nil)
	first, end := 0, 0
	if len(feed) > 0 {
		first, end = asanaNumber(feed[0]), asanaNumber(feed[len(feed)-1])+1
	}
	var version int64
	var seen int
	raw, err := base64.RawURLEncoding.DecodeString(Text(r.Query["sync"]))
	if err == nil {
		_, err = fmt.Sscanf(string(raw), "asana %d %d", &version, &seen)
	}
	if err != nil || seen < first || seen > end || !a.Known(version) {
		failed := asanaError(http.StatusPreconditionFailed, "Sync token invalid or too old. If you are attempting to keep resources in sync, "+
			"you must fetch the full dataset for this query now and use the new sync token for the next sync.")
		failed.Extra = Object{"sync": asanaToken(a.Version(), end)}
		return Result{}, failed
	}
	events := []any{}
	for seen < end && len(events) < 100 {
		entry := feed[seen-first]
		seen++
		for _, gid := range entry.Links {
			if gid == resource {
				one, _ := Clone(entry.Fields).(Object)
				one["type"] = Lookup(one, "resource.resource_type")
				events = append(events, one)
				break
			}
		}
	}
	return Result{Fields: Object{"data": events, "sync": asanaToken(a.Version(), seen), "has_more": seen < end}}, nil
}
