package sandbox

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
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
		if asanaSetting(noun) {
			return r.asanaSetting(found, adds)
		}
		field := noun
		if !strings.HasSuffix(field, "s") {
			field += "s"
		}
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

func (r *request) asanaSetting(above *record, adds bool) (result, *failure) {
	settings := r.app.model.resource("custom_field_settings")
	gid := text(r.fields["custom_field"])
	if adds {
		made := r.app.make(settings, "", object{"custom_field": gid, "parent": above.id, "is_important": r.fields["is_important"] == true}, nil, nil)
		return result{record: made}, nil
	}
	for _, rec := range r.app.store.all(settings.name, nil) {
		if asanaRefers(rec.fields["parent"], above.id) && asanaRefers(rec.fields["custom_field"], gid) {
			r.app.store.remove(settings.name, rec)
		}
	}
	return asanaNothing(r)
}

func asanaNothing(*request) (result, *failure) { return result{fields: object{"data": object{}}}, nil }

func asanaSaid(message string) func(*request) (result, *failure) {
	return func(*request) (result, *failure) {
		return result{fields: object{"data": object{"message": message}}}, nil
	}
}

func asanaParent(r *request) (result, *failure) {
	found, failed := r.find()
	if failed != nil {
		return result{}, failed
	}
	fields := object{"parent": r.fields["parent"]}
	return result{record: found, changes: r.app.asanaAlter(r.plan.resource, found, fields)}, nil
}

func asanaMetric(r *request) (result, *failure) {
	found, failed := r.find()
	if failed != nil {
		return result{}, failed
	}
	metric, _ := clone(found.fields["metric"]).(object)
	if metric == nil {
		metric = object{"gid": found.id + "1", "resource_type": "goal_metric", "resource_subtype": "number"}
	}
	maps.Copy(metric, r.fields)
	return result{record: found, changes: r.app.asanaAlter(r.plan.resource, found, object{"metric": metric})}, nil
}

func asanaDecide(status string) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		found, failed := r.find()
		if failed == nil {
			r.app.alter(r.plan.resource, found, object{"approval_status": status})
		}
		return result{record: found}, failed
	}
}

func asanaOption(r *request) (result, *failure) {
	made := r.app.make(r.plan.resource, "", r.fields, r.links(), nil)
	defaults(object{"enabled": true})(made.fields)
	if field := r.app.store.get("custom_fields", r.params["custom_field_gid"]); field != nil {
		r.app.alter(r.app.model.resource("custom_fields"), field, asanaIn(object{"enum_options": field.fields["enum_options"]}, "enum_options", clone(made.fields)))
	}
	return result{record: made}, nil
}

func asanaInserted(r *request) (result, *failure) {
	found := r.app.store.get("enum_options", text(r.fields["enum_option"]))
	if found == nil {
		return result{}, r.app.notFound("enum_option", text(r.fields["enum_option"]))
	}
	return result{record: found}, nil
}

// asanaJoin makes a person a member, who is one once.
func asanaJoin(memberships, of string) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		res := r.app.model.resource(memberships)
		user, gid := r.app.asanaWritten("users", text(r.fields["user"])), r.params[r.plan.id]
		for _, rec := range r.app.store.all(memberships, nil) {
			if asanaRefers(rec.fields[of], gid) && asanaRefers(rec.fields["user"], text(lookup(user, "gid"))) {
				return r.asanaJoined(rec), nil
			}
		}
		return r.asanaJoined(r.app.make(res, "", object{"user": user, of: gid, "is_admin": false, "is_guest": false}, nil, nil)), nil
	}
}

// asanaJoined answers the membership, or the person where the vendor does so.
func (r *request) asanaJoined(membership *record) result {
	if r.plan.resource.name == "workspaces" {
		if user := r.app.store.get("users", text(lookup(membership.fields, "user.gid"))); user != nil {
			return result{record: user}
		}
	}
	return result{record: membership}
}

func asanaLeave(memberships, of string) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		user := text(lookup(r.app.asanaWritten("users", text(r.fields["user"])), "gid"))
		for _, rec := range r.app.store.all(memberships, nil) {
			if asanaRefers(rec.fields[of], r.params[r.plan.id]) && asanaRefers(rec.fields["user"], user) {
				r.app.store.remove(memberships, rec)
			}
		}
		return asanaNothing(r)
	}
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

