package ledger

import (
	"context"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
)

type acceptTask struct {
	waiter
	arrivals []arrival
	receipts []journal.Receipt
}

// Accept implements journal.Store.
func (l *Ledger) Accept(ctx context.Context, arrivals ...journal.Arrival) ([]journal.Receipt, error) {
	filled, err := fillAll(arrivals)
	if err != nil {
		return nil, fmt.Errorf("accept: %w", err)
	}
	t := &acceptTask{waiter: newWaiter(), arrivals: filled, receipts: make([]journal.Receipt, len(arrivals))}
	writes := false
	for i := range filled {
		writes = writes || filled[i].store
	}
	if !writes {
		return t.receipts, nil
	}
	if err := l.queue.do(ctx, t); err != nil {
		return nil, fmt.Errorf("accept %s: %w", t.name(), err)
	}
	return t.receipts, nil
}

func (t *acceptTask) name() string {
	if len(t.arrivals) == 1 {
		return fmt.Sprintf("event %q", t.arrivals[0].original.ID)
	}
	return fmt.Sprintf("%d events", len(t.arrivals))
}

func (t *acceptTask) collect(b *batch) { collectAll(b, t.arrivals) }

func (t *acceptTask) decide(b *batch) error {
	if err := b.checkQueueLimit(t.arrivals); err != nil {
		return err
	}
	return t.acceptAll(b)
}

func (t *acceptTask) acceptAll(b *batch) (more error) {
	for i := range t.arrivals {
		receipt, err := b.accept(&t.arrivals[i])
		if more = combine(more, err); failed(more) {
			return more
		}
		t.receipts[i] = receipt
	}
	return more
}

// checkQueueLimit refuses arrivals that would make more runs than MaxQueued.
// Arrivals of which all are duplicates make no run and are not refused.
func (b *batch) checkQueueLimit(arrivals []arrival) error {
	runs := 0
	for i := range arrivals {
		runs += arrivals[i].maxRuns()
	}
	if b.live+runs <= b.maxQueued {
		return nil
	}
	for i := range arrivals {
		if !arrivals[i].store {
			continue
		}
		if duplicate, err := b.ids.get(arrivals[i].original.ID, &b.want.IDs); err != nil {
			return err
		} else if !duplicate {
			return refuse(b.tooMany())
		}
	}
	return nil
}

func (b *batch) tooMany() error {
	return fmt.Errorf("%w: %d runs wait already, the bound is %d", journal.ErrFull, b.live, b.maxQueued)
}

// accept stores one event, makes its runs and wakes the runs that wait for it.
func (b *batch) accept(a *arrival) (receipt journal.Receipt, err error) {
	if !a.store {
		return receipt, nil
	}
	a.event = a.original
	e := &a.event
	if err := b.tick(a); err != nil {
		return receipt, err
	}
	duplicate, err := b.ids.get(e.ID, &b.want.IDs)
	if err != nil || duplicate {
		return journal.Receipt{Duplicate: duplicate}, err
	}
	seq := b.seq()
	b.changeCount++
	b.ids.set(e.ID, true)
	b.changes.IDs = append(b.changes.IDs, ID{e.ID, seq})
	if a.fingerprint != nil {
		if duplicate, err := b.mergeWebhook(a.fingerprint); duplicate || err != nil {
			return journal.Receipt{Duplicate: duplicate}, err
		}
	}
	if e.Received.IsZero() {
		e.Received = Truncate(b.now)
	}
	openStep, err := b.echo(e, a.fields)
	if err != nil {
		return receipt, err
	}
	b.changes.Events = append(b.changes.Events, Event{seq, e})
	receipt.Stored, receipt.Echo = true, e.Echo
	flooding := false
	if a.flood > 0 {
		if flooding, receipt.Flood, err = b.countEvent(e.Type, a.flood); err != nil {
			return receipt, err
		}
	}
	if openStep != (StepKey{}) {
		if err := b.deferEvent(Event{seq, e}, a.candidates, a.fields, openStep); err != nil {
			return receipt, err
		}
		return receipt, b.answer(&receipt, seq, e)
	}
	var more error
	for i := range a.candidates {
		if more = combine(more, b.start(&receipt, seq, e, &a.candidates[i], flooding)); failed(more) {
			return receipt, more
		}
	}
	return receipt, combine(more, b.answer(&receipt, seq, e))
}

// tick records the time of a schedule's tick as the last of its hooks.
func (b *batch) tick(a *arrival) error {
	if a.tick.IsZero() {
		return nil
	}
	return each(a.hooks, func(h *journal.Hook) error {
		hook, err := b.hooks.get(HookName{h.Script, h.Name}, &b.want.Hooks)
		if err == nil {
			b.changeCount++
			b.changes.Ticks = append(b.changes.Ticks, Tick{hook.ID, a.tick.UnixMicro()})
		}
		return err
	})
}
