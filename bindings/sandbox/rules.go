package sandbox

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// Rules is what paths and types of a catalogue do not define about an app. The
// zero value is enough for an app whose paths define everything. Its functions
// run with the app's lock held.
//
// A resource is named by the words of its path: "contacts/tasks".
type Rules struct {
	// Account is the id of the customer's space in the sandbox, Parent that of the
	// account which the space belongs to.
	Account, Parent string
	// AccountParams are the parameters that have either id, in lower case and
	// without separators.
	AccountParams []string
	// AccountField is the field of a record that names its account.
	AccountField string

	// IDs are the fields that may have a record's id, the usual one first; none:
	// "id" and "_id".
	IDs []string
	// IDField is the field that is the id where it is none of them, by resource.
	IDField map[string]string
	// NewID returns an id in the vendor's style; nil: 20 letters and digits.
	NewID func(r *rand.Rand, resource string) string
	// TimeID returns the id of a record from its time, by resource.
	TimeID map[string]func(ms int64) string

	// Seeds are the records that exist from the start, by resource, and Under the
	// records that they are under, by resource and folded parameter.
	Seeds map[string][]Object
	Under map[string]map[string]string

	// Aliases are further names of resources that the catalogue has at two paths.
	Aliases map[string]string
	// Operations are the exceptions, by "METHOD /path/{template}".
	Operations map[string]*Rule
	// Derive returns the rule of an operation that Operations does not name, for
	// an app whose paths do not define what operations do; nil: no rule.
	Derive func(*bindings.Operation) *Rule
	// Actions are the fields that the last word of a path sets.
	Actions map[string]Object
	// Unique defines which records are the same, by resource.
	Unique map[string]Unique
	// Defaults are the fields that every record has, by resource.
	Defaults map[string]Object
	// Fill completes the fields of a new or changed record, by resource, and
	// Complete does it if that needs other records.
	Fill     map[string]func(fields Object)
	Complete func(a *App, resource string, r *Record)
	// Param returns the id that a value in a path is an alias of: "me".
	Param func(a *App, param, value string) string
	// Check refuses a request that no path, type or rule refuses.
	Check func(*Call) *Failure
	// SoftDelete marks a record as deleted if lists still have it then. False: the
	// record is removed.
	SoftDelete func(resource string, r *Record) bool
	// Show returns the fields of a record that an answer has.
	Show func(c *Call, fields Object, listed bool) Object

	// Triggers names the trigger of a change, by "resource verb", where it is
	// not app.noun.created, updated or deleted; empty: no webhook is sent.
	Triggers map[string]string
	// FieldTriggers names the trigger of a field's change, by "resource field".
	FieldTriggers map[string]string
	// Events returns the events of a change, for a vendor whose webhooks are not
	// what App.Webhook describes.
	Events func(*App, Change) []*Event
	// Receives reports whether a registered webhook receives an event, in addition
	// to the conditions of App.Subscriptions.
	Receives func(*Subscription, *Event) bool
	// CompleteWebhook completes the body of a webhook, CompleteDelivery the body
	// that one subscription receives.
	CompleteWebhook  func(*Event)
	CompleteDelivery func(s *Subscription, body Object)
	Retry            Retry

	// InvalidStatus is the status for invalid arguments (zero: 422),
	// UnversionedStatus for a missing fixed header (zero: 400), ScopeStatus for
	// a token without the scope (zero: 403).
	InvalidStatus, UnversionedStatus, ScopeStatus int
	// Fail writes a failure in the vendor's shape, in addition to App.Errors.
	// Zero: the status stays.
	Fail func(f *Failure, body Object) (status int)
	// Headers are those of an answer that consists of headers: "{id}" is the id
	// of the record, "{uuid}" a new one.
	Headers map[string]string
	// Success is in every successful answer.
	Success Object
	// PageSize is the number of records of a page if a request names none; zero:
	// 20.
	PageSize int
	// ServeOther answers requests whose path is no operation: addresses that the
	// vendor issues for one use. The path is below the app's own.
	ServeOther func(a *App, h *http.Request, raw []byte, path string) (Reply, bool)

	// Lenient is set if the vendor reads arguments from JSON, from a form and from
	// the query of a GET, the token among them, and if its OAuth needs no
	// response_type and no grant_type.
	Lenient bool
	// OtherHeaders are values of fixed headers that the vendor accepts beside the
	// documented ones, by the name of the header. They select no edition.
	OtherHeaders map[string][]string
	// BatchPath is the path of an operation that performs several requests, as
	// Graph does; empty: there is none.
	BatchPath string

	TokenLifetime time.Duration // zero: tokens do not expire
	// RefreshGrace is how long a used refresh token stays valid.
	RefreshGrace time.Duration
	// TokenFields completes the answer of the token endpoint; OAuthCodes are the
	// vendor's words for the errors of RFC 6749.
	TokenFields func(Grant) Object
	OAuthCodes  map[string]string
	Rate        RateHeaders

	// UserActions are what people do on the app's own screens.
	UserActions map[string]UserAction

	Sample Sample
}

