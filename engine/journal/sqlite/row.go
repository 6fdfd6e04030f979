package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// The columns of a run, from its row and the rows that this refers to.
const (
	selectRun = `SELECT r.seq, e.id, h.script, h.name, m.hash, b.hash, r.resolved, e.connection, e.account, r.lane, r.state, r.epoch,
		r.attempts, iif(r.state < 8, (SELECT count(*) FROM step WHERE run = r.seq), r.steps), r.executed, r.problem,
		r.created, r.started, r.finished, r.parked, r.wake, r.park, r.pause`
	joinRun = ` JOIN event e ON e.seq = r.event JOIN hook h ON h.id = r.hook
		JOIN version m ON m.id = r.matched LEFT JOIN version b ON b.id = r.bound`
)

type runRow struct {
	run               journal.Run
	state             int64
	pause             ledger.Pause
	bound, resolved   sql.NullString
	problem           []byte
	created           int64
	started, finished sql.NullInt64
	parked, wake      sql.NullInt64
	park              []byte
}

func (row *runRow) fields() []any {
	r := &row.run
	return []any{
		&r.Seq, &r.Event, &r.Script, &r.Hook, &r.Matched, &row.bound, &row.resolved, &r.Connection, &r.Account, &r.Lane, &row.state, &r.Epoch,
		&r.Attempts, &r.Steps, &r.Executed, &row.problem, &row.created, &row.started, &row.finished,
		&row.parked, &row.wake, &row.park, &row.pause,
	}
}

func (row *runRow) read(salt uint16) (journal.Run, error) {
	r := row.run
	if ledger.State(row.state).Journal() == "" {
		return r, fmt.Errorf("run %d has the unknown state %d", r.Seq, row.state)
	}
	r.ID = journal.RunID(r.Seq, salt)
	r.State, r.Reason = ledger.State(row.state).Journal(), row.pause.Journal()
	r.Bound = row.bound.String
	if row.resolved.Valid {
		if err := json.Unmarshal([]byte(row.resolved.String), &r.RunConfig); err != nil {
			return r, fmt.Errorf("the configuration of run %d: %w", r.Seq, err)
		}
	}
	r.Created = time.UnixMicro(row.created).UTC()
	r.Started, r.Finished = moment(row.started), moment(row.finished)
	if row.parked.Valid || row.wake.Valid {
		r.Park = &journal.Parked{Since: moment(row.parked), Until: moment(row.wake)}
		if r.Park.Since.IsZero() { // its state is ledger.Later
			r.Park.Since = r.Created
		}
	}
	if row.park != nil {
		var body ledger.ParkBody
		if err := json.Unmarshal(row.park, &body); err != nil {
			return r, fmt.Errorf("what run %d waits for: %w", r.Seq, err)
		}
		r.Park.Await, r.Park.Step = body.Await, body.Step
		if body.Then != ledger.Queued {
			r.Park.Then, r.Park.Until = body.Then.Journal(), ledger.Time(body.Wake)
		}
		r.Lane = cmp.Or(r.Lane, body.Lane)
	}
	if row.problem != nil {
		return r, json.Unmarshal(row.problem, &r.Problem)
	}
	return r, nil
}

type eventRow struct {
	event    journal.Event
	time     sql.NullInt64
	received int64
	data     []byte
	request  []byte
}

func (row *eventRow) read() journal.Event {
	e := row.event
	e.Time = moment(row.time)
	e.Received = time.UnixMicro(row.received).UTC()
	e.Data = row.data
	e.Request = readRequest(row.request)
	return e
}

func (v view) events(ctx context.Context, condition string, args ...any) ([]journal.Event, error) {
	return list(ctx, v.db, func(rows *sql.Rows) (journal.Event, error) {
		var row eventRow
		e := &row.event
		err := rows.Scan(&e.ID, &e.Type, &e.Connection, &e.Account, &e.Source, &e.Record, &e.Echo, &row.time, &row.received, &row.data, &row.request)
		return row.read(), err
	}, `SELECT e.id, e.type, e.connection, e.account, e.source, e.record, e.echo, e.time, e.received, e.data, e.request FROM event e `+condition, args...)
}

func (v view) steps(ctx context.Context, run int64) ([]journal.Step, error) {
	rows, err := list(ctx, v.db, readStep, `SELECT number, name, state, args, hash, result, error, sent, event, position, started,
		took, attempts, waited FROM step WHERE run = ? ORDER BY number`, run)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	all := make([]journal.Step, len(rows))
	for i, row := range rows {
		all[i] = row.step
		for j, to := range []*json.RawMessage{&all[i].Args, &all[i].Result, &all[i].Sent} {
			if *to, err = v.value(ctx, row.values[j]); err != nil {
				return nil, fmt.Errorf("a large value of step %d: %w", row.step.Number, err)
			}
		}
	}
	return all, nil
}

// stepRow is a step, and the columns of its args, result and sent.
type stepRow struct {
	step   journal.Step
	values [3]any
}

func readStep(row *sql.Rows) (r stepRow, err error) {
	s := &r.step
	var state int
	var started sql.NullInt64
	var event sql.NullString
	var failure []byte
	if err := row.Scan(&s.Number, &s.Name, &state, &r.values[0], &s.Hash, &r.values[1], &failure, &r.values[2], &event, &s.Position,
		&started, &s.Duration, &s.Sendings, &s.Waited); err != nil {
		return r, err
	}
	if state < 0 || state >= len(stepStates) {
		return r, fmt.Errorf("step %d has the unknown state %d", s.Number, state)
	}
	s.State, s.Started, s.Event = stepStates[state], moment(started), event.String
	if failure != nil {
		if err := json.Unmarshal(failure, &s.Error); err != nil {
			return r, fmt.Errorf("the error of step %d: %w", s.Number, err)
		}
	}
	return r, nil
}

// value returns the value of a column, which may be in the table large.
func (v view) value(ctx context.Context, column any) ([]byte, error) {
	switch column := column.(type) {
	case []byte:
		return column, nil
	case int64:
		var packed []byte
		if err := v.db.QueryRowContext(ctx, `SELECT data FROM large WHERE id = ?`, column).Scan(&packed); err != nil {
			return nil, err
		}
		return unpack(packed)
	}
	return nil, nil
}
