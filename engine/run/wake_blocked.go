package run

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// WakeBlocked wakes the runs that are blocked, or whose look-up waits, because one of
// the connections was broken, or because the app of one of them had no connection.
func (r *Runner) WakeBlocked(ctx context.Context, connections ...string) error {
	woken := 0
	for _, state := range []journal.State{journal.Blocked, journal.Held} {
		n, err := r.wakeStopped(ctx, state, connections)
		if woken += n; err != nil {
			return err
		}
	}
	if woken > 0 {
		r.config.Log.Info("runs that a broken connection stopped go on", "runs", woken)
	}
	return nil
}

// wakeStopped wakes the runs of a state that one of the connections stopped. It
// returns how many there were.
func (r *Runner) wakeStopped(ctx context.Context, state journal.State, connections []string) (woken int, err error) {
	q := journal.RunQuery{State: state, Limit: 500}
	for {
		runs, err := r.config.Store.Runs(ctx, q)
		if ctx.Err() != nil {
			return woken, nil
		}
		if err != nil {
			return woken, fmt.Errorf("find the runs that a broken connection stopped: %w", err)
		}
		for _, run := range runs {
			q.Before = run.Seq
			if !r.stoppedBy(run, connections) {
				continue
			}
			if err := r.config.Store.Wake(ctx, run.ID); err != nil && !errors.Is(err, journal.ErrState) && ctx.Err() == nil {
				return woken, fmt.Errorf("wake the runs that a broken connection stopped: %w", err)
			}
			woken++
		}
		if len(runs) < q.Limit {
			return woken, nil
		}
	}
}

// workingConnections returns the names of the connections that are not broken.
func (r *Runner) workingConnections() []string {
	var names []string
	for _, c := range r.config.Connections.All() {
		if c.Problem() == nil {
			names = append(names, c.Name())
		}
	}
	return names
}

// stoppedBy reports whether a run is parked because of one of the connections.
func (r *Runner) stoppedBy(run journal.Run, connections []string) bool {
	if run.Problem == nil || run.Problem.App == nil || run.Problem.App.Kind != bindings.BrokenConnection {
		return false
	}
	e := run.Problem.App
	if e.Connection == "" {
		return slices.ContainsFunc(connections, func(name string) bool { return appOf(name) == e.App })
	}
	name := e.Connection
	if c, found := r.config.Connections.Get(name); found { // it may have been renamed
		name = c.Name()
	}
	return slices.Contains(connections, name)
}

// wakeIfRecovered wakes a run that was parked because of a broken connection, if
// a connection became healthy since its step began: WakeBlocked may have been
// called before the run was blocked.
func (h *host) wakeIfRecovered(ctx context.Context) {
	if h.runner.config.Connections.Recoveries() == h.status.recoveries {
		return
	}
	err := h.runner.config.Store.Wake(context.WithoutCancel(ctx), h.lease.Run)
	if err != nil && !errors.Is(err, journal.ErrState) {
		h.log.Error("the run could not be woken; wake it with tidewire runs retry", "error", err)
	}
}
