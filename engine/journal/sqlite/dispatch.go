package sqlite

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// dispatcher holds the live runs and knows which may be handed out. Runs whose
// lane is free are ready, and leave in the order in which they became so: a
// lane with a long queue delays others by one run at most. All its operations
// take the same time however many runs there are.
type dispatcher struct {
	owner int64 // the store's epoch
	now   func() time.Time
	room  int64 // bytes for what is fresh

	mu        sync.Mutex
	closed    bool
	used      int64
	first     *run // ready
	last      *run
	lanes     map[laneKey]*lane
	executing map[int64]*run
	waiting   list.List // of chan *run, those who wait in next
}

// A lane belongs to one hook.
type laneKey struct {
	hook int64
	key  string
}

// lane is a line of runs; the first is ready or executing, the others wait.
type lane struct {
	laneKey
	first, last *run
}

// epochShift leaves that many bits to count the hand-outs of one run by one
// owner; the owner's epoch stands above them.
const epochShift = 20

func newDispatcher(owner int64, room int64, now func() time.Time) *dispatcher {
	return &dispatcher{
		owner: owner, room: room, now: now,
		lanes: map[laneKey]*lane{}, executing: map[int64]*run{},
	}
}

// update adds runs in the order of acceptance, lets go of ended ones, and makes
// released ones ready again.
func (d *dispatcher) update(born, ended, released []*run) {
	if len(born)+len(ended)+len(released) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range born {
		d.add(r)
	}
	for _, r := range ended {
		r.epoch.Store(0)
		delete(d.executing, r.seq)
		d.leave(r)
	}
	for _, r := range released {
		d.back(r)
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
	if r.lane == "" {
		d.push(r)
		return
	}
	key := laneKey{r.hook, r.lane}
	l := d.lanes[key]
	if l == nil {
		l = &lane{laneKey: key}
		d.lanes[key] = l
	}
	r.inLane = l
	if l.first == nil {
		l.first, l.last = r, r
		d.push(r)
		return
	}
	l.last.laneNext = r
	l.last = r
}

// leave frees the lane of an ended run for the next.
func (d *dispatcher) leave(r *run) {
	l := r.inLane
	if l == nil {
		return
	}
	l.first = r.laneNext
	r.inLane, r.laneNext = nil, nil
	if l.first == nil {
		delete(d.lanes, l.laneKey)
		return
	}
	d.push(l.first)
}

// push makes a run ready.
func (d *dispatcher) push(r *run) {
	if d.give(r) {
		return
	}
	if d.last == nil {
		d.first = r
	} else {
		d.last.readyNext = r
	}
	d.last = r
}

// pushFront makes a run ready again that had its turn already.
func (d *dispatcher) pushFront(r *run) {
	if d.give(r) {
		return
	}
	r.readyNext = d.first
	d.first = r
	if d.last == nil {
		d.last = r
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
	r.handouts++
	r.started = d.now()
	r.epoch.Store(d.owner<<epochShift + r.handouts)
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
	if r := d.first; r != nil {
		d.first, r.readyNext = r.readyNext, nil
		if d.first == nil {
			d.last = nil
		}
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
		if r != nil {
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
	r.bound = ""
	delete(d.executing, r.seq)
	if r.fresh != nil {
		d.used += r.fresh.size()
	}
	d.pushFront(r)
}

func (d *dispatcher) putBack(r *run) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.back(r)
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

// bind notes the version of a handed-out run. It reports the one that the run
// was bound to before.
func (d *dispatcher) bind(seq, epoch int64, version string) (before string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.executing[seq]
	if r == nil || r.epoch.Load() != epoch {
		return "", false
	}
	if before = r.bound; before == "" {
		r.bound = version
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
	bound   string
	started time.Time
}

func (d *dispatcher) handedOut() map[int64]live {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make(map[int64]live, len(d.executing))
	for seq, r := range d.executing {
		out[seq] = live{r.epoch.Load(), r.bound, r.started}
	}
	return out
}
