package sandbox

import (
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// asanaFields are the resources whose records stand in fields of these names.
// What is not here may be of any.
var asanaFields = map[string]string{
	"assignee": "users", "owner": "users", "created_by": "users", "completed_by": "users", "assigned_by": "users", "author": "users",
	"user": "users", "member": "users", "followers": "users", "members": "users", "requester": "users", "attributable_to": "users",
	"project": "projects", "projects": "projects", "workspace": "workspaces", "workspaces": "workspaces", "organization": "workspaces",
	"team": "teams", "tags": "tags", "tag": "tags", "section": "sections", "assignee_section": "sections",
	"task": "tasks", "dependencies": "tasks", "dependents": "tasks", "custom_field": "custom_fields",
}

// asanaSettle writes gids out as the records that they name, and what a record
// has by itself.
func asanaSettle(a *app, res *resource, r *record) {
	f := r.fields
	last := res.name[strings.LastIndexByte(res.name, '/')+1:]
	f["resource_type"] = singular(last)
	switch res.name {
	case "tasks":
		defaults(object{
			"completed": false, "resource_subtype": "default_task", "created_by": asanaMe, "followers": []any{asanaMe}, "projects": []any{},
			"tags": []any{}, "permalink_url": "https://app.asana.com/0/0/" + r.id,
		})(f)
		if f["completed"] != true {
			delete(f, "completed_at")
			delete(f, "completed_by")
		} else if f["completed_at"] == nil {
			f["completed_at"], f["completed_by"] = stamp(a.sandbox.now()), asanaMe
		}
	case "projects":
		defaults(object{"archived": false, "owner": asanaMe, "workspace": a.account, "permalink_url": "https://app.asana.com/0/" + r.id})(f)
	case "stories":
		defaults(object{"resource_subtype": "comment_added", "type": "comment", "created_by": asanaMe})(f)
	case "webhooks":
		defaults(object{"active": true})(f)
	case "attachments":
		if file, is := f["file"].(object); is {
			defaults(object{"name": file["file_name"], "size": file["file_size"]})(f)
			delete(f, "file")
		}
	}
	for _, t := range res.records {
		for _, field := range t.fields() {
			if v := f[field.Name]; v != nil && asanaNames(t, &field.Type) {
				f[field.Name] = a.asanaWritten(asanaFields[field.Name], v)
			}
		}
	}
	if res.name == "tasks" {
		a.asanaPlaces(r)
	}
}

// asanaNames reports whether values of a type name records by gid.
func asanaNames(t recordType, of *bindings.Type) bool {
	resolved, d := t.Resolve(of)
	if resolved.Kind == bindings.List {
		return asanaNames(t, resolved.Items)
	}
	return d != nil && fieldOf(d, "gid") != nil
}

// asanaWritten writes a gid, or a list of them, as a record with its name.
func (a *app) asanaWritten(resource string, v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = a.asanaWritten(resource, e)
		}
		return out
	case string:
		found, in := a.asanaSeek(resource, v)
		if found == nil {
			return object{"gid": v, "resource_type": singular(in)}
		}
		out := object{"gid": found.id, "resource_type": singular(in)}
		if name := found.fields["name"]; name != nil {
			out["name"] = name
		}
		return out
	}
	return v
}

// asanaSeek finds a record by its gid, a user also as "me" and by address.
func (a *app) asanaSeek(resource, gid string) (*record, string) {
	if resource == "users" {
		if gid == "me" {
			gid = asanaMe
		}
		for _, user := range a.store.all("users", nil) {
			if user.id == gid || text(user.fields["email"]) == gid {
				return user, resource
			}
		}
		return nil, resource
	}
	if resource != "" {
		return a.store.get(resource, gid), resource
	}
	for _, name := range sorted(a.store.collections) {
		if found := a.store.get(name, gid); found != nil {
			return found, name
		}
	}
	return nil, "task"
}

