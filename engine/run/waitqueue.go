package run

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
)

// waitingRun is a run that waits until it may call an app.
type waitingRun struct {
	run, script string
	app         call.Target // whose calls it waits for
	status      waitStatus
	ready       chan struct{} // closed when a run that is inPlace may call
	deadline    time.Time     // of the permission of a run that is woken

	// Of a run that has no place, from the activation that was suspended.
	executed time.Duration
	current  journal.Current
}

// waitStatus is where a waiting run is.
type waitStatus int

const (
	inPlace   waitStatus = iota // its activation waits
	suspended                   // in the store's memory
	parked                      // in the journal, as throttled
)

// waitQueue is the runs that wait for calls of one app. They are served in
// rounds, one run of each script: a script with thousands of runs delays each run
// of another by one run.
type waitQueue struct {
	first    []*waitingRun // before all others
	scripts  []string      // with waiting runs, the next one first
	byScript map[string][]*waitingRun
	length   int
}

func (q *waitQueue) push(w *waitingRun) {
	q.length++
	if q.byScript == nil {
		q.byScript = map[string][]*waitingRun{}
	}
	runs := q.byScript[w.script]
	if len(runs) == 0 {
		q.scripts = append(q.scripts, w.script)
	}
	q.byScript[w.script] = append(runs, w)
}

func (q *waitQueue) pushFirst(w *waitingRun) {
	q.length++
	q.first = append(q.first, w)
}

// peek returns the next run without removing it, nil if there is none.
func (q *waitQueue) peek() *waitingRun {
	switch {
	case len(q.first) > 0:
		return q.first[0]
	case len(q.scripts) > 0:
		return q.byScript[q.scripts[0]][0]
	}
	return nil
}

// pop removes the next run.
func (q *waitQueue) pop() {
	q.length--
	if len(q.first) > 0 {
		q.first = q.first[1:]
		return
	}
	script := q.scripts[0]
	q.scripts = q.scripts[1:]
	if rest := q.byScript[script][1:]; len(rest) > 0 {
		q.byScript[script] = rest
		q.scripts = append(q.scripts, script)
	} else {
		delete(q.byScript, script)
	}
}

// remove removes a run, wherever it is in the queue.
func (q *waitQueue) remove(w *waitingRun) {
	q.length--
	if i := slices.Index(q.first, w); i >= 0 {
		q.first = slices.Delete(q.first, i, i+1)
		return
	}
	runs := q.byScript[w.script]
	i := slices.Index(runs, w)
	if runs = slices.Delete(runs, i, i+1); len(runs) > 0 {
		q.byScript[w.script] = runs
		return
	}
	delete(q.byScript, w.script)
	q.scripts = slices.DeleteFunc(q.scripts, func(name string) bool { return name == w.script })
}
