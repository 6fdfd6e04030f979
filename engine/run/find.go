package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

const (
	// defaultWork is how long a vendor may be at work on a call, if the catalogue has
	// no other time.
	defaultWork = time.Minute
	// scriptLag is how long a record may be missing in what the script's own function
	// reads.
	scriptLag = bindings.Duration(5 * time.Second)
	// minReadInterval is the least time between two reads of a look-up.
	minReadInterval = time.Second
	// maxLookupFailures bounds the reads in a row that fail, and maxLookupTime the time
	// in which reads fail or cannot be sent; then a person decides.
	maxLookupFailures = 12
	maxLookupTime     = 24 * time.Hour
	// maxCandidates bounds the candidates that are stored, in bytes.
	maxCandidates = 1 << 20
)

// lookupRetry is when a read that failed is made again.
var lookupRetry = journal.Retry{First: 10 * time.Second, Max: 10 * time.Minute}

// pendingText is why a run is held whose call is being looked up.
const pendingText = "look-up pending"

// findFor returns the way to find out whether the step's call was done, nil if
// there is none. The begun record is that of the status.
func (h *host) findFor(s vm.Step, step journal.Step) *bindings.Find {
	if s.Options.Find {
		return &bindings.Find{Lag: scriptLag}
	}
	if s.Kind != vm.StepCall || s.Operation == nil || s.Options.AsFile {
		return nil
	}
	return h.begunRequest(s, h.status.record).FindFor(h.derivedKey(s, step))
}

// derivedKey returns the idempotency key that is derived for a call, empty if it
// has none, or one of the script's own.
func (h *host) derivedKey(s vm.Step, step journal.Step) string {
	if s.Options.Key != "" {
		return ""
	}
	return h.idempotencyKey(s, step)
}

// startLookup parks the run until the first read of the look-up. The call was not
// sent after this moment.
func (h *host) startLookup(ctx context.Context, step journal.Step, find *bindings.Find, e *bindings.Error) error {
	now := h.runner.config.Clock.Now()
	l := journal.Lookup{Error: e, Sent: now}
	return h.parkLookup(ctx, step, l, now.Add(max(time.Duration(find.Lag), minReadInterval)), pendingText, false)
}

// continueLookup reads whether the call of a begun record was done, and goes on with the
// step if that is certain. Otherwise the run is parked: until the next read, or
// until a person decides.
func (h *host) continueLookup(ctx context.Context, s vm.Step, step journal.Step, l journal.Lookup, find *bindings.Find) (json.RawMessage, error) {
	h.current.begin(step)
	var found call.Found
	err := h.sentElsewhere(s, h.begunRequest(s, h.status.record))
	if err == nil {
		found, err = h.find(ctx, s, step, find)
	}
	h.current.end()
	var e *bindings.Error
	switch {
	case errors.As(err, &e):
		return nil, h.retryLookup(ctx, step, l, e, found.Answer)
	case err != nil:
		return nil, h.endActivation(ctx, step, err)
	case len(found.Answers) == 0:
		return h.notFound(ctx, s, step, l, find)
	case len(found.Answers) == 1 && find.Key:
		return h.recordFound(ctx, s, step, l, found.Answers[0])
	}
	l.Candidates = append(l.Candidates, h.candidates(found.Answers)...)
	why := "a look-up found one record that may be the call's, or another's that is equal"
	if len(found.Answers) > 1 {
		why = fmt.Sprintf("a look-up found %d records that may be the call's", len(found.Answers))
	}
	return nil, h.parkLookup(ctx, step, l, time.Time{}, why, false)
}

// candidates returns the answers that are stored for a person. They have no secrets:
// other runs may have sent them.
func (h *host) candidates(answers []json.RawMessage) (stored []json.RawMessage) {
	var secrets []string
	if h.runner.config.Secrets != nil {
		secrets = h.runner.config.Secrets()
	}
	size := 0
	for _, answer := range answers {
		answer = call.RedactRecord(answer, secrets)
		if size += len(answer); size <= maxCandidates {
			stored = append(stored, answer)
		}
	}
	return stored
}

