package ledger

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// State is the state of a run as its row has it: a number. Its values differ from
// those of journal.State in Later and PausedWait. From Paused up to Blocked a run has
// a place in its lane, up to Waiting it is live.
type State int64

// The states of a run.
const (
	PausedWait State = iota - 2 // paused while it was Waiting; journal.Paused outside of stores
	Paused
	Queued
	Running
	Retrying
	Throttled
	Held
	Blocked
	Later // the run is queued when its time comes; journal.Queued outside of stores
	Waiting
	Succeeded
	Failed
	Cancelled
	Skipped
)

var states = [...]journal.State{
	journal.Paused, journal.Paused, journal.Queued, journal.Running, journal.Retrying, journal.Throttled, journal.Held, journal.Blocked,
	journal.Queued, journal.Waiting, journal.Succeeded, journal.Failed, journal.Cancelled, journal.Skipped,
}

// Journal returns the state as users see it, empty for a state that does not exist.
func (s State) Journal() journal.State {
	if s < PausedWait || s > Skipped {
		return ""
	}
	return states[s-PausedWait]
}

// Live reports whether the run has not ended.
func (s State) Live() bool { return s < Succeeded }

// OwnsLane reports whether a run in this state is parked and owns its lane.
func (s State) OwnsLane() bool { return s >= Retrying && s <= Blocked }

// InLane reports whether a run in this state has a place in its lane.
func (s State) InLane() bool { return s >= Paused && s <= Blocked }

// StateOf returns the row's form of a state, false for a state that does not exist.
func StateOf(state journal.State) (State, bool) {
	for s := Paused; s <= Skipped; s++ {
		if s.Journal() == state {
			return s, true
		}
	}
	return 0, false
}

// Pause is why a run is paused, in the numbers of rows.
type Pause int64

// The reasons; zero is none.
const (
	PauseFlood Pause = iota + 1
	PauseRestored
)

var pauseReasons = [...]journal.PauseReason{"", journal.Flooded, journal.Restored}

// Journal returns the reason as users see it, empty for none.
func (p Pause) Journal() journal.PauseReason {
	if p < 0 || int(p) >= len(pauseReasons) {
		return ""
	}
	return pauseReasons[p]
}

// PauseOf returns the row's form of a reason, false for one that does not exist.
func PauseOf(reason journal.PauseReason) (Pause, bool) {
	i := slices.Index(pauseReasons[:], reason)
	return Pause(i), i > 0
}

// Overlap is what is done about a new run whose lane has live runs.
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

// Run is the row of a run. Times are microseconds since 1970, zero for none. A Run
// that was loaded or committed is not changed: a change makes a copy.
type Run struct {
	Seq     int64
	Event   int64
	Hook    int64
	Matched int64 // version
	Bound   int64 // version; zero: none yet
	// RunConfig is the run's configuration, a journal.RunConfig as JSON.
	RunConfig string
	Lane      string
	Rule      int64 // the number of the hook's lane rule that made Lane
	Place     int64 // in the lane
	// Merging is set while events may still merge into the run.
	Merging bool
	// Overlap of a run that is Later is applied when the run is queued. Otherwise
	// it is Replace for a run that replaces others.
	Overlap  Overlap
	State    State
	Pause    Pause
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

// ParkBody is what the row of a parked run has as JSON.
type ParkBody struct {
	Await *journal.Await `json:"await,omitempty"`
	Step  int            `json:"step,omitempty"`
	// Lane is that to which a held run returns; the row has none meanwhile.
	Lane string `json:"lane,omitempty"`
	// Of a paused run: the state to which it returns, and its Wake there.
	Then State `json:"then,omitempty"`
	Wake int64 `json:"wake,omitempty"`
}

func (r *Run) park() (p ParkBody, err error) {
	if r.Park != nil {
		err = json.Unmarshal(r.Park, &p)
	}
	return p, err
}

// Last is the last step of a run: its number, zero for none, and whether it is
// a begun record.
type Last struct {
	Number int
	Begun  bool
}

// Event is the row of an event. Received is set.
type Event struct {
	Seq int64
	*journal.Event
}

// Value is a JSON value to write. Packed is the result of the store's Pack, nil if
// the row has Text itself.
type Value struct{ Text, Packed []byte }

// Micro returns a time as rows have it: in microseconds since 1970, zero for the
// zero time.
func Micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time returns the time of a row's microseconds since 1970, the zero time for zero.
func Time(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// Truncate returns a time as it is read from a row: in UTC, in whole microseconds.
func Truncate(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Microsecond)
}
