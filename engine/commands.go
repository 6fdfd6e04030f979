package engine

import (
	"context"
	"encoding/json"

	"github.com/tidewire/tidewire/engine/journal"
)

// Commands for the control API; the runner and the store do what they say.

// Cancel ends a live run.
func (e *Engine) Cancel(ctx context.Context, run string) error { return e.runner.Cancel(ctx, run) }

// Retry lets a failed, cancelled or standing run go on.
func (e *Engine) Retry(ctx context.Context, run string) error { return e.runner.Retry(ctx, run) }

// Resolve decides about a held run.
func (e *Engine) Resolve(ctx context.Context, run string, v journal.Verdict, result json.RawMessage) error {
	return e.runner.Resolve(ctx, run, v, result)
}

// Replay makes a new run of the event of another.
func (e *Engine) Replay(ctx context.Context, run string, keep int) (string, error) {
	return e.runner.Replay(ctx, run, keep)
}

// Migrate moves a standing run to the present version of its script.
func (e *Engine) Migrate(ctx context.Context, run string) error { return e.runner.Migrate(ctx, run) }

// ReleaseFlood lets the paused runs of a trigger go on, or drops them.
func (e *Engine) ReleaseFlood(ctx context.Context, trigger string, drop bool) (int, error) {
	return e.store.ReleaseFlood(ctx, trigger, drop)
}

// Backup copies the store to a file while the engine works.
func (e *Engine) Backup(ctx context.Context, file string) error { return e.store.Backup(ctx, file) }
