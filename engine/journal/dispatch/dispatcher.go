// Package dispatch leases runs to workers from memory, one run of a lane at a
// time. It is for a store with one owner. It decides nothing that outlives a
// restart.
package dispatch

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// Dispatcher has the runs that have a place in a lane or need none. A run whose
// lane is free is ready. Ready runs are leased in the order in which they became
// ready: a lane with a long queue delays other lanes by one run at most. Every
// operation takes the same time however many runs there are.
type Dispatcher struct {
	owner     int64 // the store's epoch
	clock     clock.Clock
	maxCached int64 // bytes of cached events

	mu          sync.Mutex
	closed      error // why no run is leased any more
	cachedBytes int64
	ready       runList
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
		owner: owner, maxCached: maxCached, clock: clock,
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

// dropCached deletes the cached event and row of a run that is not leased.
func (d *Dispatcher) dropCached(r *run) {
	if r.cached != nil {
		d.cachedBytes -= r.size()
	}
	r.cached, r.row = nil, nil
}

func (r *run) endLease() { r.epoch, r.bound, r.row = 0, ledger.Bound{}, nil }

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

// leaseToWaiter leases a run to the caller that has waited longest. It reports
// whether there was one.
func (d *Dispatcher) leaseToWaiter(r *run) bool {
	front := d.waiters.Front()
	if front == nil {
		return false
	}
	d.startLease(r)
	d.waiters.Remove(front).(chan *run) <- r
	return true
}

func (d *Dispatcher) startLease(r *run) {
	r.status = leased
	r.started = d.clock.Now()
	r.last = max(r.last, d.owner<<epochShift) + 1
	r.epoch = r.last
	d.leased[r.seq] = r
	if r.cached != nil {
		d.cachedBytes -= r.size()
	}
}

// next leases the first ready run. It blocks until there is one.
func (d *Dispatcher) next(ctx context.Context) (*run, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	if d.closed != nil {
		defer d.mu.Unlock()
		return nil, d.closed
	}
	if r := d.ready.first.unreserved(); r != nil {
		d.ready.remove(r)
		d.startLease(r)
		d.mu.Unlock()
		return r, nil
	}
	waiter := make(chan *run, 1)
	element := d.waiters.PushBack(waiter)
	d.mu.Unlock()

	select {
	case r := <-waiter:
		if r == nil {
			d.mu.Lock()
			defer d.mu.Unlock()
			return nil, d.closed
		}
		return r, nil
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case r := <-waiter: // leased at the same moment
		if r != nil && r.status == leased {
			d.requeue(r)
		}
	default:
		d.waiters.Remove(element)
	}
	return nil, ctx.Err()
}

// unreserved returns the first run of the list, from this one on, that is not
// reserved, nil if there is none.
func (r *run) unreserved() *run {
	for r != nil && r.reserved {
		r = r.listNext
	}
	return r
}

// requeue ends a lease and makes the run the first ready one.
func (d *Dispatcher) requeue(r *run) {
	row := r.row
	r.endLease()
	delete(d.leased, r.seq)
	if r.cached != nil {
		r.row = row
		d.cachedBytes += r.size()
	}
	d.makeReadyFirst(r)
}

// Requeue ends the lease with an epoch and makes the run ready again. It does
// nothing if that lease has ended.
func (d *Dispatcher) Requeue(seq, epoch int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.leased[seq]; r != nil && r.epoch == epoch {
		d.requeue(r)
	}
}

// Suspend implements ledger.Dispatch.
func (d *Dispatcher) Suspend(seq, epoch int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.leased[seq]
	if r == nil || r.epoch != epoch {
		return false
	}
	delete(d.leased, seq)
	r.status, r.cached = suspended, nil
	r.endLease()
	return true
}

// Continue implements ledger.Dispatch.
func (d *Dispatcher) Continue(seq int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.runs[seq]
	switch {
	case r == nil || r.status != suspended:
		return false
	case r.reserved: // endReservations leases it
		r.status = ready
		d.ready.addFront(r)
	default:
		d.makeReadyFirst(r)
	}
	return true
}

// Reserve implements ledger.Dispatch.
func (d *Dispatcher) Reserve(seq int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.runs[seq]
	switch {
	case r == nil:
	case r.status == leased:
		return false
	case !r.reserved:
		r.reserved = true
		d.reserved = append(d.reserved, r)
	}
	return true
}

// endReservations ends all reservations, and leases the runs that are ready to
// waiting callers.
func (d *Dispatcher) endReservations() {
	for _, r := range d.reserved {
		r.reserved = false
	}
	for _, r := range d.reserved {
		if r.status == ready && d.waiters.Len() > 0 {
			d.ready.remove(r)
			d.leaseToWaiter(r)
		}
	}
	clear(d.reserved)
	d.reserved = d.reserved[:0]
}

// Lease implements ledger.Dispatch.
func (d *Dispatcher) Lease(seq int64) (ledger.Lease, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.leased[seq]
	if r == nil {
		return ledger.Lease{}, false
	}
	return ledger.Lease{Epoch: r.epoch, Started: r.started, Bound: r.bound}, true
}

// Row returns the cached row of a run, false if it must be read from the file.
func (d *Dispatcher) Row(seq int64) (ledger.RunRow, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.runs[seq]; r != nil && r.row != nil {
		return *r.row, true
	}
	return ledger.RunRow{}, false
}

// CacheRows updates the cached rows after a commit: read are rows of runs as the
// commit found them, c is what it changed, nil for nothing. Rows are cached for
// leased runs. The cached row of another run is dropped when it changes.
func (d *Dispatcher) CacheRows(read []ledger.RunRow, c *ledger.Changes) {
	if len(read) == 0 && c == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range read {
		if r := d.runs[read[i].Run.Seq]; r != nil && r.status == leased {
			row := read[i]
			r.row = &row
		}
	}
	if c == nil {
		return
	}
	for _, changed := range c.Runs {
		switch r := d.runs[changed.After.Seq]; {
		case r == nil || r.row == nil:
		case r.status == leased:
			r.row.Run = changed.After
		default:
			d.dropCached(r)
		}
	}
	for _, last := range c.Lasts {
		if r := d.runs[last.Run]; r != nil && r.row != nil {
			r.row.Last = last.Last
		}
	}
}

// LeasedRun is a run with its new lease. Cached is nil if the run must be read
// from the file; Created is set only with Cached.
type LeasedRun struct {
	Seq, Epoch int64
	Lane       string
	Started    time.Time
	Cached     *ledger.CachedRun
	Created    int64
}

// Next leases the next run whose lane is free. It blocks until there is one.
func (d *Dispatcher) Next(ctx context.Context) (LeasedRun, error) {
	for {
		r, err := d.next(ctx)
		if err != nil {
			return LeasedRun{}, err
		}
		d.mu.Lock()
		l := LeasedRun{Seq: r.seq, Epoch: r.epoch, Lane: r.lane, Started: r.started, Cached: r.cached}
		if r.cached != nil && r.row != nil {
			l.Created = r.row.Run.Created
		}
		r.cached = nil
		d.mu.Unlock()
		if l.Epoch != 0 { // the run was not cancelled meanwhile
			return l, nil
		}
	}
}

// Resume sets the version of a lease whose run is bound already. An empty version
// changes nothing.
func (d *Dispatcher) Resume(seq, epoch int64, version string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.leased[seq]; r != nil && r.epoch == epoch && version != "" {
		r.bound.Version = version
	}
}

// Bind implements ledger.Dispatch.
func (d *Dispatcher) Bind(seq, epoch int64, to ledger.Bound) (before string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.leased[seq]
	if r == nil || r.epoch != epoch {
		return "", false
	}
	if before = r.bound.Version; before == "" {
		r.bound = to
	}
	return before, true
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

// Leases returns all leases, by run.
func (d *Dispatcher) Leases() map[int64]ledger.Lease {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make(map[int64]ledger.Lease, len(d.leased))
	for seq, r := range d.leased {
		all[seq] = ledger.Lease{Epoch: r.epoch, Started: r.started, Bound: r.bound}
	}
	return all
}
