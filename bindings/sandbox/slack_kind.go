package sandbox

import (
	"slices"
	"strings"
)

// slackKind is a kind of record that methods make, show, change and remove.
type slackKind struct {
	resource string
	arg      string // the argument that names one
	field    string // the field of the answer around one
	missing  string // the word for one that is not there
}

func (k slackKind) find(r *request) (*record, *failure) {
	if found := r.app.store.get(k.resource, text(r.fields[k.arg])); found != nil {
		return found, nil
	}
	return nil, slackError(k.missing)
}

func (k slackKind) shown(rec *record) result {
	if k.field == "" {
		return result{}
	}
	return result{fields: object{k.field: rec.fields}}
}

// add makes one of the arguments and of what fill says.
func (k slackKind) add(fill func(*request) object) *rule {
	return &rule{resource: k.resource, do: func(r *request) (result, *failure) {
		made := r.app.make(r.app.model.resource(k.resource), "", slackMerged(r.fields, fill(r)), nil, nil)
		return k.shown(made), nil
	}}
}

// info shows one, set changes it as alter says, drop removes it.
func (k slackKind) info() *rule {
	return k.set(func(*request) object { return nil })
}

func (k slackKind) set(alter func(*request) object) *rule {
	return &rule{resource: k.resource, do: func(r *request) (result, *failure) {
		found, failed := k.find(r)
		if failed != nil {
			return result{}, failed
		}
		if fields := alter(r); fields != nil {
			r.app.alter(r.app.model.resource(k.resource), found, fields)
		}
		return k.shown(found), nil
	}}
}

func (k slackKind) drop() *rule {
	return &rule{resource: k.resource, do: func(r *request) (result, *failure) {
		found, failed := k.find(r)
		if failed == nil {
			r.app.store.remove(k.resource, found)
		}
		return result{}, failed
	}}
}

// slackMerged lays objects over each other.
func slackMerged(all ...object) object {
	out := object{}
	for _, fields := range all {
		for name, v := range fields {
			out[name] = v
		}
	}
	return out
}

// given are the arguments of these names that a request has.
func (r *request) given(names ...string) object {
	out := object{}
	for _, name := range names {
		if v := r.fields[name]; v != nil {
			out[name] = v
		}
	}
	return out
}

// slackListing lists the records that keep keeps, as show shows them; either
// may be nil.
func slackListing(resource string, keep func(*request, *record) bool, show func(*request, *record) object) *rule {
	return &rule{resource: resource, verb: list, do: func(r *request) (result, *failure) {
		all := r.app.store.all(resource, nil)
		if keep != nil {
			all = slices.DeleteFunc(all, func(rec *record) bool { return !keep(r, rec) })
		}
		p := r.cut(all)
		if show != nil {
			for i, rec := range p.items {
				p.items[i] = &record{id: rec.id, fields: show(r, rec), at: rec.at}
			}
		}
		return result{listed: true, page: p}, nil
	}}
}

// slackNames cuts a list that is written with commas.
func slackNames(v any) []any {
	out := []any{}
	if all, isList := v.([]any); isList {
		return all
	}
	for name := range strings.SplitSeq(text(v), ",") {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, name)
		}
	}
	return out
}
