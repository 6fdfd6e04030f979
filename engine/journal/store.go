package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/journal/change"
)

// The errors of a Store. They come wrapped.
var (
	// ErrFenced refuses a write with a lease whose epoch is no longer the run's.
	ErrFenced = errors.New("the run has a newer lease, or none")
	// ErrNotFound: there is no such run, event, version, approval or
	// subscription.
	ErrNotFound = errors.New("not found")
	// ErrFull: the disk is full, or as many runs wait as the bound allows.
	ErrFull = errors.New("no room to store")
	// ErrUnwritable: the file cannot be written now; nothing was changed.
	ErrUnwritable = errors.New("the journal cannot be written")
	// ErrReplaced: the files of the store are not those in its folder any more.
	// Nothing is stored until it is opened again. It wraps ErrUnwritable.
	ErrReplaced = fmt.Errorf("%w: its files were removed or replaced", ErrUnwritable)
	// ErrDamaged: the store must not be opened, as data would be lost.
	ErrDamaged = errors.New("the journal is damaged")
	// ErrLocked: another engine has the store open.
	ErrLocked = errors.New("another engine holds the store")
	// ErrNewer: a newer Tidewire wrote the store.
	ErrNewer = errors.New("the store was written by a newer Tidewire")
	// ErrExists: a backup would overwrite a file.
	ErrExists = errors.New("the file exists")
	// ErrStale refuses a poll page: a sighting has changed since it was read.
	ErrStale = errors.New("what is known of a record has changed since it was read")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the store is closed")
)

// MaxValue is the largest argument, result or value that is stored, in bytes of
// JSON.
const MaxValue = 8 << 20

// Store stores events, runs, steps and versions: it is the sum of the interfaces
// below. A method that changes something returns only when the change is
// durable. Methods are safe for concurrent use. Users of a store name the
// interfaces that they need.
//
// After a restart the runs that were running are queued again, first of their
// lanes, with their records: a begun record stays begun.
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

// Intake accepts events.
type Intake interface {
	// Accept stores events with one run per matching hook and their places in
	// the lanes, and wakes the runs that wait for them, all in one durable
	// commit. The receipts are in the order of the arrivals.
	//
	// In a store that was restored from a backup, the runs of an event that happened
	// before the restore are paused, with the reason Restored: they may have been
	// done. An event without a time counts as one that happened now.
	Accept(ctx context.Context, arrivals ...Arrival) ([]Receipt, error)
	// AcceptPage stores the result of a page of a poll in one durable commit: its
	// events, as Accept does, the sightings of their records, and the cursors of
	// the poll. If a sighting has changed since it was read nothing is stored,
	// and the error is ErrStale.
	AcceptPage(ctx context.Context, page PollPage) ([]Receipt, error)
}

// Execution leases runs to workers and stores what they record.
type Execution interface {
	// Next leases the next activation whose lane is free, first activations
	// in the order of acceptance, and blocks until there is one. It makes no
	// commit: a run without a record before a crash starts again. Once Check
	// returns an error, so does Next.
	Next(ctx context.Context) (Activation, error)
	// Bind sets at a run's first activation what must stay the same for it. It
	// becomes durable with the run's next write.
	Bind(lease Lease, binding Binding) error
	// Record stores a step and its effect in one commit, and returns the step's
	// result: the effect's if it has one, else the step's own. Recording a number
	// again replaces only a begun record; a begun record that replaces another
	// retains what was sent first. A result larger than MaxValue is recorded, and
	// returned, as an error of kind too_large.
	Record(ctx context.Context, lease Lease, step Step, effect Effect) (json.RawMessage, error)
	// Withdraw deletes a begun record: its call was certainly not done. Decided, at
	// most one, is the decision that this follows from, which is recorded.
	Withdraw(ctx context.Context, lease Lease, number int, decided ...CallDecision) error
	// Park ends the activation, and the lease with it; the run goes on when
	// something wakes it. The store searches for what has already happened in the
	// same commit: the oldest event accepted since the run was created that Await
	// matches (never the run's own, and each at most once per run), or the
	// decision, wakes the run at once. What wakes a waiting run first writes the
	// record of its wait. A run that would wait or retry while a newer one of its
	// lane is to replace it is cancelled instead, with ErrFenced.
	Park(ctx context.Context, lease Lease, park Park) error
	// Finish ends a run, releases its lane, and accepts the events that follow
	// from it (run.failed) in the same commit.
	Finish(ctx context.Context, lease Lease, finish Finish) error
	// Release returns an activation unfinished, at shutdown: the run is queued
	// again, first of its lane, with its records.
	Release(lease Lease) error
	// Suspend returns an activation unfinished, as Release does, but Next returns
	// the run only after Continue; the run owns its lane until then. It makes no
	// commit: after a restart the run is queued, first of its lane.
	Suspend(lease Lease) error
	// Continue ends the suspension of a run. It reports false if the run is not
	// suspended, as after it was cancelled.
	Continue(run string) bool
}

