package filelock

import (
	"context"
	"os"
	"time"
)

// The pauses between two tries: the first one, which is doubled each time, and
// the longest one.
const (
	firstPause = time.Millisecond
	maxPause   = 25 * time.Millisecond
)

// Wait locks a file as soon as that is possible. When the context ends first, it
// returns the cause.
func Wait(ctx context.Context, f *os.File, exclusive bool) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
		if mine, err := Try(f, exclusive); mine || err != nil {
			return err
		}
		timer.Reset(pause)
	}
}
