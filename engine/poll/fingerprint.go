package poll

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// Fingerprint returns the state of a polled record that an event of a webhook
// reports, nil if the record is not polled. With it a list and a webhook report a
// change once, whichever is first.
func (x *Index) Fingerprint(e *journal.Event) *change.Fingerprint {
	if e.Source != journal.Webhook || e.Record == "" {
		return nil
	}
	return x.find(e.Connection, func(j *job) *change.Fingerprint { return j.fingerprint(e) })
}

// find returns the first fingerprint that a job of a connection has, nil for none.
// Feeds have no sightings.
func (x *Index) find(connection string, of func(*job) *change.Fingerprint) *change.Fingerprint {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, source := range []journal.Source{journal.Poll, journal.Reconcile} {
		for key, j := range x.jobs {
			if key.Connection != connection || key.source != source || j.poll.Sync != nil && j.poll.Sync.Feed {
				continue
			}
			if m := of(j); m != nil {
				return m
			}
		}
	}
	return nil
}

// fingerprint returns the state that an event reports of a record of the job's
// poll, nil if the poll has no such trigger.
func (j *job) fingerprint(e *journal.Event) *change.Fingerprint {
	record := j.record(e)
	if record == "" {
		return nil
	}
	m := &change.Fingerprint{PollKey: j.key.PollKey, Record: record, Undated: e.Time.Equal(e.Received)}
	m.At = e.Time
	content := change.Observation{Hash: contentHash(e.Data, j.poll.Compare, j.poll.Ignore), At: e.Time}
	switch e.Type {
	case j.poll.OnCreated:
		m.Aspect = change.CreatedAspect
		m.Implied = []change.Observation{content}
		for _, f := range j.poll.Facets {
			m.Implied = append(m.Implied, change.Observation{Aspect: change.FacetAspect(f.Trigger), Hash: contentHash(e.Data, f.Compare, nil), At: e.Time})
		}
		return m
	case j.poll.OnUpdated:
		m.Hash = content.Hash
		return m
	case j.poll.OnDeleted:
		m.Aspect = change.DeletedAspect
		return m
	}
	for _, f := range j.poll.Facets {
		if f.Trigger == e.Type {
			m.Aspect, m.Hash = change.FacetAspect(f.Trigger), contentHash(e.Data, f.Compare, nil)
			return m
		}
	}
	return nil
}

// record is the poll's id for the record of an event; empty if the event does
// not contain it.
func (j *job) record(e *journal.Event) string {
	if !j.poll.PerItem {
		return e.Record
	}
	for field, path := range j.poll.Adds {
		if item := jsonpath.Text(e.Data, field); path == j.poll.ForEach.ID && item != "" {
			return item + perItem + e.Record
		}
	}
	return ""
}

// WrittenFingerprint returns the state of a polled record after a call of ours, as
// far as the call and its answer contain what the poll compares. It is nil if the
// record is not polled or nothing of that is known.
func (x *Index) WrittenFingerprint(w *change.Written) *change.Fingerprint {
	if w.Record == "" || w.Gone {
		return nil
	}
	return x.find(w.Connection, func(j *job) *change.Fingerprint { return j.writtenFingerprint(w, x.config.Clock.Now()) })
}

func (j *job) writtenFingerprint(w *change.Written, now time.Time) *change.Fingerprint {
	is := func(trigger string) bool { return bindings.TriggerName(trigger).AppNoun() == w.Noun }
	record := j.record(&journal.Event{Record: w.Record, Data: w.Data})
	if record == "" || w.Created && !is(j.poll.OnCreated) {
		return nil
	}
	at := timeAt(w.Data, strings.TrimPrefix(w.Within+"."+j.poll.Updated, "."))
	if at.IsZero() {
		at = now
	}
	var states []change.Observation
	if w.Created {
		states = append(states, change.Observation{Aspect: change.CreatedAspect, At: now})
	}
	if data, known := j.writtenContent(w); known && (w.Created || is(j.poll.OnUpdated)) {
		states = append(states, change.Observation{Hash: contentHash(data, j.poll.Compare, j.poll.Ignore), At: at})
	}
	for _, f := range j.poll.Facets {
		if is(f.Trigger) && hasAll(w, f.Compare) {
			states = append(states, change.Observation{Aspect: change.FacetAspect(f.Trigger), Hash: contentHash(w.Data, f.Compare, nil), At: at})
		}
	}
	if len(states) == 0 {
		return nil
	}
	return &change.Fingerprint{PollKey: j.key.PollKey, Record: record, Observation: states[0], Implied: states[1:]}
}

// writtenContent returns what the poll compares of a record after a call. known is
// false if a part of that is in neither the call nor its answer.
func (j *job) writtenContent(w *change.Written) (data json.RawMessage, known bool) {
	if len(j.poll.Compare) > 0 {
		return w.Data, hasAll(w, j.poll.Compare)
	}
	if len(j.poll.Data) > 0 || w.Within != "" || len(w.Fields.Names) == 0 {
		return nil, false
	}
	// The item is compared as a whole: it has the fields of the answer, and not the
	// other arguments.
	data = json.RawMessage("{}")
	gjson.ParseBytes(w.Data).ForEach(func(name, value gjson.Result) bool {
		if _, added := j.poll.Adds[name.Str]; added || slices.Contains(w.Fields.Names, name.Str) {
			data = with(data, name.Str, json.RawMessage(value.Raw))
		}
		return true
	})
	for field := range j.poll.Adds {
		if _, found := jsonpath.Lookup(data, field); !found {
			return nil, false
		}
	}
	return data, true
}

func hasAll(w *change.Written, paths []string) bool {
	return !slices.ContainsFunc(paths, func(path string) bool { return !w.Has(path) })
}
