package change

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// Written is what a call of ours makes of a record at a vendor. An event that
// tells just that is an echo.
type Written struct {
	Connection string
	// Noun is what the triggers that tell of the record share: "highlevel.contact".
	Noun string
	// Record is its id; empty while the vendor is still to give it one.
	Record string
	// Data are its fields, as far as they are known, as a JSON object. Sent are
	// those that the call set, nil for all: another one may be the work of
	// somebody else of whom nobody was told yet.
	Data json.RawMessage
	Sent []string
	// Fields are those that the vendor's answer can have.
	Fields Fields
	// Gone says that the record is deleted.
	Gone bool
	// Mark is what a poll may know of a record that the call made, so that its
	// end is found although no list showed it; nil where nothing polls it.
	Mark *Mark
	EchoRule
}

// EchoRule is how what is known of a record is held against what is told.
type EchoRule struct {
	// Free are fields that tell nothing.
	Free []string `json:"free,omitempty"`
	// Version is the path in Data, and in event.data, of the time of the
	// record's last change; empty where there is none.
	Version string `json:"version,omitempty"`
	// Within is the field of Data that holds the record; empty: Data is it.
	Within string `json:"within,omitempty"`
	// Verbs are the last parts of the types of events that can tell of it;
	// empty: all.
	Verbs []string `json:"verbs,omitempty"`
	// Changed is the path in event.data of the name of the one field that an
	// event tells of; empty where it tells values.
	Changed string `json:"changed,omitempty"`
}

// version is the name of the field with the version.
func (r *EchoRule) version() string { return r.Version[strings.LastIndexByte(r.Version, '.')+1:] }

// Report is an event about a record, as far as it counts here.
type Report struct {
	Type            string
	Account, Record string
	Time            time.Time
	Data            json.RawMessage
	// Webhook says that it came from the vendor by itself, and not from a list.
	Webhook bool
}

// Known is what scripts know of a record: what events told, and what calls of
// theirs wrote.
type Known struct {
	Data json.RawMessage
	Gone bool
	At   time.Time // when the newest of it was kept; the store sets it
	Lore
}

// Lore is where what is known of a record comes from.
type Lore struct {
	EchoRule
	// Ours says that a call of ours wrote the newest of it, Since is when that
	// was begun, and Sent the fields that it set; nil: all.
	Ours  bool      `json:"ours,omitempty"`
	Since time.Time `json:"since,omitzero"`
	Sent  []string  `json:"sent,omitempty"`
	// Unsaid are fields that were not sent, and that the vendor's answer showed
	// otherwise than they were known: nobody was told yet.
	Unsaid []string `json:"unsaid,omitempty"`
	// Strays are fields that were not sent and changed all the same, with the
	// number of writes in a row that did it: a change of somebody else is told,
	// a counter of the vendor's is not told for ever.
	Strays map[string]int `json:"strays,omitempty"`
}

const (
	// echoTime is how far the clock of a vendor may be apart from ours.
	echoTime = time.Minute
	// strayWrites is after how many writes a field that changes with each of
	// them is taken for the vendor's own.
	strayWrites = 3
)

// Over gives what is known of the record once the call was made; before is
// what was known until then, nil for nothing.
func (w *Written) Over(before *Known, since, at time.Time) Known {
	after := Known{Data: w.Data, Gone: w.Gone, At: at, Lore: Lore{EchoRule: w.EchoRule, Ours: true, Since: since, Sent: w.Sent}}
	if w.Gone {
		return after
	}
	if before != nil && !before.Gone {
		after.Strays = before.Strays
		if w.Changed != "" && before.Ours { // what is still to be told of an earlier one
			after.Sent = slices.Concat(w.Sent, before.Sent)
			slices.Sort(after.Sent)
			after.Sent = slices.Compact(after.Sent)
		}
		c := comparison{lore: &after.Lore}
		c.records(gjson.ParseBytes(before.Data), gjson.ParseBytes(w.Data))
		after.Unsaid = slices.DeleteFunc(append(c.strays, before.Unsaid...), after.sent)
		after.Data = overlay(before.Data, w.Data, w.Within, w.version(), func(string) bool { return true })
	}
	after.Data = w.Fields.fill(after.Data)
	return after
}

// Fields are names of fields of a record, and the field of an event's data that
// it stands in; empty: the data is the record.
type Fields struct {
	Within string
	Names  []string
}

// fill says of the fields that nobody knows anything of that there is nothing.
func (f Fields) fill(data json.RawMessage) json.RawMessage {
	nothing := map[string]json.RawMessage{}
	for _, name := range f.Names {
		nothing[name] = json.RawMessage("null")
	}
	above, err := json.Marshal(nothing)
	if err == nil && f.Within != "" {
		above, err = json.Marshal(map[string]json.RawMessage{f.Within: above})
	}
	if err != nil {
		return data
	}
	return overlay(data, above, f.Within, "", func(string) bool { return false })
}

