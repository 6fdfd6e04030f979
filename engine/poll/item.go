package poll

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// perItem separates the item and the record in the id of a record that is unique
// only within its item.
const perItem = "\x1f"

// listItem is an item of a list, with what is compared.
type listItem struct {
	record           string          // its id in the journal
	series           string          // the record that this one is an occurrence of
	data             json.RawMessage // of an event
	hash             uint64
	facets           []facet
	updated, created time.Time
	deleted          bool
}

// facet is the part of an item for a bindings.Facet.
type facet struct {
	trigger  string
	aspect   change.Aspect
	hash     uint64
	eligible bool // it satisfies bindings.Facet.When
}

func (sc *scan) listItems(w *walk, items []json.RawMessage) ([]listItem, error) {
	all := make([]listItem, 0, len(items))
	for _, item := range items {
		id := jsonpath.Text(item, sc.poll.Record)
		if id == "" {
			return nil, &bindings.Error{Kind: bindings.Invalid, App: sc.conn.App().Name, Operation: sc.poll.List.Operation,
				Message: fmt.Sprintf("poll %q: an item of the list has no id at %q", sc.poll.Name, sc.poll.Record)}
		}
		s := listItem{record: sc.recordID(w, id), updated: timeAt(item, sc.poll.Updated), created: timeAt(item, sc.poll.Created)}
		if sc.poll.Series != "" {
			if of := jsonpath.Text(item, sc.poll.Series); of != "" {
				s.series = sc.recordID(w, of)
			}
		}
		s.deleted = len(sc.poll.Deleted) > 0 && matches(item, sc.poll.Deleted)
		if sync := sc.poll.Sync; sync != nil && len(sync.Deleted) > 0 {
			s.deleted = s.deleted || matches(item, sync.Deleted)
		}
		s.data = sc.data(item, w.of)
		s.hash = contentHash(s.data, sc.poll.Compare, sc.poll.Ignore)
		for _, f := range sc.poll.Facets {
			s.facets = append(s.facets, facet{f.Trigger, change.FacetAspect(f.Trigger), contentHash(s.data, f.Compare, nil), matches(s.data, f.When)})
		}
		all = append(all, s)
	}
	return all, nil
}

// recordID is the id in the journal of a record with this id in the list.
func (sc *scan) recordID(w *walk, id string) string {
	if sc.poll.PerItem {
		return w.item + perItem + id
	}
	return id
}

// matches reports whether all paths have the values in when.
func matches(data []byte, when map[string]string) bool {
	for path, want := range when {
		if jsonpath.Text(data, path) != want {
			return false
		}
	}
	return true
}

// data makes event.data of an item.
func (sc *scan) data(item json.RawMessage, of *call.Item) json.RawMessage {
	data := slices.Clone(item)
	if len(sc.poll.Data) > 0 {
		data = json.RawMessage("{}")
		for _, field := range slices.Sorted(maps.Keys(sc.poll.Data)) {
			data = with(data, field, sc.value(sc.poll.Data[field], item, of))
		}
	}
	return sc.add(data, of)
}

// add adds fields of the item that the list is for to event.data.
func (sc *scan) add(data json.RawMessage, of *call.Item) json.RawMessage {
	for _, field := range slices.Sorted(maps.Keys(sc.poll.Adds)) {
		if of != nil {
			value, _ := of.Var("of." + sc.poll.Adds[field])
			raw, _ := value.(json.RawMessage)
			data = with(data, field, raw)
		}
	}
	return data
}

// with sets a field of an object, at a path of names; a field without a value is
// left out.
func with(object json.RawMessage, path string, value json.RawMessage) json.RawMessage {
	if len(value) == 0 || string(value) == "null" {
		return object
	}
	name, rest, deeper := strings.Cut(path, ".")
	out, done := []byte{'{'}, false
	add := func(key string, value []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		quoted, _ := json.Marshal(key) // a text always encodes
		out = append(append(append(out, quoted...), ':'), value...)
	}
	gjson.ParseBytes(object).ForEach(func(key, old gjson.Result) bool {
		switch {
		case key.String() != name:
			add(key.String(), []byte(old.Raw))
		case deeper && old.IsObject():
			add(name, with(json.RawMessage(old.Raw), rest, value))
			done = true
		}
		return true
	})
	if !done && deeper {
		value = with(json.RawMessage("{}"), rest, value)
	}
	if !done {
		add(name, value)
	}
	return append(out, '}')
}

// value is the value of a path of poll.Data.
func (sc *scan) value(path string, item json.RawMessage, of *call.Item) json.RawMessage {
	switch {
	case path == ".":
		return item
	case strings.HasPrefix(path, "{"):
		if known, ok := sc.vars(of, time.Time{})(strings.Trim(path, "{}")); ok {
			text, _ := json.Marshal(known)
			return text
		}
		return nil
	case strings.HasPrefix(path, "of."):
		value, _ := of.Var(path)
		raw, _ := value.(json.RawMessage)
		return raw
	}
	value, _ := jsonpath.Lookup(item, path)
	return value
}

// deletedData is event.data of a record that is listed no more: its id, and the
// fields of the item that the list is for.
func (sc *scan) deletedData(id string, of *call.Item) json.RawMessage {
	name, _ := json.Marshal(id) // a text always encodes
	return sc.data(with(json.RawMessage("{}"), sc.poll.Record, name), of)
}

// timeAt reads a time as vendors write it: RFC 3339, a date, or Unix seconds
// or milliseconds. It is zero where there is none.
func timeAt(data []byte, path string) time.Time {
	if path == "" {
		return time.Time{}
	}
	return readTime(jsonpath.Text(data, path))
}

func readTime(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || !(n > 0 && n < 1e15): // NaN too
		return time.Time{}
	case n > 1e11:
		return time.UnixMilli(int64(n)).UTC()
	}
	return time.Unix(int64(n), 0).UTC()
}

// isEmpty reports whether a value has no content.
func isEmpty(v gjson.Result) bool {
	switch v.Type {
	case gjson.Null:
		return true
	case gjson.String:
		return v.Str == ""
	case gjson.JSON:
		empty := true
		v.ForEach(func(_, _ gjson.Result) bool { empty = false; return false })
		return empty
	}
	return false
}
