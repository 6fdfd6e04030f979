package ledger

import (
	"context"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
)

// Store is what a Ledger needs of a store.
type Store interface {
	// Transact calls f with an open transaction, commits it if f returns nil, and
	// rolls it back otherwise. If another engine has opened the store since,
	// Transact returns journal.ErrFenced and does not call f; if the files of the
	// store were removed or replaced, journal.ErrReplaced, whether f was called or
	// not. The store's memory changes after COMMIT only.
	Transact(ctx context.Context, f func(Tx) error) error
	// Pack returns the form in which the store keeps a value that is too large for
	// a row, nil for another value. It is slow, so callers use it before they wait
	// for a transaction.
	Pack(text []byte) []byte
	// ScanMissed answers a query outside of a transaction, without its limit. upto
	// is the newest event that it can have read, and found the event it found,
	// zero for none.
	ScanMissed(ctx context.Context, query MissedQuery) (upto, found int64, err error)
}

// Tx is one open transaction.
type Tx interface {
	// Load appends the rows of the keys in Want to Rows, whose groups are empty:
	// each becomes as long as its group of keys, in the same order. Names that do
	// not exist are added.
	Load(ctx context.Context, want *Want, rows *Rows) error
	// Write makes all changes of a batch. It is called once, after all loads.
	Write(ctx context.Context, changes *Changes) error
	// Probe writes something without a meaning that needs as much room as an
	// event, and deletes what the last Probe wrote.
	Probe(ctx context.Context) error
}

// The keys of rows.
type (
	// HookName is a hook by its script and its name there.
	HookName struct{ Script, Name string }
	// LaneKey is a lane of a hook.
	LaneKey struct {
		Hook int64
		Lane string
	}
	// PausedKey is the paused runs of a trigger, at most Limit; an empty trigger
	// means all triggers.
	PausedKey struct {
		Trigger string
		Limit   int
	}
	// DueKey is the runs whose Wake is not after At, at most Limit, the earliest
	// first.
	DueKey struct {
		At    int64
		Limit int
	}
	// AwaitKey is a key by which waiting runs are found: a trigger, a path in the
	// event's data, empty for none, and the class of the value there.
	AwaitKey struct{ Trigger, Path, Class string }
	// RecordKey is a record at a vendor. Noun is the part of its triggers that
	// names the kind of the record; Record is its id, empty until the vendor has
	// assigned one.
	RecordKey struct{ Connection, Noun, Record string }
	// ChangedKey is a record of which a hook watches a field.
	ChangedKey struct {
		Hook               int64
		Connection, Record string
	}
	// SightingKey is a record of a poll.
	SightingKey struct {
		change.PollKey
		Record string
	}
	// StepKey is a step of a run. The zero StepKey is no step.
	StepKey struct {
		Run    int64
		Number int
	}
	// StateKey is a value in the state of a script.
	StateKey struct{ Script, Key string }
	// LinkKey is one end of links, and the kind and account of the other end. All
	// is set if all links are needed and not only the newest.
	LinkKey struct {
		Kind, Account, ID string
		Kind2, Account2   string
		All               bool
	}
)

// MissedQuery selects the oldest event that a run waits for and has not had: one
// after the row After, of one of the triggers, for which Matches returns true. The
// run's own event, events merged into the run, and events that ended a wait of the
// run are skipped.
type MissedQuery struct {
	Run, After int64
	Triggers   []string
	Matches    func(*journal.Event) bool
	// Candidate is the row of the event that is the answer unless it was pruned;
	// zero for none.
	Candidate int64
	// Limit is how many events are read at most, zero for no limit.
	Limit int
}

// Want is the keys of the rows that a batch needs. No key is in it twice.
type Want struct {
	// Names. Those that do not exist are added.
	Hooks    []HookName
	Versions []string

	// Ids of events.
	IDs []string

	// Events by number, and their types.
	Events []int64
	Types  []int64

	// Runs by number; the live runs of a lane, without those that are Later; the
	// merging runs of a lane; the newest run of a lane that is queued or paused
	// and replaces others; the runs that are due, and paused runs, unless the
	// limit is 0.
	Runs      []int64
	Lanes     []LaneKey
	Merging   []LaneKey
	Replacers []LaneKey
	Due       DueKey
	Paused    PausedKey
	Steps     []StepKey
	// Begun is how many steps of a run, up to a number, are begun records.
	Begun []StepKey

	// Waits: the keys at which events of a type are awaited; the runs that wait
	// at a key; missed events; approvals by id.
	Awaited   []string
	Awaits    []AwaitKey
	Missed    []MissedQuery
	Approvals []string

	// Records: what calls wrote to one; the last value of a watched field;
	// sightings; the open steps of a run; the events that a step defers.
	Known     []RecordKey
	Changed   []ChangedKey
	Sightings []SightingKey
	Open      []int64
	Deferred  []StepKey

	// Values and links of scripts.
	States []StateKey
	Links  []LinkKey

	// Counts is set if Rows.Live and Rows.Last are needed.
	Counts bool
	// Floods are the counters of events by trigger.
	Floods []string
}

