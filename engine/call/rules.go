package call

import "slices"

// SendState is what is known of a request: whether the vendor may have done
// what it asks for. Of several sendings of one request the greatest counts.
type SendState int

// The states, in order.
const (
	Unsent    SendState = iota // nothing of it was sent
	NotDone                    // it was sent, and was surely not done
	MaybeDone                  // it was sent, and no answer decides it
	Done                       // the answer is final: done, or refused
)

func (s SendState) String() string {
	return [...]string{Unsent: "not sent", NotDone: "not done", MaybeDone: "maybe done", Done: "done"}[s]
}

// safety is what sending a request twice may do.
type safety int

const (
	unsafeRepeat safety = iota // it may be done twice
	forcedRepeat               // as unsafeRepeat, but the caller wants it sent again
	keyed                      // its key is still valid: the vendor does it once
	idempotent                 // doing it twice changes nothing more
	readOnly                   // it changes nothing
)

func (s safety) String() string {
	return [...]string{unsafeRepeat: "unsafe", forcedRepeat: "unsafe, on purpose", keyed: "key", idempotent: "idempotent", readOnly: "reads"}[s]
}

// answerClass is how a sending ended, or why the request was not sent.
type answerClass int

const (
	// Before a request is sent.
	ready        answerClass = iota
	limitReached             // by our own count of requests
	circuitOpen
	notAllowed
	noToken
	connectionBroken // also the vendor's answer

	// No complete answer.
	noConnection
	unreachable
	canceledUnsent
	canceledSent
	noAnswer
	cutOff

	// Answers.
	succeeded
	answerTooLarge
	rateLimited
	tokenExpired
	unauthorized
	movedUnchanged
	redirected
	requestTimeout
	gatewayDown
	serverFailed
	denied
	refused

	// No answers: what the host asks about.
	unresolved
	retriesExhausted
)

var answerTexts = [...]string{
	ready:            "about to be sent",
	limitReached:     "our count of the vendor's requests allows none",
	circuitOpen:      "the host failed several times in a row, and no call is sent to it for now",
	notAllowed:       "the connection may not send it (`read_only`, scope, address)",
	noToken:          "no token can be had",
	connectionBroken: "an error that means that the connection is broken",
	noConnection:     "no connection",
	unreachable:      "no connection in time, unknown host, wrong certificate, address that is not allowed",
	canceledUnsent:   "stopped from outside before it left",
	canceledSent:     "stopped from outside after it left",
	noAnswer:         "no answer in time",
	cutOff:           "connection cut before the answer was complete",
	succeeded:        "2xx",
	answerTooLarge:   "2xx that is too large",
	rateLimited:      "429, or a code with that meaning",
	tokenExpired:     "401 or a code for an expired token, and another can be had",
	unauthorized:     "any other 401",
	movedUnchanged:   "307, 308",
	redirected:       "any other 3xx",
	requestTimeout:   "408",
	gatewayDown:      "502, 503, 504",
	serverFailed:     "any other 5xx but 501; a 2xx that is no JSON or reports that it is not available",
	denied:           "402, 403, 501, a code of kind forbidden, unauthorized, unavailable or timeout",
	refused:          "any other error: 400, 404, 409, 413, 422, …",
	unresolved:       "no answer is recorded: a crash, or a call that was uncertain",
	retriesExhausted: "429 or a broken connection, and the attempts of `retry` are used up",
}

func (a answerClass) String() string { return answerTexts[a] }

// ending is what a call returns.
type ending int

const (
	returnAnswer ending = iota
	returnError
	returnUncertain // the error, as one of kind uncertain
	returnCause     // why the caller canceled the call; the script gets no error
)

func (e ending) String() string {
	return [...]string{returnAnswer: "the answer", returnError: "the error", returnUncertain: "`uncertain`", returnCause: "ends with the activation"}[e]
}

// decision is what follows from an answer.
type decision struct {
	state SendState // of the request that was answered
	send  bool      // it is sent, again or for the first time, if the call may still wait and send
	end   ending    // if it is not sent
}

// earlierSendings is what is known of the sendings before the one that was
// answered.
type earlierSendings int

const (
	anyEarlier   earlierSendings = iota
	noneEarlier                  // there was none, or each was surely not done
	maybeEarlier                 // one may have been done
)

func (b earlierSendings) String() string {
	return [...]string{anyEarlier: "any", noneEarlier: "no", maybeEarlier: "maybe"}[b]
}

// includes reports whether a state is one of b.
func (b earlierSendings) includes(s SendState) bool {
	return b == anyEarlier || (b == maybeEarlier) == (s >= MaybeDone)
}

// rule is the decision for some answers.
type rule struct {
	answers []answerClass
	earlier earlierSendings
	safety  []safety
	decision
}

