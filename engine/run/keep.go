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
