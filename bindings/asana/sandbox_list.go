package asana

import (
	"slices"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

// notFilters are parameters that select no records.
var notFilters = map[string]bool{"opt_fields": true, "opt_pretty": true, "limit": true, "offset": true, "resource_type": true}

func list(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	return r.List(filter(r, r.All(r.Resource, nil))), nil
}

// filter returns the records that the query selects: by a record that they name,
// by a value, by a time.
func filter(r *sandbox.Call, items []*sandbox.Record) []*sandbox.Record {
	return slices.DeleteFunc(items, func(rec *sandbox.Record) bool {
		for name, want := range r.Query {
			if !notFilters[name] && !sandbox.Empty(want) && !matches(r, rec, name, want) {
				return true
			}
		}
		return false
	})
}

func matches(r *sandbox.Call, rec *sandbox.Record, name string, want any) bool {
	f := rec.Fields
	switch name {
	case "completed_since":
		return f["completed"] != true || sandbox.Text(want) != "now" && sandbox.UnixMilli(f["completed_at"]) >= sandbox.UnixMilli(want)
	case "modified_since":
		return sandbox.UnixMilli(f["modified_at"]) >= sandbox.UnixMilli(want)
	case "created_since":
		return sandbox.UnixMilli(f["created_at"]) >= sandbox.UnixMilli(want)
	case "section":
		if places, is := f["memberships"].([]any); is {
			return slices.ContainsFunc(places, func(m any) bool { return refers(sandbox.Lookup(m, "section"), sandbox.Text(want)) })
		}
	}
	if sandbox.Text(want) == "me" {
		want = userID
	}
	known := false
	for _, field := range []string{name, name + "s"} {
		have, found := f[field]
		if !found {
			continue
		}
		known = true
		if refers(have, sandbox.Text(want)) || sandbox.Text(have) == sandbox.Text(want) {
			return true
		}
	}
	// A record without the field is in no project or section and has no
	// parent, but belongs to every workspace.
	return !known && name != "project" && name != "section" && name != "parent"
}

// listBelow lists the records that belong to the record of the path: created below
// it, naming it, or named by it.
func listBelow(top, word string) func(*sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	return func(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
		link, gid := r.FirstLink()
		above := r.Get(top, gid)
		var items []*sandbox.Record
		for _, rec := range r.All(r.Resource, nil) {
			if rec.Links[link] == gid || belongs(rec, top, gid) || above != nil && refers(above.Fields[word], rec.ID) {
				items = append(items, rec)
			}
		}
		return r.List(filter(r, items)), nil
	}
}

func belongs(rec *sandbox.Record, top, gid string) bool {
	if top == "sections" {
		places, _ := rec.Fields["memberships"].([]any)
		return slices.ContainsFunc(places, func(m any) bool { return refers(sandbox.Lookup(m, "section"), gid) })
	}
	for _, field := range []string{sandbox.Singular(top), top, "parent", "target"} {
		if refers(rec.Fields[field], gid) {
			return true
		}
	}
	return false
}
