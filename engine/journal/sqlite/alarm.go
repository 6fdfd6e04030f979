package sqlite

import (
	"database/sql/driver"
	"time"
)

// alarm is the one timer of the store: for the wake that is due next. Wakes
// are times of day, so it looks at the clock again each minute: one that was
// set while it slept must not make it late.
type alarm struct {
	timer func(time.Duration) (<-chan time.Time, func())
	at    int64 // in microseconds; may be too early; 0: none
}

const (
	lookAgain = time.Minute
	tryAgain  = time.Second // after a write that failed
)

func systemTimer(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// before notes a wake.
func (a *alarm) before(at int64) {
	if a.at == 0 || at < a.at {
		a.at = at
	}
}

func (a *alarm) due(now time.Time) bool { return a.at != 0 && a.at <= now.UnixMicro() }

// set gives a channel that rings when the next wake may be due.
func (a *alarm) set(now time.Time, failing bool) (<-chan time.Time, func()) {
	if a.at == 0 {
		return nil, func() {}
	}
	d := min(time.Duration(a.at-now.UnixMicro())*time.Microsecond, lookAgain)
	if failing {
		d = max(d, tryAgain)
	}
	return a.timer(max(d, 0))
}

// timerTask wakes the runs that are due.
type timerTask struct{ ticket }

func newTimerTask() *timerTask { return &timerTask{newTicket()} }

// maxWakes bounds the runs that one transaction wakes.
const maxWakes = 256

func (t *timerTask) apply(w *writer) error {
	var seqs []int64
	err := w.sql.findDue.each(func(row []driver.Value) error {
		seqs = append(seqs, row[0].(int64))
		return nil
	}, w.time.UnixMicro(), int64(maxWakes))
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		if err := w.wakeDue(seq); err != nil {
			return err
		}
	}
	next, err := w.sql.nextWake.one()
	if err != nil {
		return err
	}
	w.alarm.at, _ = next.(int64)
	return nil
}

// wakeDue does what the end of a run's time means.
func (w *writer) wakeDue(seq int64) error {
	s, err := w.standing(seq)
	if err != nil || s == nil {
		return err
	}
	switch {
	case s.state == waiting:
		return w.wake(s, timeout(s.park.Await))
	case s.state == later:
		return w.queueNow(s)
	case ownsLane(s.state):
		return w.rouse(s)
	}
	return nil
}
