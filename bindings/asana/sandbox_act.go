package asana

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

// The functions of Asana's operations; sandbox.go assigns them.

// create creates a record; field is the one that names the record of the path.
func create(field string) func(*sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	return func(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
		fields := sandbox.Object{}
		maps.Copy(fields, r.Fields)
		if _, gid := r.FirstLink(); field != "" && gid != "" {
			fields[field] = gid
			if field == "project" && r.Resource == "tasks" {
				all, _ := fields["projects"].([]any)
				fields["projects"] = append(slices.Clone(all), gid)
			}
		}
		writeCustomFields(r.App, nil, fields)
		made := r.Make(r.Resource, "", fields, nil)
		if r.Resource == "projects" {
			r.Make("sections", "", sandbox.Object{"name": "Untitled section", "project": made.ID}, nil)
		}
		return r.Created(made), nil
	}
}

// writeCustomFields writes the values of custom fields, by gid, as the list that
// answers have.
func writeCustomFields(a *sandbox.App, old []any, fields sandbox.Object) {
	given, is := fields["custom_fields"].(sandbox.Object)
	if !is {
		return
	}
	all := slices.Clone(old)
	for _, gid := range slices.Sorted(maps.Keys(given)) {
		one := sandbox.Object{"gid": gid, "resource_type": "custom_field", "display_value": sandbox.Text(given[gid])}
		if field := a.Get("custom_fields", gid); field != nil {
			for _, name := range []string{"name", "type", "resource_subtype"} {
				one[name] = field.Fields[name]
			}
		}
		switch kind := sandbox.Text(one["type"]); {
		case kind == "number":
			one["number_value"] = given[gid]
		case kind == "enum":
			one["enum_value"] = named(a, "enum_options", given[gid])
		default:
			one["text_value"] = sandbox.Text(given[gid])
		}
		all = slices.DeleteFunc(all, func(v any) bool { return refers(v, gid) })
		all = append(all, one)
	}
	fields["custom_fields"] = all
}

// update changes a record. Each field is a change of its own.
func update(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	found, failed := r.Find()
	if failed != nil {
		return sandbox.Result{}, failed
	}
	fields := sandbox.Object{}
	maps.Copy(fields, r.Fields)
	delete(fields, "resource_type")
	old, _ := found.Fields["custom_fields"].([]any)
	writeCustomFields(r.App, old, fields)
	return sandbox.Result{Record: found, Changes: updateEach(r.App, r.Resource, found, fields)}, nil
}

func updateEach(a *sandbox.App, resource string, rec *sandbox.Record, fields sandbox.Object) []sandbox.Change {
	before, _ := sandbox.Clone(rec.Fields).(sandbox.Object)
	a.Update(resource, rec, fields)
	var all []sandbox.Change
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if string(sandbox.Encode(before[name])) == string(sandbox.Encode(rec.Fields[name])) {
			continue
		}
		change := sandbox.Object{"field": name, "action": "changed"}
		if gid := sandbox.Text(sandbox.Lookup(rec.Fields[name], "gid")); gid != "" {
			change["new_value"] = sandbox.Object{"gid": gid, "resource_type": sandbox.Lookup(rec.Fields[name], "resource_type")}
		}
		all = append(all, sandbox.Change{Resource: resource, Verb: "updated", Record: rec, Fields: sandbox.Object{"action": "changed", "change": change}})
	}
	return append(all, systemStories(a, resource, rec, before)...)
}

// systemStories creates the stories that the vendor adds for changes of a task.
func systemStories(a *sandbox.App, resource string, rec *sandbox.Record, before sandbox.Object) []sandbox.Change {
	subtype := ""
	switch f := rec.Fields; {
	case resource != "tasks":
	case f["completed"] == true && before["completed"] != true:
		subtype = "marked_complete"
	case f["completed"] != true && before["completed"] == true:
		subtype = "marked_incomplete"
	case sandbox.Text(sandbox.Lookup(f["assignee"], "gid")) != sandbox.Text(sandbox.Lookup(before["assignee"], "gid")):
		subtype = "assigned"
	}
	if subtype == "" {
		return nil
	}
	story := a.Make("stories", "", sandbox.Object{"resource_subtype": subtype, "type": "system", "text": "Ada Sand " + strings.ReplaceAll(subtype, "_", " "), "target": rec.ID}, nil)
	return []sandbox.Change{{Resource: "stories", Verb: "created", Record: story}}
}

func remove(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	out, failed := r.Do(sandbox.Remove)
	out.Fields = sandbox.Object{"data": sandbox.Object{}}
	return out, failed
}

