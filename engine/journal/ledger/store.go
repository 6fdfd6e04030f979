package ledger

import (
	"context"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
)

// Store is what a Ledger needs of a store.
type Store interface {
	// Transact calls f with an open transaction, commits it if f returns nil,
	// and undoes it otherwise. Where another engine has taken the store over it
	// fails with journal.ErrFenced and does not call f. What the store holds in
	// memory changes after COMMIT only.
	Transact(ctx context.Context, f func(Tx) error) error
	// Pack gives the form in which a store holds a value that is too large for
	// a row, nil for one that is not. It takes a while, so callers do it before
	// they wait.
	Pack(text []byte) []byte
	// ScanMissed looks, beside the writer, for the oldest event after Since.After
	// that Since.Matches. upto is the newest event that it can have looked at, and
	// found the one it found, zero for none.
	ScanMissed(ctx context.Context, since MissedQuery) (upto, found int64, err error)
}

// Tx is one open transaction.
type Tx interface {
	// Load appends the rows of the keys in Want to Rows, whose groups are empty:
	// each becomes as long as its group of keys, in the same order. Names that
	// are unknown are added.
	Load(ctx context.Context, want *Want, rows *Rows) error
	// Write makes all changes of a batch. It is called once, as the last.
	Write(ctx context.Context, changes *Changes) error
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
	// PausedKey is the paused runs of a trigger, at most so many; an empty
	// trigger means all.
	PausedKey struct {
		Trigger string
		Limit   int
	}
	// DueKey is the runs whose Wake is not after At, at most so many, the
	// earliest first.
	DueKey struct {
		At    int64
		Limit int
	}
	// AwaitKey is where waiting runs are found: by the trigger, by a path in
	// the event's data, empty for none, and by the class of the value there.
	AwaitKey struct{ Trigger, Path, Class string }
	// RecordKey is a record at a vendor. Noun is what the triggers about it
	// share; Record is empty for one whose id the vendor is still to give.
	RecordKey struct{ Connection, Noun, Record string }
	// ChangedKey is the field of a record that a hook watches.
	ChangedKey struct {
		Hook               int64
		Connection, Record string
	}
	// SightingKey is a polled record.
	SightingKey struct {
		change.PollKey
		Record string
	}
	// StepKey is a step of a run. The zero StepKey is no step.
	StepKey struct {
		Run    int64
		Number int
	}
	// StateKey is a value that a script keeps.
	StateKey struct{ Script, Key string }
	// LinkKey is one end of links, and the kind and account of the other end.
	// All asks for all of them, otherwise the newest is enough.
	LinkKey struct {
		Kind, Account, ID string
		Kind2, Account2   string
		All               bool
	}
)

// MissedQuery asks for the oldest event that a run waits for and has not had: one
// accepted after After, of one of the triggers, for which Fits reports true. The
// run's own event, those merged into it and those that answered a wait of its
// are passed over.
type MissedQuery struct {
	Run, After int64
	Triggers   []string
	Matches    func(*journal.Event) bool
	// Candidate is the row of an event that is known to be the answer if it is
	// still there; zero for none.
	Candidate int64
	// Limit is how many events are looked at, zero for no limit.
	Limit int
}

// Want is the keys of the rows that a batch needs. No key stands in it twice.
type Want struct {
	// Names; unknown ones are added.
	Hooks    []HookName
	Versions []string

	// Ids of events.
	IDs []string

	// Events by number, and their types.
	Events []int64
	Types  []int64

	// Runs by number; the live runs of a lane, without those that are Later;
	// the merging runs of a lane; the newest run of a lane that is queued or
	// paused and replaces others; those that are due, and paused ones, unless
	// the limit is 0.
	Runs      []int64
	Lanes     []LaneKey
	Merging   []LaneKey
	Replacers []LaneKey
	Due       DueKey
	Paused    PausedKey
	Steps     []StepKey
	// Begun are how many of the first steps of a run, up to a number, are begun
	// marks.
	Begun []StepKey

	// Waits: at which places events of a type are awaited; the runs that wait
	// at a place; the first event since; approvals by id.
	Awaited   []string
	Awaits    []AwaitKey
	Missed    []MissedQuery
	Approvals []string

	// Records: what is known of one; the last value of a field; what a poll has
	// seen; which steps of a run have writes under way or defer events; the
	// events deferred until a step is settled.
	Known     []RecordKey
	Changed   []ChangedKey
	Sightings []SightingKey
	Open      []int64
	Deferred  []StepKey

	// What scripts keep.
	States []StateKey
	Links  []LinkKey

	// Counts asks for Rows.Live and Rows.Last.
	Counts bool
	// Floods are the counters of events by trigger.
	Floods []string
}

