package sandbox

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// filter keeps the records that fit what the request asks for: an argument
// named as a field of the records, with or without filter[…], bounds such as
// updated_at_from, words to search for, and the filters of a search body.
func (r *request) filter(items []*record) []*record {
	var tests []func(*record) bool
	for name, v := range r.wanted() {
		if test := r.test(name, v, items); test != nil {
			tests = append(tests, test)
		}
	}
	if filters, ok := r.fields["filters"].([]any); ok {
		for _, f := range filters {
			if test := condition(f); test != nil {
				tests = append(tests, test)
			}
		}
	}
	if len(tests) == 0 {
		return items
	}
	return slices.DeleteFunc(items, func(item *record) bool {
		return slices.ContainsFunc(tests, func(test func(*record) bool) bool { return !test(item) })
	})
}

// group joins conditions with AND or OR.
func group(word string, all []any) func(*record) bool {
	var tests []func(*record) bool
	for _, v := range all {
		if test := condition(v); test != nil {
			tests = append(tests, test)
		}
	}
	one := strings.EqualFold(word, "or") // one is enough
	return func(item *record) bool {
		for _, test := range tests {
			if test(item) == one {
				return one
			}
		}
		return !one
	}
}

// wanted are the arguments that may filter.
func (r *request) wanted() object {
	out := object{}
	for name, v := range r.query {
		out[name] = v
	}
	if r.plan.op.Method != "GET" {
		for name, v := range r.fields {
			out[name] = v
		}
	}
	delete(out, "filters")
	if pages := r.plan.op.Pages; pages != nil {
		for _, name := range []string{pages.Page, pages.Offset, pages.SizeParam} {
			delete(out, name)
		}
		for name := range pages.Cursors {
			delete(out, name)
		}
	}
	for name, v := range out {
		if empty(v) || v == "all" {
			delete(out, name)
		}
	}
	return out
}

func (r *request) test(name string, v any, items []*record) func(*record) bool {
	if nested, ok := v.(object); ok {
		return r.nested(nested, items)
	}
	if inner, found := strings.CutPrefix(name, "filter["); found {
		name = strings.TrimSuffix(inner, "]")
	}
	name = fold(strings.TrimSuffix(name, "[]"))
	for _, bound := range []struct {
		suffix string
		after  bool
	}{{"from", true}, {"to", false}} {
		if field, found := strings.CutSuffix(name, bound.suffix); found && r.has(field, items) {
			return func(item *record) bool {
				have, _ := folded(item.fields, field)
				order := compare(have, v)
				return have != nil && (order == 0 || order > 0 == bound.after)
			}
		}
	}
	if name == "starttime" && r.argFolded("endtime") != "" {
		return func(item *record) bool { return instant(item.fields["startTime"]) >= instant(v) }
	} else if name == "endtime" && r.argFolded("starttime") != "" {
		return func(item *record) bool { return instant(item.fields["startTime"]) <= instant(v) }
	}
	if r.has(name, items) {
		account := r.app.model.isAccount(r.plan.op, name)
		return func(item *record) bool {
			have, found := folded(item.fields, name)
			if !found && item.links[name] != "" {
				have = item.links[name]
			}
			// What names no account belongs to whichever asks.
			return have == nil && account || fits(have, v)
		}
	}
	if name == "query" || name == "q" || name == "search" {
		return func(item *record) bool { return contains(item.fields, strings.ToLower(text(v))) }
	}
	return nil
}

// instant gives a time, written as text or in milliseconds, in milliseconds.
func instant(v any) int64 {
	if at, err := time.Parse(time.RFC3339, text(v)); err == nil {
		return at.UnixMilli()
	}
	ms, _ := strconv.ParseInt(text(v), 10, 64)
	return ms
}

func (r *request) nested(all object, items []*record) func(*record) bool {
	var tests []func(*record) bool
	for name, v := range all {
		if test := r.test(name, v, items); test != nil {
			tests = append(tests, test)
		}
	}
	return func(item *record) bool {
		for _, test := range tests {
			if !test(item) {
				return false
			}
		}
		return true
	}
}

// has reports whether the records have a field, or their type declares it.
func (r *request) has(name string, items []*record) bool {
	for _, t := range r.plan.resource.records {
		if slices.ContainsFunc(t.fields(), func(f bindings.Field) bool { return fold(f.Name) == name }) {
			return true
		}
	}
	return slices.ContainsFunc(items, func(item *record) bool {
		_, found := folded(item.fields, name)
		return found
	})
}

// fits compares a field with what is asked for; a list on either side fits
// when one of it does.
func fits(have, want any) bool {
	if all, ok := want.([]any); ok {
		return slices.ContainsFunc(all, func(v any) bool { return fits(have, v) })
	}
	if all, ok := have.([]any); ok {
		return slices.ContainsFunc(all, func(v any) bool { return fits(v, want) })
	}
	return strings.EqualFold(text(have), text(want))
}

func contains(v any, word string) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(strings.ToLower(v), word)
	case object:
		for _, e := range v {
			if contains(e, word) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return contains(e, word) })
	}
	return false
}

// condition reads one {field, operator, value} of a search body, or a group of
// them.
func condition(v any) func(*record) bool {
	f, _ := v.(object)
	if inner, isList := f["filters"].([]any); isList {
		return group(text(f["group"]), inner)
	}
	field, value := text(f["field"]), f["value"]
	if field == "" {
		return nil
	}
	at := func(item *record) any { return lookup(item.fields, field) }
	switch text(f["operator"]) {
	case "", "eq":
		return func(item *record) bool { return fits(at(item), value) }
	case "not_eq":
		return func(item *record) bool { return !fits(at(item), value) }
	case "contains":
		return func(item *record) bool { return contains(at(item), strings.ToLower(text(value))) }
	case "not_contains":
		return func(item *record) bool { return !contains(at(item), strings.ToLower(text(value))) }
	case "exists":
		return func(item *record) bool { return !empty(at(item)) }
	case "not_exists":
		return func(item *record) bool { return empty(at(item)) }
	case "range":
		bounds, _ := value.(object)
		return func(item *record) bool { return within(at(item), bounds) }
	}
	return nil
}

// within reports whether a value lies within bounds: gt, gte, lt and lte.
func within(have any, bounds object) bool {
	if empty(have) {
		return false
	}
	for name, bound := range bounds {
		order := compare(have, bound)
		switch name {
		case "gt":
			if order <= 0 {
				return false
			}
		case "gte":
			if order < 0 {
				return false
			}
		case "lt":
			if order >= 0 {
				return false
			}
		case "lte":
			if order > 0 {
				return false
			}
		}
	}
	return true
}

// compare orders two times, however they are written, two numbers or two texts.
func compare(a, b any) int {
	if x, y := instant(a), instant(b); x != 0 && y != 0 {
		return cmp.Compare(x, y)
	}
	return strings.Compare(text(a), text(b))
}
