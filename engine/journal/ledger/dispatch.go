package ledger

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// Dispatch leases runs to workers, one run of a lane at a time. A lease ends when
// the run ends, is parked, is released or is cancelled. The methods are safe for
// concurrent use; Reserve, Apply and Abort are called by the committing goroutine
// only.
type Dispatch interface {
	// Next leases the next run whose lane is free. It blocks until there is one.
	Next(ctx context.Context) (journal.Activation, error)
	// Lease returns the lease of a run, false if there is none.
	Lease(run int64) (Lease, bool)
	// Bind sets what the run of a lease is bound to, unless it has a version
	// already, which it returns. ok is false if the lease with the epoch has
	// ended.
	Bind(run, epoch int64, to Bound) (before string, ok bool)
	// Suspend ends the lease with an epoch: the run owns its lane, and is leased
	// again only after Continue. It reports false if that lease has ended.
	Suspend(run, epoch int64) bool
	// Continue makes a suspended run the first ready one. It reports false if the
	// run is not suspended.
	Continue(run int64) bool
	// Reserve prevents a new lease of a queued run until Apply or Abort. It
	// reports false if the run is leased.
	Reserve(run int64) bool
	// Apply applies the moves of a committed batch in order, and ends all
	// reservations.
	Apply(moves []Move)
	// Abort ends all reservations after a batch that was not committed.
	Abort()
}

// Lease is the right of one worker to execute a run. The epoch distinguishes it
// from other leases of the run. The run's row has the values of a lease only
// after the worker's first write.
type Lease struct {
	Epoch   int64
	Started time.Time
	Bound   Bound
}

// Bound is what a run was bound to: its version, and its configuration, as JSON.
// Both are empty if the row has them.
type Bound struct{ Version, RunConfig string }

// Move is a change of a run in the dispatcher that a commit has made.
type Move struct {
	Kind MoveKind
	Seq  int64
	// Run and Cached are set for Enter only; Cached may be nil.
	Run    *Run
	Cached *CachedRun
}

// MoveKind is a kind of Move.
type MoveKind uint8

// The kinds of moves.
const (
	Enter   MoveKind = iota // the run is the last of its lane
	Remove                  // the run has ended, or is in the file only
	Requeue                 // the lease was returned: the run is ready again, first of its lane
	Park                    // the run is parked and owns its lane
	Resume                  // the run is no longer parked
	Unpause                 // the run is no longer paused
	Repark                  // the run is no longer paused, but parked
)

// CachedRun is the event and the hook of a new run, so that its first lease need
// not read them from the file.
type CachedRun struct {
	Event *journal.Event
	Hook  *journal.Hook
}