// changeMembers adds records to a list of the record of the path, or removes
// them: followers, tags, projects.
func changeMembers(noun string, adds bool) func(*sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	return func(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
		found, failed := r.Find()
		if failed != nil {
			return sandbox.Result{}, failed
		}
		field := plural(noun)
		all := slices.Clone(listOf(found.Fields[field]))
		out := sandbox.Result{Record: found}
		for _, v := range listOf(argument(r.Fields, noun)) {
			written := named(r.App, fieldResources[field], v)
			gid := sandbox.Text(sandbox.Lookup(written, "gid"))
			there := slices.ContainsFunc(all, func(e any) bool { return refers(e, gid) })
			all = slices.DeleteFunc(all, func(e any) bool { return refers(e, gid) })
			if adds {
				all = append(all, written)
			}
			if there != adds {
				out.Changes = append(out.Changes, membership(r, found, field, written, adds))
			}
		}
		fields := sandbox.Object{field: all}
		if section := sandbox.Text(r.Fields["section"]); field == "projects" && adds && section != "" {
			places, _ := found.Fields["memberships"].([]any)
			gid := sandbox.Text(r.Fields["project"])
			places = slices.DeleteFunc(slices.Clone(places), func(m any) bool { return refers(sandbox.Lookup(m, "project"), gid) })
			found.Fields["memberships"] = append(places, sandbox.Object{"project": gid, "section": section})
		}
		r.Update(r.Resource, found, fields)
		return out, nil
	}
}

// argument is the argument of a noun, in the singular or the plural.
func argument(fields sandbox.Object, noun string) any {
	for _, name := range []string{noun, noun + "s", sandbox.Singular(noun)} {
		if v := fields[name]; v != nil {
			return v
		}
	}
	return nil
}

// listOf returns a list, also of a text with commas.
func listOf(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case string:
		var all []any
		for part := range strings.SplitSeq(v, ",") {
			all = append(all, strings.TrimSpace(part))
		}
		return all
	case nil:
		return nil
	}
	return []any{v}
}

// membership is the change that a record was added to another or removed: a
// task in a project is reported by its parent, all others by the field.
func membership(r *sandbox.Call, rec *sandbox.Record, field string, other any, adds bool) sandbox.Change {
	action := "removed"
	if adds {
		action = "added"
	}
	named := sandbox.Object{"gid": sandbox.Lookup(other, "gid"), "resource_type": sandbox.Lookup(other, "resource_type")}
	fields := sandbox.Object{"action": "changed", "change": sandbox.Object{"field": field, "action": action, action + "_value": named}}
	if field == "projects" {
		fields = sandbox.Object{"action": action, "parent": named}
	}
	return sandbox.Change{Resource: r.Resource, Verb: "updated", Record: rec, Fields: fields}
}

func setParent(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	found, failed := r.Find()
	if failed != nil {
		return sandbox.Result{}, failed
	}
	fields := sandbox.Object{"parent": r.Fields["parent"]}
	return sandbox.Result{Record: found, Changes: updateEach(r.App, r.Resource, found, fields)}, nil
}

// addTask moves a task to a section of its project.
func addTask(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	section, failed := r.Find()
	if failed != nil {
		return sandbox.Result{}, failed
	}
	task := r.Get("tasks", sandbox.Text(r.Fields["task"]))
	if task == nil {
		return sandbox.Result{}, refuse(http.StatusBadRequest, "task: Not a recognized ID: "+sandbox.Text(r.Fields["task"]))
	}
	project := sandbox.Text(sandbox.Lookup(section.Fields, "project.gid"))
	places, _ := task.Fields["memberships"].([]any)
	places = slices.DeleteFunc(slices.Clone(places), func(m any) bool { return refers(sandbox.Lookup(m, "project"), project) })
	task.Fields["memberships"] = append(places, sandbox.Object{"project": project, "section": section.ID})
	projects := listOf(task.Fields["projects"])
	if project != "" && !refers(projects, project) {
		projects = append(slices.Clone(projects), project)
	}
	r.Update("tasks", task, sandbox.Object{"projects": projects})
	named := sandbox.Object{"gid": section.ID, "resource_type": "section"}
	return sandbox.Result{Fields: sandbox.Object{"data": sandbox.Object{}}, Changes: []sandbox.Change{{Resource: "tasks", Verb: "updated", Record: task,
		Fields: sandbox.Object{"action": "added", "parent": named}}}}, nil
}
