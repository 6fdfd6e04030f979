package run

import (
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
)

// attempt is what is known of a step while it is made: whether the vendor may
// have done it, and what the journal has of it. Each step has one of its own.
type attempt struct {
	// state is that of the requests which the record stands for.
	state call.SendState
	// record is the step as the journal has it, recorded as begun, with the
	// bytes that were sent first. Its number is 0 if there is none.
	record journal.Step
	// session is that in which the vendor's customer agreed to the call.
	session string
	// recoveries is how often connections had been mended when the step began.
	recoveries uint64
}

// transition is what happens to an attempt.
type transition int

const (
	recorded     transition = iota // the begun record of a request is written, or was found after a crash
	notDone                        // the vendor's answer says that no request was done
	consentAsked                   // the begun record is that of a session; the call was refused until the customer agrees
	withdrawn                      // the begun record is removed
	consentGiven                   // and the customer agreed in its session
)

// after gives the attempt after a transition. Record is the begun record, of
// recorded and asking.
func (a attempt) after(c transition, record journal.Step) attempt {
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

// removable is the number of the begun record if its requests were surely not
// done, else 0. Parking removes such a record.
func (a attempt) removable() int {
	if a.state >= call.MaybeDone {
		return 0
	}
	return a.record.Number
}
