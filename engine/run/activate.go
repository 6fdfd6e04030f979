package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// activate executes one activation. Then it ends, parks or releases the run in
// the journal.
func (r *Runner) activate(ctx context.Context, a journal.Activation) {
	log := r.config.Log.With("run", a.Run.ID, "script", a.Run.Script, "hook", a.Run.Hook, "event", a.Event.ID)
	lease := journal.Lease{Run: a.Run.ID, Epoch: a.Epoch}
	work := ctx // is not done when the run is cancelled
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	h := &host{runner: r, lease: lease, run: a.Run, event: a.Event, records: a.Steps, began: r.config.Clock.Now(), log: log}
	if woken := r.bulkhead.permission(a.Run.ID); woken != nil {
		h.began = h.began.Add(-woken.executed)
		defer r.bulkhead.revoke(woken)
	}
	r.register(a.Run.ID, executing{cancel, h})
	defer r.unregister(a.Run.ID, h)
	end := r.execute(ctx, h)
	defer h.sendAnswer(end) // after the end is stored
	switch {
	case end.finish != nil:
		r.finish(work, h, *end.finish)
	case end.park != nil:
		end.park.Executed = r.config.Clock.Now().Sub(h.began)
		err := r.retryWrite(work, func() error { return r.config.Store.Park(context.WithoutCancel(work), lease, *end.park) })
		if errors.Is(err, journal.ErrFenced) || errors.Is(err, journal.ErrReplaced) {
			return
		}
		if err != nil {
			log.Error("the run could not be parked", "state", end.park.State, "error", err)
			return
		}
		h.logPark(parkLevel(*end.park), *end.park)
	case errors.Is(end.release, errParked), errors.Is(end.release, errSuspended), errors.Is(end.release, errCancelled),
		errors.Is(end.release, journal.ErrFenced), errors.Is(end.release, journal.ErrReplaced):
	default:
		if !errors.Is(end.release, errFindEnded) {
			log.Warn("run released", "reason", end.release)
		}
		if err := r.config.Store.Release(lease); err != nil && !errors.Is(err, journal.ErrFenced) {
			log.Error("the run could not be released", "error", err)
		}
	}
}

// register makes a run in flight cancellable and visible.
func (r *Runner) register(run string, e executing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.executing[run] = e
}

// unregister removes an activation. The run may be in flight again already, if it
// was parked or suspended.
func (r *Runner) unregister(run string, h *host) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.executing[run].host == h {
		delete(r.executing, run)
	}
}

// execute executes the handler in the version that the run is bound to, and
// binds it first if it is not.
func (r *Runner) execute(ctx context.Context, h *host) ending {
	unit, hook, err := r.version(ctx, h.run)
	switch {
	case err != nil && ctx.Err() != nil:
		return ending{release: context.Cause(ctx)}
	case err != nil:
		return ending{park: &journal.Park{State: journal.Blocked, Problem: &journal.Problem{Message: err.Error()}}}
	}
	h.unit, h.hook, h.responds = unit, unit.Hooks[hook], unit.Responds(hook)
	if h.run.Bound == "" {
		if h.run.Matched != unit.Version.Hash && !h.hook.Matches(&h.event) {
			return ending{finish: &journal.Finish{State: journal.Skipped}}
		}
		h.run.RunConfig = r.resolve(h.run)
		if err := r.config.Store.Bind(h.lease, journal.Binding{Version: unit.Version.Hash, RunConfig: h.run.RunConfig}); err != nil {
			return ending{release: fmt.Errorf("bind the run to version %s: %w", unit.Version.Short(), err)}
		}
	}
	h.zone = r.zone(h.run)
	h.log.Debug(startText(h), "version", unit.Version.Short(), "attempt", h.run.Attempts)
	event, err := h.event.Table()
	if err != nil {
		return failed("the event cannot be passed to the script: "+err.Error(), "")
	}
	ctx, stop, over := h.bound(ctx)
	defer stop()
	if over {
		return limited("timeout", fmt.Sprintf("over the hook's timeout of %s", h.hook.Timeout), "")
	}
	app, data := r.eventType(h.event.Type)
	return h.ending(ctx, r.config.Machine.Run(ctx, unit.Program, vm.Activation{
		Settings: vm.Settings{Params: unit.Params, Zone: h.zone},
		Hook:     hook, Event: event, App: app, Data: data, Host: h, Limits: unit.Limits[hook],
	}))
}

func startText(h *host) string {
	if len(h.records) > 0 {
		return "run resumed"
	}
	return "run started"
}

// bound returns a context that ends at the hook's timeout, which counts the
// executing time of all activations of the run. over is set if it is used up.
func (h *host) bound(ctx context.Context) (_ context.Context, stop context.CancelFunc, over bool) {
	if h.hook.Timeout <= 0 {
		return ctx, func() {}, false
	}
	left := h.hook.Timeout - h.run.Executed - h.runner.config.Clock.Now().Sub(h.began)
	ctx, stop = context.WithTimeoutCause(ctx, left, fmt.Errorf("over the hook's timeout of %s", h.hook.Timeout))
	return ctx, stop, left <= 0
}

// version returns the version that a run executes, and the index of its hook.
// This is the version that the run is bound to, else the present one if it still
// has the hook, else the one that matched the event.
func (r *Runner) version(ctx context.Context, run journal.Run) (*script.Script, int, error) {
	unit, hook, found := r.config.Scripts.Generation().Hook(run.Script, run.Hook)
	if found && (run.Bound == "" || run.Bound == unit.Version.Hash) {
		return unit, hook, nil
	}
	hash := run.Bound
	if hash == "" {
		hash = run.Matched
	}
	stored, err := r.config.Store.Version(ctx, hash)
	if err == nil {
		unit, err = r.config.Scripts.LoadVersion(ctx, stored)
	}
	if err != nil {
		if text := formatChange(stored); stored.Hash != "" && text != "" {
			err = fmt.Errorf("%s: %w", text, err)
		}
		return nil, 0, fmt.Errorf("version %.8s of script %q cannot be loaded: %w", hash, run.Script, err)
	}
	if hook, found = unit.Index(run.Hook); !found {
		return nil, 0, fmt.Errorf("version %.8s of script %q has no hook %q", hash, run.Script, run.Hook)
	}
	return unit, hook, nil
}

// parkLevel is the level at which it is logged that a run is parked.
func parkLevel(p journal.Park) slog.Level {
	if p.Problem != nil {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

func (h *host) logPark(level slog.Level, p journal.Park) {
	args := []any{"state", p.State, "attempt", h.run.Attempts}
	if !p.Until.IsZero() {
		args = append(args, "until", p.Until.UTC().Format(time.RFC3339))
	}
	if p.Attempt {
		args = append(args, "next_attempt", h.run.Attempts+1, "of", h.hook.Retry.Attempts)
	}
	if p.Problem != nil {
		args = append(args, "at", p.Problem.Position, "reason", p.Problem.Message)
	}
	h.log.Log(context.Background(), level, "run parked", args...)
}
