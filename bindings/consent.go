package bindings

import "time"

// Consent is how the vendor's customer agrees to a call on a device of theirs
// (strong customer authentication). The vendor refuses the call and names a
// session. Once the customer has agreed, the same call is sent again with the
// session's token.
type Consent struct {
	// Status is the status of the refusal, and Session the path in its body of
	// the session's token. A refusal without a token is an ordinary error.
	Status  int
	Session string
	// Header is the header for the token when the call is sent again.
	Header string
	// StatusCall reads the state of the session; {session} is its token. Result
	// is the path in the answer of that state: Allowed, Denied, or another word
	// as long as the customer has not answered.
	StatusCall      Call
	Result          string
	Allowed, Denied string
	// Every is the shortest time between two StatusCalls, Lifetime how long a
	// session lasts.
	Every, Lifetime time.Duration
	// Where is where the customer is asked, in our own words.
	Where string
}

// ConsentDenied is the code of the error that a call ends with when the
// customer did not agree to it.
const ConsentDenied = "consent_denied"
