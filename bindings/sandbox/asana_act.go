package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// What Asana's operations do; asana.go says which does what.

// asanaCreate makes a record, which holds the one of the path in a field.
func asanaCreate(held string) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		fields := object{}
		maps.Copy(fields, r.fields)
		if held != "" && len(r.plan.links) > 0 {
			fields[held] = r.params[r.plan.links[0].param]
			if held == "project" && r.plan.resource.name == "tasks" {
				fields = asanaIn(fields, "projects", fields["project"])
			}
		}
		if needs := map[string][]string{"tasks": {"workspace", "projects", "parent"}, "projects": {"workspace", "team"}}[r.plan.resource.name]; needs != nil {
			if !slices.ContainsFunc(needs, func(name string) bool { return !empty(fields[name]) }) {
				return result{}, asanaError(http.StatusBadRequest, "You should specify one of "+strings.Join(needs, ", "))
			}
		}
		r.app.asanaCustom(nil, fields)
		made := r.app.make(r.plan.resource, "", fields, nil, nil)
		out := result{record: made, changes: []changed{{resource: r.plan.resource, verb: "created", record: made}}}
		if r.plan.resource.name == "projects" {
			r.app.make(r.app.model.resource("sections"), "", object{"name": "Untitled section", "project": made.id}, nil, nil)
		}
		return out, nil
	}
}

func asanaIn(fields object, list string, v any) object {
	all, _ := fields[list].([]any)
	fields[list] = append(slices.Clone(all), v)
	return fields
}

// asanaCustom writes the values of custom fields, given by gid, as the list
// that answers have.
func (a *app) asanaCustom(old []any, fields object) {
	given, is := fields["custom_fields"].(object)
	if !is {
		return
	}
	all := slices.Clone(old)
	for _, gid := range sorted(given) {
		one := object{"gid": gid, "resource_type": "custom_field", "display_value": text(given[gid])}
		if field := a.store.get("custom_fields", gid); field != nil {
			for _, name := range []string{"name", "type", "resource_subtype"} {
				one[name] = field.fields[name]
			}
		}
		switch kind := text(one["type"]); {
		case kind == "number":
			one["number_value"] = given[gid]
		case kind == "enum":
			one["enum_value"] = a.asanaWritten("enum_options", given[gid])
		default:
			one["text_value"] = text(given[gid])
		}
		all = slices.DeleteFunc(all, func(v any) bool { return asanaRefers(v, gid) })
		all = append(all, one)
	}
	fields["custom_fields"] = all
}

func asanaFind(r *request) (result, *failure) {
	if found := r.app.store.get(r.plan.resource.name, r.params[r.plan.id]); found != nil {
		return result{record: found}, nil
	}
	return result{}, r.app.notFound(r.plan.resource.noun, r.params[r.plan.id])
}

// asanaChange gives a record other values, and tells of each field by itself.
func asanaChange(r *request) (result, *failure) {
	out, failed := asanaFind(r)
	if failed != nil {
		return out, failed
	}
	fields := object{}
	maps.Copy(fields, r.fields)
	delete(fields, "resource_type")
	old, _ := out.record.fields["custom_fields"].([]any)
	r.app.asanaCustom(old, fields)
	out.changes = r.app.asanaAlter(r.plan.resource, out.record, fields)
	return out, nil
}

func (a *app) asanaAlter(res *resource, rec *record, fields object) []changed {
	before, _ := clone(rec.fields).(object)
	a.alter(res, rec, fields)
	var all []changed
	for _, name := range sorted(fields) {
		if string(encode(before[name])) == string(encode(rec.fields[name])) {
			continue
		}
		change := object{"field": name, "action": "changed"}
		if gid := text(lookup(rec.fields[name], "gid")); gid != "" {
			change["new_value"] = object{"gid": gid, "resource_type": lookup(rec.fields[name], "resource_type")}
		}
		all = append(all, changed{resource: res, verb: "updated", record: rec, fields: object{"action": "changed", "change": change}})
	}
	return append(all, a.asanaTold(res, rec, before)...)
}

