package sqlite

import (
	"context"
	"database/sql/driver"
)

// found is what a file holds when it is opened.
type found struct {
	owner    int64
	salt     uint16
	last     int64
	live     int
	wake     int64
	awaited  map[string]map[string]bool
	runs     []*run // with their places, in their order
	standing []bool // of runs: stands and keeps its lane
	begun    int    // runs that were running
	tides    tides  // the triggers whose runs are paused
	writes   writes
	seen     seen
}

// load takes the file over: it raises the owner's epoch, queues again what was
// running, and reads the runs that have a place in a lane. What waits stays in
// the file.
func load(ctx context.Context, c *conn) (f found, err error) {
	var own, last, begun, placed, live, wake, awaited, floods, nouns, steps, doubts *stmt
	err = c.prepare(map[**stmt]string{
		&own: `INSERT INTO store (one, owner, salt) VALUES (1, 1, ?)
			ON CONFLICT DO UPDATE SET owner = owner + 1 RETURNING owner, salt`,
		&last:  `SELECT max(coalesce((SELECT max(seq) FROM run), 0), coalesce((SELECT max(seq) FROM event), 0))`,
		&begun: `UPDATE run SET state = 0 WHERE state = 1`,
		// The order of places, in which those that own a lane come first of it.
		&placed:  `SELECT seq, hook, lane, state, epoch, place, rule FROM run WHERE state < 6 ORDER BY place`,
		&live:    `SELECT count(*) FROM run WHERE state < 8`,
		&wake:    `SELECT min(wake) FROM run WHERE wake IS NOT NULL`,
		&nouns:   `SELECT DISTINCT connection, noun FROM written`,
		&steps:   `SELECT run, number FROM written WHERE run <> 0`,
		&doubts:  `SELECT DISTINCT run, number FROM doubt`,
		&floods:  `SELECT DISTINCT e.type FROM run r JOIN event e ON e.seq = r.event WHERE r.state = -1`,
		&awaited: `SELECT trigger, path FROM await WHERE (trigger, path) > (?, ?) ORDER BY trigger, path LIMIT 1`,
	})
	if err != nil {
		return f, err
	}
	err = c.within(func() error {
		err := own.each(func(row []driver.Value) error {
			f.owner, f.salt = row[0].(int64), uint16(row[1].(int64))
			return nil
		}, randomSalt())
		if err != nil {
			return err
		}
		value, err := last.one()
		if err != nil {
			return err
		}
		f.last = value.(int64)
		changed, err := begun.run()
		if err != nil {
			return err
		}
		f.begun = int(changed)
		if value, err = live.one(); err != nil {
			return err
		}
		f.live = int(value.(int64))
		if value, err = wake.one(); err != nil {
			return err
		}
		f.wake, _ = value.(int64)
		if f.awaited, err = awaitedIn(awaited); err != nil {
			return err
		}
		if err := f.writes.load(nouns, steps, doubts); err != nil {
			return err
		}
		if err := f.seen.load(c); err != nil {
			return err
		}
		f.tides = tides{}
		err = floods.each(func(row []driver.Value) error {
			f.tides[row[0].(string)] = &tide{high: true}
			return nil
		})
		if err != nil {
			return err
		}
		return placed.each(func(row []driver.Value) error {
			f.runs = append(f.runs, &run{seq: row[0].(int64), hook: row[1].(int64), lane: row[2].(string), rule: row[6].(int64), last: row[4].(int64),
				paused: row[3].(int64) == paused})
			f.standing = append(f.standing, ownsLane(row[3].(int64)))
			f.last = max(f.last, row[5].(int64))
			return ctx.Err()
		})
	})
	return f, err
}

// awaitedIn reads for which triggers runs wait, jumping from one to the next.
func awaitedIn(next *stmt) (map[string]map[string]bool, error) {
	all := map[string]map[string]bool{}
	trigger, path := "", ""
	for {
		more := false
		err := next.each(func(row []driver.Value) error {
			more = true
			trigger, path = row[0].(string), row[1].(string)
			return nil
		}, trigger, path)
		if err != nil || !more {
			return all, err
		}
		if trigger == approvalTrigger {
			continue
		}
		if all[trigger] == nil {
			all[trigger] = map[string]bool{}
		}
		all[trigger][path] = true
	}
}
