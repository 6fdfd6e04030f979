package sandbox

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// filter returns the records that match the request: an argument named as a field
// of the records, with or without filter[…], bounds such as updated_at_from,
// words to search for, and the filters of a search body.
func (r *Call) filter(items []*Record) []*Record {
	var tests []func(*Record) bool
	for name, v := range r.filterArgs() {
		if test := r.test(name, v, items); test != nil {
			tests = append(tests, test)
		}
	}
	if filters, ok := r.Fields["filters"].([]any); ok {
		for _, f := range filters {
			if test := condition(f); test != nil {
				tests = append(tests, test)
			}
		}
	}
	if len(tests) == 0 {
		return items
	}
	return slices.DeleteFunc(items, func(item *Record) bool {
		return slices.ContainsFunc(tests, func(test func(*Record) bool) bool { return !test(item) })
	})
}

// group joins conditions with AND or OR.
func group(word string, all []any) func(*Record) bool {
	var tests []func(*Record) bool
	for _, v := range all {
		if test := condition(v); test != nil {
			tests = append(tests, test)
		}
	}
	one := strings.EqualFold(word, "or") // one is enough
	return func(item *Record) bool {
		for _, test := range tests {
			if test(item) == one {
				return one
			}
		}
		return !one
	}
}

// filterArgs are the arguments that may filter.
func (r *Call) filterArgs() Object {
	out := Object{}
	for name, v := range r.Query {
		out[name] = v
	}
	if r.plan.op.Method != "GET" {
		for name, v := range r.Fields {
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
		if Empty(v) || v == "all" {
			delete(out, name)
		}
	}
	return out
}

func (r *Call) test(name string, v any, items []*Record) func(*Record) bool {
	if nested, ok := v.(Object); ok {
		return r.nested(nested, items)
	}
	if inner, found := strings.CutPrefix(name, "filter["); found {
		name = strings.TrimSuffix(inner, "]")
	}
	name = Fold(strings.TrimSuffix(name, "[]"))
	if test := r.boundTest(name, v, items); test != nil {
		return test
	}
	if name == "starttime" && r.argFolded("endtime") != "" {
		return func(item *Record) bool { return UnixMilli(item.Fields["startTime"]) >= UnixMilli(v) }
	} else if name == "endtime" && r.argFolded("starttime") != "" {
		return func(item *Record) bool { return UnixMilli(item.Fields["startTime"]) <= UnixMilli(v) }
	}
	if r.has(name, items) {
		account := r.App.model.isAccount(r.plan.op, name)
		return func(item *Record) bool {
			have, found := folded(item.Fields, name)
			if !found && item.Links[name] != "" {
				have = item.Links[name]
			}
			// A record without an account belongs to every account.
			return have == nil && account || Matches(have, v)
		}
	}
	if name == "query" || name == "q" || name == "search" {
		return func(item *Record) bool { return Contains(item.Fields, strings.ToLower(Text(v))) }
	}
	return nil
}

// boundTest is the test of an argument such as updated_at_from or updated_at_to.
func (r *Call) boundTest(name string, v any, items []*Record) func(*Record) bool {
	for suffix, after := range map[string]bool{"from": true, "to": false} {
		field, found := strings.CutSuffix(name, suffix)
		if !found || !r.has(field, items) {
			continue
		}
		return func(item *Record) bool {
			have, _ := folded(item.Fields, field)
			order := compare(have, v)
			return have != nil && (order == 0 || order > 0 == after)
		}
	}
	return nil
}

// UnixMilli reads a time, written as text or in milliseconds, in milliseconds.
func UnixMilli(v any) int64 {
	if at, err := time.Parse(time.RFC3339, Text(v)); err == nil {
		return at.UnixMilli()
	}
	ms, _ := strconv.ParseInt(Text(v), 10, 64)
	return ms
}

func (r *Call) nested(all Object, items []*Record) func(*Record) bool {
	var tests []func(*Record) bool
	for name, v := range all {
		if test := r.test(name, v, items); test != nil {
			tests = append(tests, test)
		}
	}
	return func(item *Record) bool {
		for _, test := range tests {
			if !test(item) {
				return false
			}
		}
		return true
	}
}

// has reports whether the records have a field, or their type declares it.
func (r *Call) has(name string, items []*Record) bool {
	for _, t := range r.plan.resource.records {
		if slices.ContainsFunc(t.fields(), func(f bindings.Field) bool { return Fold(f.Name) == name }) {
			return true
		}
	}
	return slices.ContainsFunc(items, func(item *Record) bool {
		_, found := folded(item.Fields, name)
		return found
	})
}

// Matches compares a field with an argument. A list on either side matches if one
// of its items does.
func Matches(have, want any) bool {
	if all, ok := want.([]any); ok {
		return slices.ContainsFunc(all, func(v any) bool { return Matches(have, v) })
	}
	if all, ok := have.([]any); ok {
		return slices.ContainsFunc(all, func(v any) bool { return Matches(v, want) })
	}
	return strings.EqualFold(Text(have), Text(want))
}

// Contains reports whether a text in a value, at any depth, contains a word, which
// is in lower case.
func Contains(v any, word string) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(strings.ToLower(v), word)
	case Object:
		for _, e := range v {
			if Contains(e, word) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return Contains(e, word) })
	}
	return false
}

// condition reads one {field, operator, value} of a search body, or a group of
// them.
func condition(v any) func(*Record) bool {
	f, _ := v.(Object)
	if inner, isList := f["filters"].([]any); isList {
		return group(Text(f["group"]), inner)
	}
	field, value := Text(f["field"]), f["value"]
	if field == "" {
		return nil
	}
	at := func(item *Record) any { return Lookup(item.Fields, field) }
	switch Text(f["operator"]) {
	case "", "eq":
		return func(item *Record) bool { return Matches(at(item), value) }
	case "not_eq":
		return func(item *Record) bool { return !Matches(at(item), value) }
	case "contains":
		return func(item *Record) bool { return Contains(at(item), strings.ToLower(Text(value))) }
	case "not_contains":
		return func(item *Record) bool { return !Contains(at(item), strings.ToLower(Text(value))) }
	case "exists":
		return func(item *Record) bool { return !Empty(at(item)) }
	case "not_exists":
		return func(item *Record) bool { return Empty(at(item)) }
	case "range":
		bounds, _ := value.(Object)
		return func(item *Record) bool { return within(at(item), bounds) }
	}
	return nil
}

// within reports whether a value is within bounds: gt, gte, lt and lte.
func within(have any, bounds Object) bool {
	if Empty(have) {
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

// compare orders two times, in any notation, or two texts.
func compare(a, b any) int {
	if x, y := UnixMilli(a), UnixMilli(b); x != 0 && y != 0 {
		return cmp.Compare(x, y)
	}
	return strings.Compare(Text(a), Text(b))
}
