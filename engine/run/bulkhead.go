package run

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
)

const (
	// maxInPlace is how long a run may wait in its place until it may call, if the
	// calls of the app take so short a time that it is expected to. Without that
	// wait, runs of one fast app that fill all places would be suspended at each
	// call.
	maxInPlace = 500 * time.Millisecond
	// wakeTimeout is how long a run that was woken has a permission to call. A run
	// that was cancelled in that time never uses it.
	wakeTimeout = 10 * time.Second
)

// bulkhead bounds how many runs wait for the calls of one app, over all its
// connections; for the http library, of one host: a quarter of the places of runs
// in flight, more only while half of all are free. So an app that does not answer
// leaves places for the runs of others. Further runs wait without a place, and are
// woken one for each call that ends.
type bulkhead struct {
	places   int
	inFlight func() int // runs that have a place
	clock    clock.Clock
	waiting  atomic.Int64  // runs in queues
	changed  chan struct{} // has one element while there may be runs to wake

	mu      sync.Mutex
	apps    map[call.Target]*appCalls
	runs    map[string]*waitingRun        // in queues, by run
	woken   map[string]*waitingRun        // that have the permission to call and no place yet
	wakes   []*waitingRun                 // those of them that are to be woken
	refused map[call.Target][]*waitingRun // runs that wait for a circuit to close
	probes  map[call.Target]time.Time     // when a run was last woken to try an open circuit
}

// appCalls is the runs that call one app.
type appCalls struct {
	calls   int           // runs in a call, or with the permission for one
	ended   time.Time     // the last call
	took    time.Duration // calls, as a moving average
	inPlace waitQueue
	queue   waitQueue // the runs without a place
	placed  bool      // the last run that was admitted had a place
}

func newBulkhead(places int, inFlight func() int, c clock.Clock) *bulkhead {
	return &bulkhead{
		places: places, inFlight: inFlight, clock: c, changed: make(chan struct{}, 1),
		apps: map[call.Target]*appCalls{}, runs: map[string]*waitingRun{}, woken: map[string]*waitingRun{},
		probes: map[call.Target]time.Time{}, refused: map[call.Target][]*waitingRun{},
	}
}

// maxIdle is how many apps without calls are retained: the http library can call
// any number of hosts.
const maxIdle = 200

func (b *bulkhead) app(t call.Target) *appCalls {
	a := b.apps[t]
	if a != nil {
		return a
	}
	if len(b.apps) >= maxIdle {
		for other, idle := range b.apps {
			if idle.calls+idle.queue.length+idle.inPlace.length == 0 {
				delete(b.apps, other)
			}
		}
	}
	a = &appCalls{}
	b.apps[t] = a
	return a
}

// allows reports whether one more run may call an app. further is how many more
// places that run needs: none if it has one.
func (b *bulkhead) allows(a *appCalls, further int) bool {
	if a.calls < b.share() {
		return true
	}
	return b.places-b.inFlight()-len(b.woken)-further >= b.places/2
}

// enter is called by a run with a place, before it calls an app. It returns nil
// if the run may call; leave is then called after the call. Otherwise the run is
// in the queue: it may wait in its place until ready is closed, for at most wait.
func (b *bulkhead) enter(t call.Target, run, script string) (w *waitingRun, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if woken := b.woken[run]; woken != nil {
		delete(b.woken, run)
		if woken.app == t {
			return nil, 0
		}
		b.end(woken.app)
	}
	a := b.app(t)
	if a.inPlace.length+a.queue.length == 0 && b.allows(a, 0) {
		a.calls++
		return nil, 0
	}
	w = &waitingRun{run: run, script: script, app: t, ready: make(chan struct{})}
	if b.expected(a) <= maxInPlace {
		wait = maxInPlace
	}
	a.inPlace.push(w)
	b.runs[run] = w
	b.waiting.Add(1)
	return w, wait
}

// expected returns how long one more run would wait in its place.
func (b *bulkhead) expected(a *appCalls) time.Duration {
	ahead := a.inPlace.length + min(a.inPlace.length, a.queue.length)
	return max(b.clock.Now().Sub(a.ended), time.Duration(ahead+1)*a.took/time.Duration(b.share()))
}

// share is how many runs may be in calls of one app while few places are free.
func (b *bulkhead) share() int { return max(b.places/4, 1) }

func (b *bulkhead) push(w *waitingRun) {
	b.app(w.app).queue.push(w)
	b.runs[w.run] = w
	b.waiting.Add(1)
}