// asanaJob answers with a job that is done: what it was to make is there.
func asanaJob(makes string) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		fields := object{"status": "succeeded", "resource_subtype": snakeOf(r.plan.op.ID)}
		if makes != "" {
			resource := strings.TrimPrefix(makes, "new_") + "s"
			copied := object{"workspace": r.app.account}
			top := r.plan.path[0].text
			if from := r.app.store.get(top, r.params[r.plan.path[1].text]); from != nil {
				copied, _ = clone(from.fields).(object)
				delete(copied, "gid")
			}
			copied["name"] = r.fields["name"]
			made := r.app.make(r.app.model.resource(resource), "", copied, nil, nil)
			fields[makes] = r.app.asanaWritten(resource, made.id)
		}
		return result{record: r.app.make(r.plan.resource, "", fields, nil, nil)}, nil
	}
}

// snakeOf turns "duplicateTask" into "duplicate_task".
func snakeOf(id string) string {
	var b strings.Builder
	for _, c := range id {
		if c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// asanaTaskList is the list of a person's own tasks, which everybody has.
func asanaTaskList(r *request) (result, *failure) {
	gid := r.params["user_gid"]
	for _, rec := range r.app.store.all("user_task_lists", nil) {
		if asanaRefers(rec.fields["owner"], gid) {
			return result{record: rec}, nil
		}
	}
	return result{record: r.app.make(r.plan.resource, "", object{"name": "My Tasks", "owner": gid, "workspace": r.app.account}, nil, nil)}, nil
}

func asanaCounts(r *request) (result, *failure) {
	found, failed := r.find()
	if failed != nil {
		return result{}, failed
	}
	all, done := 0, 0
	for _, rec := range r.app.store.all("tasks", nil) {
		if asanaRefers(rec.fields["projects"], found.id) {
			all++
			if rec.fields["completed"] == true {
				done++
			}
		}
	}
	return result{fields: object{"data": object{
		"num_tasks": count(all), "num_completed_tasks": count(done), "num_incomplete_tasks": count(all - done),
		"num_milestones": count(0), "num_completed_milestones": count(0), "num_incomplete_milestones": count(0),
	}}}, nil
}

// asanaBatch does one action after the other; one that is refused stops none.
func asanaBatch(r *request) (result, *failure) {
	actions, _ := r.fields["actions"].([]any)
	if len(actions) > 10 {
		return result{}, asanaError(http.StatusBadRequest, "actions: Too many actions; the limit is 10")
	}
	all := []any{}
	for _, v := range actions {
		action, _ := v.(object)
		out := r.asanaAction(action)
		body, _ := decodeJSON(out.body)
		all = append(all, object{"status_code": count(out.status), "headers": object{}, "body": body})
	}
	return result{fields: object{"data": all}}, nil
}

func (r *request) asanaAction(action object) reply {
	method, path := strings.ToUpper(text(action["method"])), text(action["relative_path"])
	matches, _ := r.app.model.router.find(method, path)
	query := url.Values{}
	data, _ := action["data"].(object)
	if method == http.MethodGet {
		for name, v := range data {
			query.Set(name, text(v))
		}
	}
	if fields, is := lookup(action, "options.fields").([]any); is {
		for _, name := range fields {
			query.Add("opt_fields", text(name))
		}
	}
	if len(matches) == 0 {
		return r.app.refuse(asanaError(http.StatusNotFound, "No matching route for request"), "")
	}
	raw := encode(object{"data": data})
	h, err := http.NewRequestWithContext(r.http.Context(), method, r.app.base+path+"?"+query.Encode(), bytes.NewReader(raw))
	if err != nil {
		return r.app.refuse(asanaError(http.StatusBadRequest, "relative_path: not a path"), "")
	}
	h.Header.Set("Content-Type", "application/json")
	one := r.app.request(matches[0], h, raw)
	one.now, one.token = r.now, r.token
	return one.run(&Request{})
}
