package journal

import (
	"errors"
	"time"
)

// Reason is why a store cannot be written, in one word.
type Reason string

// The reasons.
const (
	Full       Reason = "full"       // the disk is full
	Replaced   Reason = "replaced"   // the files of the store were removed or replaced
	Fenced     Reason = "fenced"     // another engine has opened the store since
	Unwritable Reason = "unwritable" // any other error of a write
)

// ReasonOf returns the reason of an error of a write, empty for nil.
func ReasonOf(err error) Reason {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrReplaced):
		return Replaced
	case errors.Is(err, ErrFenced):
		return Fenced
	case errors.Is(err, ErrFull):
		return Full
	}
	return Unwritable
}

// Ends reports whether the store cannot be written until it is opened again.
func (r Reason) Ends() bool { return r == Replaced || r == Fenced }

// Health is whether a store can be written.
type Health struct {
	Reason Reason    `json:"reason,omitempty"` // empty if it can be written
	Error  string    `json:"error,omitempty"`
	Since  time.Time `json:"since,omitzero"` // of the first write that failed
	// Last is the last time in which it could not be written, nil for none.
	Last *Outage `json:"last,omitempty"`
}

// Outage is a time in which a store could not be written, and which is over.
type Outage struct {
	Reason Reason    `json:"reason"` // that of its end, if it changed
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until"`
}

// Pending is what waits in a store.
type Pending struct {
	Undecided int       `json:"held"`            // runs that wait for a decision
	Queued    int       `json:"queued"`          // runs that wait for a worker
	Oldest    time.Time `json:"oldest,omitzero"` // when the first of the queued runs was accepted
	// Paused is how many runs are paused for each reason that some have.
	Paused map[PauseReason]int `json:"paused,omitempty"`
}

// Lag is the age of the oldest queued run, zero if there is none.
func (p Pending) Lag(now time.Time) time.Duration {
	if p.Oldest.IsZero() {
		return 0
	}
	return max(0, now.Sub(p.Oldest))
}
