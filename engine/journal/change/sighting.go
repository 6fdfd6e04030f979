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

// Sighting is what is known of a record that is polled: which of its states
// were told, by a list or by a webhook, so that each is told once.
type Sighting struct {
	PollKey
	Record string
	// Item is what it was last listed for, of a poll that lists for each of
	// several.
	Item string
	// Missed says that the last complete walk did not find it.
	Missed bool
	Told   []Telling

	// Row and Version are where and how it was read; zero for one that is not
	// kept yet.
	Row, Version int64
}

// Thread is one of the things that can be told of a record, each for itself:
// that it is there, that it is gone, what it holds, and parts of that.
type Thread uint16

// The threads that every record has.
const (
	WholeThread Thread = iota
	CreatedThread
	DeletedThread
	firstFacet
)

// FacetThread is that of a part of the record whose change has a trigger of
// its own.
func FacetThread(trigger string) Thread {
	h := fnv.New32a()
	_, _ = h.Write([]byte(trigger))
	sum := h.Sum32()
	return firstFacet + Thread((sum>>16^sum&0xffff)%(1<<16-uint32(firstFacet)))
}

// Telling is one state of a thread that is known. The order is that of At, as
// far as times are known, and else that in which they became known.
type Telling struct {
	Thread Thread
	Hash   uint64 // of the content; zero for created and deleted
	// At is when the vendor says that it was so, zero if it does not say.
	At time.Time
	By Teller
}

// Teller is how a state became known.
type Teller uint8

// The tellers of a state.
const (
	Found  Teller = iota // a list showed it, and nobody was to be told
	Listed               // told because a list showed it; its webhook may yet come
	Pushed               // told by a webhook
)

const (
	// slack is how far times of one vendor may be apart that belong together.
	slack = 2 * time.Second
	// openFor is how long after a list the webhook of the same change may come.
	openFor = 7 * 24 * time.Hour
	// threadTellings bounds the states kept of a thread. A list that lags may
	// show any state that webhooks reported meanwhile, and one that is no longer
	// kept would become an event again.
	threadTellings = 16
)

// Mark is what an event of a webhook says of a record that is polled too.
type Mark struct {
	PollKey
	Record string
	Telling
	// Shows is what is known by it besides.
	Shows []Telling
}

// Push takes what a webhook tells. It reports true if a list told it already:
// the webhook is a duplicate then.
func (s *Sighting) Push(m *Mark) (duplicate bool) {
	for i := range s.Told {
		t := &s.Told[i]
		if t.By == Listed && t.Thread == m.Thread && t.Hash == m.Hash && within(t.At, m.At, openFor) {
			t.By = Pushed // once: another one like it is another change
			return true
		}
	}
	tells := m.Telling
	tells.By = Pushed
	if m.Thread != DeletedThread && s.goneBefore(m.At) {
		s.Drop(DeletedThread)
	}
	s.Tell(tells)
	for _, shown := range m.Shows {
		shown.By = Found
		s.Tell(shown)
	}
	return false
}

func within(a, b time.Time, d time.Duration) bool {
	return a.IsZero() || b.IsZero() || b.Sub(a) <= d
}

// goneBefore reports whether the record was gone and is there again.
func (s *Sighting) goneBefore(at time.Time) bool {
	gone, is := s.Last(DeletedThread)
	return is && !gone.At.IsZero() && at.After(gone.At)
}

// Tell adds a state where its time puts it, behind all others if that is not
// known. Beside one that says the same it is not a new one.
func (s *Sighting) Tell(t Telling) {
	t.At = t.At.Truncate(time.Millisecond)
	place, before, after, count := len(s.Told), -1, -1, 0
	for i, o := range s.Told {
		switch {
		case o.Thread != t.Thread:
			continue
		case after < 0 && !t.At.IsZero() && o.At.After(t.At):
			place, after = i, i
		case after < 0:
			before = i
		}
		count++
	}
	for _, i := range []int{before, after} {
		if i >= 0 && s.Told[i].Hash == t.Hash {
			o := &s.Told[i]
			o.By = max(o.By, t.By)
			if t.At.After(o.At) {
				o.At = t.At
			}
			return
		}
	}
	s.Told = slices.Insert(s.Told, place, t)
	if count == threadTellings {
		s.dropOldest(t.Thread)
	}
}

