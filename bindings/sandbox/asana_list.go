package sandbox

import (
	"slices"
)

// asanaCut gives the page of a list that a request asks for.
func asanaCut(r *request, items []*record) result {
	return result{listed: true, page: r.cut(items)}
}

// asanaPassed are parameters that choose no records.
var asanaPassed = map[string]bool{"opt_fields": true, "opt_pretty": true, "limit": true, "offset": true, "resource_type": true}

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
	for _, field := range []string{singular(top), top, "parent", "target"} {
		if asanaRefers(rec.fields[field], gid) {
			return true
		}
	}
	return false
}