// Hear takes an event about the record, and reports whether it is an echo: it
// tells just what is known, and of no later change, since a vendor's event may
// leave out the very field that somebody changed.
func (k *Known) Hear(e *Report, can Fields, now time.Time) (echo bool) {
	defer func() {
		if !k.Gone {
			k.Data = can.fill(k.Data)
		}
	}()
	verb := e.Type[strings.LastIndexByte(e.Type, '.')+1:]
	switch {
	case len(k.Verbs) > 0 && !slices.Contains(k.Verbs, verb):
		return false
	case verb == "deleted":
		if k.Ours && k.Gone {
			return true
		}
		*k = Known{Data: json.RawMessage("{}"), Gone: true, At: now, Lore: Lore{EchoRule: k.EchoRule}}
		return false
	case k.Ours && k.Gone:
		return false // of before, and only late
	case !k.Ours:
		k.tell(e, now, nil)
		return false
	}
	order, sure := k.order(e)
	if order > 0 {
		k.Ours = false
		k.tell(e, now, nil)
		return false
	}
	if order < 0 {
		k.tell(e, now, k.sent)
		return false
	}
	return k.compare(e, now, sure)
}

// compare holds an event that may be of our own change against what is known.
func (k *Known) compare(e *Report, now time.Time, sure bool) bool {
	if k.Changed != "" {
		i := slices.Index(k.Sent, jsonpath.Get(e.Data, k.Changed).String())
		if i < 0 {
			return false
		}
		k.Sent = slices.Delete(slices.Clone(k.Sent), i, i+1) // told once; again it is somebody else's
		return true
	}
	c := comparison{lore: &k.Lore, ids: []string{e.Record, e.Account}}
	c.records(gjson.ParseBytes(k.Data), gjson.ParseBytes(e.Data))
	switch {
	case c.contradicted: // somebody changed what we wrote
		k.Ours = false
		k.tell(e, now, nil)
		return false
	case c.shared == 0, c.sent == 0 && !sure:
		k.tell(e, now, k.sent)
		return false
	}
	for _, name := range k.Unsaid {
		if !slices.Contains(c.strays, name) {
			c.strays = append(c.strays, name)
		}
	}
	if k.stray(c.strays) {
		k.tell(e, now, nil)
		return false
	}
	if data, err := json.Marshal(learned(gjson.ParseBytes(k.Data), gjson.ParseBytes(e.Data))); err == nil {
		k.Data = data
	}
	return true
}

// stray counts the fields that changed with a write that did not send them, and
// reports whether that is to be told.
func (k *Known) stray(fields []string) (tell bool) {
	counts := map[string]int{}
	for _, name := range fields {
		counts[name] = k.Strays[name] + 1
		tell = tell || counts[name] < strayWrites
	}
	k.Strays = nil
	if len(counts) > 0 {
		k.Strays = counts
	}
	return tell
}

// order says whether an event is of a time before our write, at about it, or
// after it; and whether that is sure.
func (k *Known) order(e *Report) (order int, sure bool) {
	wrote, tells := timeOf(jsonpath.Get(k.Data, k.Version).String()), timeOf(jsonpath.Get(e.Data, k.Version).String())
	if !wrote.IsZero() && !tells.IsZero() {
		precision := max(precisionOf(wrote), precisionOf(tells))
		return tells.Truncate(precision).Compare(wrote.Truncate(precision)), true
	}
	switch {
	case !e.Webhook: // a list shows what is, and not when that came about
	case e.Time.After(k.At.Add(echoTime)):
		return 1, false
	case e.Time.Before(k.Since.Add(-echoTime)):
		return -1, false
	}
	return 0, false
}

// precisionOf is how exactly a time is given.
func precisionOf(t time.Time) time.Duration {
	for _, d := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if t.Truncate(d).Equal(t) {
			return d
		}
	}
	return 1
}

// sent reports whether our call set a field.
func (l *Lore) sent(name string) bool { return l.Sent == nil || slices.Contains(l.Sent, name) }

// tell takes over what an event tells, but for some fields.
func (k *Known) tell(e *Report, now time.Time, but func(name string) bool) {
	if !k.Ours {
		k.Gone, k.At, k.Since, k.Sent = false, now, time.Time{}, nil
	}
	k.Unsaid = nil
	k.Data = overlay(k.Data, e.Data, k.Within, "", func(name string) bool { return but == nil || !but(name) })
}

// overlay puts fields over others: those that were not there, and those that
// are to be taken. A field named always stands as it does above, or not at all.
func overlay(below, above json.RawMessage, within, always string, take func(name string) bool) json.RawMessage {
	under, over := objectOf(below), objectOf(above)
	if within != "" {
		inner := overlay(under[within], over[within], "", always, take)
		for name, value := range over {
			under[name] = value
		}
		under[within] = inner
	} else {
		if always != "" {
			delete(under, always)
		}
		for name, value := range over {
			if _, there := under[name]; !there || take(name) {
				under[name] = value
			}
		}
	}
	data, err := json.Marshal(under)
	if err != nil {
		return above
	}
	return data
}

func objectOf(data json.RawMessage) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	if parsed := gjson.ParseBytes(data); parsed.IsObject() {
		parsed.ForEach(func(name, value gjson.Result) bool {
			all[name.String()] = json.RawMessage(value.Raw)
			return true
		})
	}
	return all
}

// learned adds what is told beyond what is known.
func learned(known, told gjson.Result) map[string]json.RawMessage {
	all := objectOf(json.RawMessage(known.Raw))
	told.ForEach(func(name, value gjson.Result) bool {
		before, has := all[name.String()]
		switch {
		case !has:
			all[name.String()] = json.RawMessage(value.Raw)
		case value.IsObject():
			if inner, err := json.Marshal(learned(gjson.ParseBytes(before), value)); err == nil {
				all[name.String()] = inner
			}
		}
		return true
	})
	return all
}
