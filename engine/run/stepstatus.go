package run

import (
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
)

// stepStatus is the state of a step that is executed: its begun record, and whether
// the vendor may have done its request. Each step starts with a new one.
type stepStatus struct {
	// state is the send state of the requests of the begun record.
	state call.SendState
	// record is the begun record as it is in the journal, with the bytes of the
	// first request. Its number is 0 if there is none.
	record journal.Step
	// session is the one in which the vendor's customer agreed to the call.
	session string
	// recoveries counts how often a broken connection had become healthy when the
	// step began.
	recoveries uint64
}

// transition is what changes a stepStatus.
type transition int

const (
	recorded     transition = iota // the begun record of a request is written, or was found after a crash
	notDone                        // by the vendor's answer no request was done
	consentAsked                   // the begun record is that of a session; the call was refused until the customer agrees
	withdrawn                      // the begun record is removed
	consentGiven                   // the begun record of a session is removed, as the customer agreed in it
)

// after returns the status after a transition. record is the begun record of
// the transitions recorded and consentAsked.
func (a stepStatus) after(c transition, record journal.Step) stepStatus {
	switch c {
	case recorded:
		a.state, a.record = call.MaybeDone, record
	case notDone:
		a.state = call.NotDone
	case consentAsked:
		a.state, a.record = call.NotDone, record
	case withdrawn:
		a.state, a.record = call.Unsent, journal.Step{}
	case consentGiven:
		if c := consentOf(a.record.Sent); c != nil {
			a.session = c.Session
		}
		a.state, a.record = call.Unsent, journal.Step{}
	}
	return a
}

// removable returns the number of the begun record if its requests were
// certainly not done, else 0. Such a record is removed when the run is parked.
func (a stepStatus) removable() int {
	if a.state >= call.MaybeDone {
		return 0
	}
	return a.record.Number
}
