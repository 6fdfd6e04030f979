package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// defaultLimit is used for a query whose Limit is zero.
const defaultLimit = 50

func limit(wanted int) int {
	if wanted <= 0 {
		return defaultLimit
	}
	return wanted
}

// Runs implements journal.Reader.
func (r *Reader) Runs(ctx context.Context, q journal.RunQuery) ([]journal.Run, error) {
	q.Limit = limit(q.Limit)
	if q.Reason != "" && q.State == "" {
		q.State = journal.Paused
	}
	var runs []journal.Run
	err := r.snapshot(ctx, func(v view) error {
		seqs, err := v.pick(ctx, q)
		if err != nil {
			return err
		}
		runs, err = v.runs(ctx, seqs)
		return err
	})
	if err != nil {
		return nil, r.fail("list runs", err)
	}
	return runs, nil
}

// runs reads runs, in the order given. For a leased run it adds the values of the
// lease, which are not in the row before the worker's first write.
func (v view) runs(ctx context.Context, seqs []int64) ([]journal.Run, error) {
	if len(seqs) == 0 {
		return nil, nil
	}
	wanted, err := json.Marshal(seqs)
	if err != nil {
		return nil, err
	}
	leases := v.leases()
	rows, err := v.db.QueryContext(ctx, selectRun+` FROM json_each(?) j CROSS JOIN run r ON r.seq = j.value`+joinRun+
		` ORDER BY j.key`, string(wanted))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := make([]journal.Run, 0, len(seqs))
	for rows.Next() {
		var row runRow
		if err := rows.Scan(row.fields()...); err != nil {
			return nil, err
		}
		run, err := row.read(v.salt)
		if err != nil {
			return nil, err
		}
		if l, leased := leases[run.Seq]; leased && run.State == journal.Queued {
			run.State, run.Epoch, run.Park = journal.Running, l.Epoch, nil
			run.Bound, run.Attempts = cmp.Or(run.Bound, l.Bound.Version), max(run.Attempts, 1)
			if run.Started.IsZero() {
				run.Started = ledger.Truncate(l.Started)
			}
		}
		all = append(all, run)
	}
	return all, rows.Err()
}

// clause is a condition of a WHERE, with its values.
type clause struct {
	text   string
	values []any
}

// everyHook is true for each run. With it a condition for the state reads the index of
// hook and state: an index of states alone would cost each run two more writes.
const everyHook = `hook IN (SELECT id FROM hook)`

// pick returns the newest runs that a query selects. It selects those of each hook
// and state separately: each of these reads an index from its end, so the time
// does not depend on how many runs there are.
func (v view) pick(ctx context.Context, q journal.RunQuery) ([]int64, error) {
	if _, known := ledger.StateOf(q.State); q.State != "" && !known {
		return nil, fmt.Errorf("there is no state %q; there are %s", q.State, journal.States())
	}
	common, err := v.common(ctx, q)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil // there is no event with the id
	}
	if err != nil {
		return nil, err
	}
	hooks := []clause{{"1", nil}}
	if q.Script != "" || q.Hook != "" || q.State != "" {
		ids, err := v.seqs(ctx, `SELECT id FROM hook WHERE (?1 = '' OR script = ?1) AND (?2 = '' OR name = ?2)`, q.Script, q.Hook)
		if err != nil {
			return nil, err
		}
		hooks = hooks[:0]
		for _, id := range ids {
			hooks = append(hooks, clause{"hook = ?", []any{id}})
		}
	}
	var all []int64
	for _, hook := range hooks {
		for _, state := range v.inState(q.State, len(hook.values) > 0) {
			where, args := []string{hook.text, state.text}, slices.Concat(hook.values, state.values)
			for _, c := range common {
				where, args = append(where, c.text), append(args, c.values...)
			}
			some, err := v.seqs(ctx, `SELECT seq FROM run WHERE `+strings.Join(where, " AND ")+` ORDER BY seq DESC LIMIT ?`,
				append(args, q.Limit)...)
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
	}
	slices.SortFunc(all, func(a, b int64) int { return cmp.Compare(b, a) })
	return all[:min(len(all), q.Limit)], nil
}

// common returns the conditions that do not depend on hook and state.
func (v view) common(ctx context.Context, q journal.RunQuery) (all []clause, err error) {
	if q.Event != "" {
		var event int64
		if err := v.db.QueryRowContext(ctx, whereSeen, q.Event).Scan(&event); err != nil {
			return nil, err
		}
		all = append(all, clause{`seq IN (SELECT seq FROM run WHERE event = ? UNION ALL SELECT run FROM merged WHERE event = ?)`,
			[]any{event, event}})
	}
	if !q.Since.IsZero() {
		since := q.Since.UnixMicro()
		all = append(all, clause{`seq >= ? AND created >= ?`, []any{since, since}}) // a seq is never less than the time
	}
	if q.Reason != "" {
		pause, known := ledger.PauseOf(q.Reason)
		if !known {
			return nil, fmt.Errorf("there is no reason %q; there are %s", q.Reason, journal.PauseReasons())
		}
		all = append(all, clause{`pause = ?`, []any{int64(pause)}})
	}
	if q.Before > 0 {
		all = append(all, clause{`seq < ?`, []any{q.Before}})
	}
	return all, nil
}

// inState returns conditions that together select the runs of a state. The row of
// a leased run still has the state queued, before the worker's first write.
func (v view) inState(state journal.State, each bool) (parts []clause) {
	switch state {
	case journal.Queued:
		return []clause{{`state = 0 AND seq NOT IN (SELECT value FROM json_each(?))`, []any{v.leasedSeqs()}}, {`state = 6`, nil}}
	case journal.Running:
		return []clause{{`state = 1`, nil}, {`state = 0 AND seq IN (SELECT value FROM json_each(?))`, []any{v.leasedSeqs()}}}
	case journal.Paused:
		return []clause{{`state = -1`, nil}, {`state = -2`, nil}}
	case "":
		if !each {
			return []clause{{"1", nil}}
		}
		for i := ledger.PausedWait; i <= ledger.Skipped; i++ {
			parts = append(parts, clause{`state = ?`, []any{int64(i)}})
		}
		return parts
	}
	number, _ := ledger.StateOf(state)
	return []clause{{`state = ?`, []any{int64(number)}}}
}

func (v view) leasedSeqs() string {
	seqs := slices.AppendSeq(make([]int64, 0, 8), maps.Keys(v.leases()))
	text, err := json.Marshal(seqs)
	if err != nil {
		panic(err) // integers can always be written
	}
	return string(text)
}

// Events implements journal.Reader.
func (r *Reader) Events(ctx context.Context, q journal.EventQuery) ([]journal.Event, error) {
	where, args := []string{"1"}, []any{}
	if q.Type != "" {
		where, args = append(where, `e.type = ?`), append(args, q.Type)
	}
	if !q.Since.IsZero() {
		where, args = append(where, `e.seq >= ? AND e.received >= ?`), append(args, q.Since.UnixMicro(), q.Since.UnixMicro())
	}
	all, err := r.events(ctx, `WHERE `+strings.Join(where, " AND ")+` ORDER BY e.seq DESC LIMIT ?`,
		append(args, limit(q.Limit))...)
	if err != nil {
		return nil, r.fail("list events", err)
	}
	return all, nil
}
