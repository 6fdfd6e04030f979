package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// parkOnError parks the run if the step's error is not to be raised in the script
// now: it is retried later, or a person has to act. Otherwise it returns the error
// to raise, which may be another. A call that was not sent because of our own
// rate limit or an open circuit, or because the connection was broken before,
// uses up no attempt.
func (h *host) parkOnError(ctx context.Context, s vm.Step, step journal.Step, e *bindings.Error, done result) (raised *bindings.Error, ended error) {
	if session := consentSession(s, e); session != "" {
		return nil, h.startConsent(ctx, s, step, session)
	}
	problem := &journal.Problem{Message: e.Error(), Position: step.Position, App: e}
	if done.refused != nil {
		return nil, h.parkRefused(ctx, s, step, done.refused, problem)
	}
	switch e.Kind {
	case bindings.Uncertain:
		return h.handleUncertain(ctx, s, step, e)
	case bindings.RateLimited:
		counts := !done.limitReached
		if counts && h.exhausted() {
			return h.reclassify(ctx, s, step, e)
		}
		return nil, h.park(ctx, step, journal.Park{
			State: journal.Throttled, Until: h.runner.config.Clock.Now().Add(max(done.retryAfter, h.backoff())), Drop: h.status.removable(), Attempt: counts, Problem: problem,
		})
	case bindings.BrokenConnection:
		counts := done.attempts > 0
		if counts && h.exhausted() {
			return h.reclassify(ctx, s, step, e)
		}
		ended := h.park(ctx, step, journal.Park{State: journal.Blocked, Drop: h.status.removable(), Attempt: counts, Problem: problem})
		h.wakeIfRecovered(ctx)
		return nil, ended
	}
	return e, nil
}

// reclassify is called when the attempts are used up and the last error means
// that the request was not done. If a request that was sent before may have been
// done, the call is uncertain.
func (h *host) reclassify(ctx context.Context, s vm.Step, step journal.Step, e *bindings.Error) (raised *bindings.Error, ended error) {
	if !h.begunRequest(s, h.status.record).Uncertain(h.status.state, h.runner.config.Clock.Now()) {
		return e, nil
	}
	uncertain := *e
	uncertain.Kind, uncertain.Retryable = bindings.Uncertain, false
	uncertain.Message += "; whether it was done when it was sent before is not known"
	return h.handleUncertain(ctx, s, step, &uncertain)
}

// begunRequest returns the request of a begun record.
func (h *host) begunRequest(s vm.Step, record journal.Step) call.Begun {
	return call.Begun{App: s.App, Operation: s.Operation, Args: record.Args, Sent: record.Sent}
}

// resumeBegun goes on with a step that has a begun record and no result, as after
// a crash: it sends the request again if that is safe. Otherwise the call is
// uncertain.
func (h *host) resumeBegun(ctx context.Context, s vm.Step, step, record journal.Step) (json.RawMessage, error) {
	step.Started = record.Started
	if c := consentOf(record.Sent); c != nil && s.App != nil && s.App.Consent != nil {
		h.status = h.status.after(consentAsked, record)
		return h.resumeConsent(ctx, s, step, c)
	}
	step.Sent = record.Sent
	h.status = h.status.after(recorded, record)
	again, why := h.resendable(s, record)
	if again {
		return h.runStep(ctx, s, step, record.Sent)
	}
	if l := record.Lookup(); l != nil {
		switch find := h.findFor(s, step); {
		case find == nil:
		case s.Options.Find:
			return h.askScript(ctx, s, step, *l, find)
		default:
			return h.continueLookup(ctx, s, step, *l, find)
		}
	}
	e := &bindings.Error{Kind: bindings.Uncertain, Message: "the request may have been done, and its answer was not recorded: " + why}
	if s.App != nil {
		e.App = s.App.Name
	}
	if s.Operation != nil {
		e.Operation = s.Operation.Name
	}
	e, ended := h.handleUncertain(ctx, s, step, e)
	if ended != nil {
		return nil, ended
	}
	step.State, step.Error = journal.Erred, e
	if _, err := h.record(ctx, step, journal.Effect{}); err != nil {
		return nil, h.endActivation(ctx, step, fmt.Errorf("record step %d %s: %w", step.Number, step.Name, err))
	}
	h.logStep(step)
	return nil, e
}

// resendable reports whether a begun request may be sent again without a decision,
// and why not.
func (h *host) resendable(s vm.Step, record journal.Step) (bool, string) {
	switch s.Kind {
	case vm.StepCall, vm.StepPage, vm.StepRequest, vm.StepHTTP, vm.StepFunction:
		begun := h.begunRequest(s, record)
		if err := h.sentElsewhere(s, begun); err != nil {
			return false, err.Error()
		}
		return begun.Resendable(h.runner.config.Clock.Now(), h.retriesUncertain())
	}
	return true, "" // no request: the effect of the step is applied when it is recorded
}

