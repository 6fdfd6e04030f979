package sqlite

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// dispatcher holds the runs that have a place in a lane, or need none, and
// knows which may be handed out. Runs whose lane is free are ready, and leave
// in the order in which they became so: a lane with a long queue delays others
// by one run at most. All its operations take the same time however many runs
// there are.
type dispatcher struct {
	owner int64 // the store's epoch
	now   func() time.Time
	room  int64 // bytes for what is fresh

	mu        sync.Mutex
	closed    bool
	used      int64
	ready     readyLine
	lanes     map[laneKey]*lane
	turns     map[int64]*turns // by hook
	runs      map[int64]*run
	executing map[int64]*run
	waiting   list.List // of chan *run, those who wait in next
}

// epochShift leaves that many bits to count the hand-outs of one run by one
// owner; the owner's epoch stands above them.
const epochShift = 20

func newDispatcher(owner int64, room int64, now func() time.Time) *dispatcher {
	return &dispatcher{
		owner: owner, room: room, now: now,
		lanes: map[laneKey]*lane{}, turns: map[int64]*turns{}, runs: map[int64]*run{}, executing: map[int64]*run{},
	}
}

// move is what a commit means for a run in memory.
type move struct {
	run  *run
	what what
}

type what uint8

const (
	enter    what = iota // takes its place, the last of its lane
	remove               // is over, or waits as a row only
	giveBack             // is ready again, first of its lane
	park                 // stands and keeps its lane
	rouse                // no longer stands
	unpause              // is as any other that is queued
)

// update makes known what was committed.
func (d *dispatcher) update(moves []move) {
	if len(moves) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range moves {
		switch m.what {
		case enter:
			d.add(m.run)
		case remove:
			d.drop(m.run)
		case giveBack:
			if m.run.spot == out {
				d.back(m.run)
			}
		case park:
			d.park(m.run)
		case rouse:
			if m.run.spot == parked {
				d.push(m.run)
			}
		case unpause:
			m.run.paused = false
			if m.run.spot == parked {
				d.turn(m.run)
			}
		}
	}
}

// fill adds what a file holds, before anybody asks.
func (d *dispatcher) fill(runs []*run, standing []bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, r := range runs {
		d.runs[r.seq] = r
		switch free := d.join(r); {
		case standing[i]:
			r.spot = parked
		case free:
			d.turn(r)
		}
	}
}

func (d *dispatcher) add(r *run) {
	if r.fresh != nil {
		if size := r.fresh.size(); d.used+size <= d.room {
			d.used += size
		} else {
			r.fresh = nil
		}
	}
	d.runs[r.seq] = r
	if d.join(r) {
		d.turn(r)
	}
}

// turn is for a run whose lane is free.
func (d *dispatcher) turn(r *run) {
	switch {
	case r.paused:
		r.spot = parked
	case !r.inTurn.now():
		r.spot = barred
		r.inTurn.barred.add(r)
	default:
		d.push(r)
	}
}

// drop takes a run out, wherever it is, and frees its lane for the next.
func (d *dispatcher) drop(r *run) {
	switch r.spot {
	case nowhere:
		return
	case ready:
		d.ready.remove(r)
	case barred:
		r.inTurn.barred.remove(r)
	case out:
		delete(d.executing, r.seq)
	}
	if r.spot != out { // of one that was handed out, its holder has it
		d.stale(r)
	}
	r.spot, r.bound = nowhere, bound{}
	r.epoch.Store(0)
	delete(d.runs, r.seq)
	if next := d.leave(r); next != nil {
		d.turn(next)
	}
	d.endTurn(r)
}

// stale lets go of what was kept to save reading a run back.
func (d *dispatcher) stale(r *run) {
	if r.fresh != nil {
		d.used -= r.fresh.size()
		r.fresh = nil
	}
}

func (d *dispatcher) park(r *run) {
	if r.spot == out {
		delete(d.executing, r.seq)
		r.epoch.Store(0)
		r.spot, r.bound = parked, bound{}
	}
}