// Versions are the sources of scripts, and the live runs of each.
type Versions interface {
	// SetLive stores which versions of scripts are live: each of these is that of
	// its script from now on, and the removed scripts have none. The sources of
	// versions that are not stored already are stored.
	SetLive(ctx context.Context, versions []Version, removed []string) error
	// LiveScripts returns the hash of the live version of each script.
	LiveScripts(ctx context.Context) (map[string]string, error)
	Version(ctx context.Context, hash string) (Version, error)
	// Live counts the runs of a version that have not ended: those bound to it,
	// and those that matched one of its hooks and are bound to none yet.
	Live(ctx context.Context, version string) (bound, matched int, err error)
	// LiveVersions are the hashes of the versions that live runs need.
	LiveVersions(ctx context.Context) ([]string, error)
}

// Polls are the state of polls and of schedules.
type Polls interface {
	// Cursors are how far a poll of a connection has read.
	Cursors(ctx context.Context, key change.PollKey) ([]Cursor, error)
	// Sightings returns the sightings of these records of a poll, by record.
	Sightings(ctx context.Context, key change.PollKey, records ...string) (map[string]change.Sighting, error)
	// SightingsOf lists the sightings of the records of one item: at most limit of
	// those whose row is greater than after, in the order of their rows.
	SightingsOf(ctx context.Context, key change.PollKey, item string, after int64, limit int) ([]change.Sighting, error)

	// Tick returns the last tick of a schedule that was stored, zero if there is
	// none. The ticks themselves are events; Accept stores them.
	Tick(ctx context.Context, script, hook string) (time.Time, error)
}

// Subscriptions are the webhooks that are registered at vendors.
type Subscriptions interface {
	// PutSubscription stores a subscription; it replaces the one with its key.
	PutSubscription(ctx context.Context, s Subscription) error
	// DropSubscription deletes one; an unknown key changes nothing.
	DropSubscription(ctx context.Context, key string) error
}

// Upkeep deletes what is no longer needed, and copies the rest.
type Upkeep interface {
	// Prune deletes what r allows, in small commits between others. It never
	// deletes what a live run may still need.
	Prune(ctx context.Context, r Retention) (Pruned, error)
	// NeedsFile reports whether a stored run or event has a file, by the file's hash.
	NeedsFile(ctx context.Context, hash string) (bool, error)
	// Backup writes a consistent copy to a file that must not exist yet, while the
	// store is in use.
	Backup(ctx context.Context, file string) error
	// Check returns why nothing may be acknowledged or sent until the store is
	// opened again: ErrReplaced or ErrFenced, nil if all may be. It is fast, and
	// finds that files were replaced on an idle store too.
	Check() error
	// Lost returns a channel that is closed once Check returns an error.
	Lost() <-chan struct{}
	// Health returns whether the store can be written. While it cannot, the store
	// tries it once a second.
	Health() Health
}