// Hook is the row of a hook.
type Hook struct {
	ID int64
	// Lane is how the keys of its lanes are made, false in Named where that was
	// never written, and Rule the number of that.
	Lane    string
	HasLane bool
	Rule    int64
}

// RunRow is a run with its last step; Run is nil where there is none.
type RunRow struct {
	Run  *Run
	Last Last
}

// StepRow is what is read of a step; Error is JSON, nil for none.
type StepRow struct{ Error []byte }

// MissedEvent is the answer to a Since: the event, nil for none, or that more events
// than its limit would have to be looked at.
type MissedEvent struct {
	Event *journal.Event
	More  bool
}

// Approval is the row of an approval.
type Approval struct {
	journal.Approval
	Seq int64 // of the run
}

// KnownRow is what is known of a record, from what is done, or by a step under
// way.
type KnownRow struct {
	RecordKey
	Step StepKey
	change.Known
}

// KnownRows are the rows of a record, and of those of its noun whose ids the
// vendor is still to give. Watched says that a call ever wrote a record of the
// noun; otherwise nothing needs to be known of it.
type KnownRows struct {
	Written bool
	Rows    []KnownRow
}

// Changed is the last value of a field; false in Known where there is none.
type Changed struct {
	Known bool
	Value []byte
}

// Deferred is an event that may be an echo of a step under way. Hooks is JSON:
// the runs that it would begin.
type Deferred struct {
	Event Event
	Step  StepKey
	Hooks []byte
}

// Flood counts the events of a trigger, minute by minute.
type Flood struct {
	Since    int64 // when the minute began
	Count    int   // the events in it
	Flooding bool  // runs are paused
	Allowed  bool  // a person let the flood through
}

