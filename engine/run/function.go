package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// callFunction calls a Go function of a library, by the rules for calls of apps.
func (h *host) callFunction(ctx context.Context, s vm.Step, step journal.Step) (result, error) {
	args, secrets, err := h.openSecrets(s)
	if err != nil {
		return result{}, invalid(s, err.Error())
	}
	recorder := h.begunRecorder(step, nil)
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
		if err == nil {
			return result{value: json.RawMessage(redact(string(text), secrets)), attempts: 1}, nil
		}
		return result{attempts: 1}, functionError(s, bindings.Invalid, "the result is not JSON: "+redact(err.Error(), secrets))
	}
	text := redact(err.Error(), secrets)
	var answer *bindings.Error
	switch {
	case errors.As(err, &answer):
		copied := *answer
		copied.App, copied.Operation, copied.Body = s.App.Name, s.Operation.Name, nil
		copied.Message, copied.Code = redact(copied.Message, secrets), redact(copied.Code, secrets)
		if copied.Kind == bindings.Unavailable || copied.Kind == bindings.RateLimited {
			if err := recorder.Withdraw(ctx); err != nil {
				return result{}, err
			}
		}
		return result{attempts: 1}, &copied
	case ctx.Err() != nil:
		return result{attempts: 1}, context.Cause(ctx)
	case !s.Operation.ReadOnly() && s.Operation.Idempotent == "":
		return result{attempts: 1}, functionError(s, bindings.Uncertain, text)
	case errors.Is(err, context.DeadlineExceeded):
		return result{attempts: 1}, functionError(s, bindings.Timeout, fmt.Sprintf("it did not return within %s", s.Options.Timeout))
	}
	return result{attempts: 1}, functionError(s, bindings.Unavailable, text)
}

// redact replaces secrets in the result of a function.
func redact(text string, secrets []string) string {
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			text = strings.ReplaceAll(text, secret, connection.Redacted)
		}
	}
	return text
}

// minSecret is the length of the shortest secret that is replaced, as a shorter
// one may be part of other words.
const minSecret = 4

// invoke calls the function. A panic in it is an error, with the stack in the
// log.
func (h *host) invoke(ctx context.Context, s vm.Step, args json.RawMessage) (value any, err error) {
	defer func() {
		if v := recover(); v != nil {
			h.log.Error("a function panicked", "function", s.Name, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = fmt.Errorf("the function panicked: %v", v)
		}
	}()
	return s.Function(ctx, args)
}

func functionError(s vm.Step, kind bindings.ErrorKind, text string) *bindings.Error {
	return &bindings.Error{
		Kind: kind, Message: text, App: s.App.Name, Operation: s.Operation.Name, Retryable: kind == bindings.Unavailable || kind == bindings.Timeout,
	}
}
