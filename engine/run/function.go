package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/panics"
	"github.com/tidewire/tidewire/engine/vm"
)

// callFunction calls a Go function of a library, by the rules for calls of apps.
func (h *host) callFunction(ctx context.Context, s vm.Step, step journal.Step) (result, error) {
	args, secrets, err := h.openSecrets(s)
	if err != nil {
		return result{}, invalid(s, err.Error())
	}
	repeatable := s.Operation.ReadOnly() || s.Operation.Idempotent != ""
	maybeDone := h.status.state >= call.MaybeDone // by an earlier call
	recorder := h.begunRecorder(step, journal.Effect{})
	if err := h.runner.config.Calls.MaySend(); err != nil {
		return result{}, err
	}
	if !s.Operation.ReadOnly() {
		if err := recorder.Begin(ctx, json.RawMessage("{}")); err != nil {
			return result{}, err
		}
	}
	limited, cancel := context.WithTimeout(ctx, s.Options.Timeout)
	defer cancel()
	value, err := h.invoke(limited, s, args)
	if err == nil {
		text, err := json.Marshal(value)
		if err != nil {
			return result{attempts: 1}, functionError(s, bindings.Invalid, "the result is not JSON: "+call.Redact(err.Error(), secrets))
		}
		redacted := json.RawMessage(call.Redact(string(text), secrets))
		if !json.Valid(redacted) { // the secret is a number there
			return result{attempts: 1}, functionError(s, bindings.Invalid, "the result has a secret outside of a text, which cannot be recorded")
		}
		return result{value: redacted, attempts: 1}, nil
	}
	text := call.Redact(err.Error(), secrets)
	var answer *bindings.Error
	switch {
	case errors.As(err, &answer):
		copied := *answer
		copied.App, copied.Operation, copied.Body = s.App.Name, s.Operation.Name, nil
		copied.Message, copied.Code = call.Redact(copied.Message, secrets), call.Redact(copied.Code, secrets)
		switch notDone := copied.Kind == bindings.Unavailable || copied.Kind == bindings.RateLimited; {
		case notDone && !maybeDone:
			if err := recorder.Withdraw(ctx); err != nil {
				return result{}, err
			}
		case copied.Kind == bindings.Unavailable && !repeatable:
			copied.Kind, copied.Retryable = bindings.Uncertain, false
			copied.Message += "; an earlier call may have been done"
		}
		return result{attempts: 1}, &copied
	case ctx.Err() != nil:
		return result{attempts: 1}, context.Cause(ctx)
	case !repeatable:
		return result{attempts: 1}, functionError(s, bindings.Uncertain, text)
	case errors.Is(err, context.DeadlineExceeded):
		return result{attempts: 1}, functionError(s, bindings.Timeout, fmt.Sprintf("it did not return within %s", s.Options.Timeout))
	}
	return result{attempts: 1}, functionError(s, bindings.Unavailable, text)
}

// invoke calls the function.
func (h *host) invoke(ctx context.Context, s vm.Step, args json.RawMessage) (value any, err error) {
	err = panics.Catch(h.log, "the function "+s.Name, func() error {
		value, err = s.Function(ctx, args)
		return err
	})
	return value, err
}

func functionError(s vm.Step, kind bindings.ErrorKind, text string) *bindings.Error {
	return &bindings.Error{
		Kind: kind, Message: text, App: s.App.Name, Operation: s.Operation.Name, Retryable: kind == bindings.Unavailable || kind == bindings.Timeout,
	}
}
