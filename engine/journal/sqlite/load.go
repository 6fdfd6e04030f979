package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// found is what a file holds when it is opened.
type found struct {
	owner       int64
	salt        uint16
	last        int64
	queued      []*run // in the order of acceptance
	interrupted int
}

// load takes the file over: it raises the owner's epoch, ends the runs that
// had begun and reads those that had not.
func load(ctx context.Context, c *conn, now time.Time) (f found, err error) {
	var own, last, begun, end, queued *stmt
	err = c.prepare(map[**stmt]string{
		&own: `INSERT INTO store (one, owner, salt) VALUES (1, 1, ?)
			ON CONFLICT DO UPDATE SET owner = owner + 1 RETURNING owner, salt`,
		&last: `SELECT max(coalesce((SELECT max(seq) FROM run), 0), coalesce((SELECT max(seq) FROM event), 0))`,
		&begun: `SELECT r.seq, s.number, s.name, s.position, s.state FROM run r JOIN step s ON s.run = r.seq
			WHERE r.state < 2 AND r.state = 1
			AND s.number = (SELECT max(number) FROM step WHERE run = r.seq)`,
		&end:    `UPDATE run SET state = 6, steps = ?, finished = ?, problem = ? WHERE seq = ?`,
		&queued: `SELECT seq, hook, lane FROM run WHERE state < 2 ORDER BY seq`,
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
		if f.interrupted, err = interrupt(begun, end, now); err != nil {
			return err
		}
		return queued.each(func(row []driver.Value) error {
			f.queued = append(f.queued, &run{seq: row[0].(int64), hook: row[1].(int64), lane: row[2].(string)})
			return ctx.Err()
		})
	})
	return f, err
}

// interrupt ends the runs that had taken a step when the engine stopped.
func interrupt(begun, end *stmt, now time.Time) (count int, err error) {
	type last struct {
		seq, number    int64
		name, position string
		state          int64
	}
	var all []last
	err = begun.each(func(row []driver.Value) error {
		all = append(all, last{row[0].(int64), row[1].(int64), row[2].(string), row[3].(string), row[4].(int64)})
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, l := range all {
		problem, err := json.Marshal(interrupted(int(l.number), l.name, l.position, l.state == 0))
		if err != nil {
			return 0, err
		}
		if _, err := end.run(l.number, now.UnixMicro(), problem, l.seq); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}

// interrupted says of a run that the engine stopped in the middle of it.
func interrupted(step int, name, position string, begun bool) *journal.Problem {
	what := "after"
	if begun {
		what = "during"
	}
	message := fmt.Sprintf("the engine stopped %s step %d (%s); what the run had done stands, and it is not run again", what, step, name)
	if begun {
		message += "; whether that step was carried out is not known"
	}
	return &journal.Problem{Message: message, Position: position}
}
