package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// Counts implements journal.Reader. A state in which no run is stands with
// none.
func (r *Reader) Counts(ctx context.Context) (map[journal.State]int, error) {
	// All is read at one moment: a run that goes on meanwhile must not be
	// missed in the state that it left and in the one that it came to.
	moment, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, r.fail("count runs", err)
	}
	defer moment.Rollback()
	counts := make(map[journal.State]int, len(states))
	for i := paused; i < int64(len(states)); i++ {
		state := stateOf(i)
		var n int
		if err := moment.QueryRowContext(ctx, `SELECT count(*) FROM run WHERE state = ?`, i).Scan(&n); err != nil {
			return nil, r.fail("count runs", err)
		}
		counts[state] += n
	}
	if out := r.executing(); out != "[]" {
		var n int
		if err := moment.QueryRowContext(ctx, `SELECT count(*) FROM run WHERE state = 0 AND seq IN (SELECT value FROM json_each(?))`,
			out).Scan(&n); err != nil {
			return nil, r.fail("count runs", err)
		}
		counts[journal.Queued] -= n
		counts[journal.Running] += n
	}
	return counts, nil
}

// Lanes implements journal.Reader.
func (r *Reader) Lanes(ctx context.Context) (all []journal.LaneStatus, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT h.script, h.name, r.lane, r.seq, r.state, r.parked,
		(SELECT count(*) FROM run b WHERE b.hook = r.hook AND b.lane = r.lane AND b.lane <> '' AND b.state < 8 AND b.state = 0)
		FROM run r JOIN hook h ON h.id = r.hook WHERE r.state IN (2, 3, 4, 5) AND r.lane <> '' ORDER BY r.parked, r.seq`)
	if err != nil {
		return nil, r.fail("list lanes", err)
	}
	defer rows.Close()
	for rows.Next() {
		var l journal.LaneStatus
		var seq, state, since int64
		if err := rows.Scan(&l.Script, &l.Hook, &l.Lane, &seq, &state, &since, &l.Behind); err != nil {
			return nil, r.fail("list lanes", err)
		}
		l.Run, l.State, l.Since = journal.RunID(seq, r.salt), stateOf(state), time.UnixMicro(since).UTC()
		all = append(all, l)
	}
	if err := rows.Err(); err != nil {
		return nil, r.fail("list lanes", err)
	}
	return all, nil
}
