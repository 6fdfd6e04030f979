package ledger

import "time"

// wakeTimer is the one timer of a ledger: for the run that is due next. Runs are
// due at times of day, so it reads the clock again each minute: a clock that
// was set while it waited must not make it late.
type wakeTimer struct {
	newTimer func(time.Duration) (<-chan time.Time, func())
	at       int64 // in microseconds; may be too early; 0: none
}

const (
	maxTimer      = time.Minute
	retryInterval = time.Second // after a write that failed
)

func (a *wakeTimer) due(now time.Time) bool { return a.at != 0 && a.at <= now.UnixMicro() }

// set gives a channel that receives when the next run may be due.
func (a *wakeTimer) set(now time.Time, failing bool) (<-chan time.Time, func()) {
	if a.at == 0 {
		return nil, func() {}
	}
	d := min(time.Duration(a.at-now.UnixMicro())*time.Microsecond, maxTimer)
	if failing {
		d = max(d, retryInterval)
	}
	return a.newTimer(max(d, 0))
}

// apply takes over the wakes of a batch that was committed.
func (a *wakeTimer) apply(b *batch) {
	if b.timerFired {
		a.at = b.nextWake
	}
	for _, at := range b.wakes {
		if a.at == 0 || at < a.at {
			a.at = at
		}
	}
}

// timerTask wakes the runs that are due.
type timerTask struct{ waiter }

func (*timerTask) single() {}

// maxWakes bounds the runs that one batch wakes.
const maxWakes = 256

func (t *timerTask) collect(b *batch) { b.want.Due = DueKey{b.now.UnixMicro(), maxWakes} }

func (t *timerTask) decide(b *batch) error {
	if err := each(b.due, b.wakeDue); err != nil {
		return err
	}
	if b.timerFired = true; len(b.due) == maxWakes {
		b.nextWake = b.now.UnixMicro() // there may be more
	}
	return nil
}

// wakeDue does what the end of a run's time means.
func (b *batch) wakeDue(seq int64) error {
	r, err := b.run(seq)
	if err != nil || r == nil {
		return err
	}
	switch {
	case r.State == Waiting:
		park, err := r.park()
		if err != nil {
			return err
		}
		return b.wake(r, timeoutResult(park.Await))
	case r.State == Later:
		return b.queueNow(r)
	case r.State.OwnsLane():
		return b.resume(r)
	}
	return nil
}
