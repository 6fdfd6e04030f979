package change

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"time"
)

// PollKey names a poll of a connection: "highlevel/paris", "contacts".
type PollKey struct{ Connection, Poll string }

// Sighting is what polls and webhooks have reported of a record that is polled,
// so that each of its states is reported once.
type Sighting struct {
	PollKey
	Record string
	// Item is the one that it was last listed for, if the poll has a list for each
	// of several items.
	Item string
	// Missed is set when the last walk over all pages did not find it.
	Missed  bool
	History []Observation

	// Row and Version identify what was read; zero for one that is not stored
	// yet.
	Row, Version int64
}

// Aspect is a part of a record that events report separately: its content, that
// it was created, that it was deleted, and each bindings.Facet.
type Aspect uint16

// The aspects that every record has.
const (
	ContentAspect Aspect = iota
	CreatedAspect
	DeletedAspect
	firstFacet
)

// FacetAspect is the aspect of a bindings.Facet, by its trigger.
func FacetAspect(trigger string) Aspect {
	h := fnv.New32a()
	_, _ = h.Write([]byte(trigger))
	sum := h.Sum32()
	return firstFacet + Aspect((sum>>16^sum&0xffff)%(1<<16-uint32(firstFacet)))
}

// Observation is one known state of an aspect. Observations are in the order of
// At where it is set, and else in the order in which they were added; those that a
// list without times contained are in the order in which it did.
type Observation struct {
	Aspect Aspect
	Hash   uint64 // of the content; zero for created and deleted
	// At is the time of the state by the vendor's clock, zero if the vendor sent
	// none. If only a list without times contained the state, At is when that page
	// was requested, by our clock: the change was earlier.
	At time.Time
	By ReportedBy
	// Listed is set when a list without times contained the state or a later one.
	// Of the states that are Listed, the list contained the last one last.
	Listed bool
}

// ReportedBy is what reported a state.
type ReportedBy uint8

// The values of ReportedBy.
const (
	Unreported        ReportedBy = iota // there was no event about it
	ReportedByList                      // an event from a list; its webhook may follow
	ReportedByWebhook                   // an event from a webhook
)

const (
	// maxTimeDifference bounds the difference of two times that a vendor has for
	// one change.
	maxTimeDifference = 2 * time.Second
	// duplicateWindow is how long after a list the webhook of the same change may
	// arrive.
	duplicateWindow = 7 * 24 * time.Hour
	// maxObservations bounds the observations of an aspect. A list that is behind
	// may contain any state that webhooks reported meanwhile, and one without an
	// observation would be reported again.
	maxObservations = 16
)

// Fingerprint is the state of a polled record that an event of a webhook
// reports, or a call of ours makes.
type Fingerprint struct {
	PollKey
	Record string
	Observation
	// Undated is set if At is when the webhook arrived, as the vendor sent no time.
	Undated bool
	// Implied are further states that follow from it and are not reported.
	Implied []Observation
}

// ObserveWebhook adds the state that a webhook reports. It returns true if a
// list reported it already: the webhook is a duplicate.
func (s *Sighting) ObserveWebhook(f *Fingerprint) (duplicate bool) {
	for i := range s.History {
		t := &s.History[i]
		if t.By == ReportedByList && t.Aspect == f.Aspect && t.Hash == f.Hash && within(t.At, f.At, duplicateWindow) && !s.changedBetween(t, f) {
			t.By = ReportedByWebhook // once: a second webhook with this state is another change
			if t.Listed && f.At.Before(t.At) {
				t.At = f.At.Truncate(timePrecision)
			}
			return true
		}
	}
	reported := f.Observation
	reported.By = ReportedByWebhook
	if f.Aspect != DeletedAspect && s.deletedBefore(f.At) {
		s.Drop(DeletedAspect)
	}
	s.Add(reported)
	for _, implied := range f.Implied {
		implied.By = Unreported
		s.Add(implied)
	}
	return false
}

// changedBetween reports whether the record had another state after a list without
// times contained this one, and before the time of the webhook, which is about a
// change back to it.
func (s *Sighting) changedBetween(listed *Observation, f *Fingerprint) bool {
	return listed.Listed && !f.Undated && slices.ContainsFunc(s.History, func(t Observation) bool {
		return t.Aspect == f.Aspect && t.At.After(listed.At) && f.At.After(t.At)
	})
}

// ObserveCall adds the states that a call of ours wrote, which was begun at started,
// by our clock. They are not reported.
func (s *Sighting) ObserveCall(f *Fingerprint, started time.Time) {
	exists := len(s.History) > 0 && !s.Gone()
	if f.Aspect == CreatedAspect {
		s.Drop(DeletedAspect)
	}
	for _, t := range append([]Observation{f.Observation}, f.Implied...) {
		isSeen := slices.ContainsFunc(s.History, func(o Observation) bool {
			return o.Aspect == t.Aspect && o.Hash == t.Hash && !o.At.Before(started)
		})
		// A list or a webhook may have been before the answer.
		if isSeen || exists && t.Aspect == CreatedAspect {
			continue
		}
		t.By = Unreported
		s.Add(t)
	}
}

func within(a, b time.Time, d time.Duration) bool {
	return a.IsZero() || b.IsZero() || b.Sub(a) <= d
}

// deletedBefore reports whether the record was deleted before a time.
func (s *Sighting) deletedBefore(at time.Time) bool {
	gone, is := s.Last(DeletedAspect)
	return is && !gone.At.IsZero() && at.After(gone.At)
}

