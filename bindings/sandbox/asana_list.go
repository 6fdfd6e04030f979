package sandbox

import (
	"slices"
	"strings"
)

// asanaCut gives the page of a list that a request asks for.
func asanaCut(r *request, items []*record) result {
	return result{listed: true, page: r.cut(items)}
}

// asanaPassed are parameters that choose no records.
var asanaPassed = map[string]bool{
	"opt_fields": true, "opt_pretty": true, "limit": true, "offset": true, "sort_by": true, "sort_ascending": true, "count": true,
	"start_date": true, "end_date": true, "from_date": true, "to_date": true, "start_at": true, "end_at": true, "emoji_base": true,
	"resource_type": true, "type": true,
}

func asanaList(r *request) (result, *failure) {
	return asanaCut(r, r.asanaFilter(r.app.store.all(r.plan.resource.name, nil))), nil
}

// asanaFilter keeps the records that the query names: by a record that they
// hold, by a value, by a time.
func (r *request) asanaFilter(items []*record) []*record {
	return slices.DeleteFunc(items, func(rec *record) bool {
		for name, want := range r.query {
			if !asanaPassed[name] && !empty(want) && !r.asanaFits(rec, name, want) {
				return true
			}
		}
		return false
	})
}

func (r *request) asanaFits(rec *record, name string, want any) bool {
	f := rec.fields
	switch name {
	case "completed_since":
		return f["completed"] != true || text(want) != "now" && instant(f["completed_at"]) >= instant(want)
	case "modified_since":
		return instant(f["modified_at"]) >= instant(want)
	case "created_since":
		return instant(f["created_at"]) >= instant(want)
	case "section":
		if places, is := f["memberships"].([]any); is {
			return slices.ContainsFunc(places, func(m any) bool { return asanaRefers(lookup(m, "section"), text(want)) })
		}
	}
	if text(want) == "me" {
		want = asanaMe
	}
	known := false
	for _, field := range []string{name, name + "s"} {
		have, found := f[field]
		if !found {
			continue
		}
		known = true
		if asanaRefers(have, text(want)) || text(have) == text(want) {
			return true
		}
	}
	// What says nothing of it is not of this project, and of any workspace.
	return !known && name != "project" && name != "section" && name != "parent"
}

// asanaBelow lists what belongs to the record of the path: what was made
// there, what holds it, and what it holds.
func asanaBelow(top, word string) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		link := r.plan.links[0]
		gid := r.params[link.param]
		above := r.app.store.get(top, gid)
		var items []*record
		for _, rec := range r.app.store.all(r.plan.resource.name, nil) {
			if rec.links[link.name] == gid || asanaHolds(rec, top, gid) || above != nil && asanaRefers(above.fields[word], rec.id) {
				items = append(items, rec)
			}
		}
		return asanaCut(r, r.asanaFilter(items)), nil
	}
}

func asanaHolds(rec *record, top, gid string) bool {
	if top == "sections" {
		places, _ := rec.fields["memberships"].([]any)
		return slices.ContainsFunc(places, func(m any) bool { return asanaRefers(lookup(m, "section"), gid) })
	}
	for _, field := range []string{singular(top), top, "parent", "target", "organization", "categories"} {
		if asanaRefers(rec.fields[field], gid) {
			return true
		}
	}
	return false
}

// asanaJoined lists what a membership joins to the record of the path.
func asanaJoined(memberships, by, to string) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		link := r.plan.links[0]
		gid := r.params[link.param]
		var items []*record
		for _, rec := range r.app.store.all(r.plan.resource.name, nil) {
			joined := slices.ContainsFunc(r.app.store.all(memberships, nil), func(m *record) bool {
				return asanaRefers(m.fields[by], gid) && asanaRefers(m.fields[to], rec.id)
			})
			if joined || rec.links[link.name] == gid {
				items = append(items, rec)
			}
		}
		return asanaCut(r, items), nil
	}
}

// asanaOwnTasks are those of a person.
func asanaOwnTasks(r *request) (result, *failure) {
	gid := r.params["user_task_list_gid"]
	list := r.app.store.get("user_task_lists", gid)
	var items []*record
	for _, rec := range r.app.store.all("tasks", nil) {
		mine := list != nil && asanaRefers(rec.fields["assignee"], text(lookup(list.fields, "owner.gid")))
		if mine || rec.links[r.plan.links[0].name] == gid {
			items = append(items, rec)
		}
	}
	return asanaCut(r, r.asanaFilter(items)), nil
}

// asanaSearch finds records by conditions such as "assignee.any" and
// "due_on.before".
func asanaSearch(r *request) (result, *failure) {
	items := r.app.store.all(r.plan.resource.name, nil)
	items = slices.DeleteFunc(items, func(rec *record) bool {
		for name, want := range r.query {
			if !asanaPassed[name] && !empty(want) && !asanaMeets(rec, name, want) {
				return true
			}
		}
		return false
	})
	return result{listed: true, page: page{items: items[:min(len(items), r.app.rules.pageSize)], size: r.app.rules.pageSize, total: len(items)}}, nil
}

func asanaMeets(rec *record, name string, want any) bool {
	field, how, _ := strings.Cut(name, ".")
	have := rec.fields[field]
	if field == "sections" {
		var all []any
		places, _ := rec.fields["memberships"].([]any)
		for _, m := range places {
			all = append(all, lookup(m, "section"))
		}
		have = all
	}
	any := func(one string) bool {
		if one == "me" {
			one = asanaMe
		}
		return asanaRefers(have, one)
	}
	list := strings.Split(text(want), ",")
	switch {
	case name == "text":
		return contains(object{"name": rec.fields["name"], "notes": rec.fields["notes"]}, strings.ToLower(text(want)))
	case name == "is_subtask":
		return (rec.fields["parent"] != nil) == (want == true)
	case strings.HasPrefix(name, "is_"), name == "has_attachment":
		return true
	case how == "any":
		return slices.ContainsFunc(list, any)
	case how == "not":
		return !slices.ContainsFunc(list, any)
	case how == "all":
		return !slices.ContainsFunc(list, func(one string) bool { return !any(one) })
	case how == "before":
		return text(have) != "" && text(have) < text(want)
	case how == "after":
		return text(have) > text(want)
	}
	return text(have) == text(want)
}

// asanaTypeahead finds records of one kind by the beginning of a word.
func asanaTypeahead(r *request) (result, *failure) {
	kind := text(r.query["resource_type"])
	for name := range r.app.store.collections {
		if singular(name) == kind {
			r.plan.resource = r.app.model.resource(name)
		}
	}
	word := strings.ToLower(text(r.query["query"]))
	items := slices.DeleteFunc(r.app.store.all(r.plan.resource.name, nil), func(rec *record) bool {
		return !strings.Contains(strings.ToLower(text(rec.fields["name"])), word)
	})
	if n := r.positive("count"); n > 0 {
		items = items[:min(n, len(items))]
	}
	return result{listed: true, page: page{items: items, size: len(items), total: len(items)}}, nil
}
