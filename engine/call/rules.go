package call

import "slices"

// SendState is what is known of a request: whether the vendor may have done
// what it asks for. Of several sendings of one request the greatest counts.
type SendState int

// The states, in order.
const (
	Unsent    SendState = iota // nothing of it has left
	NotDone                    // it left, and was surely not done
	MaybeDone                  // it left, and no answer decides it
	Done                       // it was answered for good: done, or refused
)

func (s SendState) String() string {
	return [...]string{Unsent: "not sent", NotDone: "not done", MaybeDone: "maybe done", Done: "done"}[s]
}

// safety is what sending a request twice changes.
type safety int

const (
	once       safety = iota // it may be done twice
	insisted                 // as once, but the caller wants it sent again
	keyed                    // its key is still trusted: the vendor does it once
	idempotent               // doing it twice changes nothing more
	reads                    // it changes nothing
)

func (s safety) String() string {
	return [...]string{once: "unsafe", insisted: "unsafe, on purpose", keyed: "key", idempotent: "idempotent", reads: "reads"}[s]
}

// answerClass is how a sending ended, or why the request was not sent.
type answerClass int

const (
	// Before a request leaves.
	ready        answerClass = iota
	limitReached             // by our own count of requests
	notAllowed
	noToken
	connectionBroken // also the vendor's answer

	// No complete answer.
	noConnection
	unreachable
	stoppedUnsent
	stoppedSent
	noAnswer
	cutOff

	// Answers.
	succeeded
	answerTooLarge
	rateLimited
	tokenExpired
	unauthorized
	requestTimeout
	gatewayDown
	serverFailed
	denied
	refused

	// Questions of the host.
	unresolved
	givenUp
)

var answerTexts = [...]string{
	ready:            "about to be sent",
	limitReached:     "our count of the vendor's requests allows none",
	notAllowed:       "the connection may not send it (`read_only`, scope, address)",
	noToken:          "no token can be had",
	connectionBroken: "an error that says that the connection is broken",
	noConnection:     "no connection",
	unreachable:      "no connection in time, unknown host, wrong certificate, address that is not allowed",
	stoppedUnsent:    "stopped from outside before it left",
	stoppedSent:      "stopped from outside after it left",
	noAnswer:         "no answer in time",
	cutOff:           "connection cut before the answer was complete",
	succeeded:        "2xx",
	answerTooLarge:   "2xx that is too large",
	rateLimited:      "429, or a code that says so",
	tokenExpired:     "401 or a code that says that the token is over, and another can be had",
	unauthorized:     "any other 401",
	requestTimeout:   "408",
	gatewayDown:      "502, 503, 504",
	serverFailed:     "any other 5xx but 501; a 2xx that is no JSON or says that it is not available",
	denied:           "402, 403, 501, a redirect, a code of kind forbidden, unauthorized, unavailable or timeout",
	refused:          "any other error: 400, 404, 409, 413, 422, …",
	unresolved:       "no answer is recorded: a crash, or a call that was uncertain",
	givenUp:          "429 or a broken connection, and the attempts of `retry` are used up",
}

func (a answerClass) String() string { return answerTexts[a] }

// ending is what a call gives its caller.
type ending int

const (
	giveAnswer ending = iota
	giveError
	giveUncertain // the error, as one of kind uncertain
	giveCause     // why the caller stopped the call; no error of the script's
)

func (e ending) String() string {
	return [...]string{giveAnswer: "the answer", giveError: "the error", giveUncertain: "`uncertain`", giveCause: "ends with the activation"}[e]
}

// verdict is what follows from an answer.
type verdict struct {
	state SendState // of the request that was answered
	send  bool      // it is sent, again or for the first time, if the call may still wait and send
	end   ending    // if it is not sent
}

// before is what is known of the sendings before the one that was answered.
type before int

const (
	anyBefore   before = iota
	noneBefore         // there was none, or each was surely not done
	maybeBefore        // one may have been done
)

func (b before) String() string {
	return [...]string{anyBefore: "any", noneBefore: "no", maybeBefore: "maybe"}[b]
}

// has reports whether a state belongs to b.
func (b before) has(s SendState) bool {
	return b == anyBefore || (b == maybeBefore) == (s >= MaybeDone)
}

// rule gives the verdict for some answers.
type rule struct {
	answers []answerClass
	before  before
	safety  []safety
	verdict
}

// of makes the rows below fit a line.
type of = []answerClass

