package dispatch

// ruleEpochs are those of a hook, in order. A hook has more than one only after a
// reload has changed how it makes the keys of its lanes: lanes of the old rule
// and of the new one would not keep runs of one record apart.
type ruleEpochs struct {
	hook        int64
	first, last *ruleEpoch
}

// ruleEpoch is the runs of one rule that have their places one after the other. None
// of them is handed out before those of earlier turns are over, or wait as rows
// only.
type ruleEpoch struct {
	*ruleEpochs
	prev, next *ruleEpoch
	rule       int64
	runs       int
	waiting    runList // those that are first of their lanes
}

func (t *ruleEpoch) isFirst() bool { return t.first == t }

// joinRuleEpoch gives a run the last place.
func (d *Dispatcher) joinRuleEpoch(r *run) {
	all := d.ruleEpochs[r.hook]
	if all == nil {
		all = &ruleEpochs{hook: r.hook}
		d.ruleEpochs[r.hook] = all
	}
	t := all.last
	if t == nil || t.rule != r.rule {
		t = &ruleEpoch{ruleEpochs: all, prev: all.last, rule: r.rule}
		if all.last == nil {
			all.first = t
		} else {
			all.last.next = t
		}
		all.last = t
	}
	t.runs++
	r.ruleEpoch = t
}

// leaveRuleEpoch lets the next turn come when the last run of one has left.
func (d *Dispatcher) leaveRuleEpoch(r *run) {
	t := r.ruleEpoch
	r.ruleEpoch = nil
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
		delete(d.ruleEpochs, t.hook)
	case t.prev == nil:
		for next := t.first.waiting.first; next != nil; next = t.first.waiting.first {
			t.first.waiting.remove(next)
			d.makeReady(next)
		}
	}
}
