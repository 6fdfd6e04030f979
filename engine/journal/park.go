package journal

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// Park takes a run off its worker until something wakes it. A waiting run
// gives its lane back; the others keep theirs.
type Park struct {
	State State // Waiting, Retrying, Throttled, Held or Blocked
	// Until is when a timer wakes the run; zero means that none does.
	Until time.Time
	// Await is what wakes a waiting run before that.
	Await *Await
	// Step is kept in the same commit: a wait, or the call that is held, as
	// Begun. Whatever wakes the run writes its result.
	Step *Step
	// Drop is the number of the step whose record is taken away in the same
	// commit, so that it is made again; zero means none.
	Drop int
	// Attempt says that the next activation is another attempt.
	Attempt bool
	// Problem says why the run stands; nil where it simply waits.
	Problem *Problem
	// Executed is the executing time of this activation, added to the run's.
	Executed time.Duration
}

// Await is what a run waits for: the first event that matches, or a decision.
type Await struct {
	// Triggers are as in a Hook, and Where is evaluated as there.
	Triggers []string            `json:"triggers,omitempty"`
	Where    map[string][]string `json:"where,omitempty"`
	// Connections says by app which connection's events count; an app that is
	// not named takes those of any.
	Connections map[string]string `json:"connections,omitempty"`
	// Approval is the id of the approval whose decision is awaited.
	Approval string `json:"approval,omitempty"`
	// Timeout is what the step ends with if the timer comes first; nil means
	// that the step is done without a value.
	Timeout *bindings.Error `json:"timeout,omitempty"`
}

// Parked is why and how a run stands, for those who look at it.
type Parked struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"`
	Await *Await    `json:"await,omitempty"`
	Step  int       `json:"step,omitempty"`
}

// Verdict is what a person decides about a held run.
type Verdict string

// The verdicts.
const (
	Resend Verdict = "retry" // send the call again
	Skip   Verdict = "skip"  // take it as done, with the result given
	Fail   Verdict = "fail"  // end the run
)

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
	// Decision is nil until somebody decided.
	Decision *Decision `json:"decision,omitempty"`
}

// Decision is a person's answer to an Approval, as the script sees it.
type Decision struct {
	Choice string    `json:"choice"`
	By     string    `json:"by,omitempty"`
	Note   string    `json:"note,omitempty"`
	At     time.Time `json:"at"`
}

// The refusals of a decision and of commands. They come wrapped.
var (
	ErrDecided = errors.New("it is decided already")
	ErrExpired = errors.New("its time is over")
	// ErrState says that a run is not in a state in which that can be done.
	ErrState = errors.New("the run is not in a state for that")
)

// Overlap says what becomes of an event whose lane has a live run.
type Overlap string

// The ways to overlap. Waiting runs count as live, except for OverlapQueue.
const (
	OverlapQueue    Overlap = "queue"    // one after the other; the default
	OverlapSkip     Overlap = "skip"     // the event makes no run
	OverlapReplace  Overlap = "replace"  // the live run is cancelled first
	OverlapParallel Overlap = "parallel" // side by side
)

// Retry says how often and when a failing run is made again.
type Retry struct {
	Attempts int           `json:"attempts"` // in all, 1 means none again
	First    time.Duration `json:"first"`    // before the second attempt, doubled each time
	Max      time.Duration `json:"max"`
}

// Retention says what may be forgotten. A zero field forgets nothing.
type Retention struct {
	Age   time.Duration // runs that ended, and events that came, longer ago
	Count int           // how many ended runs are kept
	IDs   time.Duration // ids by which repeats of events are known
}

// Pruned counts what was forgotten.
type Pruned struct{ Runs, Events, IDs int }

// LaneStatus is a lane whose owner stands.
type LaneStatus struct {
	Script string    `json:"script"`
	Hook   string    `json:"hook"`
	Lane   string    `json:"lane"`
	Run    string    `json:"run"` // the owner
	State  State     `json:"state"`
	Since  time.Time `json:"since"`
	Behind int       `json:"behind"` // runs that wait for their turn
}

// Matches reports whether an event is what is waited for.
func (a *Await) Matches(e *Event) bool {
	named := false
	for _, t := range a.Triggers {
		named = named || MatchTrigger(t, e.Type)
	}
	if !named {
		return false
	}
	if app, _, ok := strings.Cut(e.Type, "."); ok {
		if c := a.Connections[app]; c != "" && c != e.Connection {
			return false
		}
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
	}{e.ID, e.Type, e.Connection, e.Account, e.Time.UTC(), e.Source, e.Echo, e.Data})
}
