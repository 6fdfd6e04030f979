package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/file"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// host is the vm.Host of one activation. The vm calls it for one step at a time.
// A step that is recorded already is answered from its record; another one is
// executed and recorded.
type host struct {
	runner  *Runner
	lease   journal.Lease
	run     journal.Run
	event   journal.Event
	unit    *script.Script
	hook    *journal.Hook
	records []journal.Step
	zone    *time.Location
	began   time.Time // of this activation
	log     *slog.Logger
	last    int        // the number of the last step
	status  stepStatus // of the last step
	query   *findQuery // the look-up for which the script is asked; nil: none
	current current
	// responds is set if the run answers the sender of its event, and answered once
	// this activation did; answer is what it answers.
	responds, answered bool
	answer             journal.Answer
}

// result is the result of a step that is not recorded yet.
type result struct {
	value        json.RawMessage
	effect       journal.Effect
	attempts     int           // sendings
	retryAfter   time.Duration // as the vendor demands
	limitReached bool          // nothing was sent, by our own count of the vendor's requests
	limitWait    time.Duration // for our own count
	refused      *call.Circuit // that is open: the request was not sent
}

// errParked ends an activation whose run was parked.
var errParked = errors.New("the run is parked")

// Replaying reports whether the next step is recorded already.
func (h *host) Replaying() bool { return h.last < len(h.records) }

// Step returns the recorded result of a step, or executes and records it.
func (h *host) Step(ctx context.Context, s vm.Step) (json.RawMessage, error) {
	if s.InFind {
		return h.readInFind(ctx, s)
	}
	if s.Found == nil {
		h.last++
	}
	h.status = stepStatus{recoveries: h.runner.config.Connections.Recoveries()}
	step := journal.Step{
		Number: h.last, Name: s.Name, Args: s.Args, Position: s.Position,
		State: journal.Done, Started: h.runner.config.Clock.Now(),
	}
	if h.last > len(h.records) {
		return h.runStep(ctx, s, step, nil)
	}
	record := h.records[h.last-1]
	if record.Name != step.Name || !sameArgs(record.Args, step.Args) {
		return nil, h.blockMismatch(ctx, step, record)
	}
	switch record.State {
	case journal.Done:
		return scriptView(s, record.Result), nil
	case journal.Erred:
		return nil, record.Error
	}
	return h.resumeBegun(ctx, s, step, record)
}

// runStep executes a step and records its result. again is the request of a
// begun record, to send it once more byte for byte; nil for a new one.
func (h *host) runStep(ctx context.Context, s vm.Step, step journal.Step, again json.RawMessage) (json.RawMessage, error) {
	h.current.begin(step)
	done, err := h.perform(ctx, s, step, again)
	h.current.end()
	step.Duration = h.runner.config.Clock.Now().Sub(step.Started)
	step.Sendings, step.Waited = done.attempts, done.limitWait
	step.Result = done.value
	var refused *bindings.Error
	switch {
	case err == nil:
	case errors.As(err, &refused):
		raised, ended := h.parkOnError(ctx, s, step, refused, done)
		if ended != nil {
			return nil, ended
		}
		step.State, step.Error, step.Result = journal.Erred, raised, nil
	default:
		return nil, h.endActivation(ctx, step, err)
	}
	// The result is recorded even if the run is being interrupted, as an app may
	// have changed something.
	value, err := h.record(ctx, step, done.effect)
	if errors.As(err, &refused) {
		step.State, step.Error, err = journal.Erred, refused, nil
	}
	if err != nil {
		return nil, h.endActivation(ctx, step, fmt.Errorf("record step %d %s: %w", step.Number, step.Name, err))
	}
	if s.Kind == vm.StepRespond {
		h.sendRecorded(step)
	}
	h.logStep(step)
	if step.Error != nil {
		return nil, step.Error
	}
	return scriptView(s, value), nil
}

// record records a step, and returns its result after the effect was applied.
func (h *host) record(ctx context.Context, step journal.Step, effect journal.Effect) (value json.RawMessage, err error) {
	err = h.runner.retryWrite(ctx, func() error {
		value, err = h.runner.config.Store.Record(context.WithoutCancel(ctx), h.lease, step, effect)
		return err
	})
	return value, err
}

