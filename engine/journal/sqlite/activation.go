package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/dispatch"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// activations makes what workers get of the runs that are handed out.
type activations struct {
	*dispatch.Dispatcher
	*Reader
}

// Next implements ledger.Dispatch.
func (s *activations) Next(ctx context.Context) (journal.Activation, error) {
	h, err := s.Dispatcher.Next(ctx)
	if err != nil {
		return journal.Activation{}, fmt.Errorf("wait for a run: %w", err)
	}
	a, err := s.activation(ctx, &h)
	if err != nil {
		s.Requeue(h.Seq, h.Epoch)
		return a, s.fail(fmt.Sprintf("hand out run %q", journal.RunID(h.Seq, s.salt)), err)
	}
	s.Resume(h.Seq, h.Epoch, a.Run.Bound)
	a.Epoch = h.Epoch
	a.Run.State, a.Run.Epoch, a.Run.Attempts = journal.Running, h.Epoch, max(a.Run.Attempts, 1)
	if a.Run.Started.IsZero() {
		a.Run.Started = ledger.Truncate(h.Started)
	}
	return a, nil
}

// activation makes what a worker gets, from what is fresh or from the file.
func (s *activations) activation(ctx context.Context, h *dispatch.LeasedRun) (a journal.Activation, err error) {
	if h.Cached == nil {
		return s.readBack(ctx, h.Seq)
	}
	hook := h.Cached.Hook
	a.Event = *h.Cached.Event
	a.Run = journal.Run{
		ID: journal.RunID(h.Seq, s.salt), Seq: h.Seq, Event: a.Event.ID, Script: hook.Script, Hook: hook.Name, Matched: hook.Version,
		Connection: a.Event.Connection, Account: a.Event.Account, Lane: h.Lane, Created: ledger.Time(h.Created),
	}
	return a, nil
}

func (s *activations) readBack(ctx context.Context, seq int64) (a journal.Activation, err error) {
	var row runRow
	var event eventRow
	e := &event.event
	if err := s.selectActivation.QueryRowContext(ctx, seq).Scan(append(row.fields(), &e.Type, &e.Source, &e.Record, &e.Echo,
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
