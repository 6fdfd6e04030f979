package ledger

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// Dispatch hands runs out, one of a lane at a time. Its methods are safe for
// concurrent use; Reserve, Apply and Abort are called by the one goroutine that
// commits.
type Dispatch interface {
	// Next hands out the next run whose lane is free. It blocks until there is
	// one.
	Next(ctx context.Context) (journal.Activation, error)
	// Lease gives what is known of the present hand-out of a run, false if it
	// is not handed out.
	Lease(run int64) (Lease, bool)
	// Bind fixes the version of a hand-out. It gives the version fixed before,
	// and false where the run has another holder by now, or none.
	Bind(run, epoch int64, to Bound) (before string, ok bool)
	// Reserve keeps a queued run from being handed out until Apply or Abort. It
	// reports false if the run is handed out.
	Reserve(run int64) bool
	// Apply makes known what was committed, in order, and ends reservations.
	Apply(moves []Move)
	// Abort ends reservations after a batch that was not committed.
	Abort()
}

// Lease is what only the dispatcher knows of a hand-out until its first
// write.
type Lease struct {
	Epoch   int64
	Started time.Time
	Bound   Bound
}

// Bound is what a run was bound to: its version, and what it took from the
// configuration, as JSON. Both are empty where the row has them.
type Bound struct{ Version, Resolved string }

// Move is what a commit means for a run in the dispatcher.
type Move struct {
	Kind MoveKind
	Seq  int64
	// Run and Fresh belong to Enter.
	Run    *Run
	Cached *CachedRun
}

// MoveKind is a kind of Move.
type MoveKind uint8

// The kinds of moves.
const (
	Enter   MoveKind = iota // takes its place, the last of its lane
	Remove                  // has ended, or waits as a row only
	Requeue                 // is ready again, first of its lane
	Park                    // is parked and keeps its lane
	Resume                  // is parked no longer
	Unpause                 // is as any other that is queued
)

// CachedRun is what a hand-out needs of a run that was just accepted, so that it
// need not be read back.
type CachedRun struct {
	Event *journal.Event
	Hook  *journal.Hook
}
