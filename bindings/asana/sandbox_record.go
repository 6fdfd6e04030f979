package asana

import (
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

// fieldResources are the resources of the records that fields name. A field that
// is not listed may name records of any.
var fieldResources = map[string]string{
	"assignee": "users", "owner": "users", "created_by": "users", "completed_by": "users", "assigned_by": "users", "author": "users",
	"user": "users", "member": "users", "followers": "users", "members": "users", "requester": "users", "attributable_to": "users",
	"project": "projects", "projects": "projects", "workspace": "workspaces", "workspaces": "workspaces", "organization": "workspaces",
	"team": "teams", "tags": "tags", "tag": "tags", "section": "sections", "assignee_section": "sections",
	"task": "tasks", "dependencies": "tasks", "dependents": "tasks", "custom_field": "custom_fields",
}

// complete replaces gids by the records that they name, and adds the fields that
// the vendor adds to a record.
func complete(a *sandbox.App, resource string, r *sandbox.Record) {
	f := r.Fields
	f["resource_type"] = sandbox.Singular(resource[strings.LastIndexByte(resource, '/')+1:])
	switch resource {
	case "tasks":
		sandbox.SetDefaults(f, sandbox.Object{"permalink_url": "https://app.asana.com/0/0/" + r.ID})
		if f["completed"] != true {
			delete(f, "completed_at")
			delete(f, "completed_by")
		} else if f["completed_at"] == nil {
			f["completed_at"], f["completed_by"] = sandbox.FormatTime(a.Time()), userID
		}
	case "projects":
		sandbox.SetDefaults(f, sandbox.Object{"workspace": a.Account, "permalink_url": "https://app.asana.com/0/" + r.ID})
	case "attachments":
		if file, is := f["file"].(sandbox.Object); is {
			sandbox.SetDefaults(f, sandbox.Object{"name": file["file_name"], "size": file["file_size"]})
			delete(f, "file")
		}
	}
	for _, name := range a.References(resource) {
		if v := f[name]; v != nil {
			f[name] = named(a, fieldResources[name], v)
		}
	}
	if resource == "tasks" {
		placeInProjects(a, r)
	}
}

// named returns the records that a gid, or a list of them, names, in the form in
// which other records contain them.
func named(a *sandbox.App, resource string, v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = named(a, resource, e)
		}
		return out
	case string:
		found, in := find(a, resource, v)
		if found == nil {
			return sandbox.Object{"gid": v, "resource_type": sandbox.Singular(in)}
		}
		out := sandbox.Object{"gid": found.ID, "resource_type": sandbox.Singular(in)}
		if name := found.Fields["name"]; name != nil {
			out["name"] = name
		}
		return out
	}
	return v
}

// find finds a record by its gid, a user also as "me" and by address.
func find(a *sandbox.App, resource, gid string) (*sandbox.Record, string) {
	if resource == "users" {
		if gid == "me" {
			gid = userID
		}
		for _, user := range a.All("users", nil) {
			if user.ID == gid || sandbox.Text(user.Fields["email"]) == gid {
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

// placeInProjects updates the memberships of a task to its projects: it is in one
// section of each, by default the first.
func placeInProjects(a *sandbox.App, r *sandbox.Record) {
	projects, _ := r.Fields["projects"].([]any)
	old, _ := r.Fields["memberships"].([]any)
	places := []any{}
	for _, project := range projects {
		gid := sandbox.Text(sandbox.Lookup(project, "gid"))
		i := slices.IndexFunc(old, func(m any) bool {
			return sandbox.Text(sandbox.Lookup(m, "project.gid")) == gid || sandbox.Text(sandbox.Lookup(m, "project")) == gid
		})
		place := sandbox.Object{"project": project}
		if i >= 0 {
			place["section"] = named(a, "sections", sandbox.Lookup(old[i], "section"))
		}
		if place["section"] == nil {
			for _, section := range a.All("sections", nil) {
				if refers(section.Fields["project"], gid) {
					place["section"] = named(a, "sections", section.ID)
					break
				}
			}
		}
		places = append(places, place)
		if r.Fields["workspace"] == nil {
			if p := a.Get("projects", gid); p != nil {
				r.Fields["workspace"] = sandbox.Clone(p.Fields["workspace"])
			}
		}
	}
	r.Fields["memberships"] = places
	if r.Fields["workspace"] == nil {
		r.Fields["workspace"] = named(a, "workspaces", a.Account)
	}
}

// compactFields are the fields besides its name that a record in a list has if the
// request names none.
var compactFields = map[string][]string{
	"stories":  {"created_at", "created_by", "text", "type"},
	"webhooks": {"active", "resource", "target"},
}

// show returns the fields of a record that opt_fields names. A list without
// opt_fields has the compact ones.
func show(r *sandbox.Call, fields sandbox.Object, listed bool) sandbox.Object {
	for _, v := range fields {
		rename(r.App, v)
	}
	paths, _ := r.Query["opt_fields"].([]any)
	if len(paths) > 0 {
		out := sandbox.Object{"gid": fields["gid"]}
		for _, path := range paths {
			if steps := strings.Split(strings.TrimPrefix(sandbox.Text(path), "this."), "."); steps[0] != "" {
				pick(r.App, out, fields, steps)
			}
		}
		return out
	}
	if _, named := fields["name"]; !listed || !named && compactFields[r.Resource] == nil {
		return fields
	}
	out := sandbox.Object{}
	for _, name := range append([]string{"gid", "resource_type", "resource_subtype", "name"}, compactFields[r.Resource]...) {
		if v := fields[name]; v != nil {
			out[name] = v
		}
	}
	return out
}

// rename updates the names of the records that a record names.
func rename(a *sandbox.App, v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			rename(a, e)
		}
	case sandbox.Object:
		if gid := sandbox.Text(v["gid"]); gid != "" && v["resource_type"] != nil {
			if found, _ := find(a, "", gid); found != nil && found.Fields["name"] != nil {
				v["name"] = found.Fields["name"]
			}
			return
		}
		for _, e := range v {
			rename(a, e)
		}
	}
}

// pick copies a path of one record into another. The path may go through the
// records that it names.
func pick(a *sandbox.App, out, from sandbox.Object, path []string) {
	v := from[path[0]]
	switch {
	case v == nil:
		return
	case len(path) == 1:
		out[path[0]] = sandbox.Clone(v)
		return
	}
	all, isList := v.([]any)
	if !isList {
		out[path[0]] = pickInside(a, v, out[path[0]], path)
		return
	}
	before, _ := out[path[0]].([]any)
	picked := make([]any, len(all))
	for i, e := range all {
		var into any
		if i < len(before) {
			into = before[i]
		}
		picked[i] = pickInside(a, e, into, path)
	}
	out[path[0]] = picked
}

// pickInside copies the rest of a path from the record that a value names.
func pickInside(a *sandbox.App, v, into any, path []string) any {
	named, is := v.(sandbox.Object)
	if !is {
		return v
	}
	whole := named
	if gid := sandbox.Text(named["gid"]); gid != "" {
		if found, _ := find(a, fieldResources[path[0]], gid); found != nil {
			whole = found.Fields
		}
	}
	target, is := into.(sandbox.Object)
	if !is {
		target = sandbox.Object{}
		if gid := named["gid"]; gid != nil {
			target["gid"] = gid
		}
	}
	pick(a, target, whole, path[1:])
	return target
}
