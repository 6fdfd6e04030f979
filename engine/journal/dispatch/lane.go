package dispatch

// A lane belongs to one hook.
type laneKey struct {
	hook int64
	key  string
}

// lane is a line of runs; the first owns it, the others are behind it.
type lane struct {
	laneKey
	first, last *run
}

// joinLane puts a run at the end of its lane. It reports whether the lane was
// free, as it always is for a run without one.
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

// leaveLane takes a run out of its lane and gives the one whose turn it then is.
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

// runList holds the runs that may be handed out.
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