// find makes one read.
func (h *host) find(ctx context.Context, s vm.Step, step journal.Step, find *bindings.Find) (call.Found, error) {
	target, _ := callTarget(s)
	began, err := h.enterCall(ctx, target)
	if err != nil {
		return call.Found{}, err
	}
	defer h.runner.bulkhead.leave(target, began)
	connection, err := h.connection(s)
	if err != nil {
		return call.Found{}, err
	}
	args, secrets, err := h.openSecrets(s)
	if err != nil {
		return call.Found{}, invalid(s, err.Error())
	}
	begun := h.begunRequest(s, h.status.record)
	begun.Args = args
	return h.runner.config.Calls.Find(ctx, call.FindRequest{Begun: begun, Find: find, Key: h.derivedKey(s, step), Connection: connection,
		Given: s.Args, Secrets: secrets, Caller: h.caller(step)})
}

// doneBefore returns the answer of a call that the vendor refused as a conflict, if
// an earlier sending of it was done: there is a record with its key of ours, or, if an
// earlier sending may have been done, one record with all that it sends. Otherwise it
// returns nil.
func (h *host) doneBefore(ctx context.Context, s vm.Step, step journal.Step, r call.Request, before bool, err error) json.RawMessage {
	var e *bindings.Error
	if !errors.As(err, &e) || e.Kind != bindings.Conflict || h.status.record.Number == 0 || s.Options.AsFile {
		return nil
	}
	begun := h.begunRequest(s, h.status.record)
	find := begun.FindFor("") // an idempotency key makes no conflict
	if find == nil || !find.Key && !before && !h.resent(ctx, step) {
		return nil
	}
	begun.Args = r.Args
	found, err := h.runner.config.Calls.Find(ctx, call.FindRequest{Begun: begun, Find: find, Connection: r.Connection, Given: s.Args,
		Equal: !find.Key, Secrets: r.Secrets, Caller: h.caller(step)})
	if err != nil || len(found.Answers) != 1 {
		return nil
	}
	h.log.Info("the vendor has the record of an earlier sending of the call", "step", step.Number, "call", step.Name)
	return found.Answers[0]
}

// resent reports whether it was decided to send the call of a step again.
func (h *host) resent(ctx context.Context, step journal.Step) bool {
	run, _, err := h.runner.config.Store.Run(ctx, h.run.ID)
	return err == nil && slices.ContainsFunc(run.Decisions, func(d journal.CallDecision) bool {
		return d.Step == step.Number && d.Resolution == journal.Resend
	})
}

// retryLookup parks the run until the read is made again, or until a person decides
// if the error is final. A read that was not sent does not count.
func (h *host) retryLookup(ctx context.Context, step journal.Step, l journal.Lookup, e *bindings.Error, answer call.Answer) error {
	now := h.runner.config.Clock.Now()
	switch {
	case now.Sub(l.Sent) >= maxLookupTime:
	case e.Kind == bindings.BrokenConnection:
		return h.parkUnconnected(ctx, step, l, e)
	case answer.Refused != nil:
		next := answer.Refused.Next
		if next.Before(now) {
			next = now
		}
		// Not all runs at the same time, as one of them is to try.
		park, err := h.lookupPark(step, l, pendingText+": "+e.Error())
		if err != nil {
			return h.endActivation(ctx, step, err)
		}
		park.Until = next.Add(minReadInterval + rand.N(lookupRetry.First))
		return h.parkAt(ctx, slog.LevelDebug, step, park) // the circuit is logged
	case answer.LimitReached:
		return h.parkLookup(ctx, step, l, now.Add(max(answer.RetryAfter, minReadInterval)), pendingText+": "+e.Error(), false)
	case l.Failures < maxLookupFailures && (e.Retryable || e.Kind == bindings.RateLimited):
		l.Failures++
		return h.parkLookup(ctx, step, l, now.Add(max(answer.RetryAfter, backoff(lookupRetry, l.Failures))), pendingText+": "+e.Error(), false)
	}
	return h.parkLookup(ctx, step, l, time.Time{}, "the look-up failed: "+e.Error(), false)
}

