package dispatch

import "container/list"

// readyRuns are the runs that are ready. They are leased from one script after the
// other, and those of one script in the order in which they became ready: a script with
// many runs delays another by one run.
type readyRuns struct {
	scriptOf map[int64]string // by hook
	scripts  map[readyKey]*readyScript
	order    list.List // of *readyScript; the first is next
}

// readyKey is a script or, where that is not known, a hook.
type readyKey struct {
	script string
	hook   int64
}

// readyScript is the ready runs of one script, at least one.
type readyScript struct {
	runList
	key   readyKey
	place *list.Element
}

func newReadyRuns() readyRuns {
	return readyRuns{scriptOf: map[int64]string{}, scripts: map[readyKey]*readyScript{}}
}

// of returns the runs of the script of a run, nil if there is none.
func (all *readyRuns) of(r *run) (*readyScript, readyKey) {
	key := readyKey{hook: r.hook}
	if script := all.scriptOf[r.hook]; script != "" {
		key = readyKey{script: script}
	}
	return all.scripts[key], key
}

// add adds a run as the last of its script.
func (all *readyRuns) add(r *run) {
	s, key := all.of(r)
	if s == nil {
		s = all.begin(key)
		s.place = all.order.PushBack(s)
	}
	s.add(r)
	r.readyIn = s
}

// addFront adds a run as the first of its script. A script without ready runs is next.
func (all *readyRuns) addFront(r *run) {
	s, key := all.of(r)
	if s == nil {
		s = all.begin(key)
		s.place = all.order.PushFront(s)
	}
	s.addFront(r)
	r.readyIn = s
}

func (all *readyRuns) begin(key readyKey) *readyScript {
	s := &readyScript{key: key}
	all.scripts[key] = s
	return s
}

func (all *readyRuns) remove(r *run) {
	s := r.readyIn
	s.remove(r)
	r.readyIn = nil
	if s.first == nil {
		all.order.Remove(s.place)
		delete(all.scripts, s.key)
	}
}

// removeNext removes and returns the run to lease next, nil if all that are ready are reserved.
func (all *readyRuns) removeNext() *run {
	for e := all.order.Front(); e != nil; e = e.Next() {
		if r := e.Value.(*readyScript).first.unreserved(); r != nil {
			all.order.MoveToBack(e)
			all.remove(r)
			return r
		}
	}
	return nil
}

// SetScript sets the script of a hook.
func (d *Dispatcher) SetScript(hook int64, script string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ready.scriptOf[hook] = script
}
