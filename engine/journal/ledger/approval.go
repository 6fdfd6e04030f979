package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

func checkApproval(a *journal.Approval) error {
	switch {
	case a.ID == "" || len(a.ID) > maxID:
		return fmt.Errorf("an approval needs an id of at most %d bytes", maxID)
	case len(a.Choices) == 0:
		return fmt.Errorf("approval %q offers no choice", a.ID)
	}
	return nil
}

// addApproval stores an approval. An id that exists already changes nothing: the
// step was recorded before.
func (b *batch) addApproval(a *journal.Approval, run int64, step int) error {
	known, err := b.approvals.get(a.ID, &b.want.Approvals)
	if err != nil || known != nil {
		return err
	}
	row := &Approval{*a, run}
	row.Run, row.Step, row.Created, row.Expires, row.Decision = b.id(run), step, Truncate(b.now), Truncate(a.Expires), nil
	b.changeCount++
	b.approvals.set(a.ID, row)
	b.changes.Approvals = append(b.changes.Approvals, row)
	return nil
}

// decision returns the decision about an approval as JSON, nil while there is
// none.
func (b *batch) decision(id string) (json.RawMessage, error) {
	a, err := b.approvals.get(id, &b.want.Approvals)
	if err != nil || a == nil || a.Decision == nil {
		return nil, err
	}
	return json.Marshal(a.Decision)
}

type decideTask struct {
	waiter
	id       string
	decision journal.Decision
	approval journal.Approval // the result
}

// Decide implements journal.Store.
func (l *Ledger) Decide(ctx context.Context, id string, d journal.Decision) (journal.Approval, error) {
	t := &decideTask{waiter: newWaiter(), id: id, decision: d}
	switch err := l.queue.do(ctx, t); {
	case err == nil:
		return t.approval, nil
	case errors.Is(err, journal.ErrDecided), errors.Is(err, journal.ErrExpired):
		return t.approval, fmt.Errorf("decide approval %q: %w", id, err)
	default: // t.approval is not committed, or not yet
		return journal.Approval{}, fmt.Errorf("decide approval %q: %w", id, err)
	}
}

func (t *decideTask) collect(b *batch) {
	b.approvals.want(t.id, &b.want.Approvals)
	b.awaits.want(AwaitKey{approvalTrigger, "", t.id}, &b.want.Awaits)
}

func (t *decideTask) decide(b *batch) error {
	a, err := b.approvals.get(t.id, &b.want.Approvals)
	if err != nil {
		return err
	}
	if a == nil {
		return refuse(journal.ErrNotFound)
	}
	t.approval = a.Approval
	r, err := b.run(a.Seq)
	if err != nil {
		return err
	}
	switch {
	case !slices.Contains(a.Choices, t.decision.Choice):
		return refuse(&bindings.Error{Kind: bindings.Invalid,
			Message: fmt.Sprintf("there is no choice %q; there are %s", t.decision.Choice, strings.Join(a.Choices, ", "))})
	case a.Decision != nil:
		return refuse(journal.ErrDecided)
	case r == nil:
		return refusef("%w: its run is over", journal.ErrExpired)
	case !r.State.Live():
		return refusef("%w: its run is over, it is %s", journal.ErrExpired, r.State.Journal())
	case !a.Expires.IsZero() && !b.now.Before(a.Expires):
		return refuse(journal.ErrExpired)
	}
	decided := *a
	d := t.decision
	if d.At.IsZero() {
		d.At = b.now
	}
	d.At = Truncate(d.At)
	decided.Decision = &d
	b.changeCount++
	b.approvals.set(t.id, &decided)
	b.changes.Decisions = append(b.changes.Decisions, &decided)
	t.approval = decided.Approval
	return b.answerDecision(t.id)
}

// answerDecision wakes the runs that wait for a decision.
func (b *batch) answerDecision(id string) error {
	made, err := b.decision(id)
	if err != nil {
		return err
	}
	key := AwaitKey{approvalTrigger, "", id}
	runs, err := b.awaits.get(key, &b.want.Awaits)
	if err != nil {
		return err
	}
	runs = slices.Clone(runs)
	for _, a := range b.changes.Awaits {
		if a.AwaitKey == key {
			runs = append(runs, a.Run)
		}
	}
	return each(sorted(runs), func(run int64) error {
		r, err := b.run(run)
		if err != nil || r == nil || r.State != Waiting {
			return err
		}
		park, err := r.park()
		if err != nil || park.Await.Approval != id {
			return err
		}
		return b.wake(r, waitResult{result: made})
	})
}
