package ledger

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
)

// leaseKey names the lease that a task writes with: a run and an epoch.
type leaseKey struct{ run, epoch int64 }

func (l *Ledger) parseLease(h journal.Lease) (leaseKey, error) {
	seq, err := l.parse(h.Run)
	return leaseKey{seq, h.Epoch}, err
}

// collect names the rows that every write with a lease needs.
func (k leaseKey) collect(b *batch) {
	b.runs.want(k.run, &b.want.Runs)
	b.open.want(k.run, &b.want.Open)
	if lease, leased := b.dispatch.Lease(k.run); leased && lease.Bound.Version != "" {
		b.versions.want(lease.Bound.Version, &b.want.Versions)
	}
}

// activate returns the row of a run with the values of its lease.
func (b *batch) activate(r *Run, lease Lease) (*Run, error) {
	version := r.Bound
	if version == 0 && lease.Bound.Version != "" {
		var err error
		if version, err = b.versions.get(lease.Bound.Version, &b.want.Versions); err != nil {
			return nil, err
		}
	}
	n := b.edit(r)
	n.Epoch, n.Bound, n.Merging, n.Attempts = lease.Epoch, version, false, max(n.Attempts, 1)
	if n.RunConfig == "" {
		n.RunConfig = lease.Bound.RunConfig
	}
	if n.Started == 0 {
		n.Started = Micro(lease.Started)
	}
	return n, nil
}

type finishTask struct {
	waiter
	leaseKey
	state    State
	executed int64
	problem  []byte
	follow   []arrival
}

// Finish implements journal.Store.
func (l *Ledger) Finish(ctx context.Context, h journal.Lease, end journal.Finish) error {
	if err := l.finish(ctx, h, end); err != nil {
		return fmt.Errorf("finish run %q: %w", h.Run, err)
	}
	return nil
}

func (l *Ledger) finish(ctx context.Context, h journal.Lease, end journal.Finish) (err error) {
	if !end.State.Ended() {
		return fmt.Errorf("%q is not how a run ends", end.State)
	}
	t := &finishTask{waiter: newWaiter(), executed: int64(end.Executed)}
	t.state, _ = StateOf(end.State)
	if t.follow, err = fillAll(end.Follow); err != nil {
		return err
	}
	if end.Problem != nil {
		if t.problem, err = json.Marshal(end.Problem); err != nil {
			return err
		}
	}
	if t.leaseKey, err = l.parseLease(h); err != nil {
		return err
	}
	return l.queue.do(ctx, t)
}

func (t *finishTask) collect(b *batch) {
	t.leaseKey.collect(b)
	collectAll(b, t.follow)
}

func (t *finishTask) decide(b *batch) error {
	lease, r, err := b.lease(t.run, t.epoch)
	if err != nil {
		return err
	}
	more := b.acceptFollow(t.follow)
	if failed(more) {
		return more
	}
	n, err := b.activate(r, lease)
	if err != nil {
		return err
	}
	n.State, n.Steps, n.Finished, n.Problem = t.state, int64(b.lastStep(t.run).Number), b.now.UnixMicro(), t.problem
	n.Executed += t.executed
	b.live--
	b.endLease(t.run)
	b.move(Remove, t.run)
	return combine(more, b.closeSteps(t.run))
}

// acceptFollow accepts the events that follow a run's end.
func (b *batch) acceptFollow(follow []arrival) (more error) {
	for i := range follow {
		_, err := b.accept(&follow[i])
		if more = combine(more, err); failed(more) {
			return more
		}
	}
	return more
}

type releaseTask struct {
	waiter
	leaseKey
}

// Release implements journal.Store.
func (l *Ledger) Release(h journal.Lease) error {
	t := &releaseTask{waiter: newWaiter()}
	var err error
	if t.leaseKey, err = l.parseLease(h); err == nil {
		err = l.queue.do(context.Background(), t)
	}
	if err != nil {
		return fmt.Errorf("release run %q: %w", h.Run, err)
	}
	return nil
}

func (t *releaseTask) decide(b *batch) error {
	lease, r, err := b.lease(t.run, t.epoch)
	if err != nil {
		return err
	}
	if r.State == Running && r.Epoch == lease.Epoch {
		b.edit(r).State = Queued
	}
	b.endLease(t.run)
	b.move(Requeue, t.run)
	return nil
}

// Suspend implements journal.Store.
func (l *Ledger) Suspend(h journal.Lease) error {
	k, err := l.parseLease(h)
	if err == nil && !l.dispatch.Suspend(k.run, k.epoch) {
		err = journal.ErrFenced
	}
	if err != nil {
		return fmt.Errorf("suspend run %q: %w", h.Run, err)
	}
	return nil
}

// Continue implements journal.Store.
func (l *Ledger) Continue(run string) bool {
	seq, err := l.parse(run)
	return err == nil && l.dispatch.Continue(seq)
}

// Bind implements journal.Store.
func (l *Ledger) Bind(h journal.Lease, to journal.Binding) error {
	seq, err := l.parse(h.Run)
	if err != nil {
		return fmt.Errorf("bind run %q: %w", h.Run, err)
	}
	bound := Bound{Version: to.Version}
	if to.Zone != "" || len(to.Connections) > 0 {
		text, err := json.Marshal(to.RunConfig)
		if err != nil {
			return fmt.Errorf("bind run %q: %w", h.Run, err)
		}
		bound.RunConfig = string(text)
	}
	switch before, ok := l.dispatch.Bind(seq, h.Epoch, bound); {
	case !ok:
		return fmt.Errorf("bind run %q: %w", h.Run, journal.ErrFenced)
	case before != "" && before != to.Version:
		return fmt.Errorf("bind run %q to version %q: it is bound to %q", h.Run, to.Version, before)
	}
	return nil
}