// parkUnconnected parks the run until its connection can be used, or until the read is
// made again. What it is parked for has the kind of the read's error, by which
// WakeBlocked finds it, and the name of the call.
func (h *host) parkUnconnected(ctx context.Context, step journal.Step, l journal.Lookup, e *bindings.Error) error {
	park, err := h.lookupPark(step, l, pendingText+": "+e.Error())
	if err != nil {
		return h.endActivation(ctx, step, err)
	}
	broken := *e
	if l.Error != nil {
		broken.App, broken.Operation = l.Error.App, l.Error.Operation
	}
	park.Problem.App = &broken
	park.Until = h.runner.config.Clock.Now().Add(lookupRetry.Max)
	ended := h.park(ctx, step, park)
	h.wakeIfRecovered(ctx)
	return ended
}

// notFound sends the call again if it was certainly not done: two reads have found
// nothing after the vendor's work on the call must be over and listed. A read before
// that is only to find a call that was done.
func (h *host) notFound(ctx context.Context, s vm.Step, step journal.Step, l journal.Lookup, find *bindings.Find) (json.RawMessage, error) {
	now := h.runner.config.Clock.Now()
	lag, work := time.Duration(find.Lag), time.Duration(find.Work)
	if work == 0 {
		work = defaultWork
	}
	l.Failures = 0
	if over := l.Sent.Add(work + lag); now.Before(over) {
		return nil, h.parkLookup(ctx, step, l, over, pendingText, false)
	}
	again := l.Absent.Add(max(lag, minReadInterval))
	switch {
	case l.Absent.IsZero():
		l.Absent = now
		return nil, h.parkLookup(ctx, step, l, now.Add(max(lag, minReadInterval)), pendingText, true)
	case now.Before(again):
		return nil, h.parkLookup(ctx, step, l, again, pendingText, false)
	case h.run.Attempts > h.hook.Retry.Attempts:
		return nil, h.parkLookup(ctx, step, l, time.Time{}, "a look-up found that it was not done, and the attempts of retry are used up", false)
	}
	if err := h.withdraw(ctx, withdrawn, journal.CallDecision{Resolution: journal.Resend, By: journal.ByLookup}); err != nil {
		return nil, h.endActivation(ctx, step, err)
	}
	h.log.Info("a look-up found that the call was not done; it is sent again", "step", step.Number, "call", step.Name)
	if s.Options.Find {
		return nil, &vm.End{Cause: errFindEnded}
	}
	step.Sent, step.Result = nil, nil
	return h.runStep(ctx, s, step, nil)
}

// recordFound records the call as done, with the answer that was made.
func (h *host) recordFound(ctx context.Context, s vm.Step, step journal.Step, l journal.Lookup, answer json.RawMessage) (json.RawMessage, error) {
	if n := len(answer); n > journal.MaxValue { // as an error it could be retried
		return nil, h.parkLookup(ctx, step, l, time.Time{}, fmt.Sprintf("a look-up found that the call was done, and its answer has %d bytes, more than the %d that are recorded", n, journal.MaxValue), false)
	}
	effect := journal.Effect{Decision: &journal.CallDecision{Resolution: journal.Skip, By: journal.ByLookup}}
	if s.Operation != nil {
		connection, err := h.connection(s)
		if err != nil {
			return nil, h.endActivation(ctx, step, err)
		}
		effect.Written, effect.Deliveries = h.writtenRecord(s, connection, answer), h.deliveries(s.App, step, connection, answer)
	}
	step.State, step.Result, step.Sent = journal.Done, answer, nil
	step.Duration = h.runner.config.Clock.Now().Sub(step.Started)
	value, err := h.record(ctx, step, effect)
	var refused *bindings.Error
	switch {
	case errors.As(err, &refused):
		step.State, step.Error = journal.Erred, refused
	case err != nil:
		return nil, h.endActivation(ctx, step, fmt.Errorf("record step %d %s: %w", step.Number, step.Name, err))
	}
	h.log.Info("a look-up found that the call was done", "step", step.Number, "call", step.Name)
	h.logStep(step)
	if step.Error != nil {
		return nil, step.Error
	}
	return scriptView(s, value), nil
}

