package bindings

import "time"

// App describes an external system. An App is read by many goroutines and
// changed by none.
type App struct {
	// Name is the word scripts require: lower case, letters only.
	Name  string
	Title string
	// BaseURL is the host of the API with what all paths share, without a
	// slash at its end. A connection may name another.
	BaseURL string
	// Docs is the address of the vendor's documentation.
	Docs string

	// Auth lists the ways to authorise a call, in the order of preference; a
	// connection uses the first whose Fields it has.
	Auth []Auth
	// Variants are kinds of connection beside the usual one, Test the call
	// that says whose a connection is; nil where the app has none.
	Variants []Variant
	Test     *Test
	Account  Account
	Errors   Errors
	Limits   []Limit
	Webhook  *Webhook
	// KeyHeader carries an idempotency key, trusted for KeyTTL after the
	// first sending.
	KeyHeader string
	KeyTTL    time.Duration

	// Consent is how the vendor's customer agrees to a call, nil if it asks for
	// no such thing.
	Consent *Consent
	// Echo says which records calls change, nil if that is not known.
	Echo *Echo
	// Polls are the lists that are looked at for changes.
	Polls []Poll
	// Subscriptions say how webhooks are registered.
	Subscriptions []Subscription

	// Catalogue holds the operations, types and triggers, Editions the
	// operations and types of further versions of the API.
	Catalogue *Catalogue
	Editions  []Edition
}

// Account says what the vendor calls a customer's space and where it stands.
type Account struct {
	// Noun is the vendor's word: location, workspace, organisation.
	Noun string
	// Paths are the places in a webhook body, the first found counts.
	Paths []string
	// Parent is where a webhook body names the account's parent.
	Parent string
}

// Limit is a rate limit of the vendor.
type Limit struct {
	// Name is what an Operation's Limit refers to; empty holds for all.
	Name     string
	Requests int
	Per      time.Duration
	// Scope says who shares the budget.
	Scope LimitScope
}

// LimitScope says who shares a rate limit's budget.
type LimitScope string

// The scopes of a rate limit.
const (
	PerConnection LimitScope = "connection" // one account of one installation of the app
	PerOperation  LimitScope = "operation"  // one operation on one connection
	PerHost       LimitScope = "host"       // everything this machine sends to the app
)

// Errors says where an answer tells what went wrong. Paths are tried in order.
type Errors struct {
	Message []string
	Code    []string
	// OK is the path of a boolean that is false in an answer of status 200
	// that reports an error; empty where the status tells.
	OK string
	// RequestID are headers that name the request at the vendor.
	RequestID []string
	// Kinds maps a vendor's code to a kind where the status does not tell.
	Kinds map[string]ErrorKind
	// Statuses says what a status of the vendor's own means.
	Statuses map[int]Meaning
	// Trace are paths in an answer that name the request at the vendor, for
	// where no header does.
	Trace []string
	// RetryAfter and the headers of the remaining budget.
	RetryAfter string // default "Retry-After", in seconds or an HTTP date
	Remaining  string // requests left in the present interval
	Interval   string // length of the interval in milliseconds
}

// Meaning is what a status says: the kind of error, and the code of an answer
// that has none.
type Meaning struct {
	Kind ErrorKind
	Code string
}

// Webhook says how the vendor's events arrive.
type Webhook struct {
	Signatures []Signature
	// MaxAge bounds the age of a webhook; no shorter than the time over which
	// the vendor sends again. Zero means no bound. Ids keep repeats out.
	MaxAge time.Duration
	// Time is the path in the body of the time it was sent, where the
	// signature does not carry it.
	Time string
	// ID, Type and Data are paths in the body: the event's id, the vendor's
	// type, and what scripts get as event.data (empty: the whole body).
	ID   string
	Type string
	Data string
	// AnyCase says that the vendor does not always write a type in the same
	// case; ours are in lower case.
	AnyCase bool
	// Bare is the path of the type in a body without the envelope, where
	// nothing stands at Type; its data is the whole body.
	Bare string
	// At is the path of the time at which the event happened: text of RFC
	// 3339, or a number of Unix seconds, or of milliseconds from 1e11 on.
	At string
	// Forms are how webhooks come that are no JSON but a form.
	Forms []WebhookForm
	// Challenge answers the vendor's check of the address, nil if it makes none.
	Challenge *Challenge
	// Confirm is such a check outside the body, nil if there is none.
	Confirm *Confirm
	// Proof stands in the place of signatures, nil if there is none.
	Proof *Proof
	// Batch is the path of a list of notifications, each an event of its own,
	// to which all paths here then refer; empty: the body is one.
	Batch string
	// Headers maps names to headers whose values count as fields of the body,
	// for vendors that say everything there. The body may then be empty.
	Headers map[string]string
	// Same are the paths whose values together are the id of an event where
	// the vendor gives none; empty: all that tells of it. In a batch it is
	// never the place in the list.
	Same []string
	// Alike are types of which each webhook is an event of its own where the
	// vendor gives no id, since the next change looks like the last one.
	Alike []string
	// Nudge are the vendor's types that tell only that something changed: the
	// Poll of the subscription is looked at and no event is made of them.
	// "*" stands for all.
	Nudge []string
	// Ignore are types that tell nothing: they are acknowledged.
	Ignore []string
	// Lost are types that say that webhooks were lost or that a subscription
	// ended: it is registered anew if it is gone and its Poll, or those that
	// reconcile, are looked at.
	Lost []string
	// Expiring are types that ask for a subscription to be renewed now.
	Expiring []string
	// Gone is the status for a subscription that is not ours or no longer
	// wanted; zero means 404. 410 makes some vendors stop.
	Gone int
	// SendAgain is the status that makes the vendor send again later; zero
	// means 503.
	SendAgain int
	// UnknownAccount is the status for an account that no connection has;
	// zero means 404.
	UnknownAccount int
	// Life are the vendor's types that go to the account's parent: INSTALL.
	// Those in Installed begin an account's installation, those in Uninstalled
	// end it: its connection is broken from then on.
	Life        []string
	Installed   []string
	Uninstalled []string
}

// Challenge is a webhook that asks to be echoed: Slack's url_verification.
type Challenge struct {
	Type     string // the value at TypePath
	TypePath string // where it stands in the body
	Echo     string // the path of what is to be answered
}

// Trigger is a kind of event of an app.
type Trigger struct {
	// Name is app.noun.verb_past, always three parts.
	Name string `json:"-"`
	// Vendor is the vendor's type at Webhook.Type; empty for a trigger that
	// does not come by webhook.
	Vendor string `json:"vendor,omitempty"`
	// Form names the one of Webhook.Forms by which it comes, empty for JSON.
	Form string `json:"form,omitempty"`
	// When maps paths in the body to the values that tell this trigger from
	// others of the same vendor type; an empty value stands for a path that is
	// absent or null.
	When map[string]string `json:"when,omitempty"`
	// Record is the path in event.data of the record it is about; the default
	// lane is account and record.
	Record string `json:"record,omitempty"`
	// Decides says how it answers an approval, nil where it never does.
	Decides *Decides `json:"decides,omitempty"`
	// Data is the type of event.data, nil where the documents are silent.
	Data     *Type    `json:"data,omitempty"`
	Scopes   []string `json:"scopes,omitempty"`
	Inferred bool     `json:"inferred,omitempty"`
}