// Rule is an exception for one operation. What it does not define is derived
// from path and types.
type Rule struct {
	Verb     Verb
	Resource string
	ID       string // the argument that names the record
	Envelope string // the field of the answer around the record
	Trigger  string // instead of the one of resource and verb
	// Set are fields that a created or changed record gets in addition to the
	// body's; a text such as "{name}" is the argument of that name.
	Set Object
	// Requires are conditions of a request that its types do not have.
	Requires []Requirement
	// NotFoundCode is the vendor's code for a record that does not exist.
	NotFoundCode string
	// NewestFirst lists the newest record first.
	NewestFirst bool
	// After is called after the verb, if that succeeded.
	After func(*Call, Result) *Failure
	// Do performs the operation if no verb does.
	Do func(*Call) (Result, *Failure)
}

// Sample is what a test needs to call every operation of an app once, if types
// do not define it.
type Sample struct {
	// Args are values by the name of the argument, used if they have its type.
	Args Object
	// Body and Query are further arguments, by "METHOD /path/{template}".
	Body, Query map[string]Object
	// Prepare stores what the arguments name, in the state that the operation
	// requires.
	Prepare func(a *App, op *bindings.Operation)
	// Fill leaves n items in the list of an operation; false: the caller creates
	// n records of its resource.
	Fill func(a *App, op *bindings.Operation, n int) bool
}

// Requirement is that one of several fields has a value. Without, the request is
// refused with Code and Message.
type Requirement struct {
	OneOf         []string // paths
	Code, Message string
}

// Unique defines which records are the same: those of one account that agree in
// one of Fields. The first of Fields with a value decides.
type Unique struct {
	Fields []string
	// ConflictStatus is the status for a second record made with create; zero: it is
	// created.
	ConflictStatus int
	Message        string
}

// RateHeaders are the vendor's headers for rate limits.
type RateHeaders struct {
	Max, Remaining, Interval, Daily, DailyRemaining string
}

// Retry is how a vendor sends webhooks again. The zero value is five times,
// after one, two, four and eight seconds.
type Retry struct {
	Timeout time.Duration // zero: ten seconds
	// ShouldRetry reports whether a status makes it send again; zero is no answer.
	ShouldRetry func(status int) bool
	Attempts    int // with the first
	Factor      int
	// SetHeaders sets the headers of a repeated attempt.
	SetHeaders func(h http.Header, attempt int)
}

// NotAccepted reports whether a status is not 2xx. Most vendors then send a
// webhook again.
func NotAccepted(status int) bool { return status < 200 || status > 299 }

// complete returns the rules with the defaults.
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
		out.Retry = Retry{Attempts: 5, Factor: 2, ShouldRetry: NotAccepted}
	}
	if out.Retry.Timeout == 0 {
		out.Retry.Timeout = 10 * time.Second
	}
	return &out
}

// idOf is the id that fields name; empty if they name none.
func (r *Rules) idOf(fields Object) string {
	for _, name := range r.IDs {
		if id := Text(fields[name]); id != "" {
			return id
		}
	}
	return ""
}

// The alphabets of vendors' ids.
const (
	LowerAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	UpperAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	MixedAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// Letters returns a random text of n letters.
func Letters(r *rand.Rand, n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// UUID returns a random UUID of version 4.
func UUID(r *rand.Rand) string {
	b := []byte(Letters(r, 32, "0123456789abcdef"))
	b[12], b[16] = '4', "89ab"[r.IntN(4)]
	return string(b[:8]) + "-" + string(b[8:12]) + "-" + string(b[12:16]) + "-" + string(b[16:20]) + "-" + string(b[20:])
}
