package sandbox

import (
	"slices"
	"strings"
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

// asanaComplete writes gids out as the records that they name, and adds what
// the vendor adds to a record.
func asanaComplete(a *App, resource string, r *Record) {
	f := r.Fields
	f["resource_type"] = Singular(resource[strings.LastIndexByte(resource, '/')+1:])
	switch resource {
	case "tasks":
		Default(f, Object{"permalink_url": "https://app.asana.com/0/0/" + r.ID})
		if f["completed"] != true {
			delete(f, "completed_at")
			delete(f, "completed_by")
		} else if f["completed_at"] == nil {
			f["completed_at"], f["completed_by"] = Stamp(a.Time()), asanaMe
		}
	case "projects":
		Default(f, Object{"workspace": a.Account, "permalink_url": "https://app.asana.com/0/" + r.ID})
	case "attachments":
		if file, is := f["file"].(Object); is {
			Default(f, Object{"name": file["file_name"], "size": file["file_size"]})
			delete(f, "file")
		}
	}
	for _, name := range a.References(resource) {
		if v := f[name]; v != nil {
			f[name] = a.asanaWritten(asanaFields[name], v)
		}
	}
	if resource == "tasks" {
		a.asanaPlaces(r)
	}
}

// asanaWritten writes a gid, or a list of them, as a record with its name.
func (a *App) asanaWritten(resource string, v any) any {
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
			return Object{"gid": v, "resource_type": Singular(in)}
		}
		out := Object{"gid": found.ID, "resource_type": Singular(in)}
		if name := found.Fields["name"]; name != nil {
			out["name"] = name
		}
		return out
	}
	return v
}

// asanaSeek finds a record by its gid, a user also as "me" and by address.
func (a *App) asanaSeek(resource, gid string) (*Record, string) {
	if resource == "users" {
		if gid == "me" {
			gid = asanaMe
		}
		for _, user := range a.All("users", nil) {
			if user.ID == gid || Text(user.Fields["email"]) == gid {
				return user, resource
			}
		}
		return nil, resource
	}
	if resource != "" {
		return a.Get(resource, gid), resource
	}
	for _, name := range a.Collections() {
		if found := a.Get(name, gid); found != nil {
			return found, name
		}
	}
	return nil, "task"
}

// asanaPlaces keeps a task's memberships with its projects: each project has
// it in one section, the first if nothing is said.
func (a *App) asanaPlaces(r *Record) {
	projects, _ := r.Fields["projects"].([]any)
	old, _ := r.Fields["memberships"].([]any)
	places := []any{}
	for _, project := range projects {
		gid := Text(Lookup(project, "gid"))
		i := slices.IndexFunc(old, func(m any) bool { return Text(Lookup(m, "project.gid")) == gid || Text(Lookup(m, "project")) == gid })
		place := Object{"project": project}
		if i >= 0 {
			place["section"] = a.asanaWritten("sections", Lookup(old[i], "section"))
		}
		if place["section"] == nil {
			for _, section := range a.All("sections", nil) {
				if asanaRefers(section.Fields["project"], gid) {
					place["section"] = a.asanaWritten("sections", section.ID)
					break
				}
			}
		}
		places = append(places, place)
		if r.Fields["workspace"] == nil {
			if p := a.Get("projects", gid); p != nil {
				r.Fields["workspace"] = Clone(p.Fields["workspace"])
			}
		}
	}
	r.Fields["memberships"] = places
	if r.Fields["workspace"] == nil {
		r.Fields["workspace"] = a.asanaWritten("workspaces", a.Account)
	}
}

// asanaCompact are the fields of a record in a list that asks for no others.
var asanaCompact = map[string][]string{
	"stories":  {"created_at", "created_by", "text", "type"},
	"webhooks": {"active", "resource", "target"},
}

// asanaShow gives of a record what opt_fields asks for, and in a list else
// only what tells it from others.
func asanaShow(r *Call, shown Object, listed bool) Object {
	for _, v := range shown {
		r.App.asanaRename(v)
	}
	asked, _ := r.Query["opt_fields"].([]any)
	if len(asked) > 0 {
		out := Object{"gid": shown["gid"]}
		for _, path := range asked {
			if steps := strings.Split(strings.TrimPrefix(Text(path), "this."), "."); steps[0] != "" {
				r.App.asanaPick(out, shown, steps)
			}
		}
		return out
	}
	if _, named := shown["name"]; !listed || !named && asanaCompact[r.Resource] == nil {
		return shown
	}
	out := Object{}
	for _, name := range append([]string{"gid", "resource_type", "resource_subtype", "name"}, asanaCompact[r.Resource]...) {
		if v := shown[name]; v != nil {
			out[name] = v
		}
	}
	return out
}

// asanaRename gives the records that a record names the names that they have
// now.
func (a *App) asanaRename(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			a.asanaRename(e)
		}
	case Object:
		if gid := Text(v["gid"]); gid != "" && v["resource_type"] != nil {
			if found, _ := a.asanaSeek("", gid); found != nil && found.Fields["name"] != nil {
				v["name"] = found.Fields["name"]
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
func (a *App) asanaPick(out, from Object, path []string) {
	v := from[path[0]]
	if len(path) == 1 || v == nil {
		if v != nil {
			out[path[0]] = Clone(v)
		}
		return
	}
	inner := func(v any, into any) any {
		named, is := v.(Object)
		if !is {
			return v
		}
		whole := named
		if gid := Text(named["gid"]); gid != "" {
			if found, _ := a.asanaSeek(asanaFields[path[0]], gid); found != nil {
				whole = found.Fields
			}
		}
		target, is := into.(Object)
		if !is {
			target = Object{}
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
