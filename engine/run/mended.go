package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// mended wakes the runs that a broken connection stopped: whoever starts the
// engine again may have mended it.
func (r *Runner) mended(ctx context.Context) error {
	woken := 0
	q := journal.RunQuery{State: journal.Blocked, Limit: 500}
	for {
		runs, err := r.Store.Runs(ctx, q)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("find the runs that a broken connection stopped: %w", err)
		}
		for _, run := range runs {
			q.Before = run.Seq
			if run.Problem == nil || run.Problem.App == nil || run.Problem.App.Kind != bindings.BrokenConnection {
				continue
			}
			if err := r.Store.Wake(ctx, run.ID); err != nil && !errors.Is(err, journal.ErrState) && ctx.Err() == nil {
				return fmt.Errorf("wake the runs that a broken connection stopped: %w", err)
			}
			woken++
		}
		if len(runs) < q.Limit {
			break
		}
	}
	if woken > 0 {
		r.Log.Info("runs that a broken connection stopped go on", "runs", woken)
	}
	return nil
}