// parkLookup holds the run: until the next read, or with a zero time until a person
// decides. Until then it owns its lane. why is added to the call's error; attempt is
// set if the call may be sent again after this.
func (h *host) parkLookup(ctx context.Context, step journal.Step, l journal.Lookup, until time.Time, why string, attempt bool) error {
	park, err := h.lookupPark(step, l, why)
	if err != nil {
		return h.endActivation(ctx, step, err)
	}
	park.Until, park.Attempt, park.FreeLane = until, attempt, until.IsZero() && h.hook.FreeUndecided
	return h.park(ctx, step, park)
}

// lookupPark returns how a run is held until a person decides about its call.
func (h *host) lookupPark(step journal.Step, l journal.Lookup, why string) (journal.Park, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return journal.Park{}, fmt.Errorf("encode a look-up: %w", err)
	}
	step.State, step.Result = journal.Begun, text
	problem := &journal.Problem{Message: why, Position: step.Position, App: l.Error}
	if l.Error != nil {
		problem.Message = l.Error.Error() + "; " + why
	}
	return journal.Park{State: journal.Held, Step: &step, FreeLane: h.hook.FreeUndecided, Problem: problem}, nil
}

// errFindEnded ends an activation in which the script's function find was called: what
// it changed in the script is not there in a replay, so the run goes on with a replay.
var errFindEnded = errors.New("the function find has ended")

// findQuery is a look-up for which the script's function is called.
type findQuery struct {
	step   journal.Step
	lookup journal.Lookup
}

// askScript calls the function of the script's option find, and goes on with what
// it returned.
func (h *host) askScript(ctx context.Context, s vm.Step, step journal.Step, l journal.Lookup, find *bindings.Find) (json.RawMessage, error) {
	found := s.Found
	if found == nil {
		if err := h.sentElsewhere(s, h.begunRequest(s, h.status.record)); err != nil {
			return nil, h.parkLookup(ctx, step, l, time.Time{}, err.Error(), false)
		}
		h.query = &findQuery{step, l}
		return nil, &vm.FindQuery{}
	}
	h.query = nil
	switch {
	case found.Problem != "":
		return nil, h.parkLookup(ctx, step, l, time.Time{}, found.Problem, false)
	case found.Absent:
		return h.notFound(ctx, s, step, l, find)
	}
	if _, err := h.recordFound(ctx, s, step, l, found.Result); err != nil {
		return nil, err
	}
	return nil, &vm.End{Cause: errFindEnded}
}

// readInFind makes a call of the script's function find. It has no record. An error
// that may pass parks the run until the look-up is made again.
func (h *host) readInFind(ctx context.Context, s vm.Step) (json.RawMessage, error) {
	step := journal.Step{Number: h.last, Name: s.Name, Args: s.Args, Position: s.Position, Started: h.runner.config.Clock.Now()}
	h.current.begin(step)
	done, err := h.perform(ctx, s, step, nil)
	h.current.end()
	var e *bindings.Error
	switch {
	case err == nil:
		return scriptView(s, done.value), nil
	case !errors.As(err, &e), h.query == nil:
		return nil, h.endActivation(ctx, step, err)
	case done.refused != nil || e.Retryable || e.Kind == bindings.RateLimited || e.Kind == bindings.BrokenConnection:
		return nil, h.retryLookup(ctx, h.query.step, h.query.lookup, e,
			call.Answer{Refused: done.refused, LimitReached: done.limitReached, RetryAfter: done.retryAfter})
	}
	return nil, e
}
