package journal

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/tidewire/tidewire/engine/journal/change"
)

// The errors of a Store. They come wrapped.
var (
	// ErrFenced refuses a write of a holder whose epoch is no longer the run's.
	ErrFenced = errors.New("the run was handed to another worker")
	// ErrNotFound says that there is no such run, event or version.
	ErrNotFound = errors.New("not found")
	// ErrFull says that the disk, or the bound on what waits, leaves no room.
	ErrFull = errors.New("no room to store")
	// ErrUnwritten says that the file cannot be written now; nothing was changed.
	ErrUnwritten = errors.New("the journal cannot be written")
	// ErrLocked says that another engine holds the store.
	ErrLocked = errors.New("another engine holds the store")
	// ErrNewer says that a newer Tidewire wrote the store.
	ErrNewer = errors.New("the store was written by a newer Tidewire")
	// ErrPresent says that a backup would overwrite a file.
	ErrPresent = errors.New("the file exists")
	// ErrStale refuses a sweep: what it goes by has changed since it was read.
	ErrStale = errors.New("what is known of a record has changed since it was read")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the store is closed")
)

// MaxValue is the largest argument, result or value that is kept, as JSON.
const MaxValue = 8 << 20

// Store keeps events, runs, steps and versions: all that follows. Every method
// that changes something returns only when the change is durable; methods are
// safe for concurrent use. Who uses a store names the parts that it needs.
//
// After a restart the runs that were running are queued again, first of their
// lanes, with their records: a begun mark stays begun.
type Store interface {
	Intake
	Execution
	Commands
	Versions
	Polls
	Subscriptions
	Upkeep
	Reader
	Close() error
}

// Intake takes events.
type Intake interface {
	// Accept keeps events with one run per matching hook and their places in
	// the lanes, and wakes the runs that wait for them, all in one durable
	// commit. The receipts stand in the order of the arrivals.
	Accept(ctx context.Context, arrivals ...Arrival) ([]Receipt, error)
	// Sweep keeps what a page of a poll came to, all in one durable commit:
	// events as Accept does, what is known of their records, and how far the
	// poll has come. If a sighting has changed since it was read nothing is
	// kept, with ErrStale.
	Sweep(ctx context.Context, s Sweep) ([]Receipt, error)
}

// Execution hands runs out to workers and takes what they record.
type Execution interface {
	// Next hands out the next activation whose lane is free, first activations
	// in the order of acceptance, and blocks until there is one. It makes no
	// commit: a run that leaves no record before a crash starts again.
	Next(ctx context.Context) (Activation, error)
	// Bind fixes at a run's first activation what must stay the same for it. It
	// takes effect with the run's next durable write.
	Bind(holder Holder, binding Binding) error
	// Record keeps a step, with the effect that it has, in one commit, and
	// returns the step's result: that of the effect if there is one, else the
	// step's own. Recording a number again replaces a begun mark only; a mark
	// that replaces one keeps what was first sent. What is larger than
	// MaxValue is recorded, and returned, as an error of kind too_large.
	Record(ctx context.Context, holder Holder, step Step, effect Effect) (json.RawMessage, error)
	// Withdraw takes a begun mark away: what it marked was certainly not done.
	Withdraw(ctx context.Context, holder Holder, number int) error
	// Park takes a run off its worker until something wakes it; the holder
	// holds it no longer. In the same commit the store looks back: the oldest
	// event accepted since the run was created that Await matches, never the
	// run's own and each at most once per run, or a decision made already,
	// wakes it there and then. Whatever wakes a waiting run first writes the
	// record of its wait. A run that would wait or retry while a newer one of
	// its lane is to replace it is cancelled instead, with ErrFenced.
	Park(ctx context.Context, holder Holder, park Park) error
	// Finish ends a run, frees its lane, and keeps what is to follow (a
	// run.failed event) in the same commit.
	Finish(ctx context.Context, holder Holder, outcome Outcome) error
	// Release gives an activation back unfinished, at shutdown: the run is
	// queued again, first of its lane, with its records.
	Release(holder Holder) error
}