// Add inserts an observation at the place of its time, last if it has none. If
// the one before or after it is of the same change, that one is updated instead.
func (s *Sighting) Add(t Observation) {
	t.At = t.At.Truncate(timePrecision)
	place, before, after := len(s.History), -1, -1
	for i, o := range s.History {
		switch {
		case o.Aspect != t.Aspect:
		case after < 0 && !t.At.IsZero() && o.At.After(t.At):
			place, after = i, i
		case after < 0:
			before = i
		}
	}
	for _, i := range []int{before, after} {
		if i >= 0 && s.History[i].sameChange(&t) {
			o := &s.History[i]
			o.By = max(o.By, t.By)
			if t.At.After(o.At) {
				o.At = t.At
			}
			return
		}
	}
	s.History = slices.Insert(s.History, place, t)
	s.limit(t.Aspect)
}

// sameChange reports whether two observations are of one change: of the same state
// at about the same time. A list without times contained the state later than that.
func (o *Observation) sameChange(t *Observation) bool {
	hasNoTime := o.At.IsZero() || t.At.IsZero()
	return o.Hash == t.Hash && !o.Listed && (hasNoTime || o.At.Sub(t.At).Abs() <= maxTimeDifference)
}

// limit removes one observation of an aspect if there are too many, never the newest.
// One that is ReportedByList stays while its webhook may arrive: without it
// ObserveWebhook would treat the webhook as another change.
func (s *Sighting) limit(aspect Aspect) {
	if len(s.History) <= maxObservations {
		return
	}
	places := s.places(aspect)
	if len(places) <= maxObservations {
		return
	}
	older, newest := places[:len(places)-1], s.History[places[len(places)-1]]
	drop := max(0, slices.IndexFunc(older, func(i int) bool {
		return s.History[i].By != ReportedByList || !within(s.History[i].At, newest.At, duplicateWindow)
	}))
	s.History = slices.Delete(s.History, older[drop], older[drop]+1)
}

// Last returns the newest observation of an aspect.
func (s *Sighting) Last(aspect Aspect) (Observation, bool) {
	for _, t := range slices.Backward(s.History) {
		if t.Aspect == aspect {
			return t, true
		}
	}
	return Observation{}, false
}

// Covers reports whether a state that a list contains is not new: it is the
// newest one, or one whose time is not before updated, the list's time for it.
// Lists are behind webhooks.
func (s *Sighting) Covers(aspect Aspect, hash uint64, updated time.Time) bool {
	if last, found := s.Last(aspect); found && last.Hash == hash {
		return true
	}
	return !updated.IsZero() && slices.ContainsFunc(s.History, func(t Observation) bool {
		return t.Aspect == aspect && t.Hash == hash && !t.At.IsZero() && !t.At.Add(maxTimeDifference).Before(updated)
	})
}

// SetTime sets the time of the newest state of an aspect to the list's time for it,
// if that is earlier: the time of a call's answer is by our clock, and that of a
// webhook may be when it arrived. It reports whether that changed the history.
func (s *Sighting) SetTime(aspect Aspect, hash uint64, updated time.Time) (changed bool) {
	last, found := s.Last(aspect)
	if !found || last.Hash != hash || last.At.Sub(updated) <= maxTimeDifference {
		return false
	}
	all := s.places(aspect)
	s.History[all[len(all)-1]].At = updated.Truncate(timePrecision)
	return true
}

// Drop removes all observations of an aspect.
func (s *Sighting) Drop(aspect Aspect) {
	s.History = slices.DeleteFunc(s.History, func(t Observation) bool { return t.Aspect == aspect })
}

// places are the indexes of the observations of an aspect.
func (s *Sighting) places(aspect Aspect) (all []int) {
	for i, t := range s.History {
		if t.Aspect == aspect {
			all = append(all, i)
		}
	}
	return all
}

// Gone reports whether the record was deleted.
func (s *Sighting) Gone() bool {
	_, gone := s.Last(DeletedAspect)
	return gone
}

const (
	// observationSize is the size of a stored observation: aspect, ReportedBy with
	// listedBit, hash, and the time in milliseconds in six bytes.
	observationSize = 2 + 1 + 8 + 6
	listedBit       = 1 << 7
	timePrecision   = time.Millisecond
)

// MarshalBinary encodes History.
func (s *Sighting) MarshalBinary() ([]byte, error) {
	out := make([]byte, 0, observationSize*len(s.History))
	for _, t := range s.History {
		out = binary.BigEndian.AppendUint16(out, uint16(t.Aspect))
		by := byte(t.By)
		if t.Listed {
			by |= listedBit
		}
		out = append(out, by)
		out = binary.BigEndian.AppendUint64(out, t.Hash)
		ms := uint64(0)
		if !t.At.IsZero() {
			ms = uint64(max(t.At.UnixMilli(), 0))
		}
		var eight [8]byte
		binary.BigEndian.PutUint64(eight[:], ms)
		out = append(out, eight[2:]...)
	}
	return out, nil
}

// UnmarshalBinary decodes History.
func (s *Sighting) UnmarshalBinary(data []byte) error {
	if len(data)%observationSize != 0 {
		return fmt.Errorf("history of a record: found %d bytes, expected a multiple of %d", len(data), observationSize)
	}
	s.History = make([]Observation, 0, len(data)/observationSize)
	for ; len(data) > 0; data = data[observationSize:] {
		t := Observation{
			Aspect: Aspect(binary.BigEndian.Uint16(data)), By: ReportedBy(data[2] &^ listedBit), Listed: data[2]&listedBit != 0,
			Hash: binary.BigEndian.Uint64(data[3:]),
		}
		if t.By > ReportedByWebhook {
			return fmt.Errorf("history of a record: found the reporter %d, expected 0 to 2", t.By)
		}
		if ms := binary.BigEndian.Uint64(data[9:]) & (1<<48 - 1); ms > 0 {
			t.At = time.UnixMilli(int64(ms)).UTC()
		}
		s.History = append(s.History, t)
	}
	return nil
}
