package run

import (
	"context"
	"errors"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
)

// The waits between two tries to write to the journal: the first is doubled each
// time, up to the longest.
const (
	firstWriteRetry = 100 * time.Millisecond
	maxWriteRetry   = 5 * time.Second
)

// retryWrite calls write until the journal can be written, so that the answer of
// an app is not lost while the disk is full. It returns the last error when ctx
// ends, and at once if the journal cannot be written until the next start. It
// waits by the machine's clock, as it waits for a disk.
func (r *Runner) retryWrite(ctx context.Context, write func() error) error {
	for pause := firstWriteRetry; ; pause = min(2*pause, maxWriteRetry) {
		err := write()
		if !errors.Is(err, journal.ErrUnwritable) || errors.Is(err, journal.ErrReplaced) || clock.Sleep(ctx, clock.System, pause) != nil {
			return err
		}
	}
}
