package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/datafile"
	"github.com/tidewire/tidewire/engine/journal/dispatch"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// activations makes the activations of leased runs.
type activations struct {
	*dispatch.Dispatcher
	*Reader
	guard *datafile.Guard
}

// Next implements ledger.Dispatch.
func (s *activations) Next(ctx context.Context) (journal.Activation, error) {
	l, err := s.Dispatcher.Next(ctx)
	if err != nil {
		return journal.Activation{}, fmt.Errorf("wait for a run: %w", err)
	}
	a, err := s.activation(ctx, &l)
	if err != nil {
		s.Requeue(l.Seq, l.Epoch)
		if lost := s.guard.Check(); lost != nil { // another file may have been read
			err = lost
		}
		return a, s.fail(fmt.Sprintf("activate run %q", journal.RunID(l.Seq, s.salt)), err)
	}
	s.Resume(l.Seq, l.Epoch, a.Run.Bound)
	a.Epoch = l.Epoch
	a.Run.State, a.Run.Epoch, a.Run.Attempts = journal.Running, l.Epoch, max(a.Run.Attempts, 1)
	if a.Run.Started.IsZero() {
		a.Run.Started = ledger.Truncate(l.Started)
	}
	return a, nil
}

// activation makes the activation of a run from the cached event, or from the file.
func (s *activations) activation(ctx context.Context, l *dispatch.LeasedRun) (a journal.Activation, err error) {
	if l.Cached == nil {
		return s.readActivation(ctx, l.Seq)
	}
	hook := l.Cached.Hook
	a.Event = *l.Cached.Event
	a.Run = journal.Run{
		ID: journal.RunID(l.Seq, s.salt), Seq: l.Seq, Event: a.Event.ID, Script: hook.Script, Hook: hook.Name, Matched: hook.Version,
		Connection: a.Event.Connection, Account: a.Event.Account, Lane: l.Lane, Created: ledger.Time(l.Created),
	}
	return a, nil
}

func (s *activations) readActivation(ctx context.Context, seq int64) (a journal.Activation, err error) {
	var row runRow
	var event eventRow
	e := &event.event
	if err := s.selectActivation.QueryRowContext(ctx, seq).Scan(append(row.fields(), &e.Type, &e.Source, &e.Record, &e.Echo,
		&event.time, &event.received, &event.data, &event.request)...); err != nil {
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
