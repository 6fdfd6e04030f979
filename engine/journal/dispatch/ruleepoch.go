package dispatch

// ruleEpochs are the rule epochs of a hook, in order. A hook has more than one
// only after a reload has changed its lane rule: how it makes the keys of its
// lanes. Without them two runs of one record could execute at a time, one in a
// lane of the old rule and one in a lane of the new rule.
type ruleEpochs struct {
	hook        int64
	first, last *ruleEpoch
}

// ruleEpoch is the runs of one lane rule that have consecutive places. None of
// them is leased while the dispatcher has runs of an earlier rule epoch of the
// hook.
type ruleEpoch struct {
	*ruleEpochs
	prev, next *ruleEpoch
	rule       int64
	runs       int
	waiting    runList // the owners of lanes, while the rule epoch is not the first
}

func (e *ruleEpoch) isFirst() bool { return e.first == e }

// joinRuleEpoch adds a run to the hook's last rule epoch, or to a new one if the
// last has another rule.
func (d *Dispatcher) joinRuleEpoch(r *run) {
	all := d.ruleEpochs[r.hook]
	if all == nil {
		all = &ruleEpochs{hook: r.hook}
		d.ruleEpochs[r.hook] = all
	}
	e := all.last
	if e == nil || e.rule != r.rule {
		e = &ruleEpoch{ruleEpochs: all, prev: all.last, rule: r.rule}
		if all.last == nil {
			all.first = e
		} else {
			all.last.next = e
		}
		all.last = e
	}
	e.runs++
	r.ruleEpoch = e
}

// leaveRuleEpoch removes a run from its rule epoch. It deletes the rule epoch with
// its last run, and then makes the runs ready that waited for it.
func (d *Dispatcher) leaveRuleEpoch(r *run) {
	e := r.ruleEpoch
	r.ruleEpoch = nil
	if e.runs--; e.runs > 0 {
		return
	}
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		e.first = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	} else {
		e.last = e.prev
	}
	switch {
	case e.first == nil:
		delete(d.ruleEpochs, e.hook)
	case e.prev == nil:
		for next := e.first.waiting.first; next != nil; next = e.first.waiting.first {
			e.first.waiting.remove(next)
			d.makeReady(next)
		}
	}
}
