package bindings

import (
	"slices"
	"strings"
	"time"
)

// App describes an external system. An App is read by many goroutines and is
// not changed.
type App struct {
	// Name is the argument of require in scripts: lower case, letters only.
	Name  string
	Title string
	// BaseURL is the scheme, the host and the part of the path that all paths
	// share, without a slash at the end. A connection may have another.
	BaseURL string
	// Added is set for an app that is not built in: a user of the installation added its
	// description. Its addresses are not trusted: calls and token requests go to public
	// ones only, unless the configuration allows others.
	Added bool
	// Docs is the address of the vendor's documentation.
	Docs string

	// Auth lists the ways to authorise a call, in order of preference; a
	// connection uses the first one all of whose Fields it has.
	Auth []Auth
	// Variants are the kinds of connection besides the usual one.
	Variants []Variant
	// Test is the call that reads which account a connection is for; nil if the
	// app has none.
	Test    *Test
	Account Account
	Errors  Errors
	Limits  []Limit
	Webhook *Webhook
	// JSONType is the Content-Type of bodies that are JSON; empty: application/json.
	JSONType string
	// KeyHeader is the header for an idempotency key. The vendor recognises a
	// key for KeyTTL after the first request with it.
	KeyHeader string
	KeyTTL    time.Duration

	// Consent is how the vendor's customer agrees to a call; nil if the vendor
	// does not ask for it.
	Consent *Consent
	// Echo has the records that calls change; nil if that is not known.
	Echo *Echo
	// Polls are the lists that are polled for changes.
	Polls []Poll
	// Subscriptions are how webhooks are registered.
	Subscriptions []Subscription

	// Catalogue has the operations, types and triggers.
	Catalogue *Catalogue
	// Editions have the operations and types of further versions of the API.
	Editions []Edition
}

// Account is what the vendor calls a customer's space, and where a webhook has
// its id.
type Account struct {
	// Noun is the vendor's word: location, workspace, organisation.
	Noun string
	// Paths are paths of the account's id in a webhook body; the first one
	// found counts. If the vendor signs for several apps with one key
	// (Webhook.SharedKey), each one that is found must be of the connection.
	Paths []string
	// Parent is the path in a webhook body of the id of the account's parent.
	Parent string
}

// Errors is where an answer describes an error. Paths are tried in order.
type Errors struct {
	Message []string
	Code    []string
	// OK is the path of a boolean that is false in an answer of status 200
	// that reports an error; empty where errors have a status of their own.
	OK string
	// RequestID are headers with the vendor's id of the request.
	RequestID []string
	// Kinds maps a vendor's code to a kind, where the status alone does not
	// determine it.
	Kinds map[string]ErrorKind
	// Statuses are the meanings of statuses that only this vendor uses.
	Statuses map[int]Meaning
	// Trace are paths in an answer of the vendor's id of the request, where no
	// header has it.
	Trace []string
	// RetryAfter, Remaining and Interval are headers about rate limits.
	RetryAfter string // default "Retry-After", in seconds or an HTTP date
	Remaining  string // requests left in the current interval
	Interval   string // length of the interval in milliseconds
}

// Meaning is the kind of error for a status. Code is the code of the error if
// the answer has none.
type Meaning struct {
	Kind ErrorKind
	Code string
}

