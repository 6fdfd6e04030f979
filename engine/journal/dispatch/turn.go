package dispatch

// turns are those of a hook, in order. A hook has more than one only after a
// reload has changed how it makes the keys of its lanes: lanes of the old rule
// and of the new one would not keep runs of one record apart.
type turns struct {
	hook        int64
	first, last *turn
}

// turn is the runs of one rule that have their places one after the other. None
// of them is handed out before those of earlier turns are over, or wait as rows
// only.
type turn struct {
	*turns
	prev, next *turn
	rule       int64
	runs       int
	barred     readyLine // those that are first of their lanes
}

func (t *turn) now() bool { return t.first == t }

// takeTurn gives a run the last place.
func (d *Dispatcher) takeTurn(r *run) {
	all := d.turns[r.hook]
	if all == nil {
		all = &turns{hook: r.hook}
		d.turns[r.hook] = all
	}
	t := all.last
	if t == nil || t.rule != r.rule {
		t = &turn{turns: all, prev: all.last, rule: r.rule}
		if all.last == nil {
			all.first = t
		} else {
			all.last.next = t
		}
		all.last = t
	}
	t.runs++
	r.inTurn = t
}

// endTurn lets the next turn come when the last run of one has left.
func (d *Dispatcher) endTurn(r *run) {
	t := r.inTurn
	r.inTurn = nil
	if t.runs--; t.runs > 0 {
		return
	}
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		t.first = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	} else {
		t.last = t.prev
	}
	switch {
	case t.first == nil:
		delete(d.turns, t.hook)
	case t.prev == nil:
		for next := t.first.barred.first; next != nil; next = t.first.barred.first {
			t.first.barred.remove(next)
			d.push(next)
		}
	}
}
