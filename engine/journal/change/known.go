package change

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// Written is how a call of ours changes a record at a vendor. An event that
// reports only that change is an echo.
type Written struct {
	Connection string
	// Noun is the common part of the triggers about the record:
	// "highlevel.contact".
	Noun string
	// Record is its id; empty until the vendor has answered with one.
	Record string
	// Data is a JSON object of its fields, as far as they are known. Sent are the
	// names of those that the call set, nil for all: another field may have been
	// changed by somebody else, without an event so far.
	Data json.RawMessage
	Sent []string
	// Fields are the fields that the vendor's answer can have.
	Fields Fields
	// Created is set when the call created the record, Gone when it deleted it.
	Created, Gone bool
	// Fingerprint is the state of the record after the call, as far as a poll
	// compares it; nil if the record is not polled. The poll does not report it, and
	// finds the deletion of a record that the call created although no list
	// contained it.
	Fingerprint *Fingerprint
	EchoRule
}

// Has reports whether the value at a path of Data is known: nothing there means
// that there is no value.
func (w *Written) Has(path string) bool {
	data := w.Data
	if w.Within != "" {
		inner, found := strings.CutPrefix(path, w.Within+".")
		if !found {
			return false
		}
		path, data = inner, json.RawMessage(jsonpath.Get(data, w.Within).Raw)
	}
	name, _, _ := strings.Cut(path, ".")
	_, found := jsonpath.Lookup(data, name)
	return found || slices.Contains(w.Fields.Names, name)
}

// EchoRule is how the stored state of a record is compared with a reported one.
type EchoRule struct {
	// Free are fields that are not compared.
	Free []string `json:"free,omitempty"`
	// Version is the path in Data, and in event.data, of the time of the
	// record's last change; empty if there is none.
	Version string `json:"version,omitempty"`
	// Within is the field of Data that contains the record; empty: Data is the
	// record.
	Within string `json:"within,omitempty"`
	// Verbs are the last parts of the types of events that can report the
	// change; empty: all.
	Verbs []string `json:"verbs,omitempty"`
	// Changed is the path in event.data of the name of the one field that
	// changed, for events that contain no values; else empty.
	Changed string `json:"changed,omitempty"`
}

// version is the name of the field with the version.
func (r *EchoRule) version() string { return r.Version[strings.LastIndexByte(r.Version, '.')+1:] }

// Report is the part of an event that is compared.
type Report struct {
	Type            string
	Account, Record string
	Time            time.Time
	Data            json.RawMessage
	// Webhook is set when the vendor sent the event; else it is from a list.
	Webhook bool
}

// Known is the state of a record that scripts have: from events that were
// reported to them, and from calls that they made.
type Known struct {
	Data json.RawMessage
	Gone bool
	At   time.Time // when the newest part was stored; the store sets it
	Provenance
}

// Provenance is where the known state of a record is from.
type Provenance struct {
	EchoRule
	// Ours is set when a call of ours wrote the newest part. Since is when that
	// call began, and Sent are the fields that it set; nil: all.
	Ours  bool      `json:"ours,omitempty"`
	Since time.Time `json:"since,omitzero"`
	Sent  []string  `json:"sent,omitempty"`
	// UnreportedFields are fields that were not sent and that the vendor's answer
	// contained with another value than the known one: no event has reported
	// them so far.
	UnreportedFields []string `json:"unsaid,omitempty"`
	// UnexpectedFields are fields that were not sent and changed all the same,
	// with the number of consecutive writes after which they did. A change by
	// somebody else is reported; a counter of the vendor is not reported each
	// time.
	UnexpectedFields map[string]int `json:"strays,omitempty"`
}

const (
	// maxClockSkew bounds the difference between a vendor's clock and ours.
	maxClockSkew = time.Minute
	// maxUnexpectedWrites is the number of consecutive writes after which a field
	// that changed with each of them counts as the vendor's own.
	maxUnexpectedWrites = 3
)

// Apply returns what is known of the record after the call; before is what was
// known before it, nil for nothing.
func (w *Written) Apply(before *Known, since, at time.Time) Known {
	after := Known{Data: w.Data, Gone: w.Gone, At: at, Provenance: Provenance{EchoRule: w.EchoRule, Ours: true, Since: since, Sent: w.Sent}}
	if w.Gone {
		return after
	}
	if before != nil && !before.Gone {
		after.UnexpectedFields = before.UnexpectedFields
		if w.Changed != "" && before.Ours { // fields of an earlier call that no event has reported
			after.Sent = slices.Concat(w.Sent, before.Sent)
			slices.Sort(after.Sent)
			after.Sent = slices.Compact(after.Sent)
		}
		c := comparison{provenance: &after.Provenance}
		c.records(gjson.ParseBytes(before.Data), gjson.ParseBytes(w.Data))
		after.UnreportedFields = slices.DeleteFunc(append(c.unexpected, before.UnreportedFields...), after.wasSent)
		after.Data = overlay(before.Data, w.Data, w.Within, w.version(), func(string) bool { return true })
	}
	after.Data = w.Fields.fill(after.Data)
	return after
}

// Fields are names of fields of a record, and the field of event.data that
// contains it; empty: the data is the record.
type Fields struct {
	Within string
	Names  []string
}

// fill adds a null for each field that data does not have.
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

