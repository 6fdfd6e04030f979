package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// A run as its row and those it refers to tell it.
const (
	selectRun = `SELECT r.seq, e.id, h.script, h.name, m.hash, b.hash, e.connection, e.account, r.lane, r.state, r.epoch,
		r.attempts, iif(r.state < 2, (SELECT count(*) FROM step WHERE run = r.seq), r.steps), r.problem,
		r.created, r.started, r.finished`
	joinRun = ` JOIN event e ON e.seq = r.event JOIN hook h ON h.id = r.hook
		JOIN version m ON m.id = r.matched LEFT JOIN version b ON b.id = r.bound`
)

type runRow struct {
	run               journal.Run
	state             int64
	bound             sql.NullString
	problem           []byte
	created           int64
	started, finished sql.NullInt64
}

func (row *runRow) fields() []any {
	r := &row.run
	return []any{
		&r.Seq, &r.Event, &r.Script, &r.Hook, &r.Matched, &row.bound, &r.Connection, &r.Account, &r.Lane, &row.state, &r.Epoch,
		&r.Attempts, &r.Steps, &row.problem, &row.created, &row.started, &row.finished,
	}
}

func (row *runRow) read(salt uint16) (journal.Run, error) {
	r := row.run
	if row.state < 0 || row.state >= int64(len(states)) {
		return r, fmt.Errorf("run %d has the unknown state %d", r.Seq, row.state)
	}
	r.ID = journal.RunID(r.Seq, salt)
	r.State = states[row.state]
	r.Bound = row.bound.String
	r.Created = time.UnixMicro(row.created).UTC()
	r.Started, r.Finished = moment(row.started), moment(row.finished)
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
func (r *Reader) events(ctx context.Context, condition string, args ...any) (all []journal.Event, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT e.id, e.type, e.connection, e.account, e.source, e.record, e.echo,
		e.time, e.received, e.data FROM event e `+condition, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var row eventRow
		e := &row.event
		if err := rows.Scan(&e.ID, &e.Type, &e.Connection, &e.Account, &e.Source, &e.Record, &e.Echo,
			&row.time, &row.received, &row.data); err != nil {
			return nil, err
		}
		all = append(all, row.read())
	}
	return all, rows.Err()
}

func (r *Reader) steps(ctx context.Context, run int64) (all []journal.Step, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT number, name, state, args, result, error, position, started, took, attempts
		FROM step WHERE run = ? ORDER BY number`, run)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s journal.Step
		var state int
		var started sql.NullInt64
		var args, result, failure []byte
		if err := rows.Scan(&s.Number, &s.Name, &state, &args, &result, &failure, &s.Position, &started, &s.Took,
			&s.Attempts); err != nil {
			return nil, err
		}
		if state < 0 || state >= len(stepStates) {
			return nil, fmt.Errorf("step %d has the unknown state %d", s.Number, state)
		}
		s.State, s.Started = stepStates[state], moment(started)
		s.Args, s.Result = args, result
		if failure != nil {
			if err := json.Unmarshal(failure, &s.Error); err != nil {
				return nil, fmt.Errorf("the error of step %d: %w", s.Number, err)
			}
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// Next implements journal.Store.
func (s *Store) Next(ctx context.Context) (journal.Activation, error) {
	r, err := s.dispatch.next(ctx)
	if err != nil {
		return journal.Activation{}, fmt.Errorf("wait for a run: %w", err)
	}
	a, err := s.activation(ctx, r)
	if err != nil {
		s.dispatch.putBack(r)
		return a, s.fail(fmt.Sprintf("hand out run %q", journal.RunID(r.seq, s.salt)), err)
	}
	return a, nil
}

// activation makes what a worker gets. The caller holds the run.
func (s *Store) activation(ctx context.Context, r *run) (journal.Activation, error) {
	a := journal.Activation{Epoch: r.epoch.Load()}
	if f := r.fresh; f != nil {
		a.Event = *f.event
		a.Run = journal.Run{
			ID: journal.RunID(r.seq, s.salt), Seq: r.seq, Event: f.event.ID, Script: f.hook.Script, Hook: f.hook.Name,
			Matched: f.hook.Version, Connection: f.event.Connection, Account: f.event.Account, Lane: r.lane, Created: f.created,
		}
		r.fresh = nil
	} else {
		var row runRow
		var event eventRow
		e := &event.event
		if err := s.wakeup.QueryRowContext(ctx, r.seq).Scan(append(row.fields(), &e.Type, &e.Source, &e.Record, &e.Echo,
			&event.time, &event.received, &event.data)...); err != nil {
			if errors.Is(err, sql.ErrNoRows) {
				err = errors.New("its row or that of its event is gone from the file")
			}
			return a, err
		}
		var err error
		if a.Run, err = row.read(s.salt); err != nil {
			return a, err
		}
		e.ID, e.Connection, e.Account = a.Run.Event, a.Run.Connection, a.Run.Account
		a.Event = event.read()
	}
	a.Run.State, a.Run.Epoch, a.Run.Attempts = journal.Running, a.Epoch, 1
	a.Run.Started = atRest(r.started)
	return a, nil
}
