package engine

import (
	"context"
	"errors"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// pruneEvery is how often what may be forgotten is looked for.
const pruneEvery = 10 * time.Minute

// prune forgets, until ctx is done, what the retention no longer keeps. A
// failure is told and tried again: it must not stop work.
func (e *Engine) prune(ctx context.Context) error {
	ticker := time.NewTicker(pruneEvery)
	defer ticker.Stop()
	for {
		pruned, err := e.forget(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, journal.ErrClosed):
			return nil
		case err != nil:
			e.config.Log.Error("old runs could not be forgotten", "error", err)
		case pruned != (journal.Pruned{}):
			e.config.Log.Info("old runs forgotten", "runs", pruned.Runs, "events", pruned.Events, "ids", pruned.IDs)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// fileGrace is how old a file must be before it may be removed: its run may be
// about to record that it has it.
const fileGrace = time.Hour

// forget prunes the journal, and then the files that no run has any more.
func (e *Engine) forget(ctx context.Context) (pruned journal.Pruned, err error) {
	if e.config.Retention != (journal.Retention{}) {
		if pruned, err = e.store.Prune(ctx, e.config.Retention); err != nil {
			return pruned, err
		}
	}
	// The files carry the machine's own times.
	_, err = e.files.Sweep(ctx, time.Now().Add(-fileGrace), e.store.NeedsFile)
	return pruned, err
}