// Hook is the row of a hook.
type Hook struct {
	ID int64
	// Lane is the lane rule: how the keys of the hook's lanes are made. Rule is the
	// number of the rule. HasLane is false if a lane rule was never written.
	Lane    string
	HasLane bool
	Rule    int64
}

// RunRow is a run with its last step; Run is nil if there is no such run.
type RunRow struct {
	Run  *Run
	Last Last
}

// StepRow is the part of a step that decisions need; Error is JSON, nil for none.
type StepRow struct{ Error []byte }

// MissedEvent is the answer to a MissedQuery. Event is nil if there is none. More
// is set if the limit was reached before an event was found.
type MissedEvent struct {
	Event *journal.Event
	More  bool
}

// Approval is the row of an approval.
type Approval struct {
	journal.Approval
	Seq int64 // of the run
}

// KnownRow is what calls wrote to a record: all calls that are done, with the zero
// Step, or the call of an open step.
type KnownRow struct {
	RecordKey
	Step StepKey
	change.Known
}

// KnownRows are the rows of a record, and those of its noun without an id. Written
// is set if a call ever wrote a record of the noun; if not, there are no rows, and
// none are needed.
type KnownRows struct {
	Written bool
	Rows    []KnownRow
}

// Changed is the last value of a watched field; Known is false if there is none.
type Changed struct {
	Known bool
	Value []byte
}

// Deferred is an event that may be an echo of the call of an open step. Hooks is
// JSON: the runs that it may make when the step is closed.
type Deferred struct {
	Event Event
	Step  StepKey
	Hooks []byte
}

// Flood counts the events of a trigger, minute by minute.
type Flood struct {
	Since    int64 // when the minute began, in microseconds since 1970
	Count    int   // of events in the minute
	Flooding bool  // new runs are paused
	Allowed  bool  // a person has released the flood: new runs are not paused
}

// Rows are the answers to Want.
type Rows struct {
	Hooks     []Hook
	Versions  []int64
	IDs       []bool // the id is stored: an event with it is a duplicate
	Events    []*journal.Event
	Types     []string
	Runs      []RunRow
	Lanes     [][]RunRow
	Merging   [][]RunRow
	Replacers []int64
	Due       []RunRow
	Paused    []RunRow
	Steps     []StepRow
	Begun     []int
	Awaited   [][]AwaitKey // without Class
	Awaits    [][]int64
	Missed    []MissedEvent
	Approvals []*Approval
	Known     []KnownRows
	Changed   []Changed
	Sightings []change.Sighting
	Open      [][]int
	Deferred  [][]Deferred
	States    [][]byte   // nil for none
	Links     [][]string // ids on the other end, the newest first
	Floods    []Flood

	Live int   // runs that have not ended
	Last int64 // the newest number of a row
	Next int64 // Wake of the first run after those in Due, zero for none
}

// Changes are the net changes of a batch: a row that is changed several times is
// in them once. A store makes them in the order of the fields.
type Changes struct {
	// Names.
	Rules         []Rule
	Versions      []LiveVersion // and their sources, where those are not stored
	DropLive      []string      // the scripts that have no live version any more
	Ticks         []Tick
	Cursors       []Cursors
	Subscriptions []Subscription

	// Events and their ids.
	IDs    []ID
	Events []Event
	Echoes []int64 // stored events that are echoes

	// Runs.
	NewRuns []*Run
	Runs    []RunChange
	Merged  []Merged
	Copies  []Copy

	// Steps. Lasts are the last steps of runs after the batch.
	DropSteps []StepKey
	Steps     []*Step
	EndSteps  []EndStep
	Files     []File
	Lasts     []LastStep

	// Waits. Those that end are deleted first.
	DropAwaits []int64 // of runs
	Awaits     []Await
	Approvals  []*Approval // new ones
	Decisions  []*Approval // decided ones
	Deliveries []Delivery

	Resolutions []Resolution

	// Records. Rows are deleted before rows are added.
	DropKnown    []StepKey
	Known        []*KnownRow
	Changed      []ChangedRow
	Sightings    []SightingRow
	DropDeferred []StepKey
	Deferred     []Deferred

	// Values and links of scripts.
	States []StateRow
	Links  []Link

	Floods []FloodRow
	Allow  []AllowFlood
	Live   int   // the runs that have not ended, after the batch
	Last   int64 // the newest number, after the batch
}