// dropOldest removes one state of a full thread, never the newest. A Listed
// state stays while its webhook may come: without it Push would take that for
// another change.
func (s *Sighting) dropOldest(thread Thread) {
	var places []int
	for i, t := range s.Told {
		if t.Thread == thread {
			places = append(places, i)
		}
	}
	older, newest := places[:len(places)-1], s.Told[places[len(places)-1]]
	drop := max(0, slices.IndexFunc(older, func(i int) bool {
		return s.Told[i].By != Listed || !within(s.Told[i].At, newest.At, openFor)
	}))
	s.Told = slices.Delete(s.Told, older[drop], older[drop]+1)
}

// Last gives the newest state of a thread.
func (s *Sighting) Last(thread Thread) (Telling, bool) {
	for _, t := range slices.Backward(s.Told) {
		if t.Thread == thread {
			return t, true
		}
	}
	return Telling{}, false
}

// Knows reports whether a state that a list shows is known: it is the newest,
// or one that was told of a time no older than the list gives it. Lists lag
// behind webhooks.
func (s *Sighting) Knows(thread Thread, hash uint64, updated time.Time) bool {
	if last, told := s.Last(thread); told && last.Hash == hash {
		return true
	}
	return !updated.IsZero() && slices.ContainsFunc(s.Told, func(t Telling) bool {
		return t.Thread == thread && t.Hash == hash && !t.At.IsZero() && !t.At.Add(slack).Before(updated)
	})
}

// Had reports whether a state was ever told, as far as that is kept.
func (s *Sighting) Had(thread Thread, hash uint64) bool {
	return slices.ContainsFunc(s.Told, func(t Telling) bool { return t.Thread == thread && t.Hash == hash })
}

// Drop forgets all of a thread.
func (s *Sighting) Drop(thread Thread) {
	s.Told = slices.DeleteFunc(s.Told, func(t Telling) bool { return t.Thread == thread })
}

// Gone reports whether the record was told to be gone.
func (s *Sighting) Gone() bool {
	_, gone := s.Last(DeletedThread)
	return gone
}

// tellingSize is that of a telling at rest: thread, teller, hash, and the time
// in milliseconds with six bytes.
const tellingSize = 2 + 1 + 8 + 6

// MarshalBinary writes what was told.
func (s *Sighting) MarshalBinary() ([]byte, error) {
	out := make([]byte, 0, tellingSize*len(s.Told))
	for _, t := range s.Told {
		out = binary.BigEndian.AppendUint16(out, uint16(t.Thread))
		out = append(out, byte(t.By))
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

// UnmarshalBinary reads it back.
func (s *Sighting) UnmarshalBinary(data []byte) error {
	if len(data)%tellingSize != 0 {
		return fmt.Errorf("what was told of a record: found %d bytes, expected a multiple of %d", len(data), tellingSize)
	}
	s.Told = make([]Telling, 0, len(data)/tellingSize)
	for ; len(data) > 0; data = data[tellingSize:] {
		t := Telling{Thread: Thread(binary.BigEndian.Uint16(data)), By: Teller(data[2]), Hash: binary.BigEndian.Uint64(data[3:])}
		if t.By > Pushed {
			return fmt.Errorf("what was told of a record: there is no teller %d", t.By)
		}
		if ms := binary.BigEndian.Uint64(data[9:]) & (1<<48 - 1); ms > 0 {
			t.At = time.UnixMilli(int64(ms)).UTC()
		}
		s.Told = append(s.Told, t)
	}
	return nil
}