// of keeps the rows below on one line.
type of = []answerClass

var (
	anySafety     = []safety{unsafeRepeat, forcedRepeat, keyed, idempotent, readOnly}
	repeatable    = []safety{forcedRepeat, keyed, idempotent, readOnly}
	harmless      = []safety{idempotent, readOnly}
	risky         = []safety{unsafeRepeat, forcedRepeat, keyed}
	onlyKeyed     = []safety{keyed}
	unkeyed       = []safety{unsafeRepeat, forcedRepeat}
	notRepeatable = []safety{unsafeRepeat}
)

// rules are the decisions, by the answer, by what was sent before and by what
// repeating the request may do. Exactly one rule applies to each case. Nothing
// else decides this; scripts/README.md prints them.
var rules = []rule{
	{of{ready}, noneEarlier, anySafety, decision{Unsent, true, returnError}},
	{of{ready}, maybeEarlier, repeatable, decision{Unsent, true, returnError}},
	{of{ready}, maybeEarlier, notRepeatable, decision{Unsent, false, returnUncertain}},

	{of{succeeded}, anyEarlier, anySafety, decision{Done, false, returnAnswer}},
	{of{answerTooLarge, refused}, anyEarlier, anySafety, decision{Done, false, returnError}},
	{of{denied}, noneEarlier, anySafety, decision{Done, false, returnError}},
	{of{denied}, maybeEarlier, harmless, decision{Done, false, returnError}},
	{of{denied}, maybeEarlier, risky, decision{Done, false, returnUncertain}},

	{of{rateLimited}, anyEarlier, anySafety, decision{NotDone, true, returnError}},
	{of{tokenExpired}, noneEarlier, anySafety, decision{NotDone, true, returnError}},
	{of{tokenExpired}, maybeEarlier, harmless, decision{NotDone, true, returnError}},
	{of{tokenExpired}, maybeEarlier, risky, decision{NotDone, true, returnUncertain}},
	{of{unauthorized, movedUnchanged}, noneEarlier, anySafety, decision{NotDone, false, returnError}},
	{of{unauthorized, movedUnchanged}, maybeEarlier, harmless, decision{NotDone, false, returnError}},
	{of{unauthorized, movedUnchanged}, maybeEarlier, risky, decision{NotDone, false, returnUncertain}},
	{of{connectionBroken}, anyEarlier, anySafety, decision{NotDone, false, returnError}},

	{of{requestTimeout, gatewayDown, cutOff}, anyEarlier, harmless, decision{MaybeDone, true, returnError}},
	{of{requestTimeout, gatewayDown, cutOff}, anyEarlier, onlyKeyed, decision{MaybeDone, true, returnUncertain}},
	{of{requestTimeout, gatewayDown, cutOff}, anyEarlier, unkeyed, decision{MaybeDone, false, returnUncertain}},
	{of{redirected, serverFailed, noAnswer}, anyEarlier, harmless, decision{MaybeDone, false, returnError}},
	{of{redirected, serverFailed, noAnswer}, anyEarlier, risky, decision{MaybeDone, false, returnUncertain}},

	{of{noConnection}, noneEarlier, anySafety, decision{Unsent, true, returnError}},
	{of{noConnection}, maybeEarlier, harmless, decision{Unsent, true, returnError}},
	{of{noConnection}, maybeEarlier, risky, decision{Unsent, true, returnUncertain}},
	{of{limitReached, circuitOpen}, anyEarlier, anySafety, decision{Unsent, false, returnError}},
	{of{unreachable, noToken, notAllowed, retriesExhausted}, noneEarlier, anySafety, decision{Unsent, false, returnError}},
	{of{unreachable, noToken, notAllowed, retriesExhausted}, maybeEarlier, harmless, decision{Unsent, false, returnError}},
	{of{unreachable, noToken, notAllowed, retriesExhausted}, maybeEarlier, risky, decision{Unsent, false, returnUncertain}},

	{of{canceledUnsent}, anyEarlier, anySafety, decision{Unsent, false, returnCause}},
	{of{canceledSent}, anyEarlier, anySafety, decision{MaybeDone, false, returnCause}},
	{of{unresolved}, anyEarlier, repeatable, decision{MaybeDone, true, returnUncertain}},
	{of{unresolved}, anyEarlier, notRepeatable, decision{MaybeDone, false, returnUncertain}},
}

// decide returns the decision for an answer.
func decide(answer answerClass, before SendState, s safety) decision {
	for _, r := range rules {
		if slices.Contains(r.answers, answer) && r.earlier.includes(before) && slices.Contains(r.safety, s) {
			return r.decision
		}
	}
	return decision{MaybeDone, false, returnUncertain} // every case has a rule; this one is safe
}