// Commands are what a person does to a run. If the run's state does not allow it
// the error is ErrState, with the state found and the states expected.
type Commands interface {
	// Cancel ends a live run. The writes of a worker that executes it are refused
	// from then on.
	Cancel(ctx context.Context, run string) error
	// Decide answers an approval, once, and wakes the run that waits for it. The
	// approval is returned with ErrDecided and ErrExpired too.
	Decide(ctx context.Context, approval string, d Decision) (Approval, error)
	// DecideCall decides about a held run, and records who decided. Skip records the
	// call as done, with this result; Fail ends the run and accepts the events that
	// follow from it.
	DecideCall(ctx context.Context, run string, d CallDecision, follow ...Arrival) error
	// Retry queues a failed or cancelled run again, as the last of its lane. Its
	// last record is deleted if it is an error of any kind but uncertain.
	Retry(ctx context.Context, run string) error
	// Wake queues a blocked, throttled or retrying run now, or a held one whose call is
	// being looked up.
	Wake(ctx context.Context, run string) error
	// Migrate binds a parked run to another version; a blocked one is queued.
	Migrate(ctx context.Context, run, version string) error
	// Unpause lets a paused run go on, whatever the reason. One that was queued is
	// queued in its place. One that was parked is parked again, and is woken at once
	// if meanwhile its time has come, or what it waits for has happened.
	Unpause(ctx context.Context, run string) error
	// ReleaseFlood queues the runs of a trigger that a flood paused, each in its
	// place, or with drop cancels them; an empty trigger means all. The later events of the
	// flood are not paused. It returns the number of runs.
	ReleaseFlood(ctx context.Context, trigger string, drop bool) (int, error)
	// Replay makes a new run of hook, for the event of another run, with copies
	// of that run's first steps. It returns the new run's id.
	Replay(ctx context.Context, run string, hook *Hook, steps int) (string, error)
}

// Reader reads a store, also while an engine runs on it.
type Reader interface {
	Run(ctx context.Context, id string) (Run, []Step, error)
	Event(ctx context.Context, id string) (Event, []Run, error)
	Runs(ctx context.Context, q RunQuery) ([]Run, error)
	Events(ctx context.Context, q EventQuery) ([]Event, error)
	// Counts returns the number of runs in each state.
	Counts(ctx context.Context) (map[State]int, error)
	// Lanes lists those whose owner is parked, the longest parked first.
	Lanes(ctx context.Context) ([]LaneStatus, error)
	// Floods lists the triggers whose runs a flood paused, by name.
	Floods(ctx context.Context) ([]Flood, error)
	// Pending returns what waits in the store.
	Pending(ctx context.Context) (Pending, error)
	Approval(ctx context.Context, id string) (Approval, error)
	// Approvals lists those that can be decided, the oldest first.
	Approvals(ctx context.Context) ([]Approval, error)
	// Subscriptions lists all, by connection, name and item, the oldest first.
	Subscriptions(ctx context.Context) ([]Subscription, error)
}

// Binding is what is set for a run at its first activation.
type Binding struct {
	Version string
	RunConfig
}

// Lease identifies the activation that writes: a run and its epoch.
type Lease struct {
	Run   string
	Epoch int64
}

// Arrival is an event with the hooks of the current generation whose triggers
// match it. Accept decides by their Where. It stores an event without hooks only
// if StoreUnmatched is set.
type Arrival struct {
	Event          Event
	Hooks          []*Hook
	StoreUnmatched bool
	// Tick is the time of a schedule's tick, stored as its last.
	Tick time.Time
	// Flood is how many events of its trigger may arrive within a minute. The
	// runs of more are paused, in their places, until ReleaseFlood; runs are
	// paused until a whole minute had no more events than that. Zero means no
	// bound.
	Flood int
	// Fingerprint is the state of a polled record that an event from a webhook
	// reports. If a list reported it already, the event is a duplicate.
	Fingerprint *change.Fingerprint
	// Fields are the fields of the record that such an event can have: where the
	// event has none of that name, the record has no value there.
	Fields change.Fields
}

