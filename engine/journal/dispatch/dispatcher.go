// Package dispatch hands runs out from memory: one of a lane at a time, for a
// store that has one owner. It decides nothing that outlives a restart.
package dispatch

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// Dispatcher holds the runs that have a place in a lane, or need none. Runs whose
// lane is free are ready, and are handed out in the order in which they became
// so: a lane with a long queue delays others by one run at most. All its
// operations take the same time however many runs there are.
type Dispatcher struct {
	owner     int64 // the store's epoch
	now       func() time.Time
	maxCached int64 // bytes for what is fresh

	mu          sync.Mutex
	closed      bool
	cachedBytes int64
	ready       runList
	lanes       map[laneKey]*lane
	ruleEpochs  map[int64]*ruleEpochs // by hook
	runs        map[int64]*run
	leased      map[int64]*run
	reserved    []*run
	waiters     list.List // of chan *run, those who wait in next
}

// epochShift leaves that many bits to count the hand-outs of one run by one
// owner; the owner's epoch stands above them.
const epochShift = 20

// New makes a dispatcher for a store whose epoch is owner. It keeps at most room
// bytes of what is fresh.
func New(owner int64, room int64, now func() time.Time) *Dispatcher {
	return &Dispatcher{
		owner: owner, maxCached: room, now: now,
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
	}
}

// Abort implements ledger.Dispatch.
func (d *Dispatcher) Abort() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.endReservations()
}

// Placed is a run that has a place in a lane when a store is opened. Parked says
// that it is parked and keeps its lane.
type Placed struct {
	Seq, Hook, Rule int64
	Lane            string
	Epoch           int64
	Paused, Parked  bool
}

// Fill adds what a store holds, in the order of the places, before anybody asks.
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

// admit is for a run whose lane is free.
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

// remove takes a run out, wherever it is, and frees its lane for the next.
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
	if r.status != leased { // of one that was handed out, its holder has it
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

// dropCached drops what saves reading a run back.
func (d *Dispatcher) dropCached(r *run) {
	if r.cached != nil {
		d.cachedBytes -= r.size()
	}
	r.cached, r.row = nil, nil
}

// endLease ends the hand-out of a run.
func (r *run) endLease() { r.epoch, r.bound, r.row = 0, ledger.Bound{}, nil }

func (d *Dispatcher) park(r *run) {
	if r.status == leased {
		delete(d.leased, r.seq)
		r.status = parked
		r.endLease()
	}
}

// makeReady makes a run ready.
func (d *Dispatcher) makeReady(r *run) {
	if !d.leaseToWaiter(r) {
		r.status = ready
		d.ready.add(r)
	}
}

// makeReadyFirst makes a run ready again that had its turn already.
func (d *Dispatcher) makeReadyFirst(r *run) {
	if !d.leaseToWaiter(r) {
		r.status = ready
		d.ready.addFront(r)
	}
}

// leaseToWaiter hands a run to the one who waits longest.
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
	r.started = d.now()
	r.last = max(r.last, d.owner<<epochShift) + 1
	r.epoch = r.last
	d.leased[r.seq] = r
	if r.cached != nil {
		d.cachedBytes -= r.size()
	}
}

// next gives a ready run, which is then executing.
func (d *Dispatcher) next(ctx context.Context) (*run, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil, journal.ErrClosed
	}
	if r := d.ready.first.unreserved(); r != nil {
		d.ready.remove(r)
		d.startLease(r)
		d.mu.Unlock()
		return r, nil
	}
	turn := make(chan *run, 1)
	place := d.waiters.PushBack(turn)
	d.mu.Unlock()

	select {
	case r := <-turn:
		if r == nil {
			return nil, journal.ErrClosed
		}
		return r, nil
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case r := <-turn: // it came at the same moment
		if r != nil && r.status == leased {
			d.requeue(r)
		}
	default:
		d.waiters.Remove(place)
	}
	return nil, ctx.Err()
}

// unreserved gives the first of the ready runs from this one on that is not
// reserved.
func (r *run) unreserved() *run {
	for r != nil && r.reserved {
		r = r.listNext
	}
	return r
}

// requeue undoes a hand-out.
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

// Requeue undoes the hand-out of an epoch, unless the run has been taken since.
func (d *Dispatcher) Requeue(seq, epoch int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.leased[seq]; r != nil && r.epoch == epoch {
		d.requeue(r)
	}
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

// endReservations hands reserved runs out that are ready, if somebody waits.
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

// Row gives the row of a run, if it is known without reading the file.
func (d *Dispatcher) Row(seq int64) (ledger.RunRow, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.runs[seq]; r != nil && r.row != nil {
		return *r.row, true
	}
	return ledger.RunRow{}, false
}

// CacheRows takes the rows of runs that are handed out, as they were read and
// then changed. What was changed of other runs must be read back.
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

// LeasedRun is a run that was handed out. Fresh is nil where the run must be read
// back, and Created is set only with it.
type LeasedRun struct {
	Seq, Epoch int64
	Lane       string
	Started    time.Time
	Cached     *ledger.CachedRun
	Created    int64
}

// Next hands out the next run whose lane is free, and blocks until there is one.
func (d *Dispatcher) Next(ctx context.Context) (LeasedRun, error) {
	for {
		r, err := d.next(ctx)
		if err != nil {
			return LeasedRun{}, err
		}
		d.mu.Lock()
		h := LeasedRun{Seq: r.seq, Epoch: r.epoch, Lane: r.lane, Started: r.started, Cached: r.cached}
		if r.cached != nil && r.row != nil {
			h.Created = r.row.Run.Created
		}
		r.cached = nil
		d.mu.Unlock()
		if h.Epoch != 0 { // not cancelled meanwhile
			return h, nil
		}
	}
}

// Resume notes the version that a run which is handed out again is bound to.
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

// Close ends all waiting.
func (d *Dispatcher) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for e := d.waiters.Front(); e != nil; e = d.waiters.Front() {
		close(d.waiters.Remove(e).(chan *run))
	}
}

// Leases gives what is known only in memory of the runs that are handed out.
func (d *Dispatcher) Leases() map[int64]ledger.Lease {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make(map[int64]ledger.Lease, len(d.leased))
	for seq, r := range d.leased {
		all[seq] = ledger.Lease{Epoch: r.epoch, Started: r.started, Bound: r.bound}
	}
	return all
}
