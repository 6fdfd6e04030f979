package filelock

import (
	"context"
	"os"
	"time"
)

// The pauses between two tries: the first, doubled each time, at most the last.
const (
	firstPause = time.Millisecond
	lastPause  = 25 * time.Millisecond
)

// Wait takes a lock as soon as it is free, or ends with the context.
func Wait(ctx context.Context, f *os.File, exclusive bool) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
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
