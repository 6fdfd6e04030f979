package journal

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// The errors of a Store. They come wrapped.
var (
	// ErrFenced refuses a write of a holder whose epoch is no longer the run's.
	ErrFenced = errors.New("the run was handed to another worker")
	// ErrNotFound says that there is no such run, event or version.
	ErrNotFound = errors.New("not found")
	// ErrFull says that the disk, or the bound on what waits, leaves no room.
	ErrFull = errors.New("no room to store")
	// ErrLocked says that another engine holds the store.
	ErrLocked = errors.New("another engine holds the store")
	// ErrNewer says that a newer Tidewire wrote the store.
	ErrNewer = errors.New("the store was written by a newer Tidewire")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the store is closed")
)

// Store keeps events, runs, steps and versions. Every method that changes
// something returns only when the change is durable; methods are safe for
// concurrent use. When a context ends while a change waits, its error comes
// back and the change may still happen.
//
// When a store is opened, runs that had recorded a step and were not over have
// become Interrupted; the others are queued in their old order.
type Store interface {
	// Accept keeps events with one run per matching hook and their places in
	// the lanes, all in one durable commit. The receipts stand in the order
	// of the arrivals. It keeps all of a call or nothing; the caller does not
	// change the data afterwards.
	Accept(ctx context.Context, arrivals ...Arrival) ([]Receipt, error)
	// Next hands out the next activation whose lane is free, first activations
	// in the order of acceptance, and blocks until there is one. It makes no
	// commit: a run that leaves no record before a crash starts again.
	Next(ctx context.Context) (Activation, error)
	// Bind fixes the version and the connections of a run at its first activation. It takes
	// effect with the run's next durable write.
	Bind(holder Holder, version string) error
	// Record keeps a step, with the effect that it has, in one commit, and
	// returns the step's result: that of the effect if there is one, else the
	// step's own. Numbers follow each other from 1; recording one again
	// replaces a Begun record only. An effect that cannot be had (an addition
	// to text, a value too large) is recorded as the step's error, and comes
	// back as a *bindings.Error.
	Record(ctx context.Context, holder Holder, step Step, effect Effect) (json.RawMessage, error)
	// Finish ends a run, frees its lane, and keeps what is to follow (a
	// run.failed event) in the same commit, whatever bound there is on Accept.
	Finish(ctx context.Context, holder Holder, outcome Outcome) error
	// Release gives an activation back unfinished, at shutdown: a run without
	// a recorded step is queued again, first of its lane; another ends as
	// Interrupted.
	Release(holder Holder) error

	// PutVersions keeps the sources of versions; known ones are passed over.
	PutVersions(ctx context.Context, versions ...Version) error
	Version(ctx context.Context, hash string) (Version, error)

	// Tick gives the last tick kept of a schedule, zero if there is none; the
	// ticks themselves are events and are kept by Accept.
	Tick(ctx context.Context, script, hook string) (time.Time, error)

	Reader
	Close() error
}

// Reader lists what a store keeps. It works beside a running engine.
type Reader interface {
	Run(ctx context.Context, id string) (Run, []Step, error)
	Event(ctx context.Context, id string) (Event, []Run, error)
	Runs(ctx context.Context, q RunQuery) ([]Run, error)
	Events(ctx context.Context, q EventQuery) ([]Event, error)
}

// Holder is who writes: a run and the epoch in which it was handed out.
type Holder struct {
	Run   string
	Epoch int64
}

// Arrival is an event with the hooks of the present generation that name its
// trigger. Accept decides by Where, and keeps an event without hooks only if
// Keep is set.
type Arrival struct {
	Event Event
	Hooks []*Hook
	Keep  bool
	// Tick is the time of a schedule's tick, kept as its last.
	Tick time.Time
}

// Receipt says what became of an arrival.
type Receipt struct {
	Duplicate bool // the event's ID is known; nothing new was kept
	Kept      bool
	Runs      []string // ids of the new runs, in the order of the hooks
}

// Effect is what a step changes or reads in the store itself, at most one of
// its fields, and only with a step that is Done. It happens in the commit that
// records the step. The result of Emit is {"id": …, "duplicate": true}, the
// latter only if the id was known.
type Effect struct {
	State *StateOp
	Link  *LinkOp
	Emit  *Arrival
}

// StateOp works on the values a script keeps, by its Verb: get, put, add, cas,
// delete. The result is the value that then stands there, {"value": …}, of cas
// {"value": …, "swapped": bool}; value is left out where there is none. A null
// is no value. Apply works it out.
type StateOp struct {
	Script, Verb, Key string
	Value             json.RawMessage // put, cas: the new value; add: the number added
	Expected          json.RawMessage // cas: the value that must be there; nil: none
}

// LinkOp works on the links between records, by its Verb: put, get, remove.
// Links belong to the installation and are found from both ends. get gives
// {"id": …} of the newest, without id where there is none; put and remove give
// {}.
type LinkOp struct {
	Verb     string
	Kind, ID string
	Kind2    string
	ID2      string // put, and remove where only one pair is meant
	Account  string // of Kind, Account2 of Kind2
	Account2 string
}

// Outcome is how a run ended.
type Outcome struct {
	State   State // Succeeded, Failed, Skipped, Cancelled, Interrupted
	Problem *Problem
	Follow  []Arrival
}

// RunQuery selects runs, newest first.
type RunQuery struct {
	Script, Hook string
	State        State
	Event        string
	Since        time.Time
	Before       int64 // only with a smaller Seq, to page on
	Limit        int   // 0 means 50
}

// EventQuery selects events, newest first.
type EventQuery struct {
	Type  string
	Since time.Time
	Limit int // 0 means 50
}
