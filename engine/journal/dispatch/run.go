package dispatch

import (
	"time"

	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// run is a run that is queued, leased, or parked and the owner of its lane. A
// waiting run is in the file only. The dispatcher's mutex guards the fields.
type run struct {
	seq  int64
	hook int64 // hook.id
	lane string
	rule int64 // number of the rule that made the lane's key

	status             status
	inLane             *lane
	ruleEpoch          *ruleEpoch
	laneNext, lanePrev *run
	listNext, listPrev *run
	readyIn            *readyScript
	paused             bool // not leased; the run has its place in the lane
	reserved           bool // not leased until the batch ends

	// What need not be read from the file; nil for what must be.
	cached *ledger.CachedRun
	row    *ledger.RunRow

	// The lease: epoch is 0 while there is none, last is the newest epoch.
	epoch, last int64
	bound       ledger.Bound
	started     time.Time
}

// status is what a run waits for, if it is not leased.
type status uint8

const (
	absent       status = iota
	queuedInLane        // for the earlier runs of its lane
	queuedByRule        // for the runs of an earlier rule epoch
	ready               // for a caller of Next
	leased
	parked    // for a Resume or Unpause; the run owns its lane
	suspended // for a Continue; the run owns its lane
)

// size is how many bytes the cached event of a run is counted as.
func (r *run) size() int64 { return int64(len(r.cached.Event.Data)) + 1024 }
