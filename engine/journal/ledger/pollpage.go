package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
)

type pollPageTask struct {
	acceptTask
	page journal.PollPage
}

// AcceptPage implements journal.Store.
func (l *Ledger) AcceptPage(ctx context.Context, page journal.PollPage) ([]journal.Receipt, error) {
	t := &pollPageTask{page: page}
	t.waiter, t.receipts = newWaiter(), make([]journal.Receipt, len(page.Arrivals))
	var err error
	if t.arrivals, err = fillAll(page.Arrivals); err == nil {
		err = t.check()
	}
	if err == nil {
		err = l.queue.do(ctx, t)
	}
	if err != nil {
		return nil, fmt.Errorf("store a page of poll %q of %q: %w", page.Poll, page.Connection, err)
	}
	return t.receipts, nil
}

func (t *pollPageTask) check() error {
	if t.page.Connection == "" || t.page.Poll == "" {
		return errors.New("a page of a poll needs a connection and a poll")
	}
	for _, c := range t.page.Cursors {
		if !journal.ValidJSON(c.Value) {
			return fmt.Errorf("cursor %q of item %q: the value is not JSON", c.Name, c.Item)
		}
	}
	for i := range t.page.Sightings {
		s := &t.page.Sightings[i]
		if s.Record == "" || len(s.Record) > maxID {
			return fmt.Errorf("record %.60q: expected an id of at most %d bytes", s.Record, maxID)
		}
		if _, err := s.MarshalBinary(); err != nil {
			return err
		}
	}
	return nil
}

func (t *pollPageTask) key(record string) SightingKey { return SightingKey{t.page.PollKey, record} }

func (t *pollPageTask) collect(b *batch) {
	t.acceptTask.collect(b)
	for i := range t.page.Sightings {
		b.sightings.want(t.key(t.page.Sightings[i].Record), &b.want.Sightings)
	}
}

func (t *pollPageTask) decide(b *batch) error {
	if err := b.checkQueueLimit(t.arrivals); err != nil {
		return err
	}
	for i := range t.page.Sightings {
		s := &t.page.Sightings[i]
		stored, err := b.sightings.get(t.key(s.Record), &b.want.Sightings)
		if err != nil {
			return err
		}
		if stored.Row != s.Row || stored.Version != s.Version {
			return refuse(journal.ErrStale)
		}
	}
	for i := range t.page.Sightings {
		b.setSighting(t.key(t.page.Sightings[i].Record), t.page.Sightings[i])
	}
	for _, c := range t.page.Cursors {
		b.changeCount++
		b.changes.Cursors = append(b.changes.Cursors, Cursors{t.page.PollKey, c})
	}
	return t.acceptAll(b)
}

// newSighting is the Row of a sighting that the batch adds.
const newSighting = -1

// setSighting replaces the sighting of a record.
func (b *batch) setSighting(key SightingKey, s change.Sighting) {
	b.changeCount++
	s.Record = key.Record
	s.Version++
	if s.Row == 0 {
		s.Row = newSighting
	}
	b.sightings.set(key, s)
}

// sighting returns the sighting of a record, to change, and its key.
func (b *batch) sighting(m *change.Fingerprint) (SightingKey, change.Sighting, error) {
	key := SightingKey{m.PollKey, m.Record}
	s, err := b.sightings.get(key, &b.want.Sightings)
	s.History = slices.Clone(s.History)
	return key, s, err
}

// mergeWebhook merges the fingerprint of a webhook's event into the sighting of its
// record, which is polled too. It reports whether a poll has read the same from a
// list already.
func (b *batch) mergeWebhook(m *change.Fingerprint) (duplicate bool, err error) {
	key, s, err := b.sighting(m)
	if err != nil {
		return false, err
	}
	duplicate = s.ObserveWebhook(m)
	b.setSighting(key, s)
	return duplicate, nil
}

// observeCall adds what a call of ours wrote to the sighting of its record, or makes
// one of a record that the call created. A record that others created is reported
// when a list contains it first.
func (b *batch) observeCall(m *change.Fingerprint, started time.Time) error {
	key, s, err := b.sighting(m)
	if err != nil || s.Row == 0 && m.Aspect != change.CreatedAspect {
		return err
	}
	s.ObserveCall(m, started)
	b.setSighting(key, s)
	return nil
}

// sightingRow returns the row of a sighting that the batch changes.
func (b *batch) sightingRow(key SightingKey) SightingRow {
	s := b.sightings.staged[key]
	row := SightingRow{SightingKey: key, Item: s.Item, Version: s.Version, Missed: s.Missed, New: s.Row == newSighting}
	row.History, _ = s.MarshalBinary() // it never fails
	if s.Gone() {
		row.Gone = b.now.UnixMicro()
	}
	return row
}