// push makes a run ready.
func (d *dispatcher) push(r *run) {
	if !d.give(r) {
		r.spot = ready
		d.ready.add(r)
	}
}

// pushFront makes a run ready again that had its turn already.
func (d *dispatcher) pushFront(r *run) {
	if !d.give(r) {
		r.spot = ready
		d.ready.addFront(r)
	}
}

// give hands a run to the one who waits longest.
func (d *dispatcher) give(r *run) bool {
	front := d.waiting.Front()
	if front == nil {
		return false
	}
	d.hand(r)
	d.waiting.Remove(front).(chan *run) <- r
	return true
}

func (d *dispatcher) hand(r *run) {
	r.spot = out
	r.started = d.now()
	r.last = max(r.last, d.owner<<epochShift) + 1
	r.epoch.Store(r.last)
	d.executing[r.seq] = r
	if r.fresh != nil {
		d.used -= r.fresh.size()
	}
}

// next gives a ready run, which is then executing.
func (d *dispatcher) next(ctx context.Context) (*run, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil, journal.ErrClosed
	}
	if r := d.ready.first; r != nil {
		d.ready.remove(r)
		d.hand(r)
		d.mu.Unlock()
		return r, nil
	}
	turn := make(chan *run, 1)
	place := d.waiting.PushBack(turn)
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
		if r != nil && r.spot == out {
			d.back(r)
		}
	default:
		d.waiting.Remove(place)
	}
	return nil, ctx.Err()
}

// back undoes a hand-out.
func (d *dispatcher) back(r *run) {
	r.epoch.Store(0)
	r.bound = bound{}
	delete(d.executing, r.seq)
	if r.fresh != nil {
		d.used += r.fresh.size()
	}
	d.pushFront(r)
}

// putBack undoes the hand-out of an epoch, unless the run has been taken since.
func (d *dispatcher) putBack(r *run, epoch int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.epoch.Load() == epoch {
		d.back(r)
	}
}

// find gives a run in memory, nil where there is none, and whether it is
// handed out.
func (d *dispatcher) find(seq int64) (r *run, executing bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r = d.runs[seq]
	return r, r != nil && r.spot == out
}

// pull keeps a queued run from being handed out while the writer changes it.
// It reports false where it is too late.
func (d *dispatcher) pull(r *run) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch r.spot {
	case out:
		return false
	case ready:
		d.ready.remove(r)
		r.spot = pulled
	}
	return true
}

// unpull makes runs ready again that were pulled and are still there. What is
// known of them may be out of date.
func (d *dispatcher) unpull(runs []*run) {
	if len(runs) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range runs {
		if r.spot == pulled {
			d.stale(r)
			d.pushFront(r)
		}
	}
}

// holding gives the run that a holder holds, nil where it holds none, and what
// is not yet in its row.
func (d *dispatcher) holding(seq, epoch int64) (*run, live) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.executing[seq]; r != nil && r.epoch.Load() == epoch {
		return r, live{epoch, r.bound, r.started}
	}
	return nil, live{}
}

// resume notes the version that a run which is handed out again is bound to.
func (d *dispatcher) resume(r *run, epoch int64, version string) (started time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.epoch.Load() == epoch && version != "" {
		r.bound.version = version
	}
	return r.started
}

// bind notes what a handed-out run is bound to. It reports the version that it
// was bound to before.
func (d *dispatcher) bind(seq, epoch int64, to bound) (before string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.executing[seq]
	if r == nil || r.epoch.Load() != epoch {
		return "", false
	}
	if before = r.bound.version; before == "" {
		r.bound = to
	}
	return before, true
}

// close ends all waiting.
func (d *dispatcher) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for e := d.waiting.Front(); e != nil; e = d.waiting.Front() {
		close(d.waiting.Remove(e).(chan *run))
	}
}

// live is what is known only in memory of a run that was handed out.
type live struct {
	epoch   int64
	bound   bound
	started time.Time
}

func (d *dispatcher) handedOut() map[int64]live {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make(map[int64]live, len(d.executing))
	for seq, r := range d.executing {
		all[seq] = live{r.epoch.Load(), r.bound, r.started}
	}
	return all
}
