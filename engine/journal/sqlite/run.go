package sqlite

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// run is in memory while it is queued, handed out, or stands and keeps its
// lane. A waiting run is a row only.
type run struct {
	seq  int64
	hook int64 // hook.id
	lane string
	rule int64 // that made the lane's key

	// Of the dispatcher, under its mutex.
	spot                 spot
	inLane               *lane
	inTurn               *turn
	laneNext, lanePrev   *run
	readyNext, readyPrev *run
	fresh                *fresh
	paused               bool  // it is not handed out, and keeps its place
	bound                bound // since it was handed out
	started              time.Time
	last                 int64 // the newest epoch

	// epoch is that of the holder, 0 while there is none.
	epoch atomic.Int64

	// kept is what the file holds of the run; of the writer.
	kept kept
}

// bound is what a run was bound to: its version, and what it took from the
// configuration, as JSON.
type bound struct{ version, resolved string }

// spot is where a run is in the dispatcher.
type spot uint8

const (
	nowhere spot = iota
	behind       // others of its lane
	barred       // by runs of another rule
	ready
	out    // handed out
	parked // and first of its lane
	pulled // by the writer, from among the ready
)

// kept is what the file holds of a run in memory.
type kept struct {
	known   bool // steps and begun are read
	written bool // its row says that it runs
	begun   bool // the last step is a begun mark
	steps   int
	fence   int64 // the newest epoch whose holder lost its hold
}

// over is a fence that no epoch passes.
const over = math.MaxInt64

// fresh is what a hand-out needs of a run that was accepted a moment ago, so
// that it need not be read back.
type fresh struct {
	event   *journal.Event
	hook    *journal.Hook
	created time.Time
}

func (f *fresh) size() int64 { return int64(len(f.event.Data)) + 512 }

// Rows hold states as numbers; the order is that of the schema.
const (
	queued int64 = iota
	running
	retrying
	throttled
	held
	blocked
	later
	waiting
	succeeded
	failed
	cancelled
	skipped
)

// replace is the number of journal.OverlapReplace.
const replace int64 = 2

// paused stands before all others: such a run has its place in its lane.
const paused int64 = -1

var (
	states = []journal.State{
		journal.Queued, journal.Running, journal.Retrying, journal.Throttled, journal.Held, journal.Blocked,
		journal.Queued, journal.Waiting, journal.Succeeded, journal.Failed, journal.Cancelled, journal.Skipped,
	}
	stepStates = []journal.StepState{journal.Begun, journal.Done, journal.Erred}
	overlaps   = []journal.Overlap{journal.OverlapQueue, journal.OverlapSkip, journal.OverlapReplace, journal.OverlapParallel}
)

// ownsLane reports whether a run in a state stands and keeps its lane.
func ownsLane(state int64) bool { return state >= retrying && state <= blocked }

// stateOf gives the state that a number stands for, empty for an unknown one.
func stateOf(code int64) journal.State {
	switch {
	case code == paused:
		return journal.Paused
	case code < 0 || code >= int64(len(states)):
		return ""
	}
	return states[code]
}

// codeOf gives the number of a state, and whether there is one.
func codeOf(state journal.State) (int64, bool) {
	if state == journal.Paused {
		return paused, true
	}
	c := code(states, state)
	return c, c >= 0
}

// code gives the place of a word in a list, -1 for an unknown one.
func code[T comparable](all []T, one T) int64 {
	for i, s := range all {
		if s == one {
			return int64(i)
		}
	}
	return -1
}

func micro(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func blob(data []byte) any {
	if len(data) == 0 {
		return nil
	}
	return data
}
