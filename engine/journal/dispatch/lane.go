package dispatch

// laneKey is a lane by its hook and its key there.
type laneKey struct {
	hook int64
	key  string
}

// lane is a queue of runs. The first owns the lane, the others wait for it.
type lane struct {
	laneKey
	first, last *run
}

// joinLane adds a run as the last of its lane and of its hook's rule epochs. It
// reports whether the lane was free; true for a run without a lane.
func (d *Dispatcher) joinLane(r *run) bool {
	d.joinRuleEpoch(r)
	if r.lane == "" {
		return true
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
		return true
	}
	r.status = queuedInLane
	r.lanePrev, l.last.laneNext = l.last, r
	l.last = r
	return false
}

// leaveLane removes a run from its lane. It returns the new owner of the lane,
// nil if the owner has not changed or no run is left.
func (d *Dispatcher) leaveLane(r *run) (next *run) {
	l := r.inLane
	if l == nil {
		return nil
	}
	if r.lanePrev != nil {
		r.lanePrev.laneNext = r.laneNext
	} else {
		l.first, next = r.laneNext, r.laneNext
	}
	if r.laneNext != nil {
		r.laneNext.lanePrev = r.lanePrev
	} else {
		l.last = r.lanePrev
	}
	r.inLane, r.laneNext, r.lanePrev = nil, nil, nil
	if l.first == nil {
		delete(d.lanes, l.laneKey)
	}
	return next
}

// runList is a doubly linked list of runs. A run is in one list at most.
type runList struct{ first, last *run }

func (l *runList) add(r *run) {
	r.listPrev = l.last
	if l.last == nil {
		l.first = r
	} else {
		l.last.listNext = r
	}
	l.last = r
}

func (l *runList) addFront(r *run) {
	r.listNext = l.first
	if l.first == nil {
		l.last = r
	} else {
		l.first.listPrev = r
	}
	l.first = r
}

func (l *runList) remove(r *run) {
	if r.listPrev != nil {
		r.listPrev.listNext = r.listNext
	} else {
		l.first = r.listNext
	}
	if r.listNext != nil {
		r.listNext.listPrev = r.listPrev
	} else {
		l.last = r.listPrev
	}
	r.listNext, r.listPrev = nil, nil
}
