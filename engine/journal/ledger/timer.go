package ledger

import (
	"time"

	"github.com/tidewire/tidewire/engine/clock"
)

// wakeTimer is the timer for the run that is due next. It fires at least once in
// maxTimer, because runs are due at times of day: a clock that is set meanwhile
// must not make a run late.
type wakeTimer struct {
	at int64 // when the next run is due, in microseconds since 1970, or earlier; 0: no run is due
}

const (
	maxTimer      = time.Minute
	retryInterval = time.Second // after a write that failed
)

func (w *wakeTimer) due(now time.Time) bool { return w.at != 0 && w.at <= now.UnixMicro() }

// set starts the timer. It returns a channel that receives when the next run may
// be due, or while writes fail, when the next is tried, and a function that stops
// the timer.
func (w *wakeTimer) set(c clock.Clock, failing bool) (<-chan time.Time, func()) {
	switch {
	case failing:
		return c.Timer(retryInterval)
	case w.at == 0:
		return nil, func() {}
	}
	d := min(time.Duration(w.at-c.Now().UnixMicro())*time.Microsecond, maxTimer)
	return c.Timer(max(d, 0))
}

// apply adds the wake times of a committed batch.
func (w *wakeTimer) apply(b *batch) {
	if b.timerFired {
		w.at = b.nextWake
	}
	for _, at := range b.wakes {
		if w.at == 0 || at < w.at {
			w.at = at
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

// wakeDue queues a run whose time has come. A waiting run gets the timeout.
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
