package run

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// What a hook says of uncertain calls.
const (
	onUncertainRetry = "retry"
	onUncertainRaise = "raise"
)

// stand parks a run whose step ended with an error that the script is not to
// see yet. It gives nil if the script is to see it.
func (h *host) stand(ctx context.Context, s vm.Step, step journal.Step, e *bindings.Error, after time.Duration) error {
	if session := asked(s, e); session != "" {
		return h.ask(ctx, s, step, session)
	}
	problem := &journal.Problem{Message: e.Error(), Position: step.Position, App: e}
	switch e.Kind {
	case bindings.Uncertain:
		return h.uncertain(ctx, s, step, e)
	case bindings.RateLimited:
		if h.exhausted() {
			return h.doubt(ctx, s, step, e)
		}
		return h.park(ctx, step, journal.Park{
			State: journal.Throttled, Until: h.runner.Now().Add(max(after, h.backoff())), Drop: h.mark(step), Attempt: true, Problem: problem,
		})
	case bindings.BrokenConnection:
		if h.exhausted() {
			return h.doubt(ctx, s, step, e)
		}
		ended := h.park(ctx, step, journal.Park{State: journal.Blocked, Drop: h.mark(step), Attempt: true, Problem: problem})
		h.mendedMeanwhile(ctx)
		return ended
	}
	return nil
}

// doubt is for a call that was refused in the end: a sending before that may
// have been done, and then its error is not all there is to say.
func (h *host) doubt(ctx context.Context, s vm.Step, step journal.Step, e *bindings.Error) error {
	if h.marked != step.Number || h.undone {
		return nil
	}
	if harmless, _ := call.Resendable(s.App, s.Operation, step.Args, nil, h.runner.Now()); harmless {
		return nil
	}
	e.Kind, e.Retryable = bindings.Uncertain, false
	e.Message += "; whether it was done when it was sent before is not known"
	return h.uncertain(ctx, s, step, e)
}

// resume goes on with a step that a crash left begun: what may be sent again
// is, of the rest nobody knows whether it was done.
func (h *host) resume(ctx context.Context, s vm.Step, step, record journal.Step) (json.RawMessage, error) {
	step.Started = record.Started
	if c := consentOf(record.Sent); c != nil && s.App != nil && s.App.Consent != nil {
		return h.agree(ctx, s, step, c)
	}
	step.Sent = record.Sent
	h.marked, h.sent, h.undone = record.Number, record.Sent, false
	again, why := h.resendable(s, record)
	if again {
		return h.make(ctx, s, step, record.Sent)
	}
	e := &bindings.Error{Kind: bindings.Uncertain, Message: "the request may have been done, and its answer was not recorded: " + why}
	if s.App != nil {
		e.App = s.App.Name
	}
	if s.Operation != nil {
		e.Operation = s.Operation.Name
	}
	if ended := h.uncertain(ctx, s, step, e); ended != nil {
		return nil, ended
	}
	step.State, step.Error = journal.Erred, e
	if _, err := h.record(ctx, step, journal.Effect{}); err != nil {
		return nil, h.ended(ctx, step, fmt.Errorf("record step %d %s: %w", step.Number, step.Name, err))
	}
	h.tell(s.Kind, step)
	return nil, e
}

// resendable says whether the host may send a begun request again by itself.
func (h *host) resendable(s vm.Step, record journal.Step) (bool, string) {
	if h.hook.OnUncertain == onUncertainRetry {
		return true, ""
	}
	switch s.Kind {
	case vm.StepCall, vm.StepPage, vm.StepRequest, vm.StepHTTP:
		return call.Resendable(s.App, s.Operation, record.Args, record.Sent, h.runner.Now())
	}
	return true, "" // no request: what the step does happens when it is recorded
}

