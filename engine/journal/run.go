package journal

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// State is where a run stands.
type State string

// The states of a run.
const (
	Queued    State = "queued"
	Running   State = "running"
	Waiting   State = "waiting"   // for a time, an event or a decision; its lane is free
	Retrying  State = "retrying"  // until its next attempt
	Throttled State = "throttled" // until an app takes requests again
	Held      State = "held"      // a call may have been done; a person decides
	Blocked   State = "blocked"   // until somebody mends what it stands at
	Paused    State = "paused"    // one of a flood of events; a person decides
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Cancelled State = "cancelled"
	Skipped   State = "skipped"
)

// States gives all states, in the order of a run's life.
func States() []State {
	return []State{Queued, Running, Waiting, Retrying, Throttled, Held, Blocked, Paused, Succeeded, Failed, Cancelled, Skipped}
}

// Known reports whether there is such a state. The empty one, which selects
// runs in any state, is known too.
func (s State) Known() bool { return s == "" || slices.Contains(States(), s) }

// Ended reports whether the run is over.
func (s State) Ended() bool {
	return s == Succeeded || s == Failed || s == Cancelled || s == Skipped
}

// Parked reports whether the run stands until something wakes it.
func (s State) Parked() bool {
	return s == Waiting || s == Retrying || s == Throttled || s == Held || s == Blocked
}

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
	Resolved
	Connection string    `json:"connection,omitempty"`
	Account    string    `json:"account,omitempty"`
	Lane       string    `json:"lane,omitempty"`
	State      State     `json:"state"`
	Epoch      int64     `json:"epoch"`
	Attempts   int       `json:"attempts"`
	Steps      int       `json:"steps"`
	Problem    *Problem  `json:"error,omitempty"`
	Created    time.Time `json:"created"`
	Started    time.Time `json:"started,omitzero"`
	Finished   time.Time `json:"finished,omitzero"`
	// Executed is the executing time of all activations that were over.
	Executed time.Duration `json:"executed,omitempty"`
	// Park says what a run that stands waits for; nil for all others.
	Park *Parked `json:"park,omitempty"`
}

// Resolved is what a run takes from the configuration, as it was at its first
// activation.
type Resolved struct {
	// Connections say by app where calls go that name no connection.
	Connections map[string]string `json:"connections,omitempty"`
	Zone        string            `json:"zone,omitempty"`
}

// Problem says why a run did not succeed.
type Problem struct {
	Message  string          `json:"message"`
	Position string          `json:"position,omitempty"` // "crm.lua:12"
	Limit    string          `json:"limit,omitempty"`    // the limit that ended it
	App      *bindings.Error `json:"app,omitempty"`
}

// StepState is where a step stands.
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
	Args   json.RawMessage `json:"args,omitempty"` // as the script gave them, secrets by name
	// Hash is that of the arguments, by which a replay knows the step again.
	Hash   string          `json:"hash,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  *bindings.Error `json:"error,omitempty"`
	// Sent is, with a begun mark, what was first sent.
	Sent json.RawMessage `json:"sent,omitempty"`
	// Event is the id of the event that answered a wait.
	Event string `json:"event,omitempty"`
	// Position is where the script made the step: "crm.lua:12".
	Position string        `json:"position,omitempty"`
	Started  time.Time     `json:"started"`
	Took     time.Duration `json:"took"`
	Attempts int           `json:"attempts,omitempty"` // requests sent
}

// Activation is one hand-out of a run to a worker. Epoch fences it: writes
// that carry an older one are refused with ErrFenced.
type Activation struct {
	Run   Run
	Event Event
	Steps []Step
	Epoch int64
}

// Version is a script with all it requires, as it was when it was loaded.
type Version struct {
	Hash    string            `json:"hash"`
	Script  string            `json:"script"`
	Main    string            `json:"main"`    // the file that runs first
	Sources map[string]string `json:"sources"` // file name to text
	Params  json.RawMessage   `json:"params,omitempty"`
	// Awaits are the triggers that the script names in wait_for. Events that
	// its live runs may still look back to are not pruned.
	Awaits []string `json:"awaits,omitempty"`
	// Format is the replay format under which the version was loaded: the
	// rules of the language and the libraries.
	Format  int       `json:"format"`
	Created time.Time `json:"created"`
}

// Short is enough of the hash for a person to tell versions apart.
func (v Version) Short() string { return v.Hash[:min(len(v.Hash), 8)] }

// Text is the problem as one line.
func (p *Problem) Text() string {
	if p.Position == "" {
		return p.Message
	}
	return p.Position + ": " + p.Message
}
