package sandbox

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// Rules is what paths and types of a catalogue do not say about an app. The
// zero value is good for an app whose paths say everything. Its functions run
// with the app's lock held.
//
// A resource is named by the words of its path: "contacts/tasks".
type Rules struct {
	// Account is the id of the customer's space that the sandbox has, Parent
	// that of the account which the space belongs to.
	Account, Parent string
	// AccountParams are the parameters that hold either, in lower case and
	// without separators.
	AccountParams []string
	// AccountField is the field of a record that names its account.
	AccountField string

	// IDs are the fields that may hold a record's id, the usual one first;
	// none: "id" and "_id".
	IDs []string
	// IDField is the field that is the id where it is none of them, by resource.
	IDField map[string]string
	// NewID makes an id in the vendor's style; nil: 20 letters and digits.
	NewID func(r *rand.Rand, resource string) string
	// TimeID makes the id of a record from its time, by resource.
	TimeID map[string]func(ms int64) string

	// Seeds are the records that are there from the start, by resource, and
	// Under what they are under, by resource and folded parameter.
	Seeds map[string][]Object
	Under map[string]map[string]string

	// Aliases name one resource that the catalogue has at two paths.
	Aliases map[string]string
	// Operations are the exceptions, by "METHOD /path/{template}".
	Operations map[string]*Rule
	// Derive gives the rule of an operation that Operations does not name, for
	// an app whose paths say nothing; nil where there is no such rule.
	Derive func(*bindings.Operation) *Rule
	// Actions are the fields that the last word of a path sets.
	Actions map[string]Object
	// Unique says which records count as the same, by resource.
	Unique map[string]Unique
	// Defaults are the fields that every record has, by resource.
	Defaults map[string]Object
	// Fill completes the fields of a new or changed record, by resource, and
	// Complete does it where other records are needed for that.
	Fill     map[string]func(fields Object)
	Complete func(a *App, resource string, r *Record)
	// Param gives what a value in a path means: "me".
	Param func(a *App, param, value string) string
	// Check refuses a request that no path, type or rule refuses.
	Check func(*Call) *Failure
	// KeepDeleted marks a deleted record that lists still have; false where it
	// is removed.
	KeepDeleted func(resource string, r *Record) bool
	// Show gives what an answer has of a record.
	Show func(c *Call, shown Object, listed bool) Object

	// Triggers names the trigger of a change, by "resource verb", where it is
	// not app.noun.created, updated or deleted; empty: no webhook is sent.
	Triggers map[string]string
	// FieldTriggers names the trigger of a field's change, by "resource field".
	FieldTriggers map[string]string
	// Announce makes the webhooks of a change, for a vendor whose webhooks are
	// not what App.Webhook describes.
	Announce func(*App, Change) []*Envelope
	// Wants reports whether a registered webhook takes an event, beyond what
	// App.Subscriptions say.
	Wants func(*Subscription, *Envelope) bool
	// CompleteWebhook completes the body of a webhook, CompleteDelivery that
	// which one subscription gets.
	CompleteWebhook  func(*Envelope)
	CompleteDelivery func(s *Subscription, body Object)
	Retry            Retry

	// InvalidStatus is the status for arguments that do not fit (zero: 422),
	// UnversionedStatus for a missing fixed header (zero: 400), ScopeStatus for
	// a token without the scope (zero: 403).
	InvalidStatus, UnversionedStatus, ScopeStatus int
	// Fail writes a failure in the vendor's shape, beyond what App.Errors says.
	// Zero: the status stays.
	Fail func(f *Failure, body Object) (status int)
	// Headers are those of an answer that is made of headers: "{id}" is the id
	// of the record, "{uuid}" a new one.
	Headers map[string]string
	// Success is in every successful answer.
	Success Object
	// PageSize is how many records a page has where a request names no number;
	// zero: 20.
	PageSize int
	// Beside answers at addresses that are no operation: those that the vendor
	// gives out for one use. The path is below the app's own.
	Beside func(a *App, h *http.Request, raw []byte, path string) (Reply, bool)

	TokenLife time.Duration // zero: tokens do not expire
	// RefreshGrace is how long a used refresh token stays usable.
	RefreshGrace time.Duration
	// Grant completes the answer of the token endpoint; GrantCodes are the
	// vendor's words for the errors of RFC 6749.
	Grant      func(Authority) Object
	GrantCodes map[string]string
	Rate       RateHeaders

	// Gestures are what people do on the app's own screens.
	Gestures map[string]Gesture

	Sample Sample
}

