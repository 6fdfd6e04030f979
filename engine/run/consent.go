package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// consent is in the begun record of a step while the vendor's customer is asked
// to agree. The call was refused, and so was certainly not done.
type consent struct {
	Session string    `json:"session"`
	Since   time.Time `json:"since"`
}

// consentRecord is the Sent of such a begun record. That of a request has no
// field "consent".
type consentRecord struct {
	Consent *consent `json:"consent"`
}

// consentOf reads the Sent of a begun record. It returns nil for that of a
// request.
func consentOf(sent json.RawMessage) *consent {
	var record consentRecord
	if len(sent) == 0 || json.Unmarshal(sent, &record) != nil {
		return nil
	}
	return record.Consent
}

// consentSession returns the session in which the customer is asked to agree to
// the call, empty for an error that asks for no consent.
func consentSession(s vm.Step, e *bindings.Error) string {
	if s.App == nil || s.App.Consent == nil || e.Status != s.App.Consent.Status {
		return ""
	}
	return gjson.GetBytes(e.Body, s.App.Consent.Session).String()
}

// startConsent parks the run until the customer agrees. The begun record of the
// refused request is replaced by that of the session, so that after a crash the
// vendor is asked for the state of the session and the customer not again.
func (h *host) startConsent(ctx context.Context, s vm.Step, step journal.Step, session string) error {
	if h.status.record.Number > 0 {
		if err := h.withdraw(ctx, withdrawn); err != nil {
			return h.endActivation(ctx, step, err)
		}
	}
	c := &consent{Session: session, Since: h.runner.config.Clock.Now()}
	sent, err := json.Marshal(consentRecord{c})
	if err != nil {
		return h.endActivation(ctx, step, err)
	}
	step.State, step.Sent = journal.Begun, sent
	return h.awaitConsent(ctx, s, step, c, &step)
}

// awaitConsent parks the run until the session is read again: after a tenth of
// the time since the customer was asked, at most 30 s, but not sooner than the
// vendor wants. begun is the begun record, nil if it is in the journal already.
func (h *host) awaitConsent(ctx context.Context, s vm.Step, step journal.Step, c *consent, begun *journal.Step) error {
	def := s.App.Consent
	now := h.runner.config.Clock.Now()
	wait := max(def.Every, min(now.Sub(c.Since)/10, 30*time.Second))
	return h.park(ctx, step, journal.Park{
		State: journal.Blocked, Until: now.Add(wait), Step: begun,
		Problem: &journal.Problem{Position: step.Position, Message: fmt.Sprintf("%s: the customer is asked to approve it %s, until %s",
			s.Name, def.Where, c.Since.Add(def.Lifetime).In(h.zone).Format("15:04:05 MST"))},
	})
}

// resumeConsent reads the state of a session, and sends the call if the customer
// agreed.
func (h *host) resumeConsent(ctx context.Context, s vm.Step, step journal.Step, c *consent) (json.RawMessage, error) {
	result, err := h.consentResult(ctx, s, c)
	if errors.Is(err, errSuspended) {
		return nil, h.endActivation(ctx, step, err)
	}
	switch def := s.App.Consent; {
	case err != nil && ctx.Err() != nil:
		return nil, h.endActivation(ctx, step, err)
	case err == nil && result == def.Allowed:
		if err := h.withdraw(ctx, consentGiven); err != nil {
			return nil, h.endActivation(ctx, step, err)
		}
		return h.runStep(ctx, s, step, nil)
	case err == nil && result == def.Denied:
		return h.recordDenied(ctx, s, step, fmt.Sprintf("the customer refused it, or did not approve it within %s; it was not done", def.Lifetime))
	case h.runner.config.Clock.Now().Sub(c.Since) <= def.Lifetime+time.Minute:
		if err != nil {
			h.log.Warn("the state of the customer's approval could not be read", "step", step.Number, "error", err)
		}
		return nil, h.awaitConsent(ctx, s, step, c, nil)
	case err != nil:
		return h.recordDenied(ctx, s, step, fmt.Sprintf("whether the customer approved it could not be found out (%v); it was not done", err))
	}
	return h.recordDenied(ctx, s, step, fmt.Sprintf("the customer did not approve it within %s; it was not done", s.App.Consent.Lifetime))
}

// consentResult reads the state of a session from the vendor. This call is no
// step of the script.
func (h *host) consentResult(ctx context.Context, s vm.Step, c *consent) (string, error) {
	connection, err := h.connection(s)
	if err != nil {
		return "", err
	}
	def := s.App.Consent
	op, found := s.App.Operation(def.StatusCall.Operation)
	if !found {
		return "", fmt.Errorf("%s has no operation %q", s.App.Name, def.StatusCall.Operation)
	}
	args := make(map[string]any, len(def.StatusCall.Args))
	for name, value := range def.StatusCall.Args {
		if text, ok := value.(string); ok {
			value = strings.ReplaceAll(text, "{session}", c.Session)
		}
		args[name] = value
	}
	body, err := json.Marshal(args)
	if err != nil {
		return "", err
	}
	target := call.Target{App: s.App.Name}
	began, err := h.enterCall(ctx, target)
	if err != nil {
		return "", err
	}
	defer h.runner.bulkhead.leave(target, began)
	answer, err := h.runner.config.Calls.Do(ctx, call.Request{App: s.App, Operation: op, Connection: connection, Args: body})
	if err != nil {
		return "", err
	}
	return gjson.GetBytes(answer.Body, def.Result).String(), nil
}

// recordDenied records that the customer did not agree, as an error that the
// script can handle.
func (h *host) recordDenied(ctx context.Context, s vm.Step, step journal.Step, why string) (json.RawMessage, error) {
	e := &bindings.Error{Kind: bindings.Forbidden, Status: s.App.Consent.Status, Code: bindings.ConsentDenied, Message: why, App: s.App.Name}
	if s.Operation != nil {
		e.Operation = s.Operation.Name
	}
	step.State, step.Error, step.Duration = journal.Erred, e, h.runner.config.Clock.Now().Sub(step.Started)
	if _, err := h.record(ctx, step, journal.Effect{}); err != nil {
		return nil, h.endActivation(ctx, step, fmt.Errorf("record step %d %s: %w", step.Number, step.Name, err))
	}
	h.logStep(step)
	return nil, e
}

// withdraw removes the begun record, which is the transition c. decided is the
// decision that it follows from, if there is one.
func (h *host) withdraw(ctx context.Context, c transition, decided ...journal.CallDecision) error {
	number := h.status.record.Number
	err := h.runner.retryWrite(ctx, func() error {
		return h.runner.config.Store.Withdraw(context.WithoutCancel(ctx), h.lease, number, decided...)
	})
	if err != nil {
		return fmt.Errorf("remove the begun record of step %d: %w", number, err)
	}
	h.status = h.status.after(c, journal.Step{})
	return nil
}
