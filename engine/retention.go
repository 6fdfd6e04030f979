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
	if e.config.Retention == (journal.Retention{}) {
		return nil
	}
	ticker := time.NewTicker(pruneEvery)
	defer ticker.Stop()
	for {
		pruned, err := e.store.Prune(ctx, e.config.Retention)
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
