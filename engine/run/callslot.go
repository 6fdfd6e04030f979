package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidwall/gjson"
	"golang.org/x/sync/errgroup"

	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// errSuspended ends an activation whose run waits without a place until it may
// call an app.
var errSuspended = errors.New("the run waits for calls of other runs")

// callTarget returns whose calls a step waits for: those of an app, or of a host
// for the http library. ok is false for a step that sends no request.
func callTarget(s vm.Step) (t call.Target, ok bool) {
	switch s.Kind {
	case vm.StepCall, vm.StepPage, vm.StepRequest:
		return call.Target{App: s.App.Name}, true
	case vm.StepHTTP:
		return call.Target{Host: call.HostOf(gjson.GetBytes(s.Args, "url").String())}, true
	}
	return call.Target{}, false
}

// enterCall waits until the run may call an app. If that may take long the run
// is suspended, and the error ends the activation. Otherwise leave is called after
// the call, with the time at which the run began to call.
func (h *host) enterCall(ctx context.Context, t call.Target) (began time.Time, err error) {
	b := h.runner.bulkhead
	w, wait := b.enter(t, h.run.ID, h.run.Script)
	if w == nil {
		return b.clock.Now(), nil
	}
	what := fmt.Sprintf("the calls of other runs to %s, which have their share of the %d places", t, h.runner.config.MaxInFlight)
	if wait > 0 {
		h.current.wait(what, time.Time{})
		defer h.current.wait("", time.Time{})
		passed, release := b.clock.Timer(wait)
		defer release()
		select {
		case <-w.ready:
			return b.clock.Now(), nil
		case <-passed:
		case <-ctx.Done():
			b.abandon(w)
			return began, context.Cause(ctx)
		}
	}
	if err := h.runner.config.Store.Suspend(h.lease); err != nil {
		b.abandon(w)
		return began, err
	}
	current := h.current.get()
	current.Waits, current.Began = what, h.began
	b.suspend(w, h.runner.config.Clock.Now().Sub(h.began), current)
	h.log.Info("run waits for the calls of others", "to", t.String(), "step", h.last)
	return began, errSuspended
}

// maxWakeups bounds the runs that are woken at the same time, each by a commit.
const maxWakeups = 64

// wakeWaiting wakes the runs that may call an app, until ctx is done.
func (r *Runner) wakeWaiting(ctx context.Context) {
	for ctx.Err() == nil {
		next := r.bulkhead.circuits(r.config.Calls.OpenCircuits(), r.config.Clock.Now())
		wakes, expiry := r.bulkhead.due()
		if len(wakes) > 0 {
			r.wakeAll(ctx, wakes)
			continue
		}
		try, releaseTry := timerAt(r.config.Clock, next)
		expired, releaseExpired := timerAt(r.bulkhead.clock, expiry)
		select {
		case <-r.bulkhead.changed:
		case <-r.config.Calls.CircuitsChanged():
		case <-try:
		case <-expired:
		case <-ctx.Done():
		}
		releaseTry()
		releaseExpired()
	}
}

// timerAt returns a timer for a time, which never fires for the zero time.
func timerAt(c clock.Clock, at time.Time) (<-chan time.Time, func()) {
	if at.IsZero() {
		return nil, func() {}
	}
	return c.Timer(at.Sub(c.Now()))
}

// wakeAll wakes runs, and ends the permission of those that have ended or are no
// longer parked.
func (r *Runner) wakeAll(ctx context.Context, runs []*waitingRun) {
	var all errgroup.Group
	all.SetLimit(maxWakeups)
	for _, w := range runs {
		if w.status == suspended {
			if !r.config.Store.Continue(w.run) {
				r.bulkhead.revoke(w)
			}
			continue
		}
		all.Go(func() error {
			err := r.retryWrite(ctx, func() error { return r.config.Store.Wake(ctx, w.run) })
			if err == nil {
				return nil
			}
			r.bulkhead.revoke(w)
			if ctx.Err() == nil && !errors.Is(err, journal.ErrState) && !errors.Is(err, journal.ErrNotFound) && !errors.Is(err, journal.ErrReplaced) {
				r.config.Log.Error("the run could not be woken; wake it with tidewire runs retry", "run", w.run, "error", err)
			}
			return nil
		})
	}
	_ = all.Wait() // no function returns an error
}