// The parts of Changes.
type (
	// Delivery is a call of a run that had the id of an approval.
	Delivery struct {
		Run  int64
		Step int
		journal.Delivery
	}
	// Resolution is a decision about a held run.
	Resolution struct {
		Run int64
		journal.CallDecision
	}
	// Rule is the lane rule of a hook, and its number.
	Rule struct {
		Hook int64
		Lane string
		Rule int64
	}
	// LiveVersion is a version that becomes the live one of its script. The row of
	// a version that has its sources is not changed.
	LiveVersion struct {
		ID int64
		journal.Version
		Files, Awaits []byte // as JSON
	}
	// Tick is a tick of a schedule, in microseconds since 1970. It is not written
	// if a later one is.
	Tick struct{ Hook, At int64 }
	// Cursors replaces the cursor of the same name and item.
	Cursors struct {
		change.PollKey
		journal.Cursor
	}
	// Subscription is a subscription as JSON; nil deletes it.
	Subscription struct {
		Key  string
		Data []byte
	}
	// ID is the id of an event.
	ID struct {
		ID    string
		Event int64
	}
	// RunChange is the row of a run before the batch and after it.
	RunChange struct{ Before, After *Run }
	// Merged is an event whose run takes a later event instead.
	Merged struct{ Event, Run int64 }
	// Copy copies the first steps of a run, and its files, to a new run.
	Copy struct {
		To, From int64
		Steps    int
	}
	// Step is a step to write. Replaces is set if it replaces a begun record, and
	// RetainSent if the begun record's Sent is retained, where it has one.
	Step struct {
		Run int64
		journal.Step
		ArgsValue, ResultValue, SentValue Value
		Failure                           []byte // its error, as JSON
		Replaces, RetainSent              bool
	}
	// EndStep sets the result of a begun record. Answered is set for a wait, which
	// has lasted until At. Otherwise the begun record is that of an uncertain
	// call, and its Sent is deleted.
	EndStep struct {
		StepKey
		State    journal.StepState
		Result   Value
		Failure  []byte
		Event    string
		Answered bool
		At       int64
	}
	// LastStep is the last step of a run.
	LastStep struct {
		Run int64
		Last
	}
	// File is a file that a run needs.
	File struct {
		Run  int64
		Hash string
	}
	// Await is a key by which a waiting run is found.
	Await struct {
		AwaitKey
		Run int64
	}
	// ChangedRow is the last value of a watched field.
	ChangedRow struct {
		ChangedKey
		Value []byte
	}
	// SightingRow is the sighting of a record. New is set if it has no row yet.
	// Gone is when the record was found to be gone, in microseconds since 1970,
	// zero for a record that exists.
	SightingRow struct {
		SightingKey
		Item    string
		Version int64
		Missed  bool
		Gone    int64
		History []byte
		New     bool
	}
	// StateRow is a value in the state of a script; a nil Text deletes it.
	StateRow struct {
		StateKey
		Value Value
	}
	// Link is a link in one direction; a zero Made deletes it.
	Link struct {
		LinkKey
		ID2  string
		Made int64
	}
	// FloodRow is the counter of a trigger.
	FloodRow struct {
		Trigger string
		Flood
	}
	// AllowFlood ends the pausing of new runs for the present flood of a trigger;
	// an empty trigger means all floods.
	AllowFlood struct{ Trigger string }
)

// none reports whether a Want has no keys.
func (w *Want) none() bool {
	return len(w.Hooks)+len(w.Versions)+len(w.IDs)+len(w.Events)+len(w.Types)+len(w.Runs)+len(w.Lanes)+len(w.Merging)+len(w.Replacers)+
		len(w.Steps)+len(w.Begun)+len(w.Awaited)+len(w.Awaits)+len(w.Missed)+len(w.Approvals)+len(w.Known)+len(w.Changed)+len(w.Sightings)+len(w.Open)+
		len(w.Deferred)+len(w.States)+len(w.Links)+len(w.Floods) == 0
}
