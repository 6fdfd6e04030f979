package poll

import (
	"encoding/json"
	"fmt"
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

// perItem stands between the item and the record in the name of a record that
// is told apart only within its item.
const perItem = "\x1f"

// shown is what an item of a list shows of its record.
type shown struct {
	record           string          // as it is known
	series           string          // the record that this one is an occurrence of
	data             json.RawMessage // of an event
	hash             uint64
	facets           []facet
	updated, created time.Time
	deleted          bool
}

// facet is what an item shows of a part that has a trigger of its own.
type facet struct {
	trigger string
	thread  change.Aspect
	hash    uint64
	fits    bool // it is as it must be to be told
}

func (l *look) shown(w *walk, items []json.RawMessage) ([]shown, error) {
	all := make([]shown, 0, len(items))
	for _, item := range items {
		id := jsonpath.Text(item, l.poll.Record)
		if id == "" {
			return nil, &bindings.Error{Kind: bindings.Invalid, App: l.conn.App().Name, Operation: l.poll.List.Operation,
				Message: fmt.Sprintf("poll %q: an item of the list has nothing at %q, by which it is known", l.poll.Name, l.poll.Record)}
		}
		s := shown{record: l.recordID(w, id), updated: timeAt(item, l.poll.Updated), created: timeAt(item, l.poll.Created)}
		if l.poll.Series != "" {
			if of := jsonpath.Text(item, l.poll.Series); of != "" {
				s.series = l.recordID(w, of)
			}
		}
		s.deleted = len(l.poll.Deleted) > 0 && fits(item, l.poll.Deleted)
		if sync := l.poll.Sync; sync != nil && len(sync.Deleted) > 0 {
			s.deleted = s.deleted || fits(item, sync.Deleted)
		}
		s.data = l.data(item, w.of)
		s.hash = contentHash(s.data, l.poll.Compare, l.poll.Ignore)
		for _, f := range l.poll.Facets {
			s.facets = append(s.facets, facet{f.Trigger, change.FacetAspect(f.Trigger), contentHash(s.data, f.Compare, nil), fits(s.data, f.When)})
		}
		all = append(all, s)
	}
	return all, nil
}

// recordID is the name in the journal of a record with this id in the list.
func (l *look) recordID(w *walk, id string) string {
	if l.poll.PerItem {
		return w.item + perItem + id
	}
	return id
}

// fits reports whether all paths have the values that they must have.
func fits(data []byte, when map[string]string) bool {
	for path, want := range when {
		if jsonpath.Text(data, path) != want {
			return false
		}
	}
	return true
}

// data makes event.data of an item.
func (l *look) data(item json.RawMessage, of *call.Item) json.RawMessage {
	data := slices.Clone(item)
	if len(l.poll.Data) > 0 {
		data = json.RawMessage("{}")
		for _, field := range sortedKeys(l.poll.Data) {
			data = with(data, field, l.value(l.poll.Data[field], item, of))
		}
	}
	return l.add(data, of)
}

// add gives event.data the fields that the item was listed for has.
func (l *look) add(data json.RawMessage, of *call.Item) json.RawMessage {
	for _, field := range sortedKeys(l.poll.Adds) {
		if of != nil {
			value, _ := of.Var("of." + l.poll.Adds[field])
			raw, _ := value.(json.RawMessage)
			data = with(data, field, raw)
		}
	}
	return data
}

// with sets a field of an object, at a path of names; what has no value is left
// out.
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

// value is what stands at a path of poll.Data.
func (l *look) value(path string, item json.RawMessage, of *call.Item) json.RawMessage {
	switch {
	case path == ".":
		return item
	case strings.HasPrefix(path, "{"):
		if known, ok := l.words(of, time.Time{})(strings.Trim(path, "{}")); ok {
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

// remains is event.data of a record that is gone and was listed no more: its
// id, and what it was listed for.
func (l *look) remains(id string, of *call.Item) json.RawMessage {
	name, _ := json.Marshal(id) // a text always encodes
	return l.data(with(json.RawMessage("{}"), l.poll.Record, name), of)
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

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// isEmpty reports whether a value says nothing.
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
