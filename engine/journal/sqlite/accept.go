package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// The bounds of what an event may bring.
const (
	maxID   = 1 << 10
	maxData = 64 << 20
)

// arrival is a journal.Arrival with all worked out that needs no file.
type arrival struct {
	event journal.Event
	named []*journal.Hook // the hooks that name the trigger
	runs  []journey
	keep  bool
	tick  time.Time
}

// journey is a run that an arrival makes.
type journey struct {
	hook *journal.Hook
	lane string
}

func (a *arrival) fill(from *journal.Arrival) error {
	a.event = from.Event
	e := &a.event
	switch {
	case e.ID == "" || e.Type == "":
		return fmt.Errorf("event %q of type %q: an event needs an id and a type", e.ID, e.Type)
	case len(e.ID) > maxID:
		return fmt.Errorf("event %q…: the id has %d bytes, at most %d are allowed", e.ID[:60], len(e.ID), maxID)
	case len(e.Data) > maxData:
		return fmt.Errorf("event %q: the data has %d bytes, at most %d are allowed", e.ID, len(e.Data), maxData)
	case len(e.Data) > 0 && !journal.ValidJSON(e.Data):
		return fmt.Errorf("event %q: the data is not JSON", e.ID)
	}
	e.Time = atRest(e.Time)
	e.Received = atRest(e.Received)
	a.named, a.tick = from.Hooks, from.Tick
	a.keep = from.Keep || len(from.Hooks) > 0
	for _, h := range from.Hooks {
		if h.Matches(e) {
			a.runs = append(a.runs, journey{h, h.LaneKey(e)})
		}
	}
	return nil
}

// atRest gives a time as the file keeps it.
func atRest(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Microsecond)
}

type acceptTask struct {
	ticket
	arrivals []arrival
	receipts []journal.Receipt
}

// Accept implements journal.Store.
func (s *Store) Accept(ctx context.Context, arrivals ...journal.Arrival) ([]journal.Receipt, error) {
	t := &acceptTask{ticket: newTicket(), arrivals: make([]arrival, len(arrivals)), receipts: make([]journal.Receipt, len(arrivals))}
	writes := false
	for i := range arrivals {
		a := &t.arrivals[i]
		if err := a.fill(&arrivals[i]); err != nil {
			return nil, fmt.Errorf("accept: %w", err)
		}
		writes = writes || a.keep
	}
	if !writes {
		return t.receipts, nil
	}
	if err := s.writer.queue.do(ctx, t); err != nil {
		return nil, fmt.Errorf("accept %s: %w", t.name(), err)
	}
	return t.receipts, nil
}

func (t *acceptTask) name() string {
	if len(t.arrivals) == 1 {
		return fmt.Sprintf("event %q", t.arrivals[0].event.ID)
	}
	return fmt.Sprintf("%d events", len(t.arrivals))
}

func (t *acceptTask) apply(w *writer) error {
	runs := 0
	for i := range t.arrivals {
		runs += len(t.arrivals[i].runs)
	}
	if w.live+runs > w.maxQueued {
		if known, err := w.allSeen(t.arrivals); err != nil || !known {
			t.refused = w.tooMany()
			return err
		}
	}
	for i := range t.arrivals {
		receipt, err := w.accept(&t.arrivals[i])
		if err != nil {
			return err
		}
		t.receipts[i] = receipt
	}
	return nil
}

func (w *writer) tooMany() error {
	return fmt.Errorf("%w: %d runs wait already, the bound is %d", journal.ErrFull, w.live, w.maxQueued)
}

// allSeen reports whether nothing new would be kept: a repeat is answered as
// one also where there is no room for more.
func (w *writer) allSeen(arrivals []arrival) (bool, error) {
	for i := range arrivals {
		if !arrivals[i].keep {
			continue
		}
		if event, err := w.sql.findSeen.one(arrivals[i].event.ID); err != nil || event == nil {
			return false, err
		}
	}
	return true, nil
}

// accept writes one arrival.
func (w *writer) accept(a *arrival) (receipt journal.Receipt, err error) {
	if !a.keep {
		return receipt, nil
	}
	if !a.tick.IsZero() {
		if err := w.tick(a); err != nil {
			return receipt, err
		}
	}
	e := &a.event
	seq := w.seq()
	added, err := w.sql.addSeen.run(e.ID, seq)
	if err != nil {
		return receipt, err
	}
	if added == 0 {
		return journal.Receipt{Duplicate: true}, nil
	}
	now := w.time.UnixMicro()
	received := now
	if !e.Received.IsZero() {
		received = e.Received.UnixMicro()
	} else {
		e.Received = atRest(w.time)
	}
	echo := int64(0)
	if e.Echo {
		echo = 1
	}
	if _, err := w.sql.addEvent.run(seq, e.ID, e.Type, e.Connection, e.Account, string(e.Source), e.Record,
		echo, micro(e.Time), received, blob(e.Data)); err != nil {
		return receipt, err
	}
	receipt = journal.Receipt{Kept: true, Runs: make([]string, len(a.runs))}
	for i, j := range a.runs {
		r, err := w.addRun(seq, e, j, now)
		if err != nil {
			return receipt, err
		}
		receipt.Runs[i] = journal.RunID(r.seq, w.salt)
	}
	return receipt, nil
}

func (w *writer) addRun(event int64, e *journal.Event, j journey, now int64) (*run, error) {
	hook, hookErr := w.hookID(j.hook.Script, j.hook.Name)
	version, versionErr := w.versionID(j.hook.Version)
	if err := errors.Join(hookErr, versionErr); err != nil {
		return nil, err
	}
	r := &run{seq: w.seq(), hook: hook, lane: j.lane, fresh: &fresh{event: e, hook: j.hook, created: atRest(w.time)}}
	if _, err := w.sql.addRun.run(r.seq, event, hook, version, j.lane, now); err != nil {
		return nil, err
	}
	w.live++
	w.born = append(w.born, r)
	return r, nil
}

// tick keeps the time of a schedule's tick as its last.
func (w *writer) tick(a *arrival) error {
	for _, h := range a.named {
		id, err := w.hookID(h.Script, h.Name)
		if err != nil {
			return err
		}
		if _, err := w.sql.tick.run(id, a.tick.UnixMicro()); err != nil {
			return err
		}
	}
	return nil
}
