package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// commandTask is a command of a person: do, if the run is in one of the states
// from.
type commandTask struct {
	waiter
	seq      int64
	from     []journal.State
	moreRows func(b *batch) // names rows that do needs; may be nil
	do       func(b *batch, r *Run) error
}

func (l *Ledger) command(ctx context.Context, verb, run string, t commandTask) error {
	seq, err := l.parse(run)
	if err == nil {
		t.waiter, t.seq = newWaiter(), seq
		err = l.queue.do(ctx, &t)
	}
	if err != nil {
		return fmt.Errorf("%s run %q: %w", verb, run, err)
	}
	return nil
}

func (t *commandTask) collect(b *batch) {
	b.runs.want(t.seq, &b.want.Runs)
	if t.moreRows != nil {
		t.moreRows(b)
	}
}

func (t *commandTask) decide(b *batch) error {
	r, err := b.run(t.seq)
	if err != nil {
		return err
	}
	if r == nil {
		return refuse(journal.ErrNotFound)
	}
	state := b.journalState(r)
	if !slices.Contains(t.from, state) {
		return refusef("%w: it is %s, and would have to be %s", journal.ErrState, state, oneOf(t.from))
	}
	return t.do(b, r)
}

// journalState returns the state of a run as users see it.
func (b *batch) journalState(r *Run) journal.State {
	if r.State == Queued {
		if _, leased := b.dispatch.Lease(r.Seq); leased && !b.leaseEnded[r.Seq] {
			return journal.Running
		}
	}
	return r.State.Journal()
}

func oneOf(all []journal.State) string {
	words := make([]string, len(all))
	for i, s := range all {
		words[i] = string(s)
	}
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

var (
	anyLive   = slices.DeleteFunc(journal.States(), journal.State.Ended)
	anyParked = slices.DeleteFunc(journal.States(), func(s journal.State) bool { return !s.Parked() })
)

// Cancel implements journal.Store.
func (l *Ledger) Cancel(ctx context.Context, run string) error {
	return l.command(ctx, "cancel", run, commandTask{from: anyLive, do: func(b *batch, r *Run) error { return b.end(r, Cancelled, nil) }})
}

// Wake implements journal.Store.
func (l *Ledger) Wake(ctx context.Context, run string) error {
	return l.command(ctx, "wake", run, commandTask{from: []journal.State{journal.Retrying, journal.Throttled, journal.Blocked, journal.Held},
		do: func(b *batch, r *Run) error {
			if r.State == Held && r.Wake == 0 {
				return refusef("%w: it is held, and would have to be retrying, throttled, blocked or looked up", journal.ErrState)
			}
			return b.resume(r)
		}})
}

// Retry implements journal.Store.
func (l *Ledger) Retry(ctx context.Context, run string) error {
	return l.command(ctx, "retry", run, commandTask{from: []journal.State{journal.Failed, journal.Cancelled}, do: (*batch).retry})
}

func (b *batch) retry(r *Run) error {
	last := StepKey{r.Seq, b.lastStep(r.Seq).Number}
	failure, err := b.stepError(last)
	if err != nil {
		return err
	}
	if failure != nil {
		var problem bindings.Error
		if err := json.Unmarshal(failure, &problem); err != nil {
			return err
		}
		if problem.Kind != bindings.Uncertain {
			if err := b.dropStep(last.Run, last.Number); err != nil {
				return err
			}
		}
	}
	b.live++
	b.edit(r).Attempts++
	b.queueAgain(r, r.Lane)
	return nil
}

// Migrate implements journal.Store.
func (l *Ledger) Migrate(ctx context.Context, run, version string) error {
	if version == "" {
		return fmt.Errorf("migrate run %q: no version is given", run)
	}
	return l.command(ctx, "migrate", run, commandTask{
		from:     anyParked,
		moreRows: func(b *batch) { b.versions.want(version, &b.want.Versions) },
		do: func(b *batch, r *Run) error {
			id, err := b.versions.get(version, &b.want.Versions)
			if err != nil {
				return err
			}
			n := b.edit(r)
			n.Bound = id
			if n.State == Blocked {
				return b.resume(n)
			}
			return nil
		},
	})
}

// DecideCall implements journal.Store.
func (l *Ledger) DecideCall(ctx context.Context, run string, d journal.CallDecision, follow ...journal.Arrival) error {
	next, err := checkResolve(d.Resolution, d.Result, follow)
	if err != nil {
		return fmt.Errorf("resolve run %q: %w", run, err)
	}
	packed := l.value(d.Result)
	return l.command(ctx, "resolve", run, commandTask{
		from:     []journal.State{journal.Held},
		moreRows: func(b *batch) { collectAll(b, next) },
		do: func(b *batch, r *Run) error {
			park, err := r.park()
			if err != nil {
				return err
			}
			switch d.Resolution {
			case journal.Fail:
				err = b.failCall(r, next)
			case journal.Skip:
				err = b.skipCall(r, packed)
			default:
				err = b.resendCall(r)
			}
			if err == nil {
				b.addDecision(r.Seq, park.Step, d)
			}
			return err
		},
	})
}

func checkResolve(v journal.Resolution, result json.RawMessage, follow []journal.Arrival) ([]arrival, error) {
	switch {
	case v != journal.Resend && v != journal.Skip && v != journal.Fail:
		return nil, fmt.Errorf("there is no decision %q; there are %s, %s and %s", v, journal.Resend, journal.Skip, journal.Fail)
	case v != journal.Skip && len(result) > 0:
		return nil, fmt.Errorf("only %s takes a result", journal.Skip)
	case v != journal.Fail && len(follow) > 0:
		return nil, fmt.Errorf("only %s has what follows", journal.Fail)
	case len(result) > journal.MaxValue:
		return nil, tooLarge("result", len(result))
	}
	if err := checkJSON("result", result); err != nil {
		return nil, err
	}
	return fillAll(follow)
}

// failCall ends a held run with the problem of its uncertain call.
func (b *batch) failCall(r *Run, follow []arrival) error {
	problem := &journal.Problem{Message: "a call may or may not have been carried out, and it was decided to end the run"}
	if r.Problem != nil {
		problem = nil
		if err := json.Unmarshal(r.Problem, &problem); err != nil {
			return err
		}
	}
	more := b.acceptFollow(follow)
	if failed(more) {
		return more
	}
	return combine(more, b.end(r, Failed, problem))
}

// skipCall makes the begun record of a held run a step that is done.
func (b *batch) skipCall(r *Run, result Value) error {
	park, err := r.park()
	if err != nil {
		return err
	}
	b.endStep(EndStep{StepKey: StepKey{r.Seq, park.Step}, State: journal.Done, Result: result})
	if err := b.closeStep(StepKey{r.Seq, park.Step}); err != nil {
		return err
	}
	return b.resume(r)
}

// resendCall deletes the begun record of a held run, so that the call is sent
// again.
func (b *batch) resendCall(r *Run) error {
	park, err := r.park()
	if err != nil {
		return err
	}
	if last := b.lastStep(r.Seq); last.Begun && last.Number == park.Step {
		if err := b.dropStep(r.Seq, park.Step); err != nil {
			return err
		}
	}
	return b.resume(r)
}
