package journal

import (
	"encoding/json"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// Lookup is what was found out about the call of a begun record whose result is not
// known. It is the Result of that record. A run is held while it goes on, with the
// time of the next read in Parked.Until; without that time a person decides.
type Lookup struct {
	// Error is that of the call, of kind uncertain.
	Error *bindings.Error `json:"error,omitempty"`
	// Sent is a time after which the call was not sent.
	Sent time.Time `json:"sent"`
	// Absent is when the first read found no record; zero: none has.
	Absent time.Time `json:"absent,omitzero"`
	// Failures counts the reads in a row that failed.
	Failures int `json:"failures,omitempty"`
	// Candidates are, one for each record that may be the call's, what the call is
	// taken to have answered.
	Candidates []json.RawMessage `json:"candidates,omitempty"`
}

// Lookup returns what was found out about the call of a begun record, nil if
// nothing was tried yet.
func (s *Step) Lookup() *Lookup {
	if s.State != Begun || len(s.Result) == 0 {
		return nil
	}
	l := &Lookup{}
	if json.Unmarshal(s.Result, l) != nil || l.Sent.IsZero() {
		return nil
	}
	return l
}

// ReadingNow reports whether a run makes the read of a look-up now, or is about to. It
// is held for its users.
func ReadingNow(r Run, steps []Step) bool {
	return (r.State == Running || r.State == Queued) && len(steps) > 0 && steps[len(steps)-1].Lookup() != nil
}
