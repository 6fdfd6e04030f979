package dispatch

import (
	"time"

	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// run is in memory while it is queued, handed out, or parked and keeps its
// lane. A waiting run is a row only. All is the dispatcher's, under its mutex.
type run struct {
	seq  int64
	hook int64 // hook.id
	lane string
	rule int64 // that made the lane's key

	status             status
	inLane             *lane
	ruleEpoch          *ruleEpoch
	laneNext, lanePrev *run
	listNext, listPrev *run
	paused             bool // it is not handed out, and keeps its place
	reserved           bool // it is not handed out until the batch ends

	// cached and row save reading the run back; both are nil where they are
	// unknown.
	cached *ledger.CachedRun
	row    *ledger.RunRow

	// Of the present hand-out. epoch is 0 while there is none, and last is the
	// newest there was.
	epoch, last int64
	bound       ledger.Bound
	started     time.Time
}

// status is where a run is in the dispatcher.
type status uint8

const (
	absent       status = iota
	queuedInLane        // others of its lane
	queuedByRule        // by runs of another rule
	ready
	leased // handed out
	parked // and first of its lane
)

// size is what a fresh run takes of the memory for such.
func (r *run) size() int64 { return int64(len(r.cached.Event.Data)) + 1024 }
