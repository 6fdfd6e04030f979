package journal

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// Written is what a call of ours makes of a record at a vendor. An event that
// tells just that is an echo.
type Written struct {
	Connection string
	// Noun is what the triggers that tell of the record share: "highlevel.contact".
	Noun string
	// Record is its id; empty while the vendor is still to give it one.
	Record string
	// Data are its fields, as far as they are known, as a JSON object.
	Data json.RawMessage
	// Free are fields that tell nothing.
	Free []string
	// Version is the path in Data, and in event.data, of the time of the
	// record's last change; empty where there is none.
	Version string
	// Gone says that the record is deleted.
	Gone bool
	// Verbs are the last parts of the types of events that can tell of it;
	// empty: all.
	Verbs []string
	// At is when it was kept; the store sets it.
	At time.Time
}

// echoTime is how long after a call the clock of a vendor may put the change
// that it made.
const echoTime = time.Minute

// Echoes reports whether an event tells just what is known of its record, and
// happened no later than that: a vendor's event may leave out the very field
// that somebody changed since. It must have a field in common with what is
// known, and all that it has in common must be the same.
func (w *Written) Echoes(e *Event) bool {
	if len(w.Verbs) > 0 && !slices.Contains(w.Verbs, e.Type[strings.LastIndexByte(e.Type, '.')+1:]) {
		return false
	}
	known, told := gjson.ParseBytes(w.Data), gjson.ParseBytes(e.Data)
	before, now := timeOf(lookup(w.Data, w.Version).String()), timeOf(lookup(e.Data, w.Version).String())
	if before.IsZero() || now.IsZero() {
		before, now = w.At.Add(echoTime), e.Time
	}
	if now.After(before) {
		return false
	}
	if w.Gone || strings.HasSuffix(e.Type, ".deleted") {
		return w.Gone && strings.HasSuffix(e.Type, ".deleted")
	}
	c := comparison{free: w.Free, ids: []string{e.Record, e.Account}}
	return c.same(known, told, true) && c.shared > 0
}

// Learn adds what an event tells of the record beyond what was known.
func (w *Written) Learn(e *Event) {
	if data, err := json.Marshal(learned(gjson.ParseBytes(w.Data), gjson.ParseBytes(e.Data))); err == nil {
		w.Data = data
	}
}

func learned(known, told gjson.Result) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	known.ForEach(func(name, value gjson.Result) bool {
		all[name.Str] = json.RawMessage(value.Raw)
		return true
	})
	told.ForEach(func(name, value gjson.Result) bool {
		before, has := all[name.Str]
		switch {
		case !has:
			all[name.Str] = json.RawMessage(value.Raw)
		case value.IsObject():
			if inner, err := json.Marshal(learned(gjson.ParseBytes(before), value)); err == nil {
				all[name.Str] = inner
			}
		}
		return true
	})
	return all
}

// comparison holds what is told against what is known.
type comparison struct {
	free   []string // fields passed over
	ids    []string // values that every event about the record has
	shared int      // values found in both
}

func (c *comparison) same(known, told gjson.Result, fields bool) bool {
	switch {
	case empty(known) && empty(told):
		return true
	case known.IsObject() && told.IsObject():
		return c.sameFields(known, told)
	case known.IsArray() && told.IsArray():
		return c.sameList(known.Array(), told.Array())
	case known.IsObject() || known.IsArray() || told.IsObject() || told.IsArray():
		return false
	}
	a, b := strings.TrimSpace(known.String()), strings.TrimSpace(told.String())
	if fields && b != "" && !slices.Contains(c.ids, b) {
		c.shared++
	}
	// Vendors put texts, numbers and times into a form of their own on the way.
	return strings.EqualFold(a, b) || known.Type == gjson.Number && told.Type == gjson.Number && known.Num == told.Num || sameTime(a, b)
}

// sameTime compares times, and days as their beginning in UTC.
func sameTime(a, b string) bool {
	x, y := timeOf(a), timeOf(b)
	return !x.IsZero() && x.Equal(y)
}

func timeOf(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}

// sameFields compares what both have; a field that one does not have is not
// known, or not told.
func (c *comparison) sameFields(known, told gjson.Result) bool {
	have := known.Map()
	same := true
	told.ForEach(func(name, value gjson.Result) bool {
		if before, has := have[name.Str]; has && !slices.Contains(c.free, name.Str) {
			same = c.same(before, value, true)
		}
		return same
	})
	return same
}

// sameList compares lists in which the order of plain values tells nothing.
func (c *comparison) sameList(known, told []gjson.Result) bool {
	if len(known) != len(told) {
		return false
	}
	c.shared++
	left := slices.Clone(known)
	for _, value := range told {
		found := slices.IndexFunc(left, func(before gjson.Result) bool { return c.same(before, value, false) })
		if found < 0 {
			return false
		}
		left = slices.Delete(left, found, found+1)
	}
	return true
}

func empty(v gjson.Result) bool {
	return !v.Exists() || v.Type == gjson.Null || v.Type == gjson.String && v.Str == ""
}
