package change

import (
	"slices"
	"time"
)

// ListRead is how a list that has no times of change was read.
type ListRead struct {
	At time.Time // when the page was requested, by our clock
	// Lag is how old the states in the list may be.
	Lag time.Duration
	// Once is set if the list contains a record only once for each change, and not
	// each time.
	Once bool
}

// isPast reports whether the list certainly contains a change of that time, or a
// later one.
func (r ListRead) isPast(at time.Time) bool { return !r.At.Before(at.Add(r.Lag)) }

// ObserveListed compares the state of an aspect that a list without times contains
// with the history. It reports whether the state is known, so that there is nothing
// to report, and whether it changed the history, which is then to be stored.
//
// Such a list is a late reader of the history: it contains the state that it contained
// last, or one that a webhook or a call of ours added since. If one of these is older
// than the lag of the list, the list is past all before it. Any other state is a
// change, also if the record had it before.
func (s *Sighting) ObserveListed(aspect Aspect, hash uint64, r ListRead) (known, changed bool) {
	var past, newest time.Time
	for _, t := range s.History {
		if t.Aspect == aspect && !t.Listed {
			newest = later(newest, t.At)
			if r.isPast(t.At) {
				past = later(past, t.At)
			}
		}
	}
	last := s.lastListed(aspect)
	if last >= 0 {
		t := &s.History[last]
		since := past
		if r.Once {
			since = newest // it contains the record again because that was changed
		}
		if t.Hash == hash && !t.At.Before(since) {
			return true, s.setListed(last, r)
		}
		past = later(past, t.At.Add(-r.Lag)) // the change may have been as early as that
	}
	i := slices.IndexFunc(s.History, func(t Observation) bool {
		return t.Aspect == aspect && t.Hash == hash && !t.Listed && !t.At.Before(past)
	})
	if i < 0 {
		return false, false
	}
	return true, s.setListed(i, r)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// AddListed adds the state that a list without times contains as the newest one,
// whatever the times of the others are.
func (s *Sighting) AddListed(t Observation, r ListRead) {
	t.At, t.Listed = r.At.Truncate(timePrecision), true
	for _, o := range s.History {
		if o.Aspect == t.Aspect {
			t.At = later(t.At, o.At)
		}
	}
	s.History = append(s.History, t)
	s.setListed(len(s.History)-1, r)
	s.limit(t.Aspect)
}

// lastListed is the place of the state that a list contained last, -1 for none.
func (s *Sighting) lastListed(aspect Aspect) int {
	for i, t := range slices.Backward(s.History) {
		if t.Aspect == aspect && t.Listed {
			return i
		}
	}
	return -1
}

// setListed makes the observation at a place the one that a list contained last. It
// reports whether that changed the history.
func (s *Sighting) setListed(i int, r ListRead) (changed bool) {
	for j := range s.History {
		o := &s.History[j]
		if o.Aspect == s.History[i].Aspect && !o.Listed && (j == i || r.isPast(o.At)) {
			o.Listed, changed = true, true
		}
	}
	t := s.History[i]
	if last := s.lastListed(t.Aspect); last > i {
		s.History = slices.Insert(slices.Delete(s.History, i, i+1), last, t)
		changed = true
	}
	return changed
}
