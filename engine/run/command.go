package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/tidewire/tidewire/engine/file"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// Cancel ends a run that has not ended; if it executes, it is interrupted.
func (r *Runner) Cancel(ctx context.Context, run string) error {
	if err := r.config.Store.Cancel(ctx, run); err != nil {
		return err
	}
	r.bulkhead.cancel(run)
	r.config.Log.Info("run cancelled", "run", run)
	r.mu.Lock()
	cancel := r.executing[run].cancel
	r.mu.Unlock()
	if cancel != nil {
		cancel(errCancelled)
	}
	return nil
}

// DecideCall decides what happens with a held run.
func (r *Runner) DecideCall(ctx context.Context, run string, d journal.CallDecision) error {
	var follow []journal.Arrival
	if d.Resolution == journal.Fail {
		one, _, err := r.config.Store.Run(ctx, run)
		if err != nil {
			return fmt.Errorf("decide about run %q: %w", run, err)
		}
		event, _, err := r.config.Store.Event(ctx, one.Event)
		if err != nil {
			return fmt.Errorf("decide about run %q: %w", run, err)
		}
		follow = r.failureEvent(one, event, one.Problem)
	}
	if err := r.config.Store.DecideCall(ctx, run, d, follow...); err != nil {
		one, steps, readErr := r.config.Store.Run(ctx, run)
		if errors.Is(err, journal.ErrState) && readErr == nil && journal.ReadingNow(one, steps) {
			return fmt.Errorf("decide about run %q: %w: its call is being looked up at this moment; try again in a few seconds", run, journal.ErrState)
		}
		return err
	}
	r.config.Log.Info("a held run was decided", "run", run, "decision", d.Resolution, "by", d.By)
	return nil
}

// Retry makes a failed or cancelled run go on from its last good record, and a
// blocked, throttled or retrying one, or one that is looked up, at once.
func (r *Runner) Retry(ctx context.Context, run string) error {
	err := r.config.Store.Retry(ctx, run)
	if errors.Is(err, journal.ErrState) {
		err = r.config.Store.Wake(ctx, run)
	}
	if !errors.Is(err, journal.ErrState) {
		return err
	}
	found, _, readErr := r.config.Store.Run(ctx, run)
	if readErr != nil {
		return readErr
	}
	why := "it would have to be failed, cancelled, retrying, throttled or blocked"
	if found.State == journal.Held {
		why = fmt.Sprintf("decide whether its call was done with: tidewire runs decide %s retry|skip|fail", run)
	}
	return fmt.Errorf("retry run %q: %w: it is %s; %s", run, journal.ErrState, found.State, why)
}

// Replay makes a new run of the same event on the present version and returns its
// id. It copies the records of the first steps of the old run, as many as steps.
func (r *Runner) Replay(ctx context.Context, run string, steps int) (string, error) {
	old, _, err := r.config.Store.Run(ctx, run)
	if err != nil {
		return "", fmt.Errorf("replay run %q: %w", run, err)
	}
	unit, hook, found := r.config.Scripts.Generation().Hook(old.Script, old.Hook)
	if !found {
		return "", fmt.Errorf("replay run %q: script %q has no hook %q any more", run, old.Script, old.Hook)
	}
	return r.config.Store.Replay(ctx, run, unit.Hooks[hook], steps)
}

// Migrate moves a parked run to the present version of its script, if its
// records replay there.
func (r *Runner) Migrate(ctx context.Context, run string) error {
	old, steps, err := r.config.Store.Run(ctx, run)
	if err != nil {
		return fmt.Errorf("migrate run %q: %w", run, err)
	}
	if !old.State.Parked() {
		return fmt.Errorf("migrate run %q: %w: it is %s, and would have to be waiting, retrying, throttled, held or blocked", run, journal.ErrState, old.State)
	}
	event, _, err := r.config.Store.Event(ctx, old.Event)
	if err != nil {
		return fmt.Errorf("migrate run %q: %w", run, err)
	}
	unit, hook, found := r.config.Scripts.Generation().Hook(old.Script, old.Hook)
	if !found {
		return fmt.Errorf("migrate run %q: script %q has no hook %q any more", run, old.Script, old.Hook)
	}
	if unit.Version.Hash == old.Bound {
		return fmt.Errorf("migrate run %q: it is on the present version %s already", run, unit.Version.Short())
	}
	table, err := event.Table()
	if err != nil {
		return fmt.Errorf("migrate run %q: %w", run, err)
	}
	check := &dryReplay{secret: r.config.Secret, files: r.config.Files, records: steps}
	app, data := r.eventType(event.Type)
	done := r.config.Machine.Run(ctx, unit.Program, vm.Activation{
		Settings: vm.Settings{Params: unit.Params, Zone: r.zone(old)},
		Hook:     hook, Event: table, App: app, Data: data, Host: check, Limits: unit.Limits[hook],
	})
	if problem := check.problem(done); problem != "" {
		return fmt.Errorf("run %q cannot move to version %s: %s", run, unit.Version.Short(), problem)
	}
	return r.config.Store.Migrate(ctx, run, unit.Version.Hash)
}

// dryReplay is a host that returns recorded results and executes no step.
type dryReplay struct {
	secret   func(name string) (string, error)
	files    *file.Store
	records  []journal.Step
	last     int
	mismatch string
}

// errRecordEnd ends a dry replay at the end of the records.
var errRecordEnd = errors.New("the record is used up")

// File reads a stored file, of at most limit bytes.
func (c *dryReplay) File(hash string, limit int64) ([]byte, error) {
	return readFile(c.files, hash, limit)
}

// Secret returns a secret for a computation in the script.
func (c *dryReplay) Secret(name string) (string, error) { return c.secret(name) }

// Log does nothing: the run itself writes these lines.
func (c *dryReplay) Log(slog.Level, string, json.RawMessage) {}

// Replaying reports whether the next step is in the records.
func (c *dryReplay) Replaying() bool { return c.last < len(c.records) }

// Step returns the recorded result of a step, and ends the dry replay at the end
// of the records or at a step that differs from its record.
func (c *dryReplay) Step(_ context.Context, s vm.Step) (json.RawMessage, error) {
	if c.last == len(c.records) {
		return nil, &vm.End{Cause: errRecordEnd}
	}
	record := c.records[c.last]
	c.last++
	if record.Name != s.Name || !sameArgs(record.Args, s.Args) {
		was, now := diffExcerpt(record.Args, s.Args)
		c.mismatch = fmt.Sprintf("step %d was %s %s (at %s) and would be %s %s (at %s)",
			record.Number, record.Name, was, record.Position, s.Name, now, s.Position)
		return nil, &vm.End{Cause: errRecordEnd}
	}
	switch record.State {
	case journal.Done:
		return scriptView(s, record.Result), nil
	case journal.Erred:
		return nil, record.Error
	}
	c.last = len(c.records)
	return nil, &vm.End{Cause: errRecordEnd}
}

// problem returns why the run cannot be moved, empty if it can.
func (c *dryReplay) problem(done vm.Result) string {
	switch {
	case c.mismatch != "":
		return c.mismatch
	case c.last < len(c.records):
		next := c.records[c.last]
		text := fmt.Sprintf("the script would end before step %d, %s (at %s)", next.Number, next.Name, next.Position)
		if done.Err != nil {
			text += ": " + done.Err.Error()
		}
		return text
	}
	return ""
}