// Versions are the sources of scripts, and what goes on with them.
type Versions interface {
	// PutVersions keeps the sources of versions; known ones are passed over.
	PutVersions(ctx context.Context, versions ...Version) error
	Version(ctx context.Context, hash string) (Version, error)
	// Live counts the runs that have not ended by version: those bound to it,
	// and those that matched on it and are bound to none yet.
	Live(ctx context.Context, version string) (bound, matched int, err error)
	// LiveVersions are the hashes of the versions that live runs go on with.
	LiveVersions(ctx context.Context) ([]string, error)
}

// Polls are how far lists and schedules have come.
type Polls interface {
	// Cursors are how far a poll of a connection has looked.
	Cursors(ctx context.Context, key change.PollKey) ([]Cursor, error)
	// Sightings is what is known of these records of a poll, by record.
	Sightings(ctx context.Context, key change.PollKey, records ...string) (map[string]change.Sighting, error)
	// SightingsOf lists what is known of the records of one item, in the order
	// of their rows, those behind a row, at most so many.
	SightingsOf(ctx context.Context, key change.PollKey, item string, after int64, limit int) ([]change.Sighting, error)

	// Tick gives the last tick kept of a schedule, zero if there is none; the
	// ticks themselves are events and are kept by Accept.
	Tick(ctx context.Context, script, hook string) (time.Time, error)
}

// Subscriptions are the webhooks that are registered at vendors.
type Subscriptions interface {
	// PutSubscription keeps a subscription in place of the one with its key.
	PutSubscription(ctx context.Context, s Subscription) error
	// DropSubscription forgets one; an unknown key changes nothing.
	DropSubscription(ctx context.Context, key string) error
}

// Upkeep removes what is no longer needed, and copies the rest.
type Upkeep interface {
	// Prune forgets what may be forgotten, in small commits between others. It
	// never takes what a live run may still need.
	Prune(ctx context.Context, r Retention) (Pruned, error)
	// NeedsFile reports whether a run that is kept has a file, by its hash.
	NeedsFile(ctx context.Context, hash string) (bool, error)
	// Backup writes a consistent copy to a file that must not exist yet, while
	// the store works.
	Backup(ctx context.Context, file string) error
}

// Commands are what a person does to a run. One that is in no state for it is
// refused with ErrState, which says the state found and those that would do.
type Commands interface {
	// Cancel ends a live run. A worker that executes it is fenced.
	Cancel(ctx context.Context, run string) error
	// Decide answers an approval, once, and wakes the run that waits for it.
	// The approval comes back also with ErrDecided and ErrExpired.
	Decide(ctx context.Context, approval string, d Decision) (Approval, error)
	// Resolve decides about a held run. Skip makes the call done with the
	// result given; Fail ends the run, with what is to follow.
	Resolve(ctx context.Context, run string, v Verdict, result json.RawMessage, follow ...Arrival) error
	// Retry queues a failed or cancelled run again, at the tail of its lane. Its
	// last record is taken away if it is an error of any kind but uncertain.
	Retry(ctx context.Context, run string) error
	// Wake queues a blocked, throttled or retrying run now.
	Wake(ctx context.Context, run string) error
	// Migrate binds a parked run to another version; a blocked one is queued.
	Migrate(ctx context.Context, run, version string) error
	// ReleaseFlood queues the paused runs of a trigger, each in its place, or with
	// drop cancels them; an empty trigger means all. The rest of the flood is
	// let through. It gives the number of runs.
	ReleaseFlood(ctx context.Context, trigger string, drop bool) (int, error)
	// Replay makes a new run of the event of another, for hook, which begins
	// with copies of the first keep steps. It gives the new run's id.
	Replay(ctx context.Context, run string, hook *Hook, keep int) (string, error)
}