// Flood is the runs of a trigger that a flood paused.
type Flood struct {
	Trigger string    `json:"trigger"`
	Runs    int       `json:"runs"`
	Since   time.Time `json:"since"` // of the oldest
}

// PollPage is the result of a page of a poll.
type PollPage struct {
	change.PollKey
	// Cursors replace those of the same name and item.
	Cursors []Cursor
	// Sightings are as they are to be stored, with the Row and Version that were
	// read.
	Sightings []change.Sighting
	Arrivals  []Arrival
}

// Cursor is how far a poll has read. A poll can have several, with different
// names.
type Cursor struct {
	Name, Item string
	Value      json.RawMessage
}

// Receipt is what Accept did with an arrival.
type Receipt struct {
	Duplicate bool // the event was accepted before; nothing was stored
	Stored    bool
	Runs      []string // ids of the new runs, in the order of the hooks
	// Responding is the new run that answers the sender of the event; empty if there
	// is none, or if it waits in its lane or is paused.
	Responding string
	Merged     []string // runs that got this newer event in place of theirs
	Skipped    []string // hooks ("script name") that start no run while one is live
	Replaced   []string // runs that were cancelled for a new one
	Woken      []string // runs that waited for this event and were woken
	// Echo is set when the event contains only what a call of ours wrote: only
	// hooks with Echo got it.
	Echo bool
	// Flood is set for the first event above Arrival.Flood: its runs, and those
	// of the events that follow it, are paused.
	Flood bool
}

// Effect is what a step changes or reads in the store itself, in the commit that
// records the step. At most one field is set, and only for a step that is Done.
// The result of Emit is {"id": …, "duplicate": true}, the latter only for an
// event that was accepted before.
type Effect struct {
	State *StateOp
	Link  *LinkOp
	Emit  *Arrival
	// Written is how the call changes a record at its vendor. It is stored with
	// the begun record, as far as it is known before the answer, and again with
	// the answer: the step may be Begun too. The result is the step's own.
	Written *change.Written
	// File is the hash of a file that is the result or a part of it: the file is
	// needed as long as the run is stored. The result is the step's own.
	File string
	// Decision is recorded: the step is that of a call whose result was not known, and
	// its result is what was found out. It can be set beside Written.
	Decision *CallDecision
	// Deliveries are recorded: the step is a call that had the ids of approvals in its
	// arguments. They are stored with the begun record, and again with the answer,
	// which names the message. They can be set beside Written. Ids of no approval
	// change nothing.
	Deliveries []Delivery
	// Approval is created: the caller sets its id, title, text, choices and end,
	// the store the rest. The result is the step's own.
	Approval *Approval
}

// StateOp is an operation on the values that a script stores. Its Verb is get,
// put, add, cas or delete. The result is the value after it, {"value": …}, of
// cas {"value": …, "swapped": bool}; value is left out where there is none. A
// null is no value. Apply computes it.
type StateOp struct {
	Script, Verb, Key string
	Value             json.RawMessage // put, cas: the new value; add: the number added
	Expected          json.RawMessage // cas: what the current value must be; nil: none
}

// LinkOp is an operation on the links between records. Its Verb is put, get or
// remove. Links belong to the installation and are found from both ends. The
// result of get is {"id": …} of the newest link, without id where there is none;
// that of put and remove is {}.
type LinkOp struct {
	Verb     string
	Kind, ID string
	Kind2    string
	ID2      string // put, and remove where only one pair is meant
	Account  string // of Kind, Account2 of Kind2
	Account2 string
}

// Finish is how a run ends.
type Finish struct {
	State    State // Succeeded, Failed, Skipped, Cancelled
	Problem  *Problem
	Follow   []Arrival
	Executed time.Duration // of this activation
}

// RunQuery selects runs, newest first.
type RunQuery struct {
	Script, Hook string
	State        State
	Reason       PauseReason
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
