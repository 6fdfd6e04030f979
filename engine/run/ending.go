package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// ending is how an activation leaves its run. One field is set.
type ending struct {
	finish *journal.Finish // the run ends
	park   *journal.Park
	// release is why the activation was ended from outside. The run is released,
	// unless it was parked, cancelled or leased again.
	release error
}

// ending returns how the result of an activation leaves its run.
func (h *host) ending(ctx context.Context, done vm.Result) ending {
	var end *vm.End
	cause := context.Cause(ctx) // once: ctx may end at any time
	stopped := errors.Is(cause, errShutdown) || errors.Is(cause, errCancelled)
	switch {
	case errors.As(done.Err, &end) && (cause == nil || stopped):
		return ending{release: done.Err}
	case stopped:
		return ending{release: cause}
	case cause != nil:
		return h.overLimit("timeout", cause.Error(), "")
	case h.last < len(h.records):
		return h.blockRemains(done)
	case done.Err == nil && done.Skipped:
		return ending{finish: &journal.Finish{State: journal.Skipped}}
	case done.Err == nil:
		return ending{finish: &journal.Finish{State: journal.Succeeded}}
	}
	var wrong *vm.ScriptError
	var limit *vm.LimitError
	switch {
	case errors.As(done.Err, &wrong):
		return h.failOrRetry(wrong)
	case errors.As(done.Err, &limit):
		return h.overLimit(limit.Limit, "over the limit of "+limit.Bound, limit.Position)
	}
	return failed(done.Err.Error(), "")
}

// blockRemains blocks a run whose script ended although records remain.
func (h *host) blockRemains(done vm.Result) ending {
	next := h.records[h.last]
	message := fmt.Sprintf("%s: it ended after step %d, and its record goes on with step %d, %s (at %s)",
		h.mismatchCause(), h.last, next.Number, next.Name, next.Position)
	if done.Err != nil {
		message += "; it ended with: " + done.Err.Error()
	}
	return ending{park: &journal.Park{State: journal.Blocked, Problem: &journal.Problem{Message: message, Position: next.Position}}}
}

// failOrRetry ends a run with a script's error, or parks it for another attempt:
// if the script did not catch the error of its last step, and it is retryable.
func (h *host) failOrRetry(wrong *vm.ScriptError) ending {
	problem := &journal.Problem{Message: wrong.Message, Position: wrong.Position, App: wrong.App}
	if wrong.App != nil && wrong.App.Retryable && wrong.Step > 0 && wrong.Step == h.last && !h.exhausted() {
		return ending{park: &journal.Park{
			State: journal.Retrying, Until: h.runner.config.Clock.Now().Add(h.backoff()), Drop: wrong.Step, Attempt: true, Problem: problem,
		}}
	}
	return ending{finish: &journal.Finish{State: journal.Failed, Problem: problem}}
}

func failed(message, position string) ending {
	return ending{finish: &journal.Finish{State: journal.Failed, Problem: &journal.Problem{Message: message, Position: position}}}
}

// overLimit ends a run that was over a limit. It holds the run if that was in the
// function find, which decides nothing then.
func (h *host) overLimit(limit, message, position string) ending {
	if h.query == nil {
		return limited(limit, message, position)
	}
	park, err := h.lookupPark(h.query.step, h.query.lookup, "find ended: "+message)
	if err != nil {
		return failed(err.Error(), position)
	}
	return ending{park: &park}
}

func limited(limit, message, position string) ending {
	end := failed(message, position)
	end.finish.Problem.Limit = limit
	return end
}

// finish records the end of a run, logs it and calls Config.Finished.
func (r *Runner) finish(work context.Context, h *host, o journal.Finish) {
	// The end is recorded even if a shutdown has begun.
	ctx := context.WithoutCancel(work)
	if o.State == journal.Failed {
		o.Follow = r.failureEvent(h.run, h.event, o.Problem)
	}
	o.Executed = r.config.Clock.Now().Sub(h.began)
	if err := r.retryWrite(work, func() error { return r.config.Store.Finish(ctx, h.lease, o) }); err != nil {
		if !errors.Is(err, journal.ErrFenced) && !errors.Is(err, journal.ErrUnwritable) {
			h.log.Error("the end of the run could not be recorded", "state", o.State, "error", err)
		}
		return
	}
	executed := (h.run.Executed + o.Executed).Round(time.Microsecond)
	if o.Problem == nil {
		h.log.Info("run "+string(o.State), "steps", h.last, "took", executed)
	} else {
		h.log.Error("run "+string(o.State), "took", executed, "at", o.Problem.Position, "error", o.Problem.Message)
	}
	if r.config.Finished == nil {
		return
	}
	run, steps, err := r.config.Store.Run(ctx, h.run.ID)
	if err != nil {
		h.log.Error("the finished run could not be read back", "error", err)
		return
	}
	r.config.Finished(run, steps)
}