// asanaPlaces keeps a task's memberships with its projects: each project has
// it in one section, the first if nothing is said.
func (a *app) asanaPlaces(r *record) {
	projects, _ := r.fields["projects"].([]any)
	old, _ := r.fields["memberships"].([]any)
	places := []any{}
	for _, project := range projects {
		gid := text(lookup(project, "gid"))
		i := slices.IndexFunc(old, func(m any) bool { return text(lookup(m, "project.gid")) == gid || text(lookup(m, "project")) == gid })
		place := object{"project": project}
		if i >= 0 {
			place["section"] = a.asanaWritten("sections", lookup(old[i], "section"))
		}
		if place["section"] == nil {
			for _, section := range a.store.all("sections", nil) {
				if asanaRefers(section.fields["project"], gid) {
					place["section"] = a.asanaWritten("sections", section.id)
					break
				}
			}
		}
		places = append(places, place)
		if r.fields["workspace"] == nil {
			if p := a.store.get("projects", gid); p != nil {
				r.fields["workspace"] = clone(p.fields["workspace"])
			}
		}
	}
	r.fields["memberships"] = places
	if r.fields["workspace"] == nil {
		r.fields["workspace"] = a.asanaWritten("workspaces", a.account)
	}
}

// asanaCompact are the fields of a record in a list that asks for no others.
var asanaCompact = map[string][]string{
	"stories":  {"created_at", "created_by", "text", "type"},
	"webhooks": {"active", "resource", "target"},
}

// asanaShow gives of a record what opt_fields asks for, and in a list else
// only what tells it from others.
func asanaShow(r *request, shown object, listed bool) object {
	for _, v := range shown {
		r.app.asanaRename(v)
	}
	asked, _ := r.query["opt_fields"].([]any)
	if len(asked) > 0 {
		out := object{"gid": shown["gid"]}
		for _, path := range asked {
			if steps := strings.Split(strings.TrimPrefix(text(path), "this."), "."); steps[0] != "" {
				r.app.asanaPick(out, shown, steps)
			}
		}
		return out
	}
	if _, named := shown["name"]; !listed || !named && asanaCompact[r.plan.resource.name] == nil {
		return shown
	}
	out := object{}
	for _, name := range append([]string{"gid", "resource_type", "resource_subtype", "name"}, asanaCompact[r.plan.resource.name]...) {
		if v := shown[name]; v != nil {
			out[name] = v
		}
	}
	return out
}

// asanaRename gives the records that a record names the names that they have
// now.
func (a *app) asanaRename(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			a.asanaRename(e)
		}
	case object:
		if gid := text(v["gid"]); gid != "" && v["resource_type"] != nil {
			if found, _ := a.asanaSeek("", gid); found != nil && found.fields["name"] != nil {
				v["name"] = found.fields["name"]
			}
			return
		}
		for _, e := range v {
			a.asanaRename(e)
		}
	}
}

// asanaPick copies a path of one record into another, looking behind the
// records that it names.
func (a *app) asanaPick(out, from object, path []string) {
	v := from[path[0]]
	if len(path) == 1 || v == nil {
		if v != nil {
			out[path[0]] = clone(v)
		}
		return
	}
	inner := func(v any, into any) any {
		named, is := v.(object)
		if !is {
			return v
		}
		whole := named
		if gid := text(named["gid"]); gid != "" {
			if found, _ := a.asanaSeek(asanaFields[path[0]], gid); found != nil {
				whole = found.fields
			}
		}
		target, is := into.(object)
		if !is {
			target = object{}
			if gid := named["gid"]; gid != nil {
				target["gid"] = gid
			}
		}
		a.asanaPick(target, whole, path[1:])
		return target
	}
	all, isList := v.([]any)
	if !isList {
		out[path[0]] = inner(v, out[path[0]])
		return
	}
	before, _ := out[path[0]].([]any)
	picked := make([]any, len(all))
	for i, e := range all {
		var into any
		if i < len(before) {
			into = before[i]
		}
		picked[i] = inner(e, into)
	}
	out[path[0]] = picked
}
