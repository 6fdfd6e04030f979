package sqlite

import (
	"context"
	"database/sql/driver"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/dispatch"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// startState is what Open needs of the file that is not in memory.
type startState struct {
	wake        int64 // when the first run is due, in microseconds since 1970, zero for none
	restored    int64 // when the file was restored from a backup, in microseconds since 1970, zero for never
	runs        []dispatch.Placed
	scripts     map[int64]string // of hooks
	interrupted int              // runs that were running
}

type loadStatements struct {
	own, scripts, last, interrupted, placed, live, wake, awaited, floods, nouns, written, deferred *stmt
}

func (l *loadStatements) prepare(c *conn) error {
	return c.prepare(map[**stmt]string{
		&l.own: `INSERT INTO store (one, owner, salt) VALUES (1, 1, ?)
			ON CONFLICT DO UPDATE SET owner = owner + 1 RETURNING owner, salt, restored`,
		&l.scripts:     `SELECT id, script FROM hook`,
		&l.last:        `SELECT max(coalesce((SELECT max(seq) FROM run), 0), coalesce((SELECT max(seq) FROM event), 0))`,
		&l.interrupted: `UPDATE run SET state = 0 WHERE ` + everyHook + ` AND state = 1`,
		// In the order of places, so that the owner of a lane is the first of it.
		&l.placed:   `SELECT seq, hook, lane, state, epoch, place, rule FROM run WHERE ` + everyHook + ` AND state BETWEEN -1 AND 5 ORDER BY place`,
		&l.live:     `SELECT count(*) FROM run WHERE ` + everyHook + ` AND state < 8`,
		&l.wake:     `SELECT min(wake) FROM run WHERE wake IS NOT NULL`,
		&l.nouns:    `SELECT DISTINCT connection, noun FROM written`,
		&l.written:  `SELECT run, number FROM written WHERE run <> 0`,
		&l.deferred: `SELECT DISTINCT run, number FROM doubt`,
		&l.floods:   `SELECT DISTINCT e.type FROM run r JOIN event e ON e.seq = r.event WHERE ` + everyHook + ` AND r.state = -1 AND r.pause = 1`,
		&l.awaited:  `SELECT trigger, path FROM await WHERE (trigger, path) > (?, ?) ORDER BY trigger, path LIMIT 1`,
	})
}

// load makes t the owner of the file: it increments the owner's epoch, queues again
// the runs that were running, and reads the runs that have a place in a lane.
// Waiting runs are not read.
func (t *tx) load(ctx context.Context) (f startState, err error) {
	var l loadStatements
	if err := l.prepare(t.conn); err != nil {
		return f, err
	}
	err = t.conn.transaction(func() error {
		err := l.own.each(func(row []driver.Value) error {
			t.owner, t.salt = row[0].(int64), uint16(row[1].(int64))
			f.restored, _ = row[2].(int64)
			return nil
		}, randomSalt())
		if err != nil {
			return err
		}
		changed, err := l.interrupted.run()
		if err != nil {
			return err
		}
		f.interrupted = int(changed)
		if err := t.loadMemory(&l); err != nil {
			return err
		}
		f.scripts = map[int64]string{}
		err = l.scripts.each(func(row []driver.Value) error {
			f.scripts[row[0].(int64)] = row[1].(string)
			return nil
		})
		if err != nil {
			return err
		}
		wake, err := l.wake.one()
		if err != nil {
			return err
		}
		f.wake, _ = wake.(int64)
		return l.placed.each(func(row []driver.Value) error {
			state := ledger.State(row[3].(int64))
			f.runs = append(f.runs, dispatch.Placed{Seq: row[0].(int64), Hook: row[1].(int64), Lane: row[2].(string), Rule: row[6].(int64),
				Epoch: row[4].(int64), Paused: state == ledger.Paused, Parked: state.OwnsLane()})
			t.last = max(t.last, row[5].(int64))
			return ctx.Err()
		})
	})
	return f, err
}

func newMemory() memory {
	return memory{
		hooks: map[ledger.HookName]ledger.Hook{}, versions: map[string]int64{}, polls: map[pollName]int64{},
		floods: map[string]ledger.Flood{}, awaited: map[string]map[string]bool{}, nouns: map[string]bool{}, open: map[int64]map[int]openStep{},
	}
}

func (t *tx) loadMemory(l *loadStatements) error {
	last, err := l.last.one()
	if err != nil {
		return err
	}
	t.last = last.(int64)
	live, err := l.live.one()
	if err != nil {
		return err
	}
	t.memory.live = int(live.(int64))
	if err := t.loadAwaited(l.awaited); err != nil {
		return err
	}
	err = l.nouns.each(func(row []driver.Value) error {
		t.nouns[noun(row[0].(string), row[1].(string))] = true
		return nil
	})
	if err != nil {
		return err
	}
	for from, set := range map[*stmt]func(*openStep){
		l.written:  func(s *openStep) { s.written = true },
		l.deferred: func(s *openStep) { s.deferred = true },
	} {
		err := from.each(func(row []driver.Value) error {
			t.setOpen(ledger.StepKey{Run: row[0].(int64), Number: int(row[1].(int64))}, set)
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := t.seen.load(t.conn); err != nil {
		return err
	}
	return l.floods.each(func(row []driver.Value) error {
		t.floods[row[0].(string)] = ledger.Flood{Flooding: true}
		return nil
	})
}

// loadAwaited reads the triggers and paths of all awaits. next selects the first
// one after another.
func (t *tx) loadAwaited(next *stmt) error {
	trigger, path := "", ""
	for {
		more := false
		err := next.each(func(row []driver.Value) error {
			more = true
			trigger, path = row[0].(string), row[1].(string)
			return nil
		}, trigger, path)
		if err != nil || !more {
			return err
		}
		if trigger != approvalTrigger {
			t.await(trigger, path)
		}
	}
}

var _ journal.Store = (*Store)(nil)
