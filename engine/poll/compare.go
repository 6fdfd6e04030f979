package poll

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// comparison compares the items of a page with the sightings of their records,
// and collects the changed sightings and the events.
type comparison struct {
	*scan
	walk    *walk
	reading change.ListRead
	known   map[string]change.Sighting
	changed map[string]*change.Sighting
	order   []*change.Sighting
	events  []journal.Event
}

func (c *comparison) pollPage() journal.PollPage {
	s := journal.PollPage{PollKey: c.job.key.PollKey}
	for _, one := range c.order {
		s.Sightings = append(s.Sightings, *one)
	}
	return s
}

// sighting returns the sighting of a record, to be changed.
func (c *comparison) sighting(record string) *change.Sighting {
	if s := c.changed[record]; s != nil {
		return s
	}
	s, found := c.known[record]
	if !found {
		s = change.Sighting{PollKey: c.job.key.PollKey, Record: record}
	}
	return &s
}

// put adds a sighting to those that are stored with the page.
func (c *comparison) put(s *change.Sighting) {
	if c.changed[s.Record] == nil {
		c.changed[s.Record] = s
		c.order = append(c.order, s)
	}
}

func (c *comparison) mode(trigger string) mode {
	if trigger == "" {
		return observeOnly
	}
	return c.modes[trigger]
}

// compare adds the events of one item.
func (c *comparison) compare(item *listItem) error {
	s := c.sighting(item.record)
	if item.deleted {
		return c.deleted(s, item)
	}
	gone, returned := s.Last(change.DeletedAspect)
	if returned && c.outdated(item, gone) {
		return nil
	}
	unknown, isNew := isUnknown(s), c.isNew(s, item, returned)
	if isNew && c.mode(c.poll.OnCreated) == otherJob {
		return nil
	}
	if returned {
		s.Drop(change.DeletedAspect)
		c.put(s)
	}
	if isNew {
		return c.created(s, item, returned)
	}
	if s.Missed || s.Item != c.walk.item {
		s.Missed, s.Item = false, c.walk.item
		c.put(s)
	}
	if unknown && !c.changedSince(item) {
		c.observe(s, item, change.Unreported)
		return nil
	}
	if err := c.updated(s, item); err != nil {
		return err
	}
	for _, f := range item.facets {
		if err := c.facet(s, item, f); err != nil {
			return err
		}
	}
	return nil
}

// outdated reports whether an item is the state of its record before the
// record was deleted, because the list is behind. Only a webhook can be ahead of
// a complete list.
func (c *comparison) outdated(item *listItem, gone change.Observation) bool {
	if c.complete() && gone.By != change.ReportedByWebhook {
		return false
	}
	at := item.updated
	return !at.After(gone.At) && (!at.IsZero() || c.began.Sub(gone.At) < c.lag())
}

// isUnknown reports whether a record has no sighting.
func isUnknown(s *change.Sighting) bool { return s.Row == 0 && len(s.History) == 0 }

// complete reports whether every record of the list had a sighting once, so that
// one without was added to the list later. An expired token does not clear
// cursor.Known.
func (c *comparison) complete() bool {
	return c.poll.Sync != nil && c.poll.Sync.Complete && !c.changedOnly() && c.cursors[c.walk.item].Known
}

// first reports whether this is the first walk of the item, so that the listed
// records are old ones.
func (c *comparison) first() bool { return !c.cursors[c.walk.item].Known && !c.changedOnly() }

// isNew reports whether a record was added to the list after the first poll, and
// has no created event yet. returned is set if it was deleted before.
func (c *comparison) isNew(s *change.Sighting, item *listItem, returned bool) bool {
	if _, known := s.Last(change.CreatedAspect); known {
		return false
	}
	if c.complete() {
		switch {
		case returned:
			return true
		case isUnknown(s):
			return !c.seriesKnown(item)
		case item.series != "":
			return false // when it was first listed it was a change of its series
		}
	}
	if c.poll.Created != "" && !item.created.IsZero() {
		return !item.created.Before(c.walk.base)
	}
	return isUnknown(s) && !c.first()
}

// seriesKnown reports whether an item is an occurrence of a record that was
// listed before.
func (c *comparison) seriesKnown(item *listItem) bool {
	series, found := c.known[item.series]
	return found && !series.Gone()
}

// changedSince reports whether a record without a sighting changed since the
// first poll.
func (c *comparison) changedSince(item *listItem) bool {
	return !item.updated.IsZero() && !item.updated.Before(c.walk.base) && (!c.first() || c.walk.backfill)
}

// observe adds all parts of an item to a sighting.
func (c *comparison) observe(s *change.Sighting, item *listItem, by change.ReportedBy) {
	s.Item, s.Missed = c.walk.item, false
	c.add(s, item, change.Observation{Hash: item.hash, By: by})
	for _, f := range item.facets {
		c.add(s, item, change.Observation{Aspect: f.aspect, Hash: f.hash, By: change.Unreported})
	}
}

// add adds a state of an item to a sighting.
func (c *comparison) add(s *change.Sighting, item *listItem, o change.Observation) {
	if item.updated.IsZero() {
		s.AddListed(o, c.reading)
	} else {
		o.At = item.updated
		s.Add(o)
	}
	c.put(s)
}

