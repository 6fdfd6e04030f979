package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
)

// Next implements journal.Store.
func (s *Store) Next(ctx context.Context) (journal.Activation, error) {
	for {
		r, err := s.dispatch.next(ctx)
		if err != nil {
			return journal.Activation{}, fmt.Errorf("wait for a run: %w", err)
		}
		epoch := r.epoch.Load()
		if epoch == 0 {
			continue // cancelled meanwhile
		}
		a, err := s.activation(ctx, r, epoch)
		if err != nil {
			s.dispatch.putBack(r, epoch)
			return a, s.fail(fmt.Sprintf("hand out run %q", journal.RunID(r.seq, s.salt)), err)
		}
		return a, nil
	}
}

// activation makes what a worker gets. The caller holds the run.
func (s *Store) activation(ctx context.Context, r *run, epoch int64) (a journal.Activation, err error) {
	if f := r.fresh; f != nil {
		a.Event = *f.event
		a.Run = journal.Run{
			ID: journal.RunID(r.seq, s.salt), Seq: r.seq, Event: f.event.ID, Script: f.hook.Script, Hook: f.hook.Name,
			Matched: f.hook.Version, Connection: f.event.Connection, Account: f.event.Account, Lane: r.lane, Created: f.created,
		}
		r.fresh = nil
	} else if a, err = s.readBack(ctx, r.seq); err != nil {
		return a, err
	}
	started := s.dispatch.resume(r, epoch, a.Run.Bound)
	a.Epoch = epoch
	a.Run.State, a.Run.Epoch, a.Run.Attempts = journal.Running, epoch, max(a.Run.Attempts, 1)
	if a.Run.Started.IsZero() {
		a.Run.Started = atRest(started)
	}
	return a, nil
}

func (s *Store) readBack(ctx context.Context, seq int64) (a journal.Activation, err error) {
	var row runRow
	var event eventRow
	e := &event.event
	if err := s.wakeup.QueryRowContext(ctx, seq).Scan(append(row.fields(), &e.Type, &e.Source, &e.Record, &e.Echo,
		&event.time, &event.received, &event.data)...); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			err = errors.New("its row or that of its event is gone from the file")
		}
		return a, err
	}
	if a.Run, err = row.read(s.salt); err != nil {
		return a, err
	}
	e.ID, e.Connection, e.Account = a.Run.Event, a.Run.Connection, a.Run.Account
	a.Event = event.read()
	a.Run.Park = nil
	if a.Run.Steps > 0 {
		a.Steps, err = s.steps(ctx, seq)
	}
	return a, err
}