// asanaTold are the stories that the vendor writes of a task's changes.
func (a *app) asanaTold(res *resource, rec *record, before object) []changed {
	subtype := ""
	switch f := rec.fields; {
	case res.name != "tasks":
	case f["completed"] == true && before["completed"] != true:
		subtype = "marked_complete"
	case f["completed"] != true && before["completed"] == true:
		subtype = "marked_incomplete"
	case text(lookup(f["assignee"], "gid")) != text(lookup(before["assignee"], "gid")):
		subtype = "assigned"
	}
	if subtype == "" {
		return nil
	}
	stories := a.model.resource("stories")
	story := a.make(stories, "", object{"resource_subtype": subtype, "type": "system", "text": "Ada Sand " + strings.ReplaceAll(subtype, "_", " "), "target": rec.id}, nil, nil)
	return []changed{{resource: stories, verb: "created", record: story}}
}

func asanaRemove(r *request) (result, *failure) {
	out, failed := r.remove()
	out.fields = object{"data": object{}}
	return out, failed
}

// asanaMember adds records to a list of the record of the path, or takes them
// away: followers, tags, projects.
func asanaMember(noun string, adds bool) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		found, failed := r.find()
		if failed != nil {
			return result{}, failed
		}
		field := asanaPlural(noun)
		all := slices.Clone(asanaGiven(found.fields[field]))
		out := result{record: found}
		for _, v := range asanaGiven(asanaNamed(r.fields, noun)) {
			written := r.app.asanaWritten(asanaFields[field], v)
			gid := text(lookup(written, "gid"))
			there := slices.ContainsFunc(all, func(e any) bool { return asanaRefers(e, gid) })
			all = slices.DeleteFunc(all, func(e any) bool { return asanaRefers(e, gid) })
			if adds {
				all = append(all, written)
			}
			if there != adds {
				out.changes = append(out.changes, r.asanaMembership(found, field, written, adds))
			}
		}
		fields := object{field: all}
		if section := text(r.fields["section"]); field == "projects" && adds && section != "" {
			places, _ := found.fields["memberships"].([]any)
			gid := text(r.fields["project"])
			places = slices.DeleteFunc(slices.Clone(places), func(m any) bool { return asanaRefers(lookup(m, "project"), gid) })
			found.fields["memberships"] = append(places, object{"project": gid, "section": section})
		}
		r.app.alter(r.plan.resource, found, fields)
		return out, nil
	}
}

// asanaNamed is the argument of a noun, in the singular or the plural.
func asanaNamed(fields object, noun string) any {
	for _, name := range []string{noun, noun + "s", singular(noun)} {
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
func (r *request) asanaMembership(rec *record, field string, other any, adds bool) changed {
	action := "removed"
	if adds {
		action = "added"
	}
	named := object{"gid": lookup(other, "gid"), "resource_type": lookup(other, "resource_type")}
	fields := object{"action": "changed", "change": object{"field": field, "action": action, action + "_value": named}}
	if field == "projects" {
		fields = object{"action": action, "parent": named}
	}
	return changed{resource: r.plan.resource, verb: "updated", record: rec, fields: fields}
}

func asanaParent(r *request) (result, *failure) {
	found, failed := r.find()
	if failed != nil {
		return result{}, failed
	}
	fields := object{"parent": r.fields["parent"]}
	return result{record: found, changes: r.app.asanaAlter(r.plan.resource, found, fields)}, nil
}

// asanaIntoSection moves a task to a section of its project.
func asanaIntoSection(r *request) (result, *failure) {
	section, failed := r.find()
	if failed != nil {
		return result{}, failed
	}
	task := r.app.store.get("tasks", text(r.fields["task"]))
	if task == nil {
		return result{}, asanaError(http.StatusBadRequest, "task: Not a recognized ID: "+text(r.fields["task"]))
	}
	project := text(lookup(section.fields, "project.gid"))
	places, _ := task.fields["memberships"].([]any)
	places = slices.DeleteFunc(slices.Clone(places), func(m any) bool { return asanaRefers(lookup(m, "project"), project) })
	task.fields["memberships"] = append(places, object{"project": project, "section": section.id})
	projects := asanaGiven(task.fields["projects"])
	if project != "" && !asanaRefers(projects, project) {
		projects = append(slices.Clone(projects), project)
	}
	tasks := r.app.model.resource("tasks")
	r.app.alter(tasks, task, object{"projects": projects})
	named := object{"gid": section.id, "resource_type": "section"}
	return result{fields: object{"data": object{}}, changes: []changed{{resource: tasks, verb: "updated", record: task,
		fields: object{"action": "added", "parent": named}}}}, nil
}
