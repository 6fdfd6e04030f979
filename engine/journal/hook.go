package journal

import "time"

// Hook is one registration of a script, as data: what Accept needs to decide
// whether an event starts a run, and in which lane.
type Hook struct {
	Script string // path below the scripts folder without ".lua" or "/main.lua"
	Name   string // unique within the script; by default the trigger's text
	// Version is the content hash of the script that registered it.
	Version string
	// Triggers are names, wildcards ("highlevel.contact.*") or "in:/path",
	// "emit:type", "run.failed", "every".
	Triggers   []string
	Connection string // only events of this connection; empty: of any
	// Where maps paths in event.data to the accepted values, as JSON text of
	// scalars; an event must match all of them.
	Where map[string][]string
	Lane  Lane
	// Changed is a path in event.data: only events that change its value count.
	Changed string
	// Record is the path in event.data of the record that a request to an address of
	// the script is about; empty: such events are about no record.
	Record string
	// Responds is set if a run answers the sender of its event.
	Responds bool
	// Echo accepts echoes too: events that contain only what one of our own
	// calls wrote.
	Echo    bool
	Overlap Overlap
	// Debounce is how long after the last of several events their one run starts.
	Debounce time.Duration
	Retry    Retry
	// OnUncertain is what happens to a call that may have been done and must not
	// be repeated: hold, retry or raise.
	OnUncertain string
	// FreeUndecided is set if a run that is held releases its lane, so that it stops no
	// later one.
	FreeUndecided bool
	// Missed is which of the ticks that passed while the engine was stopped start
	// a run: none, last or all.
	Missed string
	// Timeout bounds the executing time of a run, summed over its activations.
	Timeout time.Duration
}

// Lane selects the runs of a hook that execute one at a time, in order.
type Lane struct {
	Kind  LaneKind
	Paths []string // for LanePaths, in event.data
}

// LaneKind is how a lane key is made.
type LaneKind string

// The kinds of lane.
const (
	LaneRecord LaneKind = "record" // account and record of the event
	LanePaths  LaneKind = "paths"  // the values at Paths
	LaneHook   LaneKind = "hook"   // all runs of the hook share one lane
	LaneNone   LaneKind = "none"   // runs execute in parallel
)
