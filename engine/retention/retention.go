// Package retention deletes what is older than an installation keeps it: ended
// runs, events, their ids, and files that no run needs. It deletes nothing of a run
// that has not ended.
package retention

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/file"
	"github.com/tidewire/tidewire/engine/journal"
)

// interval is the time between two prunings.
const interval = 10 * time.Minute

// fileGrace is how old a file must be before it is deleted: the run that needs
// it may not have recorded it yet.
const fileGrace = time.Hour

// Store is what a Pruner needs of the journal.
type Store interface {
	Prune(context.Context, journal.Retention) (journal.Pruned, error)
	NeedsFile(ctx context.Context, hash string) (bool, error)
}

// Config makes a Pruner. All fields are needed.
type Config struct {
	Store Store
	Files *file.Store
	// Retention is how long things are kept; what is zero is kept for good.
	Retention journal.Retention
	Clock     clock.Clock
	Log       *slog.Logger
}

// Pruner prunes a journal and its files. Make one with New.
type Pruner struct{ config Config }

// New makes a pruner; it starts nothing.
func New(c Config) *Pruner { return &Pruner{c} }

// Run prunes until ctx is done. A failure is logged, and pruning tried again
// after the interval: it must not stop the engine.
func (p *Pruner) Run(ctx context.Context) error {
	for {
		pruned, err := p.Prune(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, journal.ErrClosed):
			return nil
		case err != nil:
			p.config.Log.Error("old runs could not be deleted", "error", err)
		case pruned != (journal.Pruned{}):
			p.config.Log.Info("old runs deleted", "runs", pruned.Runs, "events", pruned.Events, "ids", pruned.IDs)
		}
		if clock.Sleep(ctx, p.config.Clock, interval) != nil {
			return nil
		}
	}
}

// Prune prunes the journal, and then deletes the files that no run needs any
// more.
func (p *Pruner) Prune(ctx context.Context) (pruned journal.Pruned, err error) {
	if p.config.Retention != (journal.Retention{}) {
		if pruned, err = p.config.Store.Prune(ctx, p.config.Retention); err != nil {
			return pruned, err
		}
	}
	// Files have times of the machine's clock, not of the engine's.
	_, err = p.config.Files.Prune(ctx, clock.System.Now().Add(-fileGrace), p.config.Store.NeedsFile)
	return pruned, err
}
