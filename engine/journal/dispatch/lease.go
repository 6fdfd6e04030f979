package dispatch

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/engine/journal/ledger"
)

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
	if r := d.ready.removeNext(); r != nil {
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

func (r *run) endLease() { r.epoch, r.bound, r.row = 0, ledger.Bound{}, nil }

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
