package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
	"github.com/tidewire/tidewire/engine/vm"
)

// call calls an operation of an app, or gets one page of a list.
func (h *host) call(ctx context.Context, s vm.Step, step journal.Step, again json.RawMessage) (result, error) {
	connection, err := h.connection(s)
	if err != nil {
		return result{}, err
	}
	args, secrets, err := h.openSecrets(s)
	if err != nil {
		return result{}, invalid(s, err.Error())
	}
	request := call.Request{
		App: s.App, Operation: s.Operation, Connection: connection, Args: args, Caller: h.caller(step), Page: s.Kind == vm.StepPage,
		Unchecked: s.Options.Unchecked, Timeout: s.Options.Timeout, Key: h.idempotencyKey(s, step), OwnKey: h.ownKey(s, step), Consent: h.status.session, AsFile: s.Options.AsFile,
		Secrets: secrets, Again: again, BegunRecorder: h.begunRecorder(step, journal.Effect{Written: h.writtenRecord(s, connection, nil), Deliveries: h.deliveries(s.App, step, connection, nil)}),
	}
	answer, err := h.runner.config.Calls.Do(ctx, request)
	if found := h.doneBefore(ctx, s, step, request, answer.SentBefore, err); found != nil {
		answer.Body, err = found, nil
	}
	if err != nil {
		return result{attempts: answer.Sendings, retryAfter: answer.RetryAfter, limitReached: answer.LimitReached, limitWait: answer.LimitWait, refused: answer.Refused}, err
	}
	value := answer.Body
	if s.Kind == vm.StepPage {
		items, next, err := call.Page(s.Operation, args, answer.Body)
		if err != nil {
			return result{attempts: answer.Sendings}, err
		}
		if value, err = json.Marshal(page{Items: items, Next: next}); err != nil {
			return result{attempts: answer.Sendings}, fmt.Errorf("encode a page: %w", err)
		}
	}
	effect := journal.Effect{Written: h.writtenRecord(s, connection, value), Deliveries: h.deliveries(s.App, step, connection, value)}
	if s.Options.AsFile {
		effect.Written, effect.File = nil, fileHash(value)
	}
	return result{value: value, attempts: answer.Sendings, limitWait: answer.LimitWait, effect: effect}, nil
}

// caller returns what calls need of the run: for the order in which they wait,
// and for the log.
func (h *host) caller(step journal.Step) call.Caller {
	return call.Caller{Script: h.run.Script, Log: h.log, Step: step.Number, Waits: h.current.wait, Lookup: h.query != nil}
}

// page is the recorded result of one page of a list.
type page struct {
	Items json.RawMessage `json:"items"`
	Next  json.RawMessage `json:"next,omitempty"`
}

// begunRecorder records the step as begun, with the bytes that are sent, before a
// request leaves that may change something. If the request was certainly not
// done, the next record of the step replaces the begun one, or parking the run
// removes it.
func (h *host) begunRecorder(step journal.Step, effect journal.Effect) call.BegunRecorder {
	step.State = journal.Begun
	return call.BegunRecorder{
		Begin: func(ctx context.Context, sent json.RawMessage) error {
			step.Sent = sent
			_, err := h.record(ctx, step, effect)
			if err == nil {
				h.status = h.status.after(recorded, step)
			}
			return err
		},
		Withdraw: func(context.Context) error {
			h.status = h.status.after(notDone, step)
			return nil
		},
	}
}

// idempotencyKey returns the idempotency key for an operation that has one. It is
// the same for every sending of the step.
func (h *host) idempotencyKey(s vm.Step, step journal.Step) string {
	if s.Options.Key != "" || s.Operation == nil || !s.Operation.Key {
		return s.Options.Key
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%s\n%s", h.lease.Run, step.Number, step.Name, canonical(step.Args)))
	return hex.EncodeToString(sum[:16])
}

// ownKey returns a key that no other call has, for an operation that can be sent
// with one. It is the same for every sending of the step. The time at which the run
// was made distinguishes installations, and runs from before and after a restore.
func (h *host) ownKey(s vm.Step, step journal.Step) string {
	if s.Kind != vm.StepCall || s.Operation == nil || s.Operation.OwnKey == nil {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "own key\n%s\n%d\n%d\n%s", h.lease.Run, h.run.Created.UnixMicro(), step.Number, step.Name))
	return hex.EncodeToString(sum[:16])
}

// request sends a request to an endpoint that is not in the catalogue.
func (h *host) request(ctx context.Context, s vm.Step, step journal.Step, again json.RawMessage) (result, error) {
	connection, err := h.connection(s)
	if err != nil {
		return result{}, err
	}
	args, secrets, err := h.openSecrets(s)
	if err != nil {
		return result{}, invalid(s, err.Error())
	}
	catalogue, _ := s.App.Module(strings.TrimSuffix(s.Name, ".request"))
	raw := call.RawRequest{App: s.App, Catalogue: catalogue, Connection: connection, Timeout: s.Options.Timeout, Key: s.Options.Key, Caller: h.caller(step), AsFile: s.Options.AsFile,
		Secrets: secrets, Again: again, BegunRecorder: h.begunRecorder(step, journal.Effect{Deliveries: h.deliveries(s.App, step, connection, nil)})}
	if err := json.Unmarshal(args, &raw); err != nil {
		return result{}, invalid(s, "expected { method, path, query, body }: "+err.Error())
	}
	answer, err := h.runner.config.Calls.Raw(ctx, raw)
	done := result{value: answer.Body, attempts: answer.Sendings, retryAfter: answer.RetryAfter, limitReached: answer.LimitReached, limitWait: answer.LimitWait, refused: answer.Refused}
	if err == nil {
		done.effect.Deliveries = h.deliveries(s.App, step, connection, answer.Body)
		if s.Options.AsFile {
			done.effect.File = fileHash(answer.Body)
		}
	}
	return done, err
}

// http sends a request to any address that is allowed.
func (h *host) http(ctx context.Context, s vm.Step, step journal.Step, again json.RawMessage) (result, error) {
	args, secrets, err := h.openSecrets(s)
	if err != nil {
		return result{}, invalid(s, err.Error())
	}
	request := call.HTTPRequest{Secrets: secrets, Again: again, Caller: h.caller(step), BegunRecorder: h.begunRecorder(step, journal.Effect{})}
	if err := json.Unmarshal(args, &request); err != nil {
		return result{}, invalid(s, "expected (url, { headers, query, json, body, auth, timeout }): "+err.Error())
	}
	answer, err := h.runner.config.Calls.HTTP(ctx, request)
	if err != nil {
		return result{attempts: answer.Sendings, retryAfter: answer.RetryAfter, refused: answer.Refused}, err
	}
	value, err := json.Marshal(answer)
	return result{value: value, attempts: answer.Sendings, effect: journal.Effect{File: fileHash(answer.File)}}, err
}

// fileHash returns the hash of the file that an answer was stored as, empty if it
// was not.
func fileHash(answer json.RawMessage) string {
	return strings.TrimPrefix(jsonpath.Text(answer, "file"), call.HashPrefix)
}

func invalid(s vm.Step, message string) *bindings.Error {
	e := &bindings.Error{Kind: bindings.Invalid, Message: message}
	e.App, e.Operation, _ = strings.Cut(s.Name, ".")
	return e
}
