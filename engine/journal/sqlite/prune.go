package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// pruneBatch is how many rows one commit of Prune looks at. Other writes come
// between.
const pruneBatch = 200

// Prune implements journal.Store.
func (s *Store) Prune(ctx context.Context, r journal.Retention) (journal.Pruned, error) {
	p := pruning{store: s, now: s.now()}
	err := p.all(ctx, r)
	if err != nil {
		err = s.fail("prune", err)
	}
	return p.pruned, err
}

type pruning struct {
	store  *Store
	now    time.Time
	pruned journal.Pruned
}

// pruneTask is one batch: it says where the next begins, or that it was the
// last.
type pruneTask struct {
	ticket
	do func(w *writer) error
}

func (t *pruneTask) apply(w *writer) error { return t.do(w) }

func (p *pruning) batch(ctx context.Context, do func(w *writer) error) error {
	return p.store.writer.queue.do(ctx, &pruneTask{newTicket(), do})
}

func (p *pruning) all(ctx context.Context, r journal.Retention) error {
	if r.Age > 0 || r.Count > 0 {
		if err := p.runs(ctx, r); err != nil {
			return err
		}
	}
	if r.Age > 0 {
		if err := p.events(ctx, p.now.Add(-r.Age).UnixMicro()); err != nil {
			return err
		}
	}
	if r.IDs > 0 {
		before := p.now.Add(-max(r.IDs, r.Age)).UnixMicro()
		return errors.Join(p.ids(ctx, before), p.sightings(ctx, before), p.written(ctx, before))
	}
	return nil
}

// runs forgets those that ended before a time, and the oldest that are too
// many.
func (p *pruning) runs(ctx context.Context, r journal.Retention) error {
	excess := 0
	if r.Count > 0 {
		if err := p.store.db.QueryRowContext(ctx, `SELECT count(*) FROM run WHERE state >= 8`).Scan(&excess); err != nil {
			return err
		}
		excess -= r.Count
	}
	before := int64(0)
	if r.Age > 0 {
		before = p.now.Add(-r.Age).UnixMicro()
	}
	for from, more := int64(0), true; more; {
		next, some, gone := from, false, 0
		err := p.batch(ctx, func(w *writer) error {
			next, some, gone = from, false, 0
			var seqs []int64
			err := w.sql.oldRuns.each(func(row []driver.Value) error {
				next, some = row[0].(int64), true
				ended, over := row[1].(int64)
				if over && (ended < before || len(seqs) < excess) {
					seqs = append(seqs, next)
				}
				return nil
			}, from, int64(pruneBatch))
			if err != nil {
				return err
			}
			for _, seq := range seqs {
				if err := w.erase(seq); err != nil {
					return err
				}
			}
			gone = len(seqs)
			return nil
		})
		if err != nil {
			return err
		}
		p.pruned.Runs, excess = p.pruned.Runs+gone, excess-gone
		from, more = next, some && (next < before || excess > 0)
	}
	return nil
}

// erase takes a run away that is over.
func (w *writer) erase(seq int64) error {
	for _, s := range []*stmt{w.sql.eraseLarge, w.sql.eraseSteps, w.sql.eraseApprovals, w.sql.eraseMerged, w.sql.eraseFiles, w.sql.eraseRun} {
		if _, err := s.run(seq); err != nil {
			return err
		}
	}
	return nil
}

// events forgets those that came before a time, belong to no run that is kept
// and are of no use to any wait.
func (p *pruning) events(ctx context.Context, before int64) error {
	for from, more := int64(0), true; more; {
		next, some, gone := from, false, 0
		err := p.batch(ctx, func(w *writer) error {
			next, some, gone = from, false, 0
			needs, err := w.needs()
			if err != nil {
				return err
			}
			var seqs []int64
			err = w.sql.oldEvents.each(func(row []driver.Value) error {
				next, some = row[0].(int64), true
				if next < before && row[2].(int64) == 0 && !needs.has(row[1].(string), next) {
					seqs = append(seqs, next)
				}
				return nil
			}, from, before, int64(pruneBatch))
			if err != nil {
				return err
			}
			for _, seq := range seqs {
				if _, err := w.sql.eraseEvent.run(seq); err != nil {
					return err
				}
			}
			gone = len(seqs)
			return nil
		})
		if err != nil {
			return err
		}
		p.pruned.Events += gone
		from, more = next, some
	}
	return nil
}