// uncertain makes a call that may or may not have been done again after a
// while, where that is safe, and else does what the hook says. The mark stays,
// with what was sent first. It gives nil if the script is to see the error.
func (h *host) uncertain(ctx context.Context, s vm.Step, step journal.Step, e *bindings.Error) error {
	problem := &journal.Problem{Message: e.Error(), Position: step.Position, App: e}
	safe := false
	if h.marked == step.Number {
		step.Sent = h.sent
		safe, _ = call.Resendable(s.App, s.Operation, step.Args, h.sent, h.runner.Now())
	}
	switch {
	case safe && !h.exhausted():
		return h.park(ctx, step, journal.Park{
			State: journal.Retrying, Until: h.runner.Now().Add(h.backoff()), Attempt: true, Problem: problem,
		})
	case h.hook.OnUncertain == onUncertainRaise:
		e.Retryable = false
		return nil
	case h.hook.OnUncertain == onUncertainRetry && !h.exhausted():
		return h.park(ctx, step, journal.Park{
			State: journal.Retrying, Until: h.runner.Now().Add(h.backoff()), Attempt: true, Problem: problem,
		})
	case h.hook.OnUncertain == onUncertainRetry:
		return nil
	}
	step.State = journal.Begun
	return h.park(ctx, step, journal.Park{State: journal.Held, Step: &step, Problem: problem})
}

// mark is the number of the step if it stands as begun and was certainly not
// done, so that its mark is taken away, else 0.
func (h *host) mark(step journal.Step) int {
	if h.marked == step.Number && h.undone {
		return step.Number
	}
	return 0
}

// mismatch blocks a run whose script asks for something else than its record
// says it did.
func (h *host) mismatch(ctx context.Context, step, record journal.Step) error {
	was, now := apart(record.Args, step.Args)
	message := fmt.Sprintf("%s: step %d was %s %s (at %s) and is now %s %s",
		h.mismatchCause(), step.Number, record.Name, was, record.Position, step.Name, now)
	return h.park(ctx, step, journal.Park{
		State: journal.Blocked, Problem: &journal.Problem{Message: message, Position: step.Position},
	})
}

// mismatchCause is why a replay may differ from its records.
func (h *host) mismatchCause() string {
	if text := corrected(h.unit.Version); text != "" {
		return text + " and the records do not fit any more"
	}
	return "the script is not deterministic"
}

// corrected is the reason why runs of a version that was loaded under an older
// replay format may be blocked; it is empty for the present format.
func corrected(v journal.Version) string {
	if v.Format >= vm.ReplayFormat {
		return ""
	}
	return fmt.Sprintf("the language was corrected since the run began (replay format %d, now %d)", v.Format, vm.ReplayFormat)
}

// park parks the run and gives the end of the activation.
func (h *host) park(ctx context.Context, step journal.Step, p journal.Park) error {
	p.Executed = h.runner.Now().Sub(h.began)
	if err := h.runner.keep(ctx, func() error { return h.runner.Store.Park(context.WithoutCancel(ctx), h.holder, p) }); err != nil {
		return h.ended(ctx, step, fmt.Errorf("park the run at step %d %s: %w", step.Number, step.Name, err))
	}
	h.tellPark(p)
	return &vm.End{Cause: errParked}
}

// exhausted reports whether the hook's retry bound is used up.
func (h *host) exhausted() bool { return h.run.Attempts >= h.retry().Attempts }

func (h *host) retry() journal.Retry { return retryOf(h.hook) }

// retryOf gives a hook's retry policy with the defaults put in.
func retryOf(hook *journal.Hook) journal.Retry {
	r := hook.Retry
	if r.Attempts <= 0 {
		r.Attempts = 5
	}
	if r.First <= 0 {
		r.First = 10 * time.Second
	}
	if r.Max <= 0 {
		r.Max = 10 * time.Minute
	}
	return r
}

// backoff is how long to stand before the next attempt: doubled each time,
// with a jitter of a quarter either way.
func (h *host) backoff() time.Duration { return backoff(h.retry(), h.run.Attempts) }

func backoff(r journal.Retry, attempt int) time.Duration {
	d := r.First
	for range attempt - 1 {
		if d *= 2; d >= r.Max || d <= 0 {
			d = r.Max
			break
		}
	}
	d = min(d, r.Max)
	return d*3/4 + rand.N(d/2+1)
}

// apart gives enough of the arguments of two steps to tell them apart: where
// they are long, from a little before the first difference on.
func apart(a, b json.RawMessage) (string, string) {
	const most, before = 120, 40
	from := 0
	if len(a) > most || len(b) > most {
		for from < min(len(a), len(b)) && a[from] == b[from] {
			from++
		}
		from = max(0, from-before)
	}
	cut := func(raw json.RawMessage) string {
		text := string(raw[from:])
		if from > 0 {
			text = "…" + text
		}
		if len(text) > most {
			text = text[:most] + "…"
		}
		return strings.ToValidUTF8(text, "")
	}
	return cut(a), cut(b)
}