var (
	anySafety  = []safety{once, insisted, keyed, idempotent, reads}
	mayRepeat  = []safety{insisted, keyed, idempotent, reads}
	harmless   = []safety{idempotent, reads}
	risky      = []safety{once, insisted, keyed}
	withKey    = []safety{keyed}
	unkeyed    = []safety{once, insisted}
	atMostOnce = []safety{once}
)

// rules say what follows from an answer, by what was sent before and by what
// repeating the request changes. Every case has one rule. They are the only
// place where this is decided; scripts/README.md prints them.
var rules = []rule{
	{of{ready}, noneBefore, anySafety, verdict{Unsent, true, giveError}},
	{of{ready}, maybeBefore, mayRepeat, verdict{Unsent, true, giveError}},
	{of{ready}, maybeBefore, atMostOnce, verdict{Unsent, false, giveUncertain}},

	{of{succeeded}, anyBefore, anySafety, verdict{Done, false, giveAnswer}},
	{of{answerTooLarge, refused}, anyBefore, anySafety, verdict{Done, false, giveError}},
	{of{denied}, noneBefore, anySafety, verdict{Done, false, giveError}},
	{of{denied}, maybeBefore, harmless, verdict{Done, false, giveError}},
	{of{denied}, maybeBefore, risky, verdict{Done, false, giveUncertain}},

	{of{rateLimited}, anyBefore, anySafety, verdict{NotDone, true, giveError}},
	{of{tokenExpired, requestTimeout}, noneBefore, anySafety, verdict{NotDone, true, giveError}},
	{of{tokenExpired, requestTimeout}, maybeBefore, harmless, verdict{NotDone, true, giveError}},
	{of{tokenExpired, requestTimeout}, maybeBefore, risky, verdict{NotDone, true, giveUncertain}},
	{of{unauthorized}, noneBefore, anySafety, verdict{NotDone, false, giveError}},
	{of{unauthorized}, maybeBefore, harmless, verdict{NotDone, false, giveError}},
	{of{unauthorized}, maybeBefore, risky, verdict{NotDone, false, giveUncertain}},
	{of{connectionBroken}, anyBefore, anySafety, verdict{NotDone, false, giveError}},

	{of{gatewayDown, cutOff}, anyBefore, harmless, verdict{MaybeDone, true, giveError}},
	{of{gatewayDown, cutOff}, anyBefore, withKey, verdict{MaybeDone, true, giveUncertain}},
	{of{gatewayDown, cutOff}, anyBefore, unkeyed, verdict{MaybeDone, false, giveUncertain}},
	{of{serverFailed, noAnswer}, anyBefore, harmless, verdict{MaybeDone, false, giveError}},
	{of{serverFailed, noAnswer}, anyBefore, risky, verdict{MaybeDone, false, giveUncertain}},

	{of{noConnection}, noneBefore, anySafety, verdict{Unsent, true, giveError}},
	{of{noConnection}, maybeBefore, harmless, verdict{Unsent, true, giveError}},
	{of{noConnection}, maybeBefore, risky, verdict{Unsent, true, giveUncertain}},
	{of{limitReached}, anyBefore, anySafety, verdict{Unsent, false, giveError}},
	{of{unreachable, noToken, notAllowed, givenUp}, noneBefore, anySafety, verdict{Unsent, false, giveError}},
	{of{unreachable, noToken, notAllowed, givenUp}, maybeBefore, harmless, verdict{Unsent, false, giveError}},
	{of{unreachable, noToken, notAllowed, givenUp}, maybeBefore, risky, verdict{Unsent, false, giveUncertain}},

	{of{stoppedUnsent}, anyBefore, anySafety, verdict{Unsent, false, giveCause}},
	{of{stoppedSent}, anyBefore, anySafety, verdict{MaybeDone, false, giveCause}},
	{of{unresolved}, anyBefore, mayRepeat, verdict{MaybeDone, true, giveUncertain}},
	{of{unresolved}, anyBefore, atMostOnce, verdict{MaybeDone, false, giveUncertain}},
}

// verdictOf gives the verdict for an answer.
func verdictOf(answer answerClass, before SendState, s safety) verdict {
	for _, r := range rules {
		if slices.Contains(r.answers, answer) && r.before.has(before) && slices.Contains(r.safety, s) {
			return r.verdict
		}
	}
	return verdict{MaybeDone, false, giveUncertain} // every case has a rule; this one is safe
}
