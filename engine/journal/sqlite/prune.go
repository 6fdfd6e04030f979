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

// pruneBatch is how many rows one transaction of Prune reads at most. Other writes
// are committed between these.
const pruneBatch = 200

// Prune implements journal.Store.
func (s *Store) Prune(ctx context.Context, r journal.Retention) (journal.Pruned, error) {
	p := pruning{store: s, now: s.clock.Now()}
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

// forEachBatch calls batch in one transaction after the other while it returns
// more, and adds the numbers of rows that were removed to count.
func (p *pruning) forEachBatch(ctx context.Context, count *int, batch func(t *tx) (removed int, more bool, err error)) error {
	for more := true; more; {
		removed := 0
		err := p.store.inTransaction(ctx, func(t *tx) (err error) {
			removed, more, err = batch(t)
			return err
		})
		if err != nil {
			return err
		}
		*count += removed
	}
	return nil
}

// runs deletes the runs that ended before a time, and the oldest beyond the number
// to retain.
func (p *pruning) runs(ctx context.Context, r journal.Retention) error {
	excess := 0
	if r.Count > 0 {
		if err := p.store.db.QueryRowContext(ctx, `SELECT count(*) FROM run WHERE `+everyHook+` AND state >= 8`).Scan(&excess); err != nil {
			return err
		}
		excess -= r.Count
	}
	before := int64(0)
	if r.Age > 0 {
		before = p.now.Add(-r.Age).UnixMicro()
	}
	from := int64(0)
	return p.forEachBatch(ctx, &p.pruned.Runs, func(t *tx) (int, bool, error) {
		next, some := from, false
		var seqs []int64
		err := t.sql.oldRuns.each(func(row []driver.Value) error {
			next, some = row[0].(int64), true
			if finished, ended := row[1].(int64); ended && (finished < before || len(seqs) < excess) {
				seqs = append(seqs, next)
			}
			return nil
		}, from, int64(pruneBatch))
		for i := 0; err == nil && i < len(seqs); i++ {
			err = t.erase(seqs[i])
		}
		t.committed(func() { from, excess = next, excess-len(seqs) })
		return len(seqs), some && (next < before || excess > len(seqs)), err
	})
}

func (t *tx) erase(seq int64) error {
	for _, s := range []*stmt{t.sql.eraseLarge, t.sql.eraseSteps, t.sql.eraseDeliveries, t.sql.eraseApprovals, t.sql.eraseResolutions, t.sql.eraseMerged, t.sql.eraseFiles, t.sql.eraseRun} {
		if _, err := s.run(seq); err != nil {
			return err
		}
	}
	return nil
}

// events deletes the events from before a time that belong to no run and that no
// live run can miss.
func (p *pruning) events(ctx context.Context, before int64) error {
	from := int64(0)
	return p.forEachBatch(ctx, &p.pruned.Events, func(t *tx) (int, bool, error) {
		needs, err := t.needs()
		if err != nil {
			return 0, false, err
		}
		next, some := from, false
		var seqs []int64
		err = t.sql.oldEvents.each(func(row []driver.Value) error {
			next, some = row[0].(int64), true
			if next < before && row[2].(int64) == 0 && !needs.has(row[1].(string), next) {
				seqs = append(seqs, next)
			}
			return nil
		}, from, before, int64(pruneBatch))
		t.committed(func() { from = next })
		err = eraseEach(t.sql.eraseEventFiles, seqs, err)
		return len(seqs), some, eraseEach(t.sql.eraseEvent, seqs, err)
	})
}

// eraseEach runs a statement for each of the rows, unless there is an error.
func eraseEach(s *stmt, rows []int64, err error) error {
	for i := 0; err == nil && i < len(rows); i++ {
		_, err = s.run(rows[i])
	}
	return err
}

// need is a trigger that live runs may wait for. Events after the oldest of these
// runs may be missed events.
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

// needs reads the triggers that live runs may wait for: for a bound run those of
// its version, for another run those of all versions of its script.
func (t *tx) needs() (all needs, err error) {
	err = t.sql.liveAwaits.each(func(row []driver.Value) error {
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

// ids deletes the ids of events from before a time.
func (p *pruning) ids(ctx context.Context, before int64) error {
	var parts []int64
	err := p.store.inTransaction(ctx, func(t *tx) error {
		parts = []int64{t.seen.open.part}
		for _, f := range t.seen.full {
			if f.newest < before {
				parts = append(parts, f.part)
			}
		}
		return nil
	})
	for i := 0; err == nil && i < len(parts); i++ {
		err = p.part(ctx, parts[i], before)
	}
	return err
}

// part deletes ids of one part, and the part's bloom filter with the last id.
func (p *pruning) part(ctx context.Context, part, before int64) error {
	from := ""
	err := p.forEachBatch(ctx, &p.pruned.IDs, func(t *tx) (int, bool, error) {
		next, more := from, false
		var ids []string
		err := t.sql.oldIDs.each(func(row []driver.Value) error {
			next, more = row[0].(string), true
			if row[1].(int64) < before && row[2] == nil {
				ids = append(ids, next)
			}
			return nil
		}, part, from, int64(5*pruneBatch))
		for i := 0; err == nil && i < len(ids); i++ {
			_, err = t.sql.eraseID.run(part, ids[i])
		}
		t.committed(func() { from = next })
		return len(ids), more, err
	})
	if err != nil {
		return err
	}
	return p.store.inTransaction(ctx, func(t *tx) error {
		n, err := t.sql.eraseFilter.run(part)
		if n > 0 {
			t.committed(func() {
				t.seen.full = slices.DeleteFunc(t.seen.full, func(f bloomFilter) bool { return f.part == part })
			})
		}
		return err
	})
}

// sightings deletes the sightings of records that were gone before a time.
func (p *pruning) sightings(ctx context.Context, before int64) error {
	removed := 0 // not reported
	return p.forEachBatch(ctx, &removed, func(t *tx) (int, bool, error) {
		var ids []int64
		err := t.sql.oldSightings.each(func(row []driver.Value) error {
			ids = append(ids, row[0].(int64))
			return nil
		}, before, int64(pruneBatch))
		return len(ids), len(ids) == pruneBatch, eraseEach(t.sql.dropSighting, ids, err)
	})
}

// written deletes what calls wrote to records before a time.
func (p *pruning) written(ctx context.Context, before int64) error {
	return p.store.inTransaction(ctx, func(t *tx) error {
		_, err := t.sql.oldWritten.run(before)
		return err
	})
}