// Observe merges an event about the record, and reports whether the event is an
// echo: it contains only what is known, and it is not later than our change. A
// later one is no echo, because a vendor's event may leave out the field that
// somebody changed.
func (k *Known) Observe(e *Report, can Fields, now time.Time) (echo bool) {
	defer func() {
		if !k.Gone {
			k.Data = can.fill(k.Data)
		}
	}()
	verb := bindings.TriggerName(e.Type).Verb()
	switch {
	case len(k.Verbs) > 0 && !slices.Contains(k.Verbs, verb):
		return false
	case verb == "deleted":
		if k.Ours && k.Gone {
			return true
		}
		*k = Known{Data: json.RawMessage("{}"), Gone: true, At: now, Provenance: Provenance{EchoRule: k.EchoRule}}
		return false
	case k.Ours && k.Gone:
		return false // from before the deletion, and delayed
	case !k.Ours:
		k.merge(e, now, nil)
		return false
	}
	order, sure := k.order(e)
	if order > 0 {
		k.Ours = false
		k.merge(e, now, nil)
		return false
	}
	if order < 0 {
		k.merge(e, now, k.wasSent)
		return false
	}
	return k.compare(e, now, sure)
}

// compare compares what is known with an event that may be of our own change,
// and reports whether the event is an echo.
func (k *Known) compare(e *Report, now time.Time, sure bool) bool {
	if k.Changed != "" {
		i := slices.Index(k.Sent, jsonpath.Get(e.Data, k.Changed).String())
		if i < 0 {
			return false
		}
		k.Sent = slices.Delete(slices.Clone(k.Sent), i, i+1) // one event is ours; another is somebody else's
		return true
	}
	c := comparison{provenance: &k.Provenance, ids: []string{e.Record, e.Account}}
	c.records(gjson.ParseBytes(k.Data), gjson.ParseBytes(e.Data))
	switch {
	case c.contradicted: // somebody changed what we wrote
		k.Ours = false
		k.merge(e, now, nil)
		return false
	case c.shared == 0, c.sent == 0 && !sure:
		k.merge(e, now, k.wasSent)
		return false
	}
	for _, name := range k.UnreportedFields {
		if !slices.Contains(c.unexpected, name) {
			c.unexpected = append(c.unexpected, name)
		}
	}
	if k.countUnexpected(c.unexpected) {
		k.merge(e, now, nil)
		return false
	}
	if data, err := json.Marshal(withNewFields(gjson.ParseBytes(k.Data), gjson.ParseBytes(e.Data))); err == nil {
		k.Data = data
	}
	return true
}

// countUnexpected counts fields that changed with a write that did not send
// them, and reports whether the event about them is to be reported.
func (k *Known) countUnexpected(fields []string) (report bool) {
	counts := map[string]int{}
	for _, name := range fields {
		counts[name] = k.UnexpectedFields[name] + 1
		report = report || counts[name] < maxUnexpectedWrites
	}
	k.UnexpectedFields = nil
	if len(counts) > 0 {
		k.UnexpectedFields = counts
	}
	return report
}

// order is -1, 0 or 1 for an event of a time before, at about or after our
// write; sure is set when the times are those of the record's version.
func (k *Known) order(e *Report) (order int, sure bool) {
	written, reported := timeOf(jsonpath.Get(k.Data, k.Version).String()), timeOf(jsonpath.Get(e.Data, k.Version).String())
	if !written.IsZero() && !reported.IsZero() {
		precision := max(precisionOf(written), precisionOf(reported))
		return reported.Truncate(precision).Compare(written.Truncate(precision)), true
	}
	switch {
	case !e.Webhook: // a list contains the present state, not when it began
	case e.Time.After(k.At.Add(maxClockSkew)):
		return 1, false
	case e.Time.Before(k.Since.Add(-maxClockSkew)):
		return -1, false
	}
	return 0, false
}

// precisionOf is the unit in which a time is written.
func precisionOf(t time.Time) time.Duration {
	for _, d := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if t.Truncate(d).Equal(t) {
			return d
		}
	}
	return 1
}

// wasSent reports whether our call set a field.
func (p *Provenance) wasSent(name string) bool { return p.Sent == nil || slices.Contains(p.Sent, name) }

// merge sets the fields that an event contains, except those for which but is
// true.
func (k *Known) merge(e *Report, now time.Time, but func(name string) bool) {
	if !k.Ours {
		k.Gone, k.At, k.Since, k.Sent = false, now, time.Time{}, nil
	}
	k.UnreportedFields = nil
	k.Data = overlay(k.Data, e.Data, k.Within, "", func(name string) bool { return but == nil || !but(name) })
}

// overlay returns the fields of below, replaced by those of above where below
// has none or replace is true. The field named always is that of above, or
// absent.
func overlay(below, above json.RawMessage, within, always string, replace func(name string) bool) json.RawMessage {
	under, over := objectOf(below), objectOf(above)
	if within != "" {
		inner := overlay(under[within], over[within], "", always, replace)
		for name, value := range over {
			under[name] = value
		}
		under[within] = inner
	} else {
		if always != "" {
			delete(under, always)
		}
		for name, value := range over {
			if _, there := under[name]; !there || replace(name) {
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

// withNewFields returns the known fields, and the reported ones that are not
// known.
func withNewFields(known, reported gjson.Result) map[string]json.RawMessage {
	all := objectOf(json.RawMessage(known.Raw))
	reported.ForEach(func(name, value gjson.Result) bool {
		before, has := all[name.String()]
		switch {
		case !has:
			all[name.String()] = json.RawMessage(value.Raw)
		case value.IsObject():
			if inner, err := json.Marshal(withNewFields(gjson.ParseBytes(before), value)); err == nil {
				all[name.String()] = inner
			}
		}
		return true
	})
	return all
}