// leave is called after a call that began at a time.
func (b *bulkhead) leave(t call.Target, began time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.app(t)
	a.ended = b.clock.Now()
	took := a.ended.Sub(began)
	if a.took == 0 {
		a.took = took
	}
	a.took += (took - a.took) / 8
	b.end(t)
}

func (b *bulkhead) end(t call.Target) {
	a := b.app(t)
	a.calls--
	b.admit(a)
}

// admit permits the next waiting runs of an app to call.
func (b *bulkhead) admit(a *appCalls) {
	for {
		w, q, further := b.next(a)
		if w == nil || !b.allows(a, further) {
			return
		}
		q.pop()
		a.placed = w.status == inPlace
		a.calls++
		b.waiting.Add(-1)
		if b.runs[w.run] == w {
			delete(b.runs, w.run)
		}
		if w.status == inPlace {
			close(w.ready)
		} else {
			b.wake(w)
		}
	}
}

// next returns the run that is admitted next, its queue, and how many further
// places it needs: runs with a place and without one by turns. Of those without
// a place no more are woken than soon get one, as nobody else has their
// permission until then.
func (b *bulkhead) next(a *appCalls) (w *waitingRun, q *waitQueue, further int) {
	placed, waiting := a.inPlace.peek(), a.queue.peek()
	few := len(b.woken) < max(b.places-b.inFlight(), 0)+max(b.places/16, 1)
	if waiting != nil && (placed == nil || a.placed && few) {
		return waiting, &a.queue, 1
	}
	return placed, &a.inPlace, 0
}

// wake adds a run to those to be woken.
func (b *bulkhead) wake(w *waitingRun) {
	b.expire(b.woken[w.run]) // of a person who woke the run before
	w.deadline = b.clock.Now().Add(wakeTimeout)
	b.woken[w.run] = w
	b.wakes = append(b.wakes, w)
	b.signal()
}

func (b *bulkhead) signal() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// abandon is called by a run that waited in its place and will not call.
func (b *bulkhead) abandon(w *waitingRun) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-w.ready:
		b.end(w.app)
	default:
		b.drop(w)
	}
}

// drop removes a run from its queue.
func (b *bulkhead) drop(w *waitingRun) {
	a := b.app(w.app)
	if w.status == inPlace {
		a.inPlace.remove(w)
	} else {
		a.queue.remove(w)
	}
	delete(b.runs, w.run)
	b.waiting.Add(-1)
	b.admit(a)
}

// suspend is called after a run that waited in its place has lost the place.
func (b *bulkhead) suspend(w *waitingRun, executed time.Duration, current journal.Current) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w.executed, w.current = executed, current
	select {
	case <-w.ready: // meanwhile
		w.status = suspended
		b.wake(w)
	default:
		a := b.app(w.app)
		a.inPlace.remove(w)
		w.status = suspended
		a.queue.push(w)
		b.admit(a)
	}
}

// cancel removes a run that waits without a place.
func (b *bulkhead) cancel(run string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w := b.runs[run]; w != nil && w.status != inPlace {
		b.drop(w)
	}
	b.dropRefused(run)
	b.expire(b.woken[run])
}

// expire ends the permission of a run that was woken, if it was not used.
func (b *bulkhead) expire(w *waitingRun) {
	if w != nil && b.woken[w.run] == w {
		delete(b.woken, w.run)
		b.end(w.app)
	}
}

// revoke is expire for a run that could not be woken, or has not called.
func (b *bulkhead) revoke(w *waitingRun) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire(w)
}

// placeFreed is called after a run has lost its place.
func (b *bulkhead) placeFreed() {
	if b.waiting.Load() == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.apps {
		b.admit(a)
	}
}

// due returns the runs that are to be woken now, and when it is to be called
// again; zero: when changed receives.
func (b *bulkhead) due() (wakes []*waitingRun, again time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.Now()
	for _, w := range b.woken {
		if !now.Before(w.deadline) {
			b.expire(w)
		}
	}
	wakes, b.wakes = b.wakes, nil
	for _, w := range b.woken {
		if again.IsZero() || w.deadline.Before(again) {
			again = w.deadline
		}
	}
	return wakes, again
}

// permission returns the permission that a run was woken with, nil if it has none.
func (b *bulkhead) permission(run string) *waitingRun {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.woken[run]
}

// current returns what a run without a place waits for, nil for any other run.
func (b *bulkhead) current(run string) *journal.Current {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.runs[run]
	if w == nil || w.status != suspended {
		return nil
	}
	now := w.current
	return &now
}
