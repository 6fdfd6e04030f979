package journal

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// State is the state of a run.
type State string

// The states of a run.
const (
	Queued    State = "queued"
	Running   State = "running"
	Waiting   State = "waiting"   // for a time, an event or a decision; its lane is free
	Retrying  State = "retrying"  // until its next attempt
	Throttled State = "throttled" // until an app accepts requests again
	Held      State = "held"      // a call may have been done; a person decides
	Blocked   State = "blocked"   // until a person fixes the cause
	Paused    State = "paused"    // a person decides; Run.Reason is why
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Cancelled State = "cancelled"
	Skipped   State = "skipped"
)

// States returns all states: of live runs first, then of ended ones.
func States() []State {
	return []State{Queued, Running, Waiting, Retrying, Throttled, Held, Blocked, Paused, Succeeded, Failed, Cancelled, Skipped}
}

// Valid reports whether there is such a state. The empty one, which selects
// runs in any state, is valid too.
func (s State) Valid() bool { return s == "" || slices.Contains(States(), s) }

// Ended reports whether the run has ended.
func (s State) Ended() bool {
	return s == Succeeded || s == Failed || s == Cancelled || s == Skipped
}

// Parked reports whether the run executes only after something wakes it.
func (s State) Parked() bool {
	return s == Waiting || s == Retrying || s == Throttled || s == Held || s == Blocked
}

// PauseReason is why a run is paused.
type PauseReason string

// The reasons.
const (
	Flooded PauseReason = "flood" // its trigger had too many events
	// Restored: the data folder was restored from a backup, and what the run does
	// may have been done between the backup and that.
	Restored PauseReason = "restored"
)

// PauseReasons returns all reasons.
func PauseReasons() []PauseReason { return []PauseReason{Flooded, Restored} }

// Valid reports whether there is such a reason. The empty one, which selects
// runs that are paused or not, is valid too.
func (r PauseReason) Valid() bool { return r == "" || slices.Contains(PauseReasons(), r) }

// Run is one hook handling one event.
type Run struct {
	ID     string `json:"id"`
	Seq    int64  `json:"seq"` // order of acceptance
	Event  string `json:"event"`
	Script string `json:"script"`
	Hook   string `json:"hook"`
	// Matched is the version whose hook matched at Accept; Bound the version
	// that runs, fixed at the first activation.
	Matched string `json:"matched"`
	Bound   string `json:"bound,omitempty"`
	RunConfig
	Connection string `json:"connection,omitempty"`
	Account    string `json:"account,omitempty"`
	Lane       string `json:"lane,omitempty"`
	State      State  `json:"state"`
	// Reason is why the run is paused, empty for all others.
	Reason   PauseReason `json:"reason,omitempty"`
	Epoch    int64       `json:"epoch"`
	Attempts int         `json:"attempts"`
	Steps    int         `json:"steps"`
	Problem  *Problem    `json:"error,omitempty"`
	Created  time.Time   `json:"created"`
	Started  time.Time   `json:"started,omitzero"`
	Finished time.Time   `json:"finished,omitzero"`
	// Executed is the executing time of all activations that have ended.
	Executed time.Duration `json:"executed,omitempty"`
	// Park is what a parked run waits for; nil for all others.
	Park *Parked `json:"park,omitempty"`
	// Decisions are those about the run when it was held, the oldest first. Lists
	// do not contain them.
	Decisions []CallDecision `json:"decisions,omitempty"`
	// Current is what a running run does. It is not stored: only the engine that
	// executes the run has it.
	Current *Current `json:"current,omitempty"`
}

// Current is the step that a run executes now.
type Current struct {
	Began    time.Time `json:"began"`          // of the activation
	Step     int       `json:"step,omitempty"` // 0 between two steps
	Name     string    `json:"name,omitempty"`
	Position string    `json:"position,omitempty"`
	Started  time.Time `json:"started,omitzero"` // of the step
	// Waits is what the step's call waits for before it is sent, and Until the
	// end of that wait as far as it is known; empty: it waits for the answer.
	Waits string    `json:"waits,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// RunConfig is the configuration that a run uses, as it was at its first
// activation.
type RunConfig struct {
	// Connections maps an app to the connection of calls that name none.
	Connections map[string]string `json:"connections,omitempty"`
	Zone        string            `json:"zone,omitempty"`
}

// Problem is why a run did not succeed, or is parked.
type Problem struct {
	Message  string          `json:"message"`
	Position string          `json:"position,omitempty"` // "crm.lua:12"
	Limit    string          `json:"limit,omitempty"`    // the limit that ended it
	App      *bindings.Error `json:"app,omitempty"`
}

// StepState is the state of a step.
type StepState string

// The states of a step.
const (
	// Begun is recorded before an unsafe request leaves the machine.
	Begun StepState = "begun"
	Done  StepState = "done"
	Erred StepState = "failed"
)

// Step is one call from a script to the host, with its recorded result.
type Step struct {
	Number int             `json:"number"` // from 1
	Name   string          `json:"name"`   // highlevel.contacts.upsert, state.put
	State  StepState       `json:"state"`
	Args   json.RawMessage `json:"args,omitempty"` // as the script passed them, secrets by name
	// Hash is the hash of the arguments. A replay compares it with that of the
	// call that the script makes.
	Hash string `json:"hash,omitempty"`
	// Result is the step's; of a begun record it is the Lookup, if there is one.
	Result json.RawMessage `json:"result,omitempty"`
	Error  *bindings.Error `json:"error,omitempty"`
	// Sent is, in a begun record, what was sent first.
	Sent json.RawMessage `json:"sent,omitempty"`
	// Event is the id of the event that answered a wait.
	Event string `json:"event,omitempty"`
	// Position is where the script made the step: "crm.lua:12".
	Position string `json:"position,omitempty"`
	// Started is when the step was first executed: that of its begun record, if
	// there is one.
	Started time.Time `json:"started"`
	// Duration is the time from Started to the result. It includes the time in
	// which the run was parked or the engine was not running, where the step
	// goes on from a begun record, and the time in which a person had to agree.
	Duration time.Duration `json:"took"`
	// Waited is the part of Duration in which the call waited for rate limits.
	Waited   time.Duration `json:"waited,omitempty"`
	Sendings int           `json:"attempts,omitempty"` // requests sent by the activation that recorded the result
}

// Activation is one execution of a run by a worker. Epoch fences it: writes with
// an older epoch are refused with ErrFenced.
type Activation struct {
	Run   Run
	Event Event
	Steps []Step
	Epoch int64
}

// Version is a script with all files it requires, as they were when it was
// loaded.
type Version struct {
	Hash    string            `json:"hash"`
	Script  string            `json:"script"`
	Main    string            `json:"main"`    // the file that runs first
	Sources map[string]string `json:"sources"` // file name to text
	Params  json.RawMessage   `json:"params,omitempty"`
	// Awaits are the triggers that the script names in wait_for. Events that a
	// wait of its live runs may still match are not pruned.
	Awaits []string `json:"awaits,omitempty"`
	// Format is the replay format under which the version was loaded: the
	// rules of the language and the libraries.
	Format  int       `json:"format"`
	Created time.Time `json:"created"`
}

// Short is the beginning of the hash, enough for a person to distinguish
// versions.
func (v Version) Short() string { return v.Hash[:min(len(v.Hash), 8)] }

// Text is the problem as one line.
func (p *Problem) Text() string {
	if p.Position == "" {
		return p.Message
	}
	return p.Position + ": " + p.Message
}
