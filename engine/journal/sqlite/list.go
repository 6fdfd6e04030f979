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
)

// defaultLimit is what the zero Limit of a query means.
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
	seqs, err := r.pick(ctx, q)
	if err == nil {
		var runs []journal.Run
		if runs, err = r.runs(ctx, seqs); err == nil {
			return runs, nil
		}
	}
	return nil, r.fail("list runs", err)
}

// runs reads rows, in the order given, and lays over them what only memory
// knows of those that were handed out.
func (r *Reader) runs(ctx context.Context, seqs []int64) ([]journal.Run, error) {
	if len(seqs) == 0 {
		return nil, nil
	}
	wanted, err := json.Marshal(seqs)
	if err != nil {
		return nil, err
	}
	handedOut := r.handedOut()
	rows, err := r.db.QueryContext(ctx, selectRun+` FROM json_each(?) j CROSS JOIN run r ON r.seq = j.value`+joinRun+
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
		run, err := row.read(r.salt)
		if err != nil {
			return nil, err
		}
		if l, out := handedOut[run.Seq]; out && run.State == journal.Queued {
			run.State, run.Epoch, run.Bound, run.Attempts = journal.Running, l.epoch, l.bound, 1
			run.Started = atRest(l.started)
		}
		all = append(all, run)
	}
	return all, rows.Err()
}

// pick finds the newest runs that a query selects. Each hook's are walked
// along its own index, so that the time does not depend on how many there are.
func (r *Reader) pick(ctx context.Context, q journal.RunQuery) ([]int64, error) {
	where, args, err := r.conditions(ctx, q)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil // the event it asks for is not known
	}
	if err != nil {
		return nil, err
	}
	query := `SELECT seq FROM run WHERE ` + strings.Join(append(where, "1"), " AND ")
	const order = ` ORDER BY seq DESC LIMIT ?`
	if q.Script == "" && q.Hook == "" {
		return r.seqs(ctx, query+order, append(args, q.Limit)...)
	}
	hooks, err := r.seqs(ctx, `SELECT id FROM hook WHERE (?1 = '' OR script = ?1) AND (?2 = '' OR name = ?2)`, q.Script, q.Hook)
	if err != nil {
		return nil, err
	}
	var all []int64
	for _, hook := range hooks {
		some, err := r.seqs(ctx, query+` AND hook = ?`+order, append(args[:len(args):len(args)], hook, q.Limit)...)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b int64) int { return cmp.Compare(b, a) })
	return all[:min(len(all), q.Limit)], nil
}

func (r *Reader) conditions(ctx context.Context, q journal.RunQuery) (where []string, args []any, err error) {
	add := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if q.State != "" {
		state := code(states, q.State)
		if state < 0 {
			return nil, nil, fmt.Errorf("there is no state %q; there are %s", q.State, journal.States())
		}
		r.whereState(q.State, state, add)
	}
	if q.Event != "" {
		var event int64
		if err := r.db.QueryRowContext(ctx, `SELECT event FROM seen WHERE id = ?`, q.Event).Scan(&event); err != nil {
			return nil, nil, err
		}
		add(`event = ?`, event)
	}
	if !q.Since.IsZero() {
		since := q.Since.UnixMicro()
		add(`seq >= ? AND created >= ?`, since, since) // a seq is never before its time
	}
	if q.Before > 0 {
		add(`seq < ?`, q.Before)
	}
	return where, args, nil
}

// whereState says which rows are in a state. The range of states lets SQLite
// use the index that holds it.
func (r *Reader) whereState(state journal.State, number int64, add func(string, ...any)) {
	switch state {
	case journal.Queued:
		add(`state < 2 AND state = 0 AND seq NOT IN (SELECT value FROM json_each(?))`, r.executing())
	case journal.Running:
		add(`state < 2 AND (state = 1 OR seq IN (SELECT value FROM json_each(?)))`, r.executing())
	case journal.Succeeded:
		add(`state = 2`)
	default:
		add(`state > 2 AND state = ?`, number)
	}
}

func (r *Reader) executing() string {
	seqs := slices.AppendSeq(make([]int64, 0, 8), maps.Keys(r.handedOut()))
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
