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

// join puts a run at the end of its lane. It reports whether the lane was
// free, as it always is for a run without one.
func (d *Dispatcher) join(r *run) bool {
	d.takeTurn(r)
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
	r.spot = behind
	r.lanePrev, l.last.laneNext = l.last, r
	l.last = r
	return false
}

// leave takes a run out of its lane and gives the one whose turn it then is.
func (d *Dispatcher) leave(r *run) (next *run) {
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

// readyLine holds the runs that may be handed out.
type readyLine struct{ first, last *run }

func (l *readyLine) add(r *run) {
	r.readyPrev = l.last
	if l.last == nil {
		l.first = r
	} else {
		l.last.readyNext = r
	}
	l.last = r
}

func (l *readyLine) addFront(r *run) {
	r.readyNext = l.first
	if l.first == nil {
		l.last = r
	} else {
		l.first.readyPrev = r
	}
	l.first = r
}

func (l *readyLine) remove(r *run) {
	if r.readyPrev != nil {
		r.readyPrev.readyNext = r.readyNext
	} else {
		l.first = r.readyNext
	}
	if r.readyNext != nil {
		r.readyNext.readyPrev = r.readyPrev
	} else {
		l.last = r.readyPrev
	}
	r.readyNext, r.readyPrev = nil, nil
}