// Reader lists what a store keeps. It works beside a running engine.
type Reader interface {
	Run(ctx context.Context, id string) (Run, []Step, error)
	Event(ctx context.Context, id string) (Event, []Run, error)
	Runs(ctx context.Context, q RunQuery) ([]Run, error)
	Events(ctx context.Context, q EventQuery) ([]Event, error)
	// Counts says how many runs are in each state.
	Counts(ctx context.Context) (map[State]int, error)
	// Lanes lists those whose owner stands, the longest first.
	Lanes(ctx context.Context) ([]LaneStatus, error)
	// Floods lists the triggers whose runs are paused, by name.
	Floods(ctx context.Context) ([]Flood, error)
	Approval(ctx context.Context, id string) (Approval, error)
	// Approvals lists those that can be decided, the oldest first.
	Approvals(ctx context.Context) ([]Approval, error)
	// Subscriptions lists all that are kept, by connection, name and item, the
	// oldest first.
	Subscriptions(ctx context.Context) ([]Subscription, error)
}

// Binding is what is fixed for a run at its first activation.
type Binding struct {
	Version string
	Resolved
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
	// Flood is how many events of its trigger may come within a minute; the
	// runs of more are paused, in their places, until ReleaseFlood. Once there are
	// more they are paused until a whole minute brought no more than that. Zero
	// means no bound.
	Flood int
	// Mark is what an event from a webhook says of a record that is polled too.
	// If a list told it already, the event is a duplicate.
	Mark *change.Mark
	// Fields are those that such an event can have of its record, within one of
	// its own: a record without one of them has nothing there.
	Fields change.Fields
}

// Flood is the paused runs of a trigger.
type Flood struct {
	Trigger string    `json:"trigger"`
	Runs    int       `json:"runs"`
	Since   time.Time `json:"since"` // of the oldest
}

// Sweep is what a page of a poll came to.
type Sweep struct {
	change.PollKey
	// Cursors replace those of the same name and item.
	Cursors []Cursor
	// Sightings are as they are to stand, with the Row and Version that were
	// read.
	Sightings []change.Sighting
	Arrivals  []Arrival
}

// Cursor is how far a poll has looked. Name tells several of one poll apart.
type Cursor struct {
	Name, Item string
	Value      json.RawMessage
}

// Receipt says what became of an arrival.
type Receipt struct {
	Duplicate bool // the event's ID is known; nothing new was kept
	Kept      bool
	Runs      []string // ids of the new runs, in the order of the hooks
	Merged    []string // runs that take this event, newer, in place of theirs
	Skipped   []string // hooks ("script name") that make no run while one is live
	Replaced  []string // runs that were cancelled for a new one
	Woken     []string // runs that waited for this event
	// Echo says that the event brings back just what a call of ours wrote: only
	// hooks that want echoes took it.
	Echo bool
	// Flood is the first event of a flood: its runs, and those of all that
	// follow it, are paused.
	Flood bool
}

// Effect is what a step changes or reads in the store itself, at most one of
// its fields, and only with a step that is Done. It happens in the commit that
// records the step. The result of Emit is {"id": …, "duplicate": true}, the
// latter only if the id was known.
type Effect struct {
	State *StateOp
	Link  *LinkOp
	Emit  *Arrival
	// Written is what the call makes of a record at its vendor, kept with its
	// begun mark as far as it is known before it is answered, and with its
	// answer. It may stand with a step that is Begun; the result stays the
	// step's own.
	Written *change.Written
	// File is the hash of a file that is the result, or stands in it: it is
	// needed as long as the run is kept. The result stays the step's own.
	File string
	// Approval is asked: its id, title, text, choices and end are the
	// caller's, the rest is filled in. The result stays the step's own.
	Approval *Approval
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
	State    State // Succeeded, Failed, Skipped, Cancelled
	Problem  *Problem
	Follow   []Arrival
	Executed time.Duration // of this activation
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
