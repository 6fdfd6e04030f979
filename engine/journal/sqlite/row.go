package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// A run as its row and those it refers to tell it.
const (
	selectRun = `SELECT r.seq, e.id, h.script, h.name, m.hash, b.hash, r.resolved, e.connection, e.account, r.lane, r.state, r.epoch,
		r.attempts, iif(r.state < 8, (SELECT count(*) FROM step WHERE run = r.seq), r.steps), r.executed, r.problem,
		r.created, r.started, r.finished, r.parked, r.wake, r.park`
	joinRun = ` JOIN event e ON e.seq = r.event JOIN hook h ON h.id = r.hook
		JOIN version m ON m.id = r.matched LEFT JOIN version b ON b.id = r.bound`
)

type runRow struct {
	run               journal.Run
	state             int64
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
		&row.parked, &row.wake, &row.park,
	}
}

func (row *runRow) read(salt uint16) (journal.Run, error) {
	r := row.run
	if ledger.State(row.state).Journal() == "" {
		return r, fmt.Errorf("run %d has the unknown state %d", r.Seq, row.state)
	}
	r.ID = journal.RunID(r.Seq, salt)
	r.State = ledger.State(row.state).Journal()
	r.Bound = row.bound.String
	if row.resolved.Valid {
		if err := json.Unmarshal([]byte(row.resolved.String), &r.Resolved); err != nil {
			return r, fmt.Errorf("what run %d took from the configuration: %w", r.Seq, err)
		}
	}
	r.Created = time.UnixMicro(row.created).UTC()
	r.Started, r.Finished = moment(row.started), moment(row.finished)
	if row.parked.Valid || row.wake.Valid {
		r.Park = &journal.Parked{Since: moment(row.parked), Until: moment(row.wake)}
		if r.Park.Since.IsZero() { // it is queued later
			r.Park.Since = r.Created
		}
	}
	if row.park != nil {
		var body ledger.ParkBody
		if err := json.Unmarshal(row.park, &body); err != nil {
			return r, fmt.Errorf("what run %d waits for: %w", r.Seq, err)
		}
		r.Park.Await, r.Park.Step = body.Await, body.Step
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
}

func (row *eventRow) read() journal.Event {
	e := row.event
	e.Time = moment(row.time)
	e.Received = time.UnixMicro(row.received).UTC()
	e.Data = row.data
	return e
}

// events reads those that a condition selects.
func (r *Reader) events(ctx context.Context, condition string, args ...any) ([]journal.Event, error) {
	return list(ctx, r, func(rows *sql.Rows) (journal.Event, error) {
		var row eventRow
		e := &row.event
		err := rows.Scan(&e.ID, &e.Type, &e.Connection, &e.Account, &e.Source, &e.Record, &e.Echo, &row.time, &row.received, &row.data)
		return row.read(), err
	}, `SELECT e.id, e.type, e.connection, e.account, e.source, e.record, e.echo, e.time, e.received, e.data FROM event e `+condition, args...)
}

func (r *Reader) steps(ctx context.Context, run int64) (all []journal.Step, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT number, name, state, args, hash, result, error, sent, event, position, started,
		took, attempts FROM step WHERE run = ? ORDER BY number`, run)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var beside []placeOfLarge
	for rows.Next() {
		var s journal.Step
		var state int
		var started sql.NullInt64
		var event sql.NullString
		var args, result, sent any
		var failure []byte
		if err := rows.Scan(&s.Number, &s.Name, &state, &args, &s.Hash, &result, &failure, &sent, &event, &s.Position, &started,
			&s.Took, &s.Attempts); err != nil {
			return nil, err
		}
		if state < 0 || state >= len(stepStates) {
			return nil, fmt.Errorf("step %d has the unknown state %d", s.Number, state)
		}
		s.State, s.Started, s.Event = stepStates[state], moment(started), event.String
		if failure != nil {
			if err := json.Unmarshal(failure, &s.Error); err != nil {
				return nil, fmt.Errorf("the error of step %d: %w", s.Number, err)
			}
		}
		all = append(all, s)
		for i, v := range []any{args, result, sent} {
			switch v := v.(type) {
			case []byte:
				*valueOf(&all[len(all)-1], i) = v
			case int64:
				beside = append(beside, placeOfLarge{v, len(all) - 1, i})
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, p := range beside {
		var packed []byte
		if err := r.db.QueryRowContext(ctx, `SELECT data FROM large WHERE id = ?`, p.id).Scan(&packed); err != nil {
			return nil, fmt.Errorf("a large value of step %d: %w", all[p.step].Number, err)
		}
		text, err := unpack(packed)
		if err != nil {
			return nil, err
		}
		*valueOf(&all[p.step], p.which) = text
	}
	return all, nil
}

// placeOfLarge is where a value belongs that does not stand in its row.
type placeOfLarge struct {
	id          int64
	step, which int
}

func valueOf(s *journal.Step, which int) *json.RawMessage {
	return []*json.RawMessage{&s.Args, &s.Result, &s.Sent}[which]
}
