package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// The waits for a journal that cannot be written: the first, doubled each
// time, at most the last.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// keep makes a durable write, again and again while the journal cannot be
// written (a full disk), so that what an app answered meanwhile is not lost.
// It gives up when ctx ends.
func (r *Runner) keep(ctx context.Context, write func() error) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := write()
		if !errors.Is(err, journal.ErrUnwritten) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

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
