package poll

import (
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
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, source := range []journal.Source{journal.Poll, journal.Reconcile} {
		for key, j := range x.jobs {
			if key.Connection != e.Connection || key.source != source || j.poll.Sync != nil && j.poll.Sync.Feed {
				continue
			}
			if m := j.fingerprint(e); m != nil {
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