// perform executes a step. The error is a *bindings.Error if it can be raised in
// the script.
func (h *host) perform(ctx context.Context, s vm.Step, step journal.Step, again json.RawMessage) (result, error) {
	if target, ok := callTarget(s); ok {
		began, err := h.enterCall(ctx, target)
		if err != nil {
			return result{}, err
		}
		defer h.runner.bulkhead.leave(target, began)
	}
	switch s.Kind {
	case vm.StepCall, vm.StepPage:
		return h.call(ctx, s, step, again)
	case vm.StepRequest:
		return h.request(ctx, s, step, again)
	case vm.StepHTTP:
		return h.http(ctx, s, step, again)
	case vm.StepFunction:
		return h.callFunction(ctx, s, step)
	case vm.StepState:
		return h.state(s)
	case vm.StepLink:
		return h.link(s)
	case vm.StepEmit:
		return h.emit(s, step)
	case vm.StepNow:
		return text(h.runner.config.Clock.Now().UTC().Format(time.RFC3339Nano))
	case vm.StepRandom:
		return random(s.Args)
	case vm.StepUUID:
		return newUUID()
	case vm.StepWait:
		return h.wait(ctx, s, step)
	case vm.StepAwait:
		return h.await(ctx, s, step)
	case vm.StepApproval:
		return h.approval(s, step)
	case vm.StepRespond:
		return h.respond(s)
	}
	return result{}, fmt.Errorf("step kind %q is unknown to the host", s.Kind)
}

// endActivation returns an error that ends the activation and that pcall cannot
// catch.
func (h *host) endActivation(ctx context.Context, step journal.Step, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return &vm.End{Cause: cause}
	}
	for _, end := range []error{errParked, errSuspended, journal.ErrFenced, journal.ErrClosed, journal.ErrUnwritable} {
		if errors.Is(err, end) {
			return &vm.End{Cause: err}
		}
	}
	return fmt.Errorf("%s: step %d %s: %w", step.Position, step.Number, step.Name, err)
}

// logStep logs a step that is recorded. The journal has it, so only one that failed is
// above debug.
func (h *host) logStep(step journal.Step) {
	level := slog.LevelDebug
	if step.Error != nil {
		level = slog.LevelWarn
	}
	if !h.log.Enabled(context.Background(), level) {
		return
	}
	attrs := []slog.Attr{slog.Int("step", step.Number), slog.Duration("took", step.Duration.Round(time.Microsecond))}
	if step.Waited > 0 {
		attrs = append(attrs, slog.Duration("limit_wait", step.Waited.Round(time.Millisecond)))
	}
	if step.Sendings > 1 {
		attrs = append(attrs, slog.Int("sent", step.Sendings))
	}
	if step.Error != nil {
		attrs = append(attrs, slog.String("at", step.Position), slog.String("error", step.Error.Error()))
	}
	h.log.LogAttrs(context.Background(), level, step.Name, attrs...)
}

// Secret returns a secret for a computation in the script.
func (h *host) Secret(name string) (string, error) { return h.runner.config.Secret(name) }

// File reads a stored file, of at most limit bytes.
func (h *host) File(hash string, limit int64) ([]byte, error) {
	return readFile(h.runner.config.Files, hash, limit)
}

func readFile(files *file.Store, hash string, limit int64) ([]byte, error) {
	if files == nil {
		return nil, errors.New("no files are stored here")
	}
	return files.Read(hash, limit)
}

// Log writes a line of the script to the log, but not in a replay, as it was
// written before.
func (h *host) Log(level slog.Level, text string, fields json.RawMessage) {
	if h.Replaying() {
		return
	}
	var attrs []slog.Attr
	if len(fields) > 0 {
		var values map[string]any
		if json.Unmarshal(fields, &values) == nil {
			for _, name := range slices.Sorted(maps.Keys(values)) {
				attrs = append(attrs, slog.Any(name, logValue(values[name])))
			}
		}
	}
	h.log.LogAttrs(context.Background(), level, text, attrs...)
}

// logValue returns a table of a script so that every log handler writes it as
// JSON.
func logValue(value any) any {
	switch value.(type) {
	case map[string]any, []any:
		if raw, err := json.Marshal(value); err == nil {
			return logTable(raw)
		}
	}
	return value
}

// logTable is a table of a script in the log, as JSON.
type logTable json.RawMessage

func (t logTable) MarshalJSON() ([]byte, error) { return t, nil }
func (t logTable) String() string               { return string(t) }

// sameArgs reports whether the arguments of two steps are the same, whatever the
// order of their fields.
func sameArgs(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, y := canonical(a), canonical(b)
	return x != nil && bytes.Equal(x, y)
}

// canonical returns JSON with sorted keys and unchanged numbers.
func canonical(raw json.RawMessage) []byte {
	if len(raw) == 0 {
		return []byte("null")
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	out, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return out
}
