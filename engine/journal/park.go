package journal

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// Park ends an activation before its run ends; the run goes on when something
// wakes it. A waiting run releases its lane, the others stay its owners unless
// FreeLane is set.
type Park struct {
	State State // Waiting, Retrying, Throttled, Held or Blocked
	// Until is when a timer wakes the run; zero means no timer. A held run with it
	// waits for the next read of a look-up, else for a decision.
	Until time.Time
	// Await is what wakes a waiting run before Until.
	Await *Await
	// Step is recorded in the same commit, in state Begun: a wait, or the call
	// whose result is uncertain. What wakes the run records its result.
	Step *Step
	// Drop is the number of the step whose record is deleted in the same commit,
	// so that the step is made again; zero means none.
	Drop int
	// FreeLane is set if a held run releases its lane until it is decided. It does
	// not count as a live run of the lane then, and returns to it as its last.
	FreeLane bool
	// Attempt is set when the next activation is another attempt.
	Attempt bool
	// Problem is why the run is parked; nil for a run that waits.
	Problem *Problem
	// Executed is the executing time of this activation, added to the run's.
	Executed time.Duration
}

// Await is what a run waits for: the first event that matches, or a decision.
type Await struct {
	// Triggers are as in a Hook, and Where is evaluated as there.
	Triggers []string            `json:"triggers,omitempty"`
	Where    map[string][]string `json:"where,omitempty"`
	// Connections maps an app to the connection whose events count. For other
	// apps the events of any connection count.
	Connections map[string]string `json:"connections,omitempty"`
	// Approval is the id of the approval whose decision is awaited.
	Approval string `json:"approval,omitempty"`
	// Timeout is the error of the step if the timer comes first; nil means that
	// the step is done then, without a value.
	Timeout *bindings.Error `json:"timeout,omitempty"`
}

// Parked is what a parked run waits for, as commands and pages show it.
type Parked struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"`
	Await *Await    `json:"await,omitempty"`
	Step  int       `json:"step,omitempty"`
	// Then is the state to which a paused run returns when it is released, empty
	// for Queued. Until and Await are those of that state.
	Then State `json:"then,omitempty"`
}

// Resolution is what a person decides about a held run.
type Resolution string

// The resolutions.
const (
	Resend Resolution = "retry" // send the call again
	Skip   Resolution = "skip"  // record it as done, with the result that the person enters
	Fail   Resolution = "fail"  // end the run
)

// ByLookup is CallDecision.By of a decision that a look-up made.
const ByLookup = "look-up"

// CallDecision is a person's decision about the uncertain call of a held run, or
// that of a look-up.
type CallDecision struct {
	Resolution Resolution `json:"resolution"`
	// Result is that of the call, for Skip; nil is an empty one. It is recorded in
	// the step.
	Result json.RawMessage `json:"-"`
	By     string          `json:"by,omitempty"` // who decided; empty: unknown
	// At and Step, the number of the step with the uncertain call, are set by the
	// store.
	Step int       `json:"step"`
	At   time.Time `json:"at"`
}

// Approval is a question that a run puts to a person.
type Approval struct {
	ID      string    `json:"id"`
	Run     string    `json:"run"`
	Step    int       `json:"step"`
	Title   string    `json:"title"`
	Text    string    `json:"text,omitempty"`
	Choices []string  `json:"choices"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
	// Deliveries are the calls that had its id.
	Deliveries []Delivery `json:"deliveries,omitempty"`
	// Decision is nil until a person has decided.
	Decision *Decision `json:"decision,omitempty"`
}

// Decision is a person's answer to an Approval, as the script reads it.
type Decision struct {
	Choice string    `json:"choice"`
	By     string    `json:"by,omitempty"`
	Note   string    `json:"note,omitempty"`
	At     time.Time `json:"at"`
}

// The errors of decisions and of commands. They come wrapped.
var (
	ErrDecided = errors.New("it is decided already")
	ErrExpired = errors.New("its time is over")
	// ErrState refuses a command that cannot be done in the run's state.
	ErrState = errors.New("the run is not in a state for that")
)

// Overlap is what happens to an event whose lane has a live run.
type Overlap string

// The kinds of overlap. Waiting runs count as live, except for OverlapQueue.
const (
	OverlapQueue    Overlap = "queue"    // one after the other; the default
	OverlapSkip     Overlap = "skip"     // the event starts no run
	OverlapReplace  Overlap = "replace"  // the live run is cancelled first
	OverlapParallel Overlap = "parallel" // the runs execute in parallel
)

// Retry is how often a run that fails is tried again, and when.
type Retry struct {
	Attempts int           `json:"attempts"` // in all; 1 means no second attempt
	First    time.Duration `json:"first"`    // before the second attempt, doubled each time
	Max      time.Duration `json:"max"`
}

// Retention is what Prune may delete. A zero field deletes nothing.
type Retention struct {
	Age   time.Duration // of runs, since they ended, and of events, since they were received
	Count int           // how many ended runs are retained
	IDs   time.Duration // age of the event ids that detect duplicates
}

// Pruned counts what Prune deleted.
type Pruned struct{ Runs, Events, IDs int }

// LaneStatus is a lane whose owner is parked.
type LaneStatus struct {
	Script string    `json:"script"`
	Hook   string    `json:"hook"`
	Lane   string    `json:"lane"`
	Run    string    `json:"run"` // the owner
	State  State     `json:"state"`
	Since  time.Time `json:"since"`
	Queued int       `json:"behind"` // runs of the lane after the owner
}

// Matches reports whether an event ends the wait.
func (a *Await) Matches(e *Event) bool {
	named := false
	for _, t := range a.Triggers {
		named = named || MatchTrigger(t, e.Type)
	}
	if !named {
		return false
	}
	if c := a.Connections[bindings.TriggerName(e.Type).App()]; c != "" && c != e.Connection {
		return false
	}
	return matchesWhere(a.Where, e.Data)
}

// Table is what scripts see of an event.
func (e *Event) Table() (json.RawMessage, error) {
	return json.Marshal(struct {
		ID         string          `json:"id"`
		Type       string          `json:"type"`
		Connection string          `json:"connection,omitempty"`
		Account    string          `json:"account,omitempty"`
		Time       time.Time       `json:"time"`
		Source     Source          `json:"source"`
		Echo       bool            `json:"echo"`
		Data       json.RawMessage `json:"data"`
		*Request
	}{e.ID, e.Type, e.Connection, e.Account, e.Time.UTC(), e.Source, e.Echo, e.Data, requestOf(e)})
}
