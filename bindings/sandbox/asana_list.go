package sandbox

import (
	"slices"
)

// asanaPassed are parameters that choose no records.
var asanaPassed = map[string]bool{"opt_fields": true, "opt_pretty": true, "limit": true, "offset": true, "resource_type": true}

func asanaList(r *Call) (Result, *Failure) {
	return r.List(r.asanaFilter(r.All(r.Resource, nil))), nil
}

// asanaFilter keeps the records that the query names: by a record that they
// hold, by a value, by a time.
func (r *Call) asanaFilter(items []*Record) []*Record {
	return slices.DeleteFunc(items, func(rec *Record) bool {
		for name, want := range r.Query {
			if !asanaPassed[name] && !Empty(want) && !r.asanaFits(rec, name, want) {
				return true
			}
		}
		return false
	})
}

func (r *Call) asanaFits(rec *Record, name string, want any) bool {
	f := rec.Fields
	switch name {
	case "completed_since":
		return f["completed"] != true || Text(want) != "now" && Instant(f["completed_at"]) >= Instant(want)
	case "modified_since":
		return Instant(f["modified_at"]) >= Instant(want)
	case "created_since":
		return Instant(f["created_at"]) >= Instant(want)
	case "section":
		if places, is := f["memberships"].([]any); is {
			return slices.ContainsFunc(places, func(m any) bool { return asanaRefers(Lookup(m, "section"), Text(want)) })
		}
	}
	if Text(want) == "me" {
		want = asanaMe
	}
	known := false
	for _, field := range []string{name, name + "s"} {
		have, found := f[field]
		if !found {
			continue
		}
		known = true
		if asanaRefers(have, Text(want)) || Text(have) == Text(want) {
			return true
		}
	}
	// What says nothing of it is not of this project, and of any workspace.
	return !known && name != "project" && name != "section" && name != "parent"
}

// asanaBelow lists what belongs to the record of the path: what was made
// there, what holds it, and what it holds.
func asanaBelow(top, word string) func(*Call) (Result, *Failure) {
	return func(r *Call) (Result, *Failure) {
		link, gid := r.Below()
		above := r.Get(top, gid)
		var items []*Record
		for _, rec := range r.All(r.Resource, nil) {
			if rec.Links[link] == gid || asanaHolds(rec, top, gid) || above != nil && asanaRefers(above.Fields[word], rec.ID) {
				items = append(items, rec)
			}
		}
		return r.List(r.asanaFilter(items)), nil
	}
}

func asanaHolds(rec *Record, top, gid string) bool {
	if top == "sections" {
		places, _ := rec.Fields["memberships"].([]any)
		return slices.ContainsFunc(places, func(m any) bool { return asanaRefers(Lookup(m, "section"), gid) })
	}
	for _, field := range []string{Singular(top), top, "parent", "target"} {
		if asanaRefers(rec.Fields[field], gid) {
			return true
		}
	}
	return false
}
