package bindings

import "time"

// Consent is how a vendor has its customer agree to a call on a device of
// theirs (strong customer authentication): it refuses the call and names a
// session; once the customer agreed, the same call is sent again with the
// session's token.
type Consent struct {
	// Status is that of the refusal, and Session the path in its body of the
	// session's token. A refusal without one is an ordinary error.
	Status  int
	Session string
	// Header carries the token when the call is sent again.
	Header string
	// Look asks how the session stands; {session} is its token. Result is the
	// path in the answer of one of the words Allowed, Denied and, while nobody
	// has said anything, any other.
	Look            Call
	Result          string
	Allowed, Denied string
	// Every is how often to ask at most, Within how long a session lasts.
	Every, Within time.Duration
	// Where says where the customer is asked, in our own words.
	Where string
}

// ConsentDenied is the code of the error that a call ends with when the
// customer did not agree to it.
const ConsentDenied = "consent_denied"
