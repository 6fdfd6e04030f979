package sandbox

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// feedEntry is one change in the feed, with the gids of all that it is a
// change of: the task, its projects, the workspace.
type feedEntry struct {
	of    map[string]string
	event object
}

// mostFeed bounds what is kept of the feed; what is older is forgotten.
const mostFeed = 10_000

// asanaEvents are the resources whose changes are told.
var asanaEvents = map[string]bool{"tasks": true, "projects": true, "sections": true, "stories": true, "attachments": true, "tags": true}

// asanaAnnounce tells of a change: in the feed, and by the webhooks of all
// that it is a change of.
func asanaAnnounce(a *app, c changed) []*job {
	if c.resource == nil || c.record == nil || !asanaEvents[c.resource.name] {
		return nil
	}
	named := func(v any) object {
		return object{"gid": lookup(v, "gid"), "resource_type": lookup(v, "resource_type")}
	}
	what := object{"gid": c.record.id, "resource_type": singular(c.resource.name)}
	if subtype := c.record.fields["resource_subtype"]; subtype != nil {
		what["resource_subtype"] = subtype
	}
	event := object{"user": object{"gid": asanaMe, "resource_type": "user"}, "created_at": stamp(a.sandbox.now()), "resource": what}
	switch action := text(c.fields["action"]); {
	case c.trigger != "": // by hand
		event["action"] = c.trigger[strings.LastIndexByte(c.trigger, '.')+1:]
		for _, name := range []string{"parent", "change"} {
			if v := c.fields[name]; v != nil {
				event[name] = v
			}
		}
	case action != "":
		event["action"] = action
		for _, name := range []string{"parent", "change"} {
			if v := c.fields[name]; v != nil {
				event[name] = v
			}
		}
	default:
		event["action"] = map[string]string{"created": "added", "updated": "changed", "deleted": "deleted"}[c.verb]
	}
	scope := a.asanaScope(c.resource.name, c.record)
	if parent := event["parent"]; parent != nil {
		scope["parent"] = text(lookup(parent, "gid"))
	}
	parents := []any{event["parent"]}
	if event["action"] == "added" && event["parent"] == nil {
		parents = a.asanaParents(c.resource.name, c.record)
	}
	var all []*job
	for _, parent := range parents {
		one, _ := clone(event).(object)
		if parent != nil {
			one["parent"] = named(parent)
		}
		all = append(all, a.asanaTell(one, scope)...)
	}
	return all
}

// asanaParents are what a new record was added to, each told by itself.
func (a *app) asanaParents(resource string, rec *record) []any {
	var all []any
	switch resource {
	case "tasks":
		places, _ := rec.fields["memberships"].([]any)
		for _, m := range places {
			all = append(all, lookup(m, "project"))
			if section := lookup(m, "section"); section != nil {
				all = append(all, section)
			}
		}
		if parent := rec.fields["parent"]; parent != nil {
			all = append(all, parent)
		}
	case "stories":
		all = append(all, rec.fields["target"])
	case "attachments":
		all = append(all, rec.fields["parent"])
	case "sections":
		all = append(all, rec.fields["project"])
	}
	if len(all) == 0 {
		return []any{nil}
	}
	return all
}

// asanaScope are the gids of all that a change is one of.
func (a *app) asanaScope(resource string, rec *record) map[string]string {
	scope := map[string]string{"self": rec.id, "workspace": a.account}
	add := func(v any) {
		if gid := text(lookup(v, "gid")); gid != "" {
			scope[gid] = gid
			for _, above := range []string{"tasks"} {
				if task := a.store.get(above, gid); task != nil && gid != rec.id {
					for name, inner := range a.asanaScope("tasks", task) {
						scope[gid+name] = inner
					}
				}
			}
		}
	}
	projects, _ := rec.fields["projects"].([]any)
	for _, project := range projects {
		add(project)
	}
	for _, name := range []string{"parent", "target", "project", "task"} {
		add(rec.fields[name])
	}
	return scope
}

// asanaTell keeps an event in the feed and sends it.
func (a *app) asanaTell(event object, scope map[string]string) []*job {
	if a.feed = append(a.feed, feedEntry{scope, event}); len(a.feed) > mostFeed {
		drop := len(a.feed) - mostFeed/2
		a.feed, a.fed = slices.Clone(a.feed[drop:]), a.fed+drop
	}
	t := a.asanaTrigger(event)
	if t == "" || !a.sandbox.hooks.wanted(a.def.Name) {
		return nil
	}
	trigger, _ := a.def.Catalogue.Trigger(t)
	return a.sandbox.hooks.send(a, &envelope{app: a, trigger: trigger, body: event, id: uuid(a.random), account: a.account, at: a.sandbox.now(), links: scope})
}

// asanaTrigger is the most particular trigger that an event is of.
func (a *app) asanaTrigger(event object) string {
	best, most := "", -1
	for _, name := range a.def.Catalogue.Triggers() {
		t, _ := a.def.Catalogue.Trigger(name)
		fits := t.Vendor == text(event["action"])
		for path, want := range t.When {
			fits = fits && text(lookup(event, path)) == want
		}
		if fits && len(t.When) > most {
			best, most = name, len(t.When)
		}
	}
	return best
}

// asanaWants holds an event against the filters of a webhook.
func asanaWants(sub *subscription, e *envelope) bool {
	hook := sub.app.store.get("webhooks", sub.record)
	if hook == nil {
		return true
	}
	filters, _ := hook.fields["filters"].([]any)
	return len(filters) == 0 || slices.ContainsFunc(filters, func(f any) bool {
		for name, path := range map[string]string{"resource_type": "resource.resource_type", "resource_subtype": "resource.resource_subtype", "action": "action"} {
			if want := text(lookup(f, name)); want != "" && want != text(lookup(e.body, path)) {
				return false
			}
		}
		fields, _ := lookup(f, "fields").([]any)
		return len(fields) == 0 || fits(lookup(e.body, "change.field"), fields)
	})
}

// asanaToken stands for what of the feed was seen.
func asanaToken(version int64, seen int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "asana %d %d", version, seen))
}

// asanaFeed gives what changed of a resource since a token; without one it
// gives the first.
func asanaFeed(r *request) (result, *failure) {
	a := r.app
	resource := text(r.query["resource"])
	if workspace := r.params["workspace_gid"]; workspace != "" {
		resource = workspace
	}
	end := a.fed + len(a.feed)
	var version int64
	var seen int
	raw, err := base64.RawURLEncoding.DecodeString(text(r.query["sync"]))
	if err == nil {
		_, err = fmt.Sscanf(string(raw), "asana %d %d", &version, &seen)
	}
	if err != nil || seen < a.fed || seen > end || version < a.forgotten {
		failed := asanaError(http.StatusPreconditionFailed, "Sync token invalid or too old. If you are attempting to keep resources in sync, "+
			"you must fetch the full dataset for this query now and use the new sync token for the next sync.")
		failed.extra = object{"sync": asanaToken(a.store.version, end)}
		return result{}, failed
	}
	events := []any{}
	for seen < end && len(events) < 100 {
		entry := a.feed[seen-a.fed]
		seen++
		for _, gid := range entry.of {
			if gid == resource {
				one, _ := clone(entry.event).(object)
				one["type"] = lookup(one, "resource.resource_type")
				events = append(events, one)
				break
			}
		}
	}
	return result{fields: object{"data": events, "sync": asanaToken(a.store.version, seen), "has_more": seen < end}}, nil
}
