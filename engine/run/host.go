package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// host is what the vm asks on behalf of one activation. The vm calls it one
// step at a time.
type host struct {
	runner     *Runner
	holder     journal.Holder
	activation journal.Activation
	unit       *script.Script
	log        *slog.Logger
	last       int // the number of the last step
}

// result is what a step came to before it is recorded.
type result struct {
	value    json.RawMessage
	effect   journal.Effect
	attempts int
}

// Step performs and records one step.
func (h *host) Step(ctx context.Context, s vm.Step) (json.RawMessage, error) {
	h.last++
	step := journal.Step{
		Number: h.last, Name: s.Name, Args: s.Args, Position: s.Position,
		State: journal.Done, Started: h.runner.Now(),
	}
	done, err := h.perform(ctx, s, step)
	step.Took = h.runner.Now().Sub(step.Started)
	step.Attempts = done.attempts
	step.Result = done.value
	var refused *bindings.Error
	switch {
	case err == nil:
	case errors.As(err, &refused):
		step.State, step.Error, step.Result = journal.Erred, refused, nil
	default:
		return nil, h.ended(ctx, step, err)
	}
	// What an app did must be kept even if the run is being ended meanwhile.
	value, err := h.runner.Store.Record(context.WithoutCancel(ctx), h.holder, step, done.effect)
	if errors.As(err, &refused) {
		step.State, step.Error, err = journal.Erred, refused, nil
	}
	if err != nil {
		return nil, h.ended(ctx, step, fmt.Errorf("record step %d %s: %w", step.Number, step.Name, err))
	}
	h.tell(s.Kind, step)
	if step.Error != nil {
		return nil, step.Error
	}
	return value, nil
}

// perform does what the step asks for. The error is a *bindings.Error if the
// script is to see it.
func (h *host) perform(ctx context.Context, s vm.Step, step journal.Step) (result, error) {
	switch s.Kind {
	case vm.StepCall, vm.StepPage:
		return h.call(ctx, s, step)
	case vm.StepRequest:
		return h.request(ctx, s, step)
	case vm.StepHTTP:
		return h.http(ctx, s, step)
	case vm.StepState:
		return h.state(s)
	case vm.StepLink:
		return h.link(s)
	case vm.StepEmit:
		return h.emit(s, step)
	case vm.StepNow:
		return text(h.runner.Now().UTC().Format(time.RFC3339Nano))
	case vm.StepRandom:
		return random(s.Args)
	case vm.StepUUID:
		return newUUID()
	}
	return result{}, fmt.Errorf("step kind %q is unknown to the host", s.Kind)
}

// ended says why the activation stops at a step; no pcall sees it.
func (h *host) ended(ctx context.Context, step journal.Step, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return &vm.End{Cause: cause}
	}
	if errors.Is(err, journal.ErrFenced) || errors.Is(err, journal.ErrClosed) {
		return &vm.End{Cause: err}
	}
	return fmt.Errorf("%s: step %d %s: %w", step.Position, step.Number, step.Name, err)
}

// quiet are the steps that the log shows at debug level only.
var quiet = map[vm.StepKind]bool{
	vm.StepState: true, vm.StepLink: true, vm.StepNow: true, vm.StepRandom: true, vm.StepUUID: true,
}

func (h *host) tell(kind vm.StepKind, step journal.Step) {
	level := slog.LevelInfo
	if quiet[kind] {
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{slog.Int("step", step.Number), slog.Duration("took", step.Took.Round(time.Microsecond))}
	if step.Attempts > 1 {
		attrs = append(attrs, slog.Int("sent", step.Attempts))
	}
	if step.Error != nil {
		level = max(level, slog.LevelWarn)
		attrs = append(attrs, slog.String("at", step.Position), slog.String("error", step.Error.Error()))
	}
	h.log.LogAttrs(context.Background(), level, step.Name, attrs...)
}

// Secret opens a secret for what is computed inside the script.
func (h *host) Secret(name string) (string, error) { return h.runner.Secret(name) }

// Replaying reports whether the next step has a record.
func (h *host) Replaying() bool { return false }

// Log writes a line of the script's.
func (h *host) Log(level slog.Level, text string, fields json.RawMessage) {
	var attrs []slog.Attr
	if len(fields) > 0 {
		var values map[string]any
		if json.Unmarshal(fields, &values) == nil {
			for _, name := range sortedNames(values) {
				attrs = append(attrs, slog.Any(name, values[name]))
			}
		}
	}
	h.log.LogAttrs(context.Background(), level, text, attrs...)
}
