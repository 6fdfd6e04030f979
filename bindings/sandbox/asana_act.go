package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// What Asana's operations do; asana.go says which does what.

// asanaCreate makes a record, which holds the one of the path in a field.
func asanaCreate(held string) func(*Call) (Result, *Failure) {
	return func(r *Call) (Result, *Failure) {
		fields := Object{}
		maps.Copy(fields, r.Fields)
		if _, gid := r.Below(); held != "" && gid != "" {
			fields[held] = gid
			if held == "project" && r.Resource == "tasks" {
				all, _ := fields["projects"].([]any)
				fields["projects"] = append(slices.Clone(all), gid)
			}
		}
		r.App.asanaCustom(nil, fields)
		made := r.Make(r.Resource, "", fields, nil)
		if r.Resource == "projects" {
			r.Make("sections", "", Object{"name": "Untitled section", "project": made.ID}, nil)
		}
		return r.Created(made), nil
	}
}

// asanaCustom writes the values of custom fields, given by gid, as the list
// that answers have.
func (a *App) asanaCustom(old []any, fields Object) {
	given, is := fields["custom_fields"].(Object)
	if !is {
		return
	}
	all := slices.Clone(old)
	for _, gid := range slices.Sorted(maps.Keys(given)) {
		one := Object{"gid": gid, "resource_type": "custom_field", "display_value": Text(given[gid])}
		if field := a.Get("custom_fields", gid); field != nil {
			for _, name := range []string{"name", "type", "resource_subtype"} {
				one[name] = field.Fields[name]
			}
		}
		switch kind := Text(one["type"]); {
		case kind == "number":
			one["number_value"] = given[gid]
		case kind == "enum":
			one["enum_value"] = a.asanaWritten("enum_options", given[gid])
		default:
			one["text_value"] = Text(given[gid])
		}
		all = slices.DeleteFunc(all, func(v any) bool { return asanaRefers(v, gid) })
		all = append(all, one)
	}
	fields["custom_fields"] = all
}

// asanaChange gives a record other values, and tells of each field by itself.
func asanaChange(r *Call) (Result, *Failure) {
	found, failed := r.Find()
	if failed != nil {
		return Result{}, failed
	}
	fields := Object{}
	maps.Copy(fields, r.Fields)
	delete(fields, "resource_type")
	old, _ := found.Fields["custom_fields"].([]any)
	r.App.asanaCustom(old, fields)
	return Result{Record: found, Changes: r.App.asanaAlter(r.Resource, found, fields)}, nil
}

func (a *App) asanaAlter(resource string, rec *Record, fields Object) []Change {
	before, _ := Clone(rec.Fields).(Object)
	a.Alter(resource, rec, fields)
	var all []Change
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if string(Encode(before[name])) == string(Encode(rec.Fields[name])) {
			continue
		}
		change := Object{"field": name, "action": "changed"}
		if gid := Text(Lookup(rec.Fields[name], "gid")); gid != "" {
			change["new_value"] = Object{"gid": gid, "resource_type": Lookup(rec.Fields[name], "resource_type")}
		}
		all = append(all, Change{Resource: resource, Verb: "updated", Record: rec, Fields: Object{"action": "changed", "change": change}})
	}
	return append(all, a.asanaTold(resource, rec, before)...)
}

// asanaTold are the stories that the vendor writes of a task's changes.
func (a *App) asanaTold(resource string, rec *Record, before Object) []Change {
	subtype := ""
	switch f := rec.Fields; {
	case resource != "tasks":
	case f["completed"] == true && before["completed"] != true:
		subtype = "marked_complete"
	case f["completed"] != true && before["completed"] == true:
		subtype = "marked_incomplete"
	case Text(Lookup(f["assignee"], "gid")) != Text(Lookup(before["assignee"], "gid")):
		subtype = "assigned"
	}
	if subtype == "" {
		return nil
	}
	story := a.Make("stories", "", Object{"resource_subtype": subtype, "type": "system", "text": "Ada Sand " + strings.ReplaceAll(subtype, "_", " "), "target": rec.ID}, nil)
	return []Change{{Resource: "stories", Verb: "created", Record: story}}
}

