package ledger

import (
	"encoding/json"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// State is that of a run as rows have it, in the order of the numbers there. It
// differs from journal.State in Later. Up to Blocked a run has its place in its
// lane, up to Waiting it is live.
type State int64

// The states of a run.
const (
	Paused State = iota - 1
	Queued
	Running
	Retrying
	Throttled
	Held
	Blocked
	Later // queued later; journal.Queued to everybody else
	Waiting
	Succeeded
	Failed
	Cancelled
	Skipped
)

var states = [...]journal.State{
	journal.Paused, journal.Queued, journal.Running, journal.Retrying, journal.Throttled, journal.Held, journal.Blocked,
	journal.Queued, journal.Waiting, journal.Succeeded, journal.Failed, journal.Cancelled, journal.Skipped,
}

// Journal gives the state as users see it, empty for one that does not exist.
func (s State) Journal() journal.State {
	if s < Paused || s > Skipped {
		return ""
	}
	return states[s-Paused]
}

// Live reports whether the run has not ended.
func (s State) Live() bool { return s < Succeeded }

// OwnsLane reports whether a run in this state is parked and keeps its lane.
func (s State) OwnsLane() bool { return s >= Retrying && s <= Blocked }

// StateOf gives the row's form of a state, and false for one that does not
// exist.
func StateOf(state journal.State) (State, bool) {
	for i, s := range states {
		if s == state {
			return State(i) + Paused, true
		}
	}
	return 0, false
}

// Overlap is how a run meets the live ones of its lane.
type Overlap int64

// The ways to overlap, in the order of the numbers in rows.
const (
	Queue Overlap = iota
	Skip
	Replace
	Parallel
)

func overlapOf(o journal.Overlap) Overlap {
	switch o {
	case journal.OverlapSkip:
		return Skip
	case journal.OverlapReplace:
		return Replace
	case journal.OverlapParallel:
		return Parallel
	}
	return Queue
}

// Run is the row of a run. Times are microseconds since 1970, zero for none. It
// is not changed once it is in a row: a change makes another one.
type Run struct {
	Seq     int64
	Event   int64
	Hook    int64
	Matched int64 // version
	Bound   int64 // version; zero: none yet
	// Resolved is what the run took from the configuration, as JSON.
	Resolved string
	Lane     string
	Rule     int64 // the number of the hook's lane rule that made Lane
	Place    int64 // in the lane
	// Merging says that events may still merge into it.
	Merging bool
	// Overlap is, while it is Later, how it is to meet its lane then; after
	// that it is Replace for a run that replaces others.
	Overlap  Overlap
	State    State
	Epoch    int64
	Attempts int64
	Steps    int64 // counted when the run ends
	Executed int64 // nanoseconds
	Created  int64
	Started  int64
	Finished int64
	Parked   int64
	Wake     int64
	Park     []byte // JSON of ParkBody
	Problem  []byte // JSON of journal.Problem
}

// ParkBody is what the row of a parked run has beside its columns.
type ParkBody struct {
	Await *journal.Await `json:"await,omitempty"`
	Step  int            `json:"step,omitempty"`
}

func (r *Run) park() (p ParkBody, err error) {
	if r.Park != nil {
		err = json.Unmarshal(r.Park, &p)
	}
	return p, err
}

// Last is the last step of a run: its number, zero for none, and whether it is
// a begun mark.
type Last struct {
	Number int
	Begun  bool
}

// Event is the row of an event. Received is set.
type Event struct {
	Seq int64
	*journal.Event
}

// Value is a JSON value on its way into a row. Packed is what the store's Pack
// made of it, nil where the row holds Text itself.
type Value struct{ Text, Packed []byte }

// Micro gives a time as rows have it.
func Micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time gives the time that a row has.
func Time(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// Truncate gives a time as it comes back from a row.
func Truncate(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Microsecond)
}
