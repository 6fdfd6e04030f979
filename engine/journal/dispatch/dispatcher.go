// Package dispatch leases runs to workers from memory, one run of a lane at a
// time. It is for a store with one owner. It decides nothing that outlives a
// restart.
package dispatch

import (
	"container/list"
	"sync"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// Dispatcher has the runs that have a place in a lane or need none. A run whose
// lane is free is ready. Scripts with ready runs are served one after the other, and
// the runs of one script in the order in which they became ready: a lane with a long
// queue delays other lanes by one run at most. Every operation takes the same time
// however many runs there are.
type Dispatcher struct {
	owner     int64 // the store's epoch
	clock     clock.Clock
	maxCached int64 // bytes of cached events

	mu          sync.Mutex
	closed      error // why no run is leased any more
	cachedBytes int64
	ready       readyRuns
	lanes       map[laneKey]*lane
	ruleEpochs  map[int64]*ruleEpochs // by hook
	runs        map[int64]*run
	leased      map[int64]*run
	reserved    []*run
	waiters     list.List // of chan *run: the callers that wait in next
}

// epochShift is how many bits count the leases of one run by one owner. The bits
// above them are the owner's epoch.
const epochShift = 20

// New makes a dispatcher for a store whose epoch is owner. It caches at most
// maxCached bytes of events.
func New(owner int64, maxCached int64, clock clock.Clock) *Dispatcher {
	return &Dispatcher{
		owner: owner, maxCached: maxCached, clock: clock, ready: newReadyRuns(),
		lanes: map[laneKey]*lane{}, ruleEpochs: map[int64]*ruleEpochs{}, runs: map[int64]*run{}, leased: map[int64]*run{},
	}
}

// Apply implements ledger.Dispatch.
func (d *Dispatcher) Apply(moves []ledger.Move) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range moves {
		d.apply(&moves[i])
	}
	d.endReservations()
}

func (d *Dispatcher) apply(m *ledger.Move) {
	if m.Kind == ledger.Enter {
		r := &run{seq: m.Seq, hook: m.Run.Hook, lane: m.Run.Lane, rule: m.Run.Rule, last: m.Run.Epoch, paused: m.Run.State == ledger.Paused}
		if m.Cached != nil {
			r.cached, r.row = m.Cached, &ledger.RunRow{Run: m.Run}
		}
		d.add(r)
		return
	}
	r := d.runs[m.Seq]
	if r == nil {
		return
	}
	switch m.Kind {
	case ledger.Remove:
		d.remove(r)
	case ledger.Requeue:
		if r.status == leased {
			d.requeue(r)
		}
	case ledger.Park:
		d.park(r)
	case ledger.Resume:
		if r.status == parked {
			d.makeReady(r)
		}
	case ledger.Unpause:
		r.paused = false
		if r.status == parked {
			d.admit(r)
		}
	case ledger.Repark:
		r.paused = false
	}
}

// Abort implements ledger.Dispatch.
func (d *Dispatcher) Abort() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.endReservations()
}

// Placed is a run that has a place in a lane when a store is opened. Parked is
// set for a run that is parked and owns its lane.
type Placed struct {
	Seq, Hook, Rule int64
	Lane            string
	Epoch           int64
	Paused, Parked  bool
}

// Fill adds the runs of a store in the order of their places, before the first
// call of Next.
func (d *Dispatcher) Fill(runs []Placed) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range runs {
		r := &run{seq: p.Seq, hook: p.Hook, lane: p.Lane, rule: p.Rule, last: p.Epoch, paused: p.Paused}
		d.runs[r.seq] = r
		switch free := d.joinLane(r); {
		case p.Parked:
			r.status = parked
		case free:
			d.admit(r)
		}
	}
}

func (d *Dispatcher) add(r *run) {
	if r.cached != nil {
		if size := r.size(); d.cachedBytes+size <= d.maxCached {
			d.cachedBytes += size
		} else {
			r.cached, r.row = nil, nil
		}
	}
	d.runs[r.seq] = r
	if d.joinLane(r) {
		d.admit(r)
	}
}

// admit makes a run ready whose lane is free, unless it is paused or runs of an
// earlier rule epoch are left.
func (d *Dispatcher) admit(r *run) {
	switch {
	case r.paused:
		r.status = parked
	case !r.ruleEpoch.isFirst():
		r.status = queuedByRule
		r.ruleEpoch.waiting.add(r)
	default:
		d.makeReady(r)
	}
}

// remove deletes a run, whatever its status, and admits the next run of its lane.
func (d *Dispatcher) remove(r *run) {
	switch r.status {
	case absent:
		return
	case ready:
		d.ready.remove(r)
	case queuedByRule:
		r.ruleEpoch.waiting.remove(r)
	case leased:
		delete(d.leased, r.seq)
	}
	if r.status != leased { // startLease has subtracted the size of a leased run
		d.dropCached(r)
	}
	r.status = absent
	r.endLease()
	delete(d.runs, r.seq)
	if next := d.leaveLane(r); next != nil {
		d.admit(next)
	}
	d.leaveRuleEpoch(r)
}

func (d *Dispatcher) park(r *run) {
	if r.status == leased {
		delete(d.leased, r.seq)
		r.status = parked
		r.endLease()
	}
}

// makeReady leases a run to a waiting caller, or adds it as the last ready run.
func (d *Dispatcher) makeReady(r *run) {
	if !d.leaseToWaiter(r) {
		r.status = ready
		d.ready.add(r)
	}
}

// makeReadyFirst is makeReady for a run that was ready before: it becomes the
// first ready run.
func (d *Dispatcher) makeReadyFirst(r *run) {
	if !d.leaseToWaiter(r) {
		r.status = ready
		d.ready.addFront(r)
	}
}

// Close makes the calls of Next that wait, and all later ones, return an error: that
// of the first Close.
func (d *Dispatcher) Close(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed == nil {
		d.closed = err
	}
	for e := d.waiters.Front(); e != nil; e = d.waiters.Front() {
		close(d.waiters.Remove(e).(chan *run))
	}
}