// need is a trigger that live runs may look back for, from the oldest on.
type need struct {
	trigger string
	from    int64
}

type needs []need

func (all needs) has(eventType string, seq int64) bool {
	for _, n := range all {
		if seq > n.from && journal.MatchTrigger(n.trigger, eventType) {
			return true
		}
	}
	return false
}

// needs reads what live runs may look back for: of a run that is bound, what
// its version awaits; of others, what any version of their script does.
func (w *writer) needs() (all needs, err error) {
	err = w.sql.liveAwaits.each(func(row []driver.Value) error {
		var triggers []string
		text, _ := row[0].([]byte)
		if err := json.Unmarshal(text, &triggers); err != nil {
			return fmt.Errorf("the triggers that a version awaits: %w", err)
		}
		for _, t := range triggers {
			all = append(all, need{t, row[1].(int64)})
		}
		return nil
	})
	return all, err
}

// ids forgets by which ids events were known that came before a time.
func (p *pruning) ids(ctx context.Context, before int64) error {
	var parts []int64
	err := p.batch(ctx, func(w *writer) error {
		parts = []int64{w.seen.open.part}
		for _, s := range w.seen.full {
			if s.newest < before {
				parts = append(parts, s.part)
			}
		}
		return nil
	})
	for i := 0; err == nil && i < len(parts); i++ {
		err = p.part(ctx, parts[i], before)
	}
	return err
}

// part forgets ids of one part, and the part with its last.
func (p *pruning) part(ctx context.Context, part, before int64) error {
	for from, more := "", true; more; {
		next, gone := from, 0
		err := p.batch(ctx, func(w *writer) error {
			next, more = from, false
			var ids []string
			err := w.sql.oldIDs.each(func(row []driver.Value) error {
				next, more = row[0].(string), true
				if row[1].(int64) < before && row[2] == nil {
					ids = append(ids, next)
				}
				return nil
			}, part, from, int64(5*pruneBatch))
			for i := 0; err == nil && i < len(ids); i++ {
				_, err = w.sql.eraseID.run(part, ids[i])
			}
			gone = len(ids)
			return err
		})
		if err != nil {
			return err
		}
		p.pruned.IDs += gone
		from = next
	}
	empty := false
	err := p.batch(ctx, func(w *writer) error {
		n, err := w.sql.eraseSieve.run(part)
		empty = n > 0
		return err
	})
	if err != nil || !empty {
		return err
	}
	// Memory forgets it once that is kept.
	return p.batch(ctx, func(w *writer) error {
		w.seen.full = slices.DeleteFunc(w.seen.full, func(s sieve) bool { return s.part == part })
		return nil
	})
}

// sightings forgets the records of polls that were gone before a time.
func (p *pruning) sightings(ctx context.Context, before int64) error {
	for more := true; more; {
		err := p.batch(ctx, func(w *writer) error {
			var ids []int64
			err := w.sql.oldSightings.each(func(row []driver.Value) error {
				ids = append(ids, row[0].(int64))
				return nil
			}, before, int64(pruneBatch))
			for i := 0; err == nil && i < len(ids); i++ {
				_, err = w.sql.dropSighting.run(ids[i])
			}
			more = len(ids) == pruneBatch
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// written forgets what calls wrote of records before a time.
func (p *pruning) written(ctx context.Context, before int64) error {
	return p.batch(ctx, func(w *writer) error {
		_, err := w.sql.oldWritten.run(before)
		return err
	})
}