func asanaRemove(r *Call) (Result, *Failure) {
	out, failed := r.Do(Remove)
	out.Fields = Object{"data": Object{}}
	return out, failed
}

// asanaMember adds records to a list of the record of the path, or takes them
// away: followers, tags, projects.
func asanaMember(noun string, adds bool) func(*Call) (Result, *Failure) {
	return func(r *Call) (Result, *Failure) {
		found, failed := r.Find()
		if failed != nil {
			return Result{}, failed
		}
		field := asanaPlural(noun)
		all := slices.Clone(asanaGiven(found.Fields[field]))
		out := Result{Record: found}
		for _, v := range asanaGiven(asanaNamed(r.Fields, noun)) {
			written := r.App.asanaWritten(asanaFields[field], v)
			gid := Text(Lookup(written, "gid"))
			there := slices.ContainsFunc(all, func(e any) bool { return asanaRefers(e, gid) })
			all = slices.DeleteFunc(all, func(e any) bool { return asanaRefers(e, gid) })
			if adds {
				all = append(all, written)
			}
			if there != adds {
				out.Changes = append(out.Changes, r.asanaMembership(found, field, written, adds))
			}
		}
		fields := Object{field: all}
		if section := Text(r.Fields["section"]); field == "projects" && adds && section != "" {
			places, _ := found.Fields["memberships"].([]any)
			gid := Text(r.Fields["project"])
			places = slices.DeleteFunc(slices.Clone(places), func(m any) bool { return asanaRefers(Lookup(m, "project"), gid) })
			found.Fields["memberships"] = append(places, Object{"project": gid, "section": section})
		}
		r.Alter(r.Resource, found, fields)
		return out, nil
	}
}

// asanaNamed is the argument of a noun, in the singular or the plural.
func asanaNamed(fields Object, noun string) any {
	for _, name := range []string{noun, noun + "s", Singular(noun)} {
		if v := fields[name]; v != nil {
			return v
		}
	}
	return nil
}

// asanaGiven is a list, or the one or several of a text.
func asanaGiven(v any) []any {
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

// asanaMembership tells that a record joined another or left it: a task of a
// project by its parent, all else by the field.
func (r *Call) asanaMembership(rec *Record, field string, other any, adds bool) Change {
	action := "removed"
	if adds {
		action = "added"
	}
	named := Object{"gid": Lookup(other, "gid"), "resource_type": Lookup(other, "resource_type")}
	fields := Object{"action": "changed", "change": Object{"field": field, "action": action, action + "_value": named}}
	if field == "projects" {
		fields = Object{"action": action, "parent": named}
	}
	return Change{Resource: r.Resource, Verb: "updated", Record: rec, Fields: fields}
}

func asanaParent(r *Call) (Result, *Failure) {
	found, failed := r.Find()
	if failed != nil {
		return Result{}, failed
	}
	fields := Object{"parent": r.Fields["parent"]}
	return Result{Record: found, Changes: r.App.asanaAlter(r.Resource, found, fields)}, nil
}

// asanaIntoSection moves a task to a section of its project.
func asanaIntoSection(r *Call) (Result, *Failure) {
	section, failed := r.Find()
	if failed != nil {
		return Result{}, failed
	}
	task := r.Get("tasks", Text(r.Fields["task"]))
	if task == nil {
		return Result{}, asanaError(http.StatusBadRequest, "task: Not a recognized ID: "+Text(r.Fields["task"]))
	}
	project := Text(Lookup(section.Fields, "project.gid"))
	places, _ := task.Fields["memberships"].([]any)
	places = slices.DeleteFunc(slices.Clone(places), func(m any) bool { return asanaRefers(Lookup(m, "project"), project) })
	task.Fields["memberships"] = append(places, Object{"project": project, "section": section.ID})
	projects := asanaGiven(task.Fields["projects"])
	if project != "" && !asanaRefers(projects, project) {
		projects = append(slices.Clone(projects), project)
	}
	r.Alter("tasks", task, Object{"projects": projects})
	named := Object{"gid": section.ID, "resource_type": "section"}
	return Result{Fields: Object{"data": Object{}}, Changes: []Change{{Resource: "tasks", Verb: "updated", Record: task,
		Fields: Object{"action": "added", "parent": named}}}}, nil
}