// Rows are the answers to Want.
type Rows struct {
	Hooks     []Hook
	Versions  []int64
	IDs       []bool // whether it is kept
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

// Changes are what a batch changes, net: what was made and changed again is
// made once. A store makes them in the order of the fields.
type Changes struct {
	// Names.
	Rules         []Rule
	Sources       []Sources
	Ticks         []Tick
	Cursors       []Cursors
	Subscriptions []Subscription

	// Events and their ids.
	IDs    []ID
	Events []Event
	Echoes []int64 // events that turned out to be echoes

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

	// Waits: first those that end.
	DropAwaits []int64 // of runs
	Awaits     []Await
	Approvals  []*Approval // new ones
	Decisions  []*Approval // decided ones

	// Records: first what is dropped.
	DropKnown    []StepKey
	Known        []*KnownRow
	Changed      []ChangedRow
	Sightings    []SightingRow
	DropDeferred []StepKey
	Deferred     []Deferred

	// What scripts keep.
	States []StateRow
	Links  []Link

	Floods []FloodRow
	Allow  []AllowFlood
	Live   int   // the runs that have not ended, after the batch
	Last   int64 // the newest number, after the batch
}

// The parts of Changes.
type (
	// Rule is how the keys of a hook's lanes are made.
	Rule struct {
		Hook int64
		Lane string
		Rule int64
	}
	// Sources are those of a version; a version that has its own keeps them.
	Sources struct {
		ID int64
		journal.Version
		Files, Awaits []byte // as JSON
	}
	// Tick is the last tick of a schedule, if it is the newest.
	Tick struct{ Hook, At int64 }
	// Cursors replace those of the same name and item.
	Cursors struct {
		change.PollKey
		journal.Cursor
	}
	// Subscription is a subscription as JSON; nil takes it away.
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
	// Merged is an event that a run took in place of its own.
	Merged struct{ Event, Run int64 }
	// Copy gives a new run copies of the first steps of another, and its files.
	Copy struct {
		To, From int64
		Steps    int
	}
	// Step is a step to write. Replaces says that it takes the place of a begun
	// mark, and KeepSent that the mark's Sent stays if it has one.
	Step struct {
		Run int64
		journal.Step
		ArgsValue, ResultValue, SentValue Value
		Failure                           []byte // its error, as JSON
		Replaces, RetainSent              bool
	}
	// EndStep gives a begun mark its result. Answered says that it is a wait,
	// which took until At; otherwise the mark is that of a held call, and what
	// it sent goes.
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
	// Await is a place where a waiting run is found.
	Await struct {
		AwaitKey
		Run int64
	}
	// ChangedRow is the last value of a field.
	ChangedRow struct {
		ChangedKey
		Value []byte
	}
	// SightingRow is what a poll has seen of a record. New says that it has no
	// row yet, and Gone when the record was found to be gone, zero for one that
	// is there.
	SightingRow struct {
		SightingKey
		Item    string
		Version int64
		Missed  bool
		Gone    int64
		History []byte
		New     bool
	}
	// StateRow is a value that a script keeps; a nil Text takes it away.
	StateRow struct {
		StateKey
		Value Value
	}
	// Link is a link in one direction; a zero Made takes it away.
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
	// AllowFlood lets the rest of the present floods of a trigger through; an
	// empty one means all.
	AllowFlood struct{ Trigger string }
)

// empty keeps the memory of a slice, but nothing that it holds.
func empty[T any](all []T) []T {
	clear(all)
	return all[:0]
}

// none reports whether nothing is wanted.
func (w *Want) none() bool {
	return len(w.Hooks)+len(w.Versions)+len(w.IDs)+len(w.Events)+len(w.Types)+len(w.Runs)+len(w.Lanes)+len(w.Merging)+len(w.Replacers)+
		len(w.Steps)+len(w.Begun)+len(w.Awaited)+len(w.Awaits)+len(w.Missed)+len(w.Approvals)+len(w.Known)+len(w.Changed)+len(w.Sightings)+len(w.Open)+
		len(w.Deferred)+len(w.States)+len(w.Links)+len(w.Floods) == 0
}

// reset empties all groups.
func (w *Want) reset() {
	*w = Want{
		Hooks: empty(w.Hooks), Versions: empty(w.Versions), IDs: empty(w.IDs), Events: empty(w.Events), Types: empty(w.Types), Runs: empty(w.Runs),
		Lanes: empty(w.Lanes), Merging: empty(w.Merging), Replacers: empty(w.Replacers), Steps: empty(w.Steps), Begun: empty(w.Begun), Awaited: empty(w.Awaited),
		Awaits: empty(w.Awaits), Missed: empty(w.Missed), Approvals: empty(w.Approvals), Known: empty(w.Known), Changed: empty(w.Changed),
		Sightings: empty(w.Sightings), Open: empty(w.Open), Deferred: empty(w.Deferred), States: empty(w.States), Links: empty(w.Links),
		Floods: empty(w.Floods),
	}
}

// reset empties all groups; Live, Last and Next stay.
func (r *Rows) reset() {
	*r = Rows{
		Hooks: empty(r.Hooks), Versions: empty(r.Versions), IDs: empty(r.IDs), Events: empty(r.Events), Types: empty(r.Types), Runs: empty(r.Runs),
		Lanes: empty(r.Lanes), Merging: empty(r.Merging), Replacers: empty(r.Replacers), Due: empty(r.Due), Paused: empty(r.Paused), Steps: empty(r.Steps), Begun: empty(r.Begun),
		Awaited: empty(r.Awaited), Awaits: empty(r.Awaits), Missed: empty(r.Missed), Approvals: empty(r.Approvals), Known: empty(r.Known),
		Changed: empty(r.Changed), Sightings: empty(r.Sightings), Open: empty(r.Open), Deferred: empty(r.Deferred), States: empty(r.States),
		Links: empty(r.Links), Floods: empty(r.Floods), Live: r.Live, Last: r.Last, Next: r.Next,
	}
}

func (c *Changes) reset() {
	*c = Changes{
		Rules: empty(c.Rules), Sources: empty(c.Sources), Ticks: empty(c.Ticks), Cursors: empty(c.Cursors), Subscriptions: empty(c.Subscriptions), IDs: empty(c.IDs),
		Events: empty(c.Events), Echoes: empty(c.Echoes), NewRuns: empty(c.NewRuns), Runs: empty(c.Runs), Merged: empty(c.Merged), Copies: empty(c.Copies),
		DropSteps: empty(c.DropSteps), Steps: empty(c.Steps), EndSteps: empty(c.EndSteps), Files: empty(c.Files), Lasts: empty(c.Lasts), DropAwaits: empty(c.DropAwaits),
		Awaits: empty(c.Awaits), Approvals: empty(c.Approvals), Decisions: empty(c.Decisions), DropKnown: empty(c.DropKnown), Known: empty(c.Known),
		Changed: empty(c.Changed), Sightings: empty(c.Sightings), DropDeferred: empty(c.DropDeferred), Deferred: empty(c.Deferred),
		States: empty(c.States), Links: empty(c.Links), Floods: empty(c.Floods), Allow: empty(c.Allow),
	}
}