// Rule is an exception for one operation. What it does not name is derived
// from path and types.
type Rule struct {
	Verb     Verb
	Resource string
	ID       string // the argument that names the record
	Envelope string // the field of the answer around the record
	Trigger  string // instead of the one of resource and verb
	// Set are fields that a created or changed record gets besides the body's;
	// a text such as "{name}" is the argument of that name.
	Set Object
	// Requires is what a request must have that its types do not require.
	Requires []Need
	// Missing is the vendor's code for a record that is not there.
	Missing string
	// Newest lists the newest record first.
	Newest bool
	// After does more than the verb, when that went well.
	After func(*Call, Result) *Failure
	// Do acts where no verb fits.
	Do func(*Call) (Result, *Failure)
}

// Sample is what a test needs to call every operation of an app once, where
// types do not say it.
type Sample struct {
	// Args are values by the name of the argument, used where they fit its type.
	Args Object
	// Body and Query are further arguments, by "METHOD /path/{template}".
	Body, Query map[string]Object
	// Prepare stores what the arguments name, in the state that the operation
	// wants to find.
	Prepare func(a *App, op *bindings.Operation)
	// Fill leaves n items in the list of an operation; false: any n records of
	// its resource do.
	Fill func(a *App, op *bindings.Operation, n int) bool
}

// Need is that one of several fields has a value. Code and Message refuse a
// request without.
type Need struct {
	OneOf         []string // paths
	Code, Message string
}

// Unique says which records count as the same one: those that agree in one of
// Fields, the first given one deciding, within the same account.
type Unique struct {
	Fields []string
	// Refuse is the status for a second record made with create; zero lets it be.
	Refuse  int
	Message string
}

// RateHeaders are the vendor's names for what is left.
type RateHeaders struct {
	Max, Remaining, Interval, Daily, DailyRemaining string
}

// Retry is how a vendor sends webhooks again. The zero value is five times,
// after one, two, four and eight seconds.
type Retry struct {
	Timeout time.Duration // zero: ten seconds
	// Again reports whether an answer makes it send again; zero is no answer.
	Again    func(status int) bool
	Attempts int // all sendings together
	Factor   int
	// Mark adds what a repeated sending carries.
	Mark func(h http.Header, attempt int)
}

// NotAccepted reports whether a status is none of success. Most vendors then
// send a webhook again.
func NotAccepted(status int) bool { return status < 200 || status > 299 }

// complete gives the rules with what holds where they say nothing.
func (r *Rules) complete() *Rules {
	var out Rules
	if r != nil {
		out = *r
	}
	if out.Account == "" {
		out.Account = "account-1"
	}
	if len(out.IDs) == 0 {
		out.IDs = []string{"id", "_id"}
	}
	if out.NewID == nil {
		out.NewID = func(r *rand.Rand, _ string) string { return Letters(r, 20, LowerAlphabet) }
	}
	if out.InvalidStatus == 0 {
		out.InvalidStatus = http.StatusUnprocessableEntity
	}
	if out.ScopeStatus == 0 {
		out.ScopeStatus = http.StatusForbidden
	}
	if out.UnversionedStatus == 0 {
		out.UnversionedStatus = http.StatusBadRequest
	}
	if out.PageSize == 0 {
		out.PageSize = 20
	}
	if out.Retry.Attempts == 0 {
		out.Retry = Retry{Attempts: 5, Factor: 2, Again: NotAccepted}
	}
	if out.Retry.Timeout == 0 {
		out.Retry.Timeout = 10 * time.Second
	}
	return &out
}

// idOf is the id that fields name, empty if they name none.
func (r *Rules) idOf(fields Object) string {
	for _, name := range r.IDs {
		if id := Text(fields[name]); id != "" {
			return id
		}
	}
	return ""
}

// The letters that vendors make ids of.
const (
	LowerAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	UpperAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	MixedAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// Letters makes a random text of n letters.
func Letters(r *rand.Rand, n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// UUID makes a random UUID of version 4.
func UUID(r *rand.Rand) string {
	b := []byte(Letters(r, 32, "0123456789abcdef"))
	b[12], b[16] = '4', "89ab"[r.IntN(4)]
	return string(b[:8]) + "-" + string(b[8:12]) + "-" + string(b[12:16]) + "-" + string(b[16:20]) + "-" + string(b[20:])
}
