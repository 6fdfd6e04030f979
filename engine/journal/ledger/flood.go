package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

const minute = int64(time.Minute / time.Microsecond)

// countEvent counts an event of a trigger. It reports whether the event belongs to
// a flood, and whether it is the first of it. A flood ends with a whole minute in
// which no more events came than the bound.
func (b *batch) countEvent(trigger string, bound int) (flooding, first bool, err error) {
	f, err := b.floods.get(trigger, &b.want.Floods)
	if err != nil {
		return false, false, err
	}
	now := b.now.UnixMicro()
	if f.Since == 0 { // the first event since the store was opened
		f.Since = now
	}
	if passed := now - f.Since; passed >= minute || passed < 0 {
		if f.Count <= bound || passed >= 2*minute {
			f.Flooding, f.Allowed = false, false
		}
		f.Since, f.Count = now, 0
	}
	f.Count++
	if f.Count > bound && !f.Flooding && !f.Allowed {
		f.Flooding, first = true, true
	}
	b.floods.set(trigger, f)
	return f.Flooding, first, nil
}

// isFlooding reports whether the trigger of an event floods now.
func (b *batch) isFlooding(event int64) (bool, error) {
	trigger := ""
	if e := b.newEvent(event); e != nil {
		trigger = e.Type
	} else {
		var err error
		if trigger, err = b.types.get(event, &b.want.Types); err != nil {
			return false, err
		}
	}
	f, err := b.floods.get(trigger, &b.want.Floods)
	return f.Flooding, err
}

// floodTask releases, or with drop cancels, at most maxReleased of the runs of a
// trigger that a flood paused.
type floodTask struct {
	waiter
	trigger string
	drop    bool
	done    int
}

func (*floodTask) single() {}

// maxReleased bounds the runs of one floodTask.
const maxReleased = 256

// ReleaseFlood implements journal.Store.
func (l *Ledger) ReleaseFlood(ctx context.Context, trigger string, drop bool) (int, error) {
	all := 0
	for {
		t := &floodTask{waiter: newWaiter(), trigger: trigger, drop: drop}
		if err := l.queue.do(ctx, t); err != nil {
			return all, fmt.Errorf("decide about the flood of %q: %w", trigger, err)
		}
		all += t.done
		if t.done < maxReleased {
			return all, nil
		}
	}
}

func (t *floodTask) collect(b *batch) { b.want.Paused = PausedKey{t.trigger, maxReleased} }

func (t *floodTask) decide(b *batch) error {
	b.changeCount++
	b.changes.Allow = append(b.changes.Allow, AllowFlood{t.trigger})
	t.done = len(b.paused)
	return each(b.paused, func(seq int64) error {
		r, err := b.run(seq)
		if err != nil {
			return err
		}
		if t.drop {
			return b.end(r, Cancelled, &journal.Problem{Message: "its event was one of a flood that was dropped"})
		}
		n := b.edit(r)
		n.State, n.Pause, n.Parked = Queued, 0, 0
		b.move(Unpause, seq)
		return nil
	})
}
