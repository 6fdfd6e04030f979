package call

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// safetyOf is what sending an operation twice may do, without regard to its
// key.
func safetyOf(op *bindings.Operation, args json.RawMessage) safety {
	switch {
	case op.ReadOnly():
		return readOnly
	case op.Repeatable(isSetIn(args)):
		return idempotent
	}
	return unsafeRepeat
}

// keyValid reports whether the vendor still recognises a key of this age.
func keyValid(age, ttl time.Duration) bool { return age >= 0 && age < ttl }

// Begun is a request that was recorded as begun, and of which no answer is
// recorded.
type Begun struct {
	App       *bindings.App       // nil: a request of the http library
	Operation *bindings.Operation // nil: a request without an entry in the catalogue
	Args      json.RawMessage     // the script's
	Sent      json.RawMessage     // what Begin got
}

// Resendable reports whether the host may send the request again by itself, and
// why or why not, as text. With force the host wants it sent although it may be
// done twice.
func (b Begun) Resendable(now time.Time, force bool) (bool, string) {
	s, why := b.safety(now)
	if force && s == unsafeRepeat {
		s = forcedRepeat
	}
	return decide(unresolved, MaybeDone, s).send, why
}

// Uncertain reports whether the vendor may have done the request, after an
// error that is no answer to it and after which it is not sent again. State is
// what is known of the sendings before.
func (b Begun) Uncertain(state SendState, now time.Time) bool {
	s, _ := b.safety(now)
	return decide(retriesExhausted, state, s).end == returnUncertain
}

// readMethods are those of requests without an entry in the catalogue that
// change nothing. OPTIONS is one of them only for the http library.
var readMethods = []string{http.MethodGet, http.MethodHead, http.MethodOptions}

func (b Begun) safety(now time.Time) (safety, string) {
	if b.Operation != nil {
		switch safetyOf(b.Operation, b.Args) {
		case readOnly:
			return readOnly, "it only reads"
		case idempotent:
			return idempotent, "repeating it changes nothing more: " + b.Operation.Idempotent
		}
	}
	first, err := readSentRecord(b.Sent)
	switch {
	case err != nil:
		return unsafeRepeat, err.Error()
	case first == nil:
		return unsafeRepeat, "it may change something, and what was sent is not known"
	case b.Operation == nil && slices.Contains(readMethods, first.Method) && (b.App == nil || first.Method != http.MethodOptions):
		return readOnly, "it only reads"
	case first.Key == "" || b.App == nil || b.App.KeyTTL <= 0:
		return unsafeRepeat, "it may change something, and repeating it may change it twice"
	}
	age, ttl := now.Sub(first.At), b.App.KeyTTL
	if age < 0 {
		return unsafeRepeat, fmt.Sprintf("its idempotency key was first sent at %s, which is after the present time: its age is not known", first.At.UTC().Format(time.RFC3339))
	}
	why := fmt.Sprintf("its idempotency key was first sent %s ago, and %s stores one for %s", rounded(age), b.App.Name, ttl)
	if keyValid(age, ttl) {
		return keyed, why
	}
	return unsafeRepeat, why
}
