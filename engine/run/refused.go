package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// parkRefused parks the run until the circuit has closed that refused its call, or
// tries a call. No timer wakes it, and it uses up no attempt.
func (h *host) parkRefused(ctx context.Context, s vm.Step, step journal.Step, refused *call.Circuit, problem *journal.Problem) error {
	ended := h.park(ctx, step, journal.Park{State: journal.Throttled, Drop: h.status.removable(), Problem: problem})
	if errors.Is(ended, errParked) {
		app, _ := callTarget(s)
		h.runner.bulkhead.addParked(app, refused.Target, h.run.ID, h.run.Script)
	}
	return ended
}

// addThrottled adds the runs that waited for a circuit when the engine ended. It
// returns how many there are.
func (r *Runner) addThrottled(ctx context.Context) (n int, err error) {
	q := journal.RunQuery{State: journal.Throttled, Limit: 500}
	var all []journal.Run
	for {
		runs, err := r.config.Store.Runs(ctx, q)
		if ctx.Err() != nil {
			return 0, nil
		}
		if err != nil {
			return 0, fmt.Errorf("find the runs that wait for an app to answer: %w", err)
		}
		for _, run := range runs {
			q.Before = run.Seq
			if run.Park != nil && run.Park.Until.IsZero() {
				all = append(all, run)
			}
		}
		if len(runs) < q.Limit {
			break
		}
	}
	for i := len(all) - 1; i >= 0; i-- { // the oldest first
		app := call.Target{Host: "?"}
		if p := all[i].Problem; p != nil && p.App != nil && p.App.App != "" {
			app = call.Target{App: p.App.App}
		}
		r.bulkhead.addParked(app, call.Target{}, all[i].ID, all[i].Script)
	}
	return len(all), nil
}

// addParked adds a run that is parked as throttled. It is woken when it may call
// the app, and not before the circuit that refused its call has closed, or tries
// a call; a zero circuit is closed.
func (b *bulkhead) addParked(app, circuit call.Target, run, script string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := &waitingRun{run: run, script: script, app: app, status: parked}
	if circuit == (call.Target{}) {
		b.push(w)
		b.admit(b.app(app))
		return
	}
	b.refused[circuit] = append(b.refused[circuit], w)
	b.signal()
}

// circuits admits the runs whose circuits have closed, and one run of each circuit
// that is to try a call. It returns when it is to be called again; zero: when a
// circuit changes.
func (b *bulkhead) circuits(open []call.Circuit, now time.Time) (again time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	states := make(map[call.Target]call.Circuit, len(open))
	for _, c := range open {
		states[c.Target] = c
	}
	for t := range b.probes {
		if _, isOpen := states[t]; !isOpen {
			delete(b.probes, t)
		}
	}
	for t, runs := range b.refused {
		state, isOpen := states[t]
		if !isOpen {
			delete(b.refused, t)
			for _, w := range runs {
				b.push(w)
				b.admit(b.app(w.app))
			}
			continue
		}
		if state.Probing {
			continue
		}
		if next := b.probe(t, state.Next, now); again.IsZero() || next.Before(again) {
			again = next
		}
	}
	return again
}

// probeInterval is after what time another run is woken to try an open circuit: a
// run that was woken may not come to its call.
const probeInterval = 5 * time.Second

// probe admits one run that is to try an open circuit, if it is time. It returns
// when the next is.
func (b *bulkhead) probe(t call.Target, next, now time.Time) time.Time {
	if last, tried := b.probes[t]; tried && !last.Before(next) {
		next = last.Add(probeInterval)
	}
	if now.Before(next) {
		return next
	}
	runs := b.refused[t]
	w := runs[0]
	if b.refused[t] = runs[1:]; len(runs) == 1 {
		delete(b.refused, t)
	}
	b.probes[t] = now
	b.runs[w.run] = w
	b.waiting.Add(1)
	a := b.app(w.app)
	a.queue.pushFirst(w)
	b.admit(a)
	return now.Add(probeInterval)
}

// dropRefused removes a run that waits for a circuit to close.
func (b *bulkhead) dropRefused(run string) {
	for t, runs := range b.refused {
		b.refused[t] = slices.DeleteFunc(runs, func(w *waitingRun) bool { return w.run == run })
		if len(b.refused[t]) == 0 {
			delete(b.refused, t)
		}
	}
}
