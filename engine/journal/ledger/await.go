package ledger

import (
	"context"
	"errors"
	"slices"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// approvalTrigger is the trigger of runs that wait for the decision about an
// approval. No event has that type.
const approvalTrigger = "approval"

// awaitKeys returns all keys of an await. They include the values of one path of
// its where, so that an event need not be compared with each run that waits for
// its trigger.
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
			if c := journal.IndexKey([]byte(v)); c != "" && !slices.Contains(classes, c) {
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

// await adds the keys by which a waiting run is found.
func (b *batch) await(run int64, a *journal.Await) {
	b.changeCount++
	for _, k := range awaitKeys(a) {
		b.changes.Awaits = append(b.changes.Awaits, Await{k, run})
	}
}

// stopWaiting deletes the keys by which a waiting run is found.
func (b *batch) stopWaiting(run int64) {
	b.changeCount++
	b.changes.Awaits = slices.DeleteFunc(b.changes.Awaits, func(a Await) bool { return a.Run == run })
	b.changes.DropAwaits = append(b.changes.DropAwaits, run)
}

// answer wakes the runs that wait for an event.
func (b *batch) answer(receipt *journal.Receipt, seq int64, e *journal.Event) error {
	keys, err := b.awaited.get(e.Type, &b.want.Awaited)
	if err != nil || len(keys)+len(b.changes.Awaits) == 0 {
		return err
	}
	runs, err := b.waitingFor(keys, e)
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

// waitingFor returns the runs that wait at one of the keys, which lack the class,
// with the class of the event's value.
func (b *batch) waitingFor(keys []AwaitKey, e *journal.Event) (runs []int64, more error) {
	for _, key := range keys {
		if key.Path != "" {
			value, found := jsonpath.Lookup(e.Data, key.Path)
			if !found {
				value = []byte("null")
			}
			if key.Class = journal.IndexKey(value); key.Class == "" {
				continue
			}
		}
		some, err := b.awaits.get(key, &b.want.Awaits)
		more = combine(more, err)
		runs = append(runs, some...)
	}
	return runs, more
}

// A missed event of a run is one that the run waits for, has not had, and that
// was accepted between the run and its wait.

// maxScanInBatch is how many events a batch reads to find a missed event. If more
// came since the run was accepted, they are read outside of the batches first, so
// that no other write waits meanwhile.
const maxScanInBatch = 200

// maxScans bounds how often events are read outside of the batches for one wait:
// events may come more quickly than they can be read.
const maxScans = 5

var errManyEvents = errors.New("too many events came since the run was accepted")

// missedScan is how far the events since a run was accepted have been read. None
// up to the row upto is a missed event, or candidate is the oldest.
type missedScan struct {
	upto, candidate int64
	limit           int // of the events that a batch reads; zero: no limit
}

func (s *missedScan) query(run int64, a *journal.Await) MissedQuery {
	return MissedQuery{Run: run, After: max(run, s.upto), Triggers: a.Triggers, Matches: a.Matches, Candidate: s.candidate, Limit: s.limit}
}

// missedEvent returns the oldest missed event of a run, nil for none. index is
// the result of wantMissed.
func (b *batch) missedEvent(r *Run, a *journal.Await, index int) (*journal.Event, error) {
	switch found := b.missed[index]; {
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

// wantMissed adds a query for a run's missed event. It returns the index of the
// answer in b.missed.
func (b *batch) wantMissed(run int64, a *journal.Await, scan *missedScan) (index int) {
	b.want.Missed = append(b.want.Missed, scan.query(run, a))
	return len(b.missed) + len(b.want.Missed) - 1
}

// scanMissed continues a scan outside of the batches.
func (l *Ledger) scanMissed(ctx context.Context, run int64, a *journal.Await, scan missedScan) (missedScan, error) {
	if scan.candidate != 0 {
		scan = missedScan{} // the candidate was pruned meanwhile
	}
	upto, found, err := l.store.ScanMissed(ctx, scan.query(run, a))
	return missedScan{upto: upto, candidate: found}, err
}
