package run

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
)

// runFailed is the trigger of what a failed run leaves behind.
const runFailed = "run.failed"

// Accept keeps an event with one run for each hook of the present generation
// that it matches, and answers the approval that it may be about. It returns
// when that is durable.
func (r *Runner) Accept(ctx context.Context, event journal.Event) (journal.Receipt, error) {
	receipts, err := r.AcceptAll(ctx, event)
	if err != nil {
		return journal.Receipt{}, err
	}
	return receipts[0], nil
}

// AcceptAll keeps events as Accept does, all or none of them. The receipts
// stand in their order.
func (r *Runner) AcceptAll(ctx context.Context, events ...journal.Event) ([]journal.Receipt, error) {
	generation := r.config.Scripts.Generation()
	arrivals := make([]journal.Arrival, len(events))
	for i, event := range events {
		if err := r.decideApproval(ctx, &event); err != nil {
			return nil, err
		}
		arrivals[i] = r.arrival(generation, event)
	}
	receipts, err := r.config.Store.Accept(ctx, arrivals...)
	if err != nil {
		more := ""
		if len(events) > 1 {
			more = fmt.Sprintf(" and %d more", len(events)-1)
		}
		return nil, fmt.Errorf("keep event %q%s: %w", events[0].ID, more, err)
	}
	r.warnFloods(receipts, arrivals)
	return receipts, nil
}

// AcceptPage keeps what a page of a poll came to, with events as Accept does,
// all or none of it.
func (r *Runner) AcceptPage(ctx context.Context, sweep journal.PollPage, events ...journal.Event) ([]journal.Receipt, error) {
	generation := r.config.Scripts.Generation()
	for _, event := range events {
		sweep.Arrivals = append(sweep.Arrivals, r.arrival(generation, event))
	}
	receipts, err := r.config.Store.AcceptPage(ctx, sweep)
	if err != nil {
		return nil, err
	}
	r.warnFloods(receipts, sweep.Arrivals)
	return receipts, nil
}

// warnFloods tells of floods that begin.
func (r *Runner) warnFloods(receipts []journal.Receipt, arrivals []journal.Arrival) {
	for i, receipt := range receipts {
		if trigger := arrivals[i].Event.Type; receipt.Flood {
			r.config.Log.Warn("a flood: the runs of further events are paused until somebody decides", "trigger", trigger,
				"more_than", r.config.Flood, "in", "1m", "do", "tidewire events release|drop "+trigger)
		}
	}
}

// AcceptTick keeps a schedule's tick for its own hook alone.
func (r *Runner) AcceptTick(ctx context.Context, arrival journal.Arrival) error {
	if arrival.Event.Received.IsZero() {
		arrival.Event.Received = r.config.Clock.Now()
	}
	if _, err := r.config.Store.Accept(ctx, arrival); err != nil {
		return fmt.Errorf("keep tick %q: %w", arrival.Event.ID, err)
	}
	return nil
}

// arrival pairs an event with the hooks of one generation, so that no event is
// handled by half of one and half of another.
func (r *Runner) arrival(g *script.Generation, event journal.Event) journal.Arrival {
	if event.Received.IsZero() {
		event.Received = r.config.Clock.Now()
	}
	if event.Time.IsZero() {
		event.Time = event.Received
	}
	a := journal.Arrival{
		Event: event, Hooks: g.Match(event.Type, event.Connection),
		StoreUnmatched: g.Awaited(event.Type, event.Connection),
	}
	switch event.Source {
	case journal.Webhook, journal.Poll, journal.Reconcile:
		a.Flood = r.config.Flood
		a.Fields = r.echoFields(event.Type)
	}
	if r.config.Fingerprint != nil {
		a.Fingerprint = r.config.Fingerprint(&a.Event)
	}
	return a
}

// failureEvent is the event by which other scripts hear of a failed run. A run that
// handles such an event tells of no failure of its own.
func (r *Runner) failureEvent(run journal.Run, event journal.Event, problem *journal.Problem) []journal.Arrival {
	if event.Type == runFailed {
		return nil
	}
	lane := run.Lane
	if lane == "" {
		lane = run.ID
	}
	data, err := json.Marshal(map[string]any{
		"run": run.ID, "script": run.Script, "hook": run.Hook, "event": event.ID,
		"event_type": event.Type, "key": run.Script + "/" + run.Hook + "/" + lane, "error": problem,
	})
	if err != nil {
		r.config.Log.Error("the failure of a run could not be told", "run", run.ID, "error", err)
		return nil
	}
	arrival := r.arrival(r.config.Scripts.Generation(), journal.Event{
		// A run that was retried may fail again, in another epoch.
		ID: fmt.Sprintf("%s:%s:%d", runFailed, run.ID, run.Epoch), Type: runFailed, Source: journal.Engine,
		Connection: run.Connection, Account: run.Account, Data: data,
	})
	if len(arrival.Hooks) == 0 {
		return nil
	}
	return []journal.Arrival{arrival}
}
