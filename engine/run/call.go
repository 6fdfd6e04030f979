package run

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// call sends an operation of an app, or one page of a list.
func (h *host) call(ctx context.Context, s vm.Step, step journal.Step) (result, error) {
	connection, err := h.connection(s)
	if err != nil {
		return result{}, err
	}
	args, secrets, err := h.open(s)
	if err != nil {
		return result{}, invalid(s, err.Error())
	}
	answer, err := h.runner.Calls.Do(ctx, call.Request{
		App: s.App, Operation: s.Operation, Connection: connection, Args: args, Page: s.Kind == vm.StepPage,
		Unchecked: s.Options.Unchecked, Timeout: s.Options.Timeout, Key: s.Options.Key,
		Secrets: secrets, Marks: h.marks(step),
	})
	if err != nil {
		return result{attempts: answer.Attempts}, err
	}
	value := answer.Body
	if s.Kind == vm.StepPage {
		items, next, err := call.Page(s.Operation, args, answer.Body)
		if err != nil {
			return result{attempts: answer.Attempts}, err
		}
		if value, err = json.Marshal(page{Items: items, Next: next}); err != nil {
			return result{attempts: answer.Attempts}, fmt.Errorf("keep a page: %w", err)
		}
	}
	return result{value: value, attempts: answer.Attempts}, nil
}

// page is what is kept of one page of a list.
type page struct {
	Items json.RawMessage `json:"items"`
	Next  json.RawMessage `json:"next,omitempty"`
}

// marks keep the step as begun before a request that may change something
// leaves the machine. A run that dies then is known to have begun it.
func (h *host) marks(step journal.Step) call.Marks {
	step.State = journal.Begun
	return call.Marks{Begin: func(ctx context.Context, _ json.RawMessage) error {
		_, err := h.runner.Store.Record(ctx, h.holder, step, journal.Effect{})
		return err
	}}
}

// request reaches an endpoint that has no entry in the catalogue.
func (h *host) request(ctx context.Context, s vm.Step, step journal.Step) (result, error) {
	connection, err := h.connection(s)
	if err != nil {
		return result{}, err
	}
	args, secrets, err := h.open(s)
	if err != nil {
		return result{}, invalid(s, err.Error())
	}
	raw := call.RawRequest{App: s.App, Connection: connection, Timeout: s.Options.Timeout, Key: s.Options.Key,
		Secrets: secrets, Marks: h.marks(step)}
	if err := json.Unmarshal(args, &raw); err != nil {
		return result{}, invalid(s, "expected { method, path, query, body }: "+err.Error())
	}
	answer, err := h.runner.Calls.Raw(ctx, raw)
	return result{value: answer.Body, attempts: answer.Attempts}, err
}

// http sends a request to any address that is allowed.
func (h *host) http(ctx context.Context, s vm.Step, step journal.Step) (result, error) {
	args, secrets, err := h.open(s)
	if err != nil {
		return result{}, invalid(s, err.Error())
	}
	request := call.HTTPRequest{Secrets: secrets, Marks: h.marks(step)}
	if err := json.Unmarshal(args, &request); err != nil {
		return result{}, invalid(s, "expected (url, { headers, query, json, body, auth, timeout }): "+err.Error())
	}
	answer, err := h.runner.Calls.HTTP(ctx, request)
	if err != nil {
		return result{attempts: answer.Attempts}, err
	}
	value, err := json.Marshal(answer)
	return result{value: value, attempts: answer.Attempts}, err
}

// connection finds the account that a call goes to.
func (h *host) connection(s vm.Step) (string, error) {
	c, err := h.runner.Connections.Resolve(s.App.Name, s.Options.Connection, h.activation.Run.Connection)
	if err != nil {
		e := invalid(s, err.Error())
		e.Kind = bindings.BrokenConnection
		return "", e
	}
	return c.Name(), nil
}

func invalid(s vm.Step, message string) *bindings.Error {
	e := &bindings.Error{Kind: bindings.Invalid, Message: message}
	e.App, e.Operation, _ = strings.Cut(s.Name, ".")
	return e
}
