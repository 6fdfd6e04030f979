package run

import (
	"context"
	"errors"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// The waits for a journal that cannot be written: the first, doubled each
// time, at most the last.
const (
	firstWriteRetry = 100 * time.Millisecond
	maxWriteRetry   = 5 * time.Second
)

// retryWrite makes a durable write, again and again while the journal cannot be
// written (a full disk), so that what an app answered meanwhile is not lost.
// It gives up when ctx ends.
func (r *Runner) retryWrite(ctx context.Context, write func() error) error {
	for pause := firstWriteRetry; ; pause = min(2*pause, maxWriteRetry) {
		err := write()
		if !errors.Is(err, journal.ErrUnwritable) {
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