// sentElsewhere returns an error if the step's connection is no longer the one to which
// a begun request was sent. Where there is no connection it returns nil: then nothing
// can be sent.
func (h *host) sentElsewhere(s vm.Step, begun call.Begun) error {
	if s.App == nil {
		return nil
	}
	connection, err := h.connection(s)
	if err != nil {
		return nil
	}
	err = h.runner.config.Calls.SentElsewhere(begun, connection)
	var e *bindings.Error
	if errors.As(err, &e) && e.Kind == bindings.BrokenConnection {
		return nil
	}
	return err
}

// retriesUncertain reports whether the hook's calls are sent again although they
// may be done twice.
func (h *host) retriesUncertain() bool { return h.hook.OnUncertain == script.UncertainRetry }

// handleUncertain parks the run to send a call again that may have been done, if
// that is safe. Otherwise the hook's option on_uncertain decides: a run that is held
// waits for a look-up, if the operation has one, else for a person. The begun record
// stays. It returns the error if that is to be raised in the script.
func (h *host) handleUncertain(ctx context.Context, s vm.Step, step journal.Step, e *bindings.Error) (raised *bindings.Error, ended error) {
	problem := &journal.Problem{Message: e.Error(), Position: step.Position, App: e}
	again := h.retriesUncertain()
	if h.status.record.Number > 0 {
		step.Sent = h.status.record.Sent
		again, _ = h.resendable(s, step)
	}
	if again && !h.exhausted() {
		return nil, h.park(ctx, step, journal.Park{
			State: journal.Retrying, Until: h.runner.config.Clock.Now().Add(h.backoff()), Attempt: true, Problem: problem,
		})
	}
	if h.hook.OnUncertain == script.UncertainRaise || h.retriesUncertain() {
		final := *e
		final.Retryable = false
		return &final, nil
	}
	step.State, step.Result = journal.Begun, nil
	if find := h.findFor(s, step); find != nil {
		return nil, h.startLookup(ctx, step, find, e)
	}
	return nil, h.park(ctx, step, journal.Park{State: journal.Held, Step: &step, FreeLane: h.hook.FreeUndecided, Problem: problem})
}

// blockMismatch blocks a run whose script calls another step than the recorded
// one.
func (h *host) blockMismatch(ctx context.Context, step, record journal.Step) error {
	was, now := diffExcerpt(record.Args, step.Args)
	message := fmt.Sprintf("%s: step %d was %s %s (at %s) and is now %s %s",
		h.mismatchCause(), step.Number, record.Name, was, record.Position, step.Name, now)
	return h.park(ctx, step, journal.Park{
		State: journal.Blocked, Problem: &journal.Problem{Message: message, Position: step.Position},
	})
}

// mismatchCause returns why a replay may differ from its records.
func (h *host) mismatchCause() string {
	if text := formatChange(h.unit.Version); text != "" {
		return text + " and the records do not fit any more"
	}
	return "the script is not deterministic"
}

// formatChange returns why runs of a version that was loaded under an older
// replay format may be blocked, empty for the present format.
func formatChange(v journal.Version) string {
	if v.Format >= vm.ReplayFormat {
		return ""
	}
	return fmt.Sprintf("the language was corrected since the run began (replay format %d, now %d)", v.Format, vm.ReplayFormat)
}

// park parks the run and returns the error that ends the activation.
func (h *host) park(ctx context.Context, step journal.Step, p journal.Park) error {
	return h.parkAt(ctx, parkLevel(p), step, p)
}

// parkAt is park with the level at which it is logged.
func (h *host) parkAt(ctx context.Context, level slog.Level, step journal.Step, p journal.Park) error {
	p.Executed = h.runner.config.Clock.Now().Sub(h.began)
	if err := h.runner.retryWrite(ctx, func() error { return h.runner.config.Store.Park(context.WithoutCancel(ctx), h.lease, p) }); err != nil {
		return h.endActivation(ctx, step, fmt.Errorf("park the run at step %d %s: %w", step.Number, step.Name, err))
	}
	h.logPark(level, p)
	return &vm.End{Cause: errParked}
}

// exhausted reports whether the attempts of the hook's retry policy are used up.
func (h *host) exhausted() bool { return h.run.Attempts >= h.hook.Retry.Attempts }

// backoff returns the wait before the next attempt: doubled each time, with a
// jitter of up to a quarter more or less.
func (h *host) backoff() time.Duration { return backoff(h.hook.Retry, h.run.Attempts) }

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

// diffExcerpt returns the arguments of two steps for a message. Of long ones it
// returns the part around the first difference.
func diffExcerpt(a, b json.RawMessage) (string, string) {
	const length, before = 120, 40
	from := 0
	if len(a) > length || len(b) > length {
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
		if len(text) > length {
			text = text[:length] + "…"
		}
		return strings.ToValidUTF8(text, "")
	}
	return cut(a), cut(b)
}
