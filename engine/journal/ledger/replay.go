package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
)

type replayTask struct {
	waiter
	from   int64
	hook   *journal.Hook
	steps  int
	result int64
}

// Replay implements journal.Store.
func (l *Ledger) Replay(ctx context.Context, run string, hook *journal.Hook, steps int) (string, error) {
	id, err := l.replay(ctx, run, hook, steps)
	if err != nil {
		return "", fmt.Errorf("replay run %q: %w", run, err)
	}
	return id, nil
}

func (l *Ledger) replay(ctx context.Context, run string, hook *journal.Hook, steps int) (string, error) {
	if hook == nil {
		return "", errors.New("no hook is given")
	}
	seq, err := l.parse(run)
	if err != nil {
		return "", err
	}
	t := &replayTask{waiter: newWaiter(), from: seq, hook: hook, steps: max(steps, 0)}
	if err := l.queue.do(ctx, t); err != nil {
		return "", err
	}
	return l.id(t.result), nil
}

// single, because the store copies steps that earlier batches wrote.
func (*replayTask) single() {}

func (t *replayTask) name() HookName { return HookName{t.hook.Script, t.hook.Name} }

func (t *replayTask) lastCopied() StepKey { return StepKey{t.from, t.steps} }

func (t *replayTask) collect(b *batch) {
	b.begun.want(t.lastCopied(), &b.want.Begun)
	b.runs.want(t.from, &b.want.Runs)
	b.hooks.want(t.name(), &b.want.Hooks)
	b.versions.want(t.hook.Version, &b.want.Versions)
}

func (t *replayTask) decide(b *batch) error {
	old, err := b.run(t.from)
	if err != nil {
		return err
	}
	if old == nil {
		return refuse(journal.ErrNotFound)
	}
	event, err := b.event(old.Event)
	if err != nil {
		return err
	}
	if event == nil {
		return refuse(journal.ErrNotFound)
	}
	begun, err := b.begun.get(t.lastCopied(), &b.want.Begun)
	if err != nil {
		return err
	}
	switch have := min(b.lastStep(t.from).Number, t.steps); {
	case have < t.steps:
		return refusef("it has %d steps, %d cannot be copied", have, t.steps)
	case begun > 0:
		return refusef("step %d has no result that could be copied; copy the %d before it", have, have-1)
	}
	hook, hookErr := b.hooks.get(t.name(), &b.want.Hooks)
	version, versionErr := b.versions.get(t.hook.Version, &b.want.Versions)
	if err := combine(hookErr, versionErr); err != nil {
		return err
	}
	n := newRun{event: old.Event, hook: hook, name: t.name(), version: version, lane: t.hook.LaneKey(event), rule: t.hook.Lane.Rule()}
	if t.hook.Overlap == journal.OverlapParallel {
		n.lane = ""
	}
	t.result = b.addRun(n).Seq
	if t.steps > 0 {
		b.setLast(t.result, t.steps, false)
		b.changes.Copies = append(b.changes.Copies, Copy{t.result, t.from, t.steps})
	}
	return nil
}

// event returns an event by its number, nil if there is none.
func (b *batch) event(seq int64) (*journal.Event, error) {
	if e := b.newEvent(seq); e != nil {
		return e, nil
	}
	return b.events.get(seq, &b.want.Events)
}

// newEvent returns an event that the batch stores, nil if it is not of the batch.
func (b *batch) newEvent(seq int64) *journal.Event {
	for _, e := range b.changes.Events {
		if e.Seq == seq {
			return e.Event
		}
	}
	return nil
}