// isKnown reports whether a state of an item is not to be reported.
func (c *comparison) isKnown(s *change.Sighting, item *listItem, aspect change.Aspect, hash uint64) bool {
	if !item.updated.IsZero() {
		if s.SetTime(aspect, hash, item.updated) {
			c.put(s)
		}
		return s.Covers(aspect, hash, item.updated)
	}
	known, changed := s.ObserveListed(aspect, hash, c.reading)
	if changed {
		c.put(s)
	}
	return known
}

// addedAt is when a new record was added to the list, zero where that is not
// known: when it was created or, if it is older than the poll or was deleted
// before, when it last changed.
func (c *comparison) addedAt(item *listItem, returned bool) time.Time {
	switch {
	case item.created.IsZero(), !returned && !item.created.Before(c.walk.base):
		return item.created
	case item.updated.Before(c.walk.base):
		return time.Time{}
	}
	return item.updated
}

func (c *comparison) created(s *change.Sighting, item *listItem, returned bool) error {
	at := c.addedAt(item, returned)
	by := change.Unreported
	if c.mode(c.poll.OnCreated) == report {
		by = change.ReportedByList
		if err := c.addEvent(c.poll.OnCreated, item, at); err != nil {
			return err
		}
	}
	s.Add(change.Observation{Aspect: change.CreatedAspect, At: at, By: by})
	c.observe(s, item, by)
	return nil
}

func (c *comparison) updated(s *change.Sighting, item *listItem) error {
	if c.isKnown(s, item, change.ContentAspect, item.hash) {
		return nil
	}
	by := change.Unreported
	switch c.mode(c.poll.OnUpdated) {
	case otherJob:
		return nil
	case report:
		if c.first() && !c.changedSince(item) {
			break
		}
		by = change.ReportedByList
		if err := c.addEvent(c.poll.OnUpdated, item, item.updated); err != nil {
			return err
		}
	}
	c.add(s, item, change.Observation{Hash: item.hash, By: by})
	return nil
}

func (c *comparison) facet(s *change.Sighting, item *listItem, f facet) error {
	if c.isKnown(s, item, f.aspect, f.hash) {
		return nil
	}
	by := change.Unreported
	if _, known := s.Last(f.aspect); known && f.eligible && !c.first() {
		switch c.mode(f.trigger) {
		case otherJob:
			return nil
		case report:
			by = change.ReportedByList
			if err := c.addEvent(f.trigger, item, item.updated); err != nil {
				return err
			}
		}
	}
	c.add(s, item, change.Observation{Aspect: f.aspect, Hash: f.hash, By: by})
	return nil
}

// deleted compares an item that is marked as deleted.
func (c *comparison) deleted(s *change.Sighting, item *listItem) error {
	if s.Gone() || isUnknown(s) {
		return nil // reported already, or never listed
	}
	return c.recordDeletion(s, item)
}

// missing compares a record that a full walk did not list.
func (c *comparison) missing(s *change.Sighting, sure bool) error {
	if !sure && !s.Missed {
		s.Missed = true
		c.put(s)
		return nil
	}
	id := s.Record
	if c.poll.PerItem {
		id = strings.TrimPrefix(id, c.walk.item+perItem)
	}
	// Only its id is known.
	return c.recordDeletion(s, &listItem{record: s.Record, data: c.deletedData(id, c.walk.of)})
}

func (c *comparison) recordDeletion(s *change.Sighting, item *listItem) error {
	by := change.Unreported
	at := item.updated
	if at.IsZero() {
		at = c.began
	}
	switch c.mode(c.poll.OnDeleted) {
	case otherJob:
		return nil
	case report:
		by = change.ReportedByList
		if err := c.addEvent(c.poll.OnDeleted, item, item.updated); err != nil {
			return err
		}
	}
	s.Drop(change.CreatedAspect) // created again it is another record
	s.Add(change.Observation{Aspect: change.DeletedAspect, At: at, By: by})
	c.put(s)
	return nil
}

// addEvent adds an event about a change; at is zero for one without a time.
func (c *comparison) addEvent(trigger string, item *listItem, at time.Time) error {
	if at.IsZero() {
		at = c.undated(c.walk.item)
	}
	conn := c.conn
	t, found := conn.App().Catalogue.Trigger(trigger)
	if !found {
		return fmt.Errorf("poll %q of %s: there is no trigger %q", c.poll.Name, conn.App().Name, trigger)
	}
	event := journal.Event{
		ID: c.eventID(t, item, at), Type: trigger, Connection: conn.Name(), Account: conn.Account(),
		Time: at, Data: item.data, Source: c.source,
	}
	if t.Record != "" {
		event.Record = jsonpath.Text(item.data, t.Record)
	}
	c.events = append(c.events, event)
	return nil
}

// maxRecord bounds the record's id in the id of an event, in bytes.
const maxRecord = 200

// eventID is made of the record and the change: its trigger, its time and the
// hash of the content.
func (c *comparison) eventID(t *bindings.Trigger, item *listItem, at time.Time) string {
	record := item.record
	if len(record) > maxRecord {
		record = fmt.Sprintf("%016x", hashText(record))
	}
	verb := bindings.TriggerName(t.Name).Verb()
	return fmt.Sprintf("%s:%s:%s:%s:%s:%d-%08x", c.source, c.job.key.Connection, c.poll.Name, record, verb, at.UnixMilli(), uint32(item.hash))
}
