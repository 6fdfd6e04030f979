package ledger

import (
	"context"
	"errors"
	"slices"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// approvalTrigger stands in place of a trigger for runs that wait for a
// decision. No event has that type.
const approvalTrigger = "approval"

// awaitKeys gives all places of an await. Of its where one path is taken, so
// that an event need not be compared with each run that waits for its trigger.
func awaitKeys(a *journal.Await) (keys []AwaitKey) {
	if a.Approval != "" {
		return []AwaitKey{{approvalTrigger, "", a.Approval}}
	}
	path, classes := "", []string{""}
	for p, values := range a.Where {
		if path != "" && p > path {
			continue
		}
		path, classes = p, nil
		for _, v := range values {
			if c := journal.Class([]byte(v)); c != "" && !slices.Contains(classes, c) {
				classes = append(classes, c)
			}
		}
	}
	for _, t := range a.Triggers {
		for _, c := range classes {
			if k := (AwaitKey{t, path, c}); !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// await makes a waiting run findable.
func (b *batch) await(run int64, a *journal.Await) {
	b.changeCount++
	for _, k := range awaitKeys(a) {
		b.changes.Awaits = append(b.changes.Awaits, Await{k, run})
	}
}

// stopWaiting takes away what a waiting run is found by.
func (b *batch) stopWaiting(run int64) {
	b.changeCount++
	b.changes.Awaits = slices.DeleteFunc(b.changes.Awaits, func(a Await) bool { return a.Run == run })
	b.changes.DropAwaits = append(b.changes.DropAwaits, run)
}

// answer wakes the runs that wait for an event.
func (b *batch) answer(receipt *journal.Receipt, seq int64, e *journal.Event) error {
	places, err := b.awaited.get(e.Type, &b.want.Awaited)
	if err != nil || len(places)+len(b.changes.Awaits) == 0 {
		return err
	}
	runs, err := b.waitingAt(places, e)
	if err != nil {
		return err
	}
	for _, a := range b.changes.Awaits {
		if journal.MatchTrigger(a.Trigger, e.Type) {
			runs = append(runs, a.Run)
		}
	}
	return each(sorted(runs), func(run int64) error {
		r, err := b.run(run)
		if err != nil || r == nil || r.State != Waiting || r.Event == seq {
			return err
		}
		park, err := r.park()
		if err != nil || !park.Await.Matches(e) {
			return err
		}
		receipt.Woken = append(receipt.Woken, b.id(run))
		return b.wake(r, eventResult(e))
	})
}

// waitingAt gives the runs that are found at places by what an event has there.
func (b *batch) waitingAt(places []AwaitKey, e *journal.Event) (runs []int64, more error) {
	for _, place := range places {
		if place.Path != "" {
			value, found := jsonpath.Lookup(e.Data, place.Path)
			if !found {
				value = []byte("null")
			}
			if place.Class = journal.Class(value); place.Class == "" {
				continue
			}
		}
		some, err := b.awaits.get(place, &b.want.Awaits)
		more = combine(more, err)
		runs = append(runs, some...)
	}
	return runs, more
}

// maxScanInBatch is how many events a batch looks at to find what a run missed.
// Where more came since the run was accepted, they are looked at beside the
// batches first, so that no other write waits for that.
const maxScanInBatch = 200

// maxScans bounds how often that is done: events may come more quickly
// than they can be looked at.
const maxScans = 5

var errManyEvents = errors.New("too many events to look back at")

// missedScan is how far it is known which events a run may have missed: none up
// to a row is what it waits for, or that one is the oldest.
type missedScan struct {
	upto, candidate int64
	limit           int // events to look at; zero: no limit
}

func (k *missedScan) query(run int64, a *journal.Await) MissedQuery {
	return MissedQuery{Run: run, After: max(run, k.upto), Triggers: a.Triggers, Matches: a.Matches, Candidate: k.candidate, Limit: k.limit}
}

// missedEvent gives the oldest event since a run was accepted that it waits for and
// has not had, nil for none. sought is what wantMissed gave.
func (b *batch) missedEvent(r *Run, a *journal.Await, sought int) (*journal.Event, error) {
	switch found := b.missed[sought]; {
	case found.More:
		return nil, refuse(errManyEvents)
	case found.Event != nil:
		return found.Event, nil
	}
	for _, e := range b.changes.Events {
		if e.Seq > r.Seq && a.Matches(e.Event) {
			return e.Event, nil
		}
	}
	return nil, nil
}

// wantMissed asks for what a run missed. It gives the place of the answer.
func (b *batch) wantMissed(run int64, a *journal.Await, known *missedScan) (place int) {
	b.want.Missed = append(b.want.Missed, known.query(run, a))
	return len(b.missed) + len(b.want.Missed) - 1
}

// scanMissed looks beside the batches through the events behind those that are
// known.
func (l *Ledger) scanMissed(ctx context.Context, run int64, a *journal.Await, known missedScan) (missedScan, error) {
	if known.candidate != 0 {
		known = missedScan{} // it was pruned meanwhile
	}
	upto, found, err := l.store.ScanMissed(ctx, known.query(run, a))
	return missedScan{upto: upto, candidate: found}, err
}