// Webhook is how the vendor's events arrive.
type Webhook struct {
	Signatures []Signature
	// SharedKey is set if the vendor signs the webhooks of all its apps with the
	// same key, so that a signature does not prove for whom a webhook is: a body
	// then has to name the account. It is nil only if no signature has a Key.
	SharedKey *bool
	// AppID is where a body has the vendor's id of the app; nil if bodies do not
	// have it.
	AppID *AppID
	// MaxAge is the greatest accepted age of a webhook. It is at least the time
	// over which the vendor sends a webhook again. Zero accepts any age;
	// repeats are then found by their id.
	MaxAge time.Duration
	// Time is the path in the body of the time at which it was sent, where the
	// signature does not have it.
	Time string
	// Secret are fields that are removed from a body and from its data: they are not
	// stored, and scripts do not get them. A form has its own.
	Secret []string
	// ID, Type and Data are paths in the body: of the event's id, of the
	// vendor's type, and of what becomes event.data (empty: the whole body).
	ID   string
	Type string
	Data string
	// AnyCase is set if the vendor writes the same type sometimes in upper and
	// sometimes in lower case. Types in this description are in lower case.
	AnyCase bool
	// BareType is the path of the type in a body without an envelope, which has
	// nothing at Type. The whole body becomes event.data.
	BareType string `app:"bare"`
	// At is the path of the time at which the event happened: text of RFC 3339,
	// or a number of Unix seconds, or of milliseconds if it is 1e11 or more.
	At string
	// Forms are the webhooks whose body is a form and not JSON.
	Forms []WebhookForm
	// Challenge is a request in the body to prove that the address is ours; nil
	// if the vendor sends none.
	Challenge *Challenge
	// Handshake is such a request outside the body; nil if the vendor sends
	// none.
	Handshake *Handshake `app:"confirm"`
	// Token replaces signatures; nil if webhooks are signed.
	Token *WebhookToken `app:"proof"`
	// Batch is the path of a list of notifications. Each is one event, and all
	// other paths are paths in a notification. Empty: the body is one.
	Batch string
	// Headers maps names to headers whose values become fields of the body, for
	// vendors that put everything into headers. The body may then be empty.
	Headers map[string]string
	// DedupPaths are the paths whose values together are the id of an event, if
	// the vendor sends no id; empty: everything in the notification. The
	// position in a batch is never part of it.
	DedupPaths []string `app:"same"`
	// NoDedup are types whose webhooks are all different events if the vendor
	// sends no id, because two changes in a row have the same body.
	NoDedup []string `app:"alike"`
	// PollOn are the vendor's types that have no data: something changed. The
	// Poll of the subscription is run and no event is made of the webhook. "*"
	// matches all types.
	PollOn []string `app:"nudge"`
	// Ignore are types that are acknowledged and make no event.
	Ignore []string
	// ReconcileOn are types that report that webhooks were lost or that a
	// subscription ended. The subscription is registered again if it does not
	// exist any more, and its Poll, or those with Reconcile, are run.
	ReconcileOn []string `app:"lost"`
	// RenewOn are types that ask for a subscription to be renewed now.
	RenewOn []string `app:"expiring"`
	// GoneStatus is the status that answers a webhook of a subscription that is
	// not ours or not wanted any more; zero means 404. 410 makes some vendors
	// stop.
	GoneStatus int `app:"gone"`
	// RetryStatus is the status that makes the vendor send a webhook again
	// later; zero means 503.
	RetryStatus int `app:"send_again"`
	// UnknownAccountStatus is the status that answers a webhook of an account
	// that no connection has; zero means 404.
	UnknownAccountStatus int `app:"unknown_account"`
	// InstallEvents are the vendor's types that are sent for the account's
	// parent, such as INSTALL. A type in Installed begins an account's
	// installation. One in Uninstalled ends it: its connection is broken from
	// then on.
	InstallEvents []string `app:"life"`
	Installed     []string
	Uninstalled   []string
}

// AppID is where a webhook has the vendor's id of the app that it is for, and how
// that id is found in a client id.
type AppID struct {
	Path string // in the body
	// End is what ends the id in the client id: "-" for a client id such as
	// 653f8ac8-lob7. Empty: the client id is the id.
	End string
}

// Of returns the id of the app that has a client id.
func (a AppID) Of(clientID string) string {
	if a.End == "" {
		return clientID
	}
	id, _, _ := strings.Cut(clientID, a.End)
	return id
}

// SharesKey reports whether the vendor signs for several apps with one key.
func (w *Webhook) SharesKey() bool { return w.SharedKey != nil && *w.SharedKey }

// OfInstallation reports whether a type of the vendor is about the installation
// of the app in an account.
func (w *Webhook) OfInstallation(vendor string) bool {
	return slices.Contains(w.InstallEvents, vendor) || slices.Contains(w.Installed, vendor) || slices.Contains(w.Uninstalled, vendor)
}

// Challenge is a webhook whose answer has to repeat a part of its body:
// Slack's url_verification.
type Challenge struct {
	Type     string // the value at TypePath
	TypePath string // a path in the body
	Echo     string // the path of the value to answer with
}

// Trigger is a kind of event of an app.
type Trigger struct {
	// Name is app.noun.verb_past, always three parts.
	Name string `json:"-"`
	// Vendor is the vendor's type, the value at Webhook.Type; empty for a
	// trigger without webhooks.
	Vendor string `json:"vendor,omitempty"`
	// Form is the Name of the WebhookForm that its webhooks have; empty for
	// JSON.
	Form string `json:"form,omitempty"`
	// When maps paths in the body to the values that this trigger requires,
	// where several triggers have the same vendor type. An empty value matches
	// a path that is absent or null.
	When map[string]string `json:"when,omitempty"`
	// Record is the path in event.data of the id of the record that the event
	// is about; the default lane is account and record.
	Record string `json:"record,omitempty"`
	// ApprovalAnswer is where an event has the answer to an approval; nil if
	// events of this trigger have none.
	ApprovalAnswer *ApprovalAnswer `json:"decides,omitempty" app:"decides"`
	// RespondWithin is how long a script may take for the answer to the webhook, where
	// the vendor reads one and shows it to a person; zero: it reads none.
	RespondWithin Duration `json:"respond_within,omitempty"`
	// Data is the type of event.data; nil if the documents do not describe it.
	Data     *Type    `json:"data,omitempty"`
	Scopes   []string `json:"scopes,omitempty"`
	Inferred bool     `json:"inferred,omitempty"`
}
