package run

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
)

// runFailed is the trigger of the event of a failed run.
const runFailed = "run.failed"

// Accept stores an event with one run for each hook of the present generation
// that it matches, and decides the approval that it answers, if any. It returns
// when that is durable.
func (r *Runner) Accept(ctx context.Context, event journal.Event) (journal.Receipt, error) {
	receipts, err := r.AcceptAll(ctx, event)
	if err != nil {
		return journal.Receipt{}, err
	}
	return receipts[0], nil
}

// AcceptAll stores events as Accept does, all or none of them. The receipts are
// in the order of the events.
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
		return nil, fmt.Errorf("store event %q%s: %w", events[0].ID, more, err)
	}
	r.warnFloods(receipts, arrivals)
	return receipts, nil
}

// AcceptPage stores a page of a poll with its events, all or nothing.
func (r *Runner) AcceptPage(ctx context.Context, page journal.PollPage, events ...journal.Event) ([]journal.Receipt, error) {
	generation := r.config.Scripts.Generation()
	for _, event := range events {
		page.Arrivals = append(page.Arrivals, r.arrival(generation, event))
	}
	receipts, err := r.config.Store.AcceptPage(ctx, page)
	if err != nil {
		return nil, err
	}
	r.warnFloods(receipts, page.Arrivals)
	return receipts, nil
}

// warnFloods logs floods that begin.
func (r *Runner) warnFloods(receipts []journal.Receipt, arrivals []journal.Arrival) {
	for i, receipt := range receipts {
		if trigger := arrivals[i].Event.Type; receipt.Flood {
			r.config.Log.Warn("a flood: the runs of further events are paused until somebody decides", "trigger", trigger,
				"more_than", r.config.Flood, "in", "1m", "do", "tidewire events release|drop "+trigger)
		}
	}
}

// AcceptTick stores a tick of a schedule, with a run of its own hook only.
func (r *Runner) AcceptTick(ctx context.Context, arrival journal.Arrival) error {
	if arrival.Event.Received.IsZero() {
		arrival.Event.Received = r.config.Clock.Now()
	}
	if _, err := r.config.Store.Accept(ctx, arrival); err != nil {
		return fmt.Errorf("store tick %q: %w", arrival.Event.ID, err)
	}
	return nil
}

// arrival returns an event with the hooks of a generation that it matches. All
// events that are stored together are matched with the same generation.
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

// failureEvent returns the event "run.failed" of a failed run, nil if no hook
// matches it. The failure of a run that handles such an event makes no event.
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
		r.config.Log.Error("the event of a failed run could not be made", "run", run.ID, "error", err)
		return nil
	}
	arrival := r.arrival(r.config.Scripts.Generation(), journal.Event{
		// With the epoch, as a run that is retried may fail again.
		ID: fmt.Sprintf("%s:%s:%d", runFailed, run.ID, run.Epoch), Type: runFailed, Source: journal.Engine,
		Connection: run.Connection, Account: run.Account, Data: data,
	})
	if len(arrival.Hooks) == 0 {
		return nil
	}
	return []journal.Arrival{arrival}
}
