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

// comparison holds what a page shows against what is known, and gathers what
// comes of it.
type comparison struct {
	*look
	walk    *walk
	known   map[string]change.Sighting
	changed map[string]*change.Sighting
	order   []*change.Sighting
	events  []journal.Event
}

func (c *comparison) sweep() journal.PollPage {
	s := journal.PollPage{PollKey: c.job.key.PollKey}
	for _, one := range c.order {
		s.Sightings = append(s.Sightings, *one)
	}
	return s
}

// of gives what is known of a record, to be changed.
func (c *comparison) of(record string) *change.Sighting {
	if s := c.changed[record]; s != nil {
		return s
	}
	s, found := c.known[record]
	if !found {
		s = change.Sighting{PollKey: c.job.key.PollKey, Record: record}
	}
	return &s
}

// change notes that what is known of a record is to be written.
func (c *comparison) change(s *change.Sighting) {
	if c.changed[s.Record] == nil {
		c.changed[s.Record] = s
		c.order = append(c.order, s)
	}
}

func (c *comparison) mode(trigger string) mode {
	if trigger == "" {
		return silent
	}
	return c.modes[trigger]
}

// compare decides what one item tells.
func (c *comparison) compare(item *shown) error {
	s := c.of(item.record)
	if item.deleted {
		return c.deleted(s, item)
	}
	gone, returned := s.Last(change.DeletedAspect)
	if returned && c.outdated(item, gone) {
		return nil
	}
	fresh, isNew := unseen(s), c.isNew(s, item, returned)
	if isNew && c.mode(c.poll.OnCreated) == leave {
		return nil
	}
	if returned {
		s.Drop(change.DeletedAspect)
		c.change(s)
	}
	if isNew {
		return c.created(s, item, returned)
	}
	if s.Missed || s.Item != c.walk.item {
		s.Missed, s.Item = false, c.walk.item
		c.change(s)
	}
	if fresh && !c.changedSince(item) {
		c.note(s, item, change.Unreported)
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

// lag is how far a list may be behind.
func (c *comparison) lag() time.Duration { return max(c.poll.Overlap, time.Minute) }

// outdated reports whether an item shows its record as it was before it was
// deleted, because the list lags. Only a webhook can be ahead of a complete list.
func (c *comparison) outdated(item *shown, gone change.Observation) bool {
	if c.complete() && gone.By != change.ReportedByWebhook {
		return false
	}
	at := item.updated
	return !at.After(gone.At) && (!at.IsZero() || c.began.Sub(gone.At) < c.lag())
}

// unseen reports whether nothing is known of a record.
func unseen(s *change.Sighting) bool { return s.Row == 0 && len(s.History) == 0 }

// complete reports whether every record of the list was noted once, so that
// one without a sighting came into the list later. A lost token does not clear
// cursor.Known.
func (c *comparison) complete() bool {
	return c.poll.Sync != nil && c.poll.Sync.Complete && !c.changedOnly() && c.cursors[c.walk.item].Known
}

// first reports whether nothing of the item is known yet, so that what is
// listed is what there was before.
func (c *comparison) first() bool { return !c.cursors[c.walk.item].Known && !c.changedOnly() }

// isNew reports whether a record came into the list after the first poll, and
// has no created event yet. returned is true if it was deleted before.
func (c *comparison) isNew(s *change.Sighting, item *shown, returned bool) bool {
	if _, told := s.Last(change.CreatedAspect); told {
		return false
	}
	if c.complete() {
		switch {
		case returned:
			return true
		case unseen(s):
			return !c.seriesKnown(item)
		case item.series != "":
			return false // when it was first listed it was a change of its series
		}
	}
	if c.poll.Created != "" && !item.created.IsZero() {
		return !item.created.Before(c.walk.base)
	}
	return unseen(s) && !c.first()
}

// seriesKnown reports whether an item is an occurrence of a record that was
// listed before.
func (c *comparison) seriesKnown(item *shown) bool {
	series, found := c.known[item.series]
	return found && !series.Gone()
}

// changedSince reports whether a record of which nothing is known changed
// since the poll first looked.
func (c *comparison) changedSince(item *shown) bool {
	return !item.updated.IsZero() && !item.updated.Before(c.walk.base) && (!c.first() || c.walk.backfill)
}

// note takes all that an item holds as known.
func (c *comparison) note(s *change.Sighting, item *shown, by change.ReportedBy) {
	s.Item, s.Missed = c.walk.item, false
	s.Add(change.Observation{Hash: item.hash, At: c.at(item), By: by})
	for _, f := range item.facets {
		s.Add(change.Observation{Aspect: f.thread, Hash: f.hash, At: c.at(item), By: change.Unreported})
	}
	c.change(s)
}

// at is when what an item holds was so: when it changed, or, where that is not
// known, as early as the list can be behind.
func (c *comparison) at(item *shown) time.Time {
	if !item.updated.IsZero() {
		return item.updated
	}
	return c.began.Add(-c.lag())
}

// cameAt is when a new record came into the list, zero where that is not
// known: when it was made or, if it is older than the poll or returned, when it
// last changed.
func (c *comparison) cameAt(item *shown, returned bool) time.Time {
	switch {
	case item.created.IsZero(), !returned && !item.created.Before(c.walk.base):
		return item.created
	case item.updated.Before(c.walk.base):
		return time.Time{}
	}
	return item.updated
}

func (c *comparison) created(s *change.Sighting, item *shown, returned bool) error {
	at := c.cameAt(item, returned)
	by := change.Unreported
	if c.mode(c.poll.OnCreated) == tell {
		by = change.ReportedByList
		if err := c.tell(c.poll.OnCreated, item, at); err != nil {
			return err
		}
	}
	s.Add(change.Observation{Aspect: change.CreatedAspect, At: at, By: by})
	c.note(s, item, by)
	return nil
}

// lags reports whether what an item holds was so before a webhook told
// otherwise a moment ago: a list without times cannot say it itself.
func (c *comparison) lags(s *change.Sighting, item *shown, thread change.Aspect, hash uint64) bool {
	last, told := s.Last(thread)
	return item.updated.IsZero() && told && last.By == change.ReportedByWebhook && c.began.Sub(last.At) < c.lag() && s.Contains(thread, hash)
}

func (c *comparison) updated(s *change.Sighting, item *shown) error {
	if s.Covers(change.ContentAspect, item.hash, item.updated) || c.lags(s, item, change.ContentAspect, item.hash) {
		return nil
	}
	by := change.Unreported
	switch c.mode(c.poll.OnUpdated) {
	case leave:
		return nil
	case tell:
		if c.first() && !c.changedSince(item) {
			break
		}
		by = change.ReportedByList
		if err := c.tell(c.poll.OnUpdated, item, item.updated); err != nil {
			return err
		}
	}
	s.Add(change.Observation{Hash: item.hash, At: c.at(item), By: by})
	c.change(s)
	return nil
}

func (c *comparison) facet(s *change.Sighting, item *shown, f facet) error {
	if s.Covers(f.thread, f.hash, item.updated) || c.lags(s, item, f.thread, f.hash) {
		return nil
	}
	by := change.Unreported
	if _, known := s.Last(f.thread); known && f.fits && !c.first() {
		switch c.mode(f.trigger) {
		case leave:
			return nil
		case tell:
			by = change.ReportedByList
			if err := c.tell(f.trigger, item, item.updated); err != nil {
				return err
			}
		}
	}
	s.Add(change.Observation{Aspect: f.thread, Hash: f.hash, At: c.at(item), By: by})
	c.change(s)
	return nil
}

// deleted takes an item that says that its record is gone.
func (c *comparison) deleted(s *change.Sighting, item *shown) error {
	if s.Gone() || unseen(s) {
		return nil // told, or nobody knew it
	}
	return c.goneAt(s, item)
}

// missing takes a record that a whole walk did not list.
func (c *comparison) missing(s *change.Sighting, sure bool) error {
	if !sure && !s.Missed {
		s.Missed = true
		c.change(s)
		return nil
	}
	id := s.Record
	if c.poll.PerItem {
		id = strings.TrimPrefix(id, c.walk.item+perItem)
	}
	// All that is left of it is its name.
	return c.goneAt(s, &shown{record: s.Record, data: c.remains(id, c.walk.of)})
}

func (c *comparison) goneAt(s *change.Sighting, item *shown) error {
	by := change.Unreported
	at := item.updated
	if at.IsZero() {
		at = c.began
	}
	switch c.mode(c.poll.OnDeleted) {
	case leave:
		return nil
	case tell:
		by = change.ReportedByList
		if err := c.tell(c.poll.OnDeleted, item, at); err != nil {
			return err
		}
	}
	s.Drop(change.CreatedAspect) // made again it is another
	s.Add(change.Observation{Aspect: change.DeletedAspect, At: at, By: by})
	c.change(s)
	return nil
}

// tell makes an event of a change.
func (c *comparison) tell(trigger string, item *shown, at time.Time) error {
	if at.IsZero() {
		at = c.began
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

// maxRecord bounds what of a record's id stands in that of an event.
const maxRecord = 200

// eventID says which change of which record it is: its time and what it holds.
func (c *comparison) eventID(t *bindings.Trigger, item *shown, at time.Time) string {
	record := item.record
	if len(record) > maxRecord {
		record = fmt.Sprintf("%016x", hashText(record))
	}
	_, verb, _ := strings.Cut(strings.TrimPrefix(t.Name, c.conn.App().Name+"."), ".")
	return fmt.Sprintf("%s:%s:%s:%s:%s:%d-%08x", c.source, c.job.key.Connection, c.poll.Name, record, verb, at.UnixMilli(), uint32(item.hash))
}
