package sqlite

import (
	"context"
	"database/sql"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// Counts implements journal.Reader. It counts zero for a state without runs.
func (r *Reader) Counts(ctx context.Context) (map[journal.State]int, error) {
	counts := map[journal.State]int{}
	err := r.snapshot(ctx, func(v view) error {
		for i := ledger.PausedWait; i <= ledger.Skipped; i++ {
			var n int
			if err := v.db.QueryRowContext(ctx, `SELECT count(*) FROM run WHERE `+everyHook+` AND state = ?`, int64(i)).Scan(&n); err != nil {
				return err
			}
			counts[i.Journal()] += n
		}
		leased := v.leasedSeqs()
		if leased == "[]" {
			return nil
		}
		var n int
		err := v.db.QueryRowContext(ctx, `SELECT count(*) FROM run WHERE state = 0 AND seq IN (SELECT value FROM json_each(?))`, leased).Scan(&n)
		counts[journal.Queued] -= n
		counts[journal.Running] += n
		return err
	})
	if err != nil {
		return nil, r.fail("count runs", err)
	}
	return counts, nil
}

// Pending implements journal.Reader. Leased runs do not count.
func (r *Reader) Pending(ctx context.Context) (b journal.Pending, err error) {
	var oldest sql.NullInt64
	err = r.db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM run WHERE `+everyHook+` AND state = ? AND wake IS NULL), count(*), min(created) FROM run
		WHERE `+everyHook+` AND state = ? AND seq NOT IN (SELECT value FROM json_each(?))`, int64(ledger.Held), int64(ledger.Queued), r.leasedSeqs()).Scan(&b.Undecided, &b.Queued, &oldest)
	if err != nil {
		return b, r.fail("count the runs that wait", err)
	}
	b.Oldest = moment(oldest)
	if b.Paused, err = r.paused(ctx); err != nil {
		return b, r.fail("count the runs that are paused", err)
	}
	return b, nil
}

func (r *Reader) paused(ctx context.Context) (counts map[journal.PauseReason]int, err error) {
	type count struct {
		why  ledger.Pause
		runs int
	}
	all, err := list(ctx, r.db, func(row *sql.Rows) (c count, err error) {
		err = row.Scan(&c.why, &c.runs)
		return c, err
	}, `SELECT pause, count(*) FROM run WHERE `+everyHook+` AND state IN (-1, -2) GROUP BY pause`)
	for _, c := range all {
		if counts == nil {
			counts = map[journal.PauseReason]int{}
		}
		counts[c.why.Journal()] = c.runs
	}
	return counts, err
}

// Lanes implements journal.Reader.
func (r *Reader) Lanes(ctx context.Context) ([]journal.LaneStatus, error) {
	all, err := list(ctx, r.db, func(row *sql.Rows) (l journal.LaneStatus, err error) {
		var seq, state, since int64
		err = row.Scan(&l.Script, &l.Hook, &l.Lane, &seq, &state, &since, &l.Queued)
		l.Run, l.State, l.Since = journal.RunID(seq, r.salt), ledger.State(state).Journal(), ledger.Time(since)
		return l, err
	}, `SELECT h.script, h.name, r.lane, r.seq, r.state, r.parked,
		(SELECT count(*) FROM run b WHERE b.hook = r.hook AND b.lane = r.lane AND b.lane <> '' AND b.state < 8 AND b.state = 0)
		FROM run r JOIN hook h ON h.id = r.hook WHERE `+everyHook+` AND r.state IN (2, 3, 4, 5) AND r.lane <> '' ORDER BY r.parked, r.seq`)
	if err != nil {
		return nil, r.fail("list lanes", err)
	}
	return all, nil
}

// Floods implements journal.Reader.
func (r *Reader) Floods(ctx context.Context) ([]journal.Flood, error) {
	all, err := list(ctx, r.db, func(row *sql.Rows) (f journal.Flood, err error) {
		var since int64
		err = row.Scan(&f.Trigger, &f.Runs, &since)
		f.Since = ledger.Time(since)
		return f, err
	}, `SELECT e.type, count(*), min(r.created) FROM run r JOIN event e ON e.seq = r.event WHERE `+everyHook+` AND r.state = -1 AND r.pause = 1 GROUP BY e.type ORDER BY e.type`)
	if err != nil {
		return nil, r.fail("list floods", err)
	}
	return all, nil
}
