package dispatch

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
