package call

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// Request is one call of an operation.
type Request struct {
	App        *bindings.App
	Operation  *bindings.Operation
	Connection string // the whole name, resolved
	// Args is the flat table of arguments, secrets opened.
	Args json.RawMessage
	Caller
	// Page asks for one page of a list: the page size is added where Args has
	// none.
	Page bool
	// Unchecked sends arguments that do not fit the catalogue.
	Unchecked bool
	// Timeout bounds each sending; zero means the connection's or the default.
	Timeout time.Duration
	Key     string // idempotency key, sent where the operation takes one
	// OwnKey is a key that no other call has, 32 hexadecimal digits. It is sent where
	// bindings.OwnKey applies; empty: it is not.
	OwnKey string
	// AsFile stores a successful answer as a file: Answer.Body is then that
	// file.
	AsFile bool
	// Consent is the token of the session in which the vendor's customer agreed
	// to this call, see bindings.Consent.
	Consent string
	// Again is the record that Begin got when the request was first sent: the
	// same bytes and key are sent again, on the connection as it is now. The
	// age of the key counts from the first sending. Args, Timeout and Secrets
	// are needed as before.
	Again json.RawMessage
	// Secrets are the opened secrets in Args; no error and no answer shows
	// them.
	Secrets []string
	BegunRecorder
}

// Caller is who makes a call.
type Caller struct {
	// Script is the script that makes the call. Calls that wait for the same
	// rate limit are served in rounds, one call of each script.
	Script string `json:"-"`
	// Lookup is set for a read that finds out whether another call was done: its circuit
	// is that of look-ups.
	Lookup bool `json:"-"`
	// Log is the log of the run that makes the call; nil: Config.Log. Step is the
	// number of the step in it; zero: no step.
	Log  *slog.Logger `json:"-"`
	Step int          `json:"-"`
	// Waits, if set, is called when the call begins to wait, with what it waits
	// for and until when as far as that is known, and with an empty text when it
	// goes on.
	Waits func(what string, until time.Time) `json:"-"`
}

// BegunRecorder writes to the journal that a request which may change something
// has begun. Nil functions are not called.
type BegunRecorder struct {
	// Begin is called before each sending of an operation that is not
	// read-only, and must make the begun record durable before it returns. Sent
	// is the request, the same for each sending of one call: an object with at
	// (of the first sending), method, url (below the connection's address),
	// key, headers, and body or base64; without any credential. Pass it as
	// Again to send the request again.
	Begin func(ctx context.Context, sent json.RawMessage) error `json:"-"`
	// Withdraw is called when a sending was surely not done, nor any before it.
	Withdraw func(ctx context.Context) error `json:"-"`
}

// Answer is what the vendor answered. It is returned with an error too, as far
// as it is known.
type Answer struct {
	Status int
	// Body is JSON: null for an empty answer, and for one that is not JSON
	// {"content_type", "text"} or {"content_type", "base64"}.
	Body      json.RawMessage
	RequestID string
	Sendings  int // requests sent
	// RetryAfter is, with an error of kind rate_limited, how long to wait before
	// the next call.
	RetryAfter time.Duration
	// LimitReached is set, with an error of kind rate_limited, if nothing was
	// sent because our own count of the vendor's requests allows none.
	LimitReached bool
	// Refused is set, with an error of kind unavailable, if the request was not
	// sent, or not sent again, because a circuit is open.
	Refused *Circuit
	// SentBefore is set, with an error of the vendor, if an earlier sending of the same
	// request may have been done.
	SentBefore bool
	// LimitWait is how long the call waited for rate limits, in all.
	LimitWait time.Duration

	header http.Header
}

// RawRequest is a request to an endpoint that has no entry in the catalogue.
type RawRequest struct {
	App        *bindings.App `json:"-"`
	Connection string        `json:"-"`
	Timeout    time.Duration `json:"-"`
	Key        string        `json:"-"`
	AsFile     bool          `json:"-"` // as in a Request
	Secrets    []string      `json:"-"`
	// Again is as in a Request.
	Again         json.RawMessage `json:"-"`
	Caller        `json:"-"`
	BegunRecorder `json:"-"`
	// Catalogue is that of the edition whose fixed headers are sent; nil: the
	// app's own.
	Catalogue *bindings.Catalogue `json:"-"`

	Method  string            `json:"method"`  // default GET
	Path    string            `json:"path"`    // below the connection's address, with "/" before it
	Query   json.RawMessage   `json:"query"`   // an object
	Headers map[string]string `json:"headers"` // beside the app's own
	Body    json.RawMessage   `json:"body"`    // sent as JSON
}

// HTTPRequest is a request to any address.
type HTTPRequest struct {
	Secrets []string `json:"-"`
	// Again is as in a Request.
	Again         json.RawMessage `json:"-"`
	Caller        `json:"-"`
	BegunRecorder `json:"-"`

	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Query   json.RawMessage   `json:"query"` // an object
	JSON    json.RawMessage   `json:"json"`  // the body, as JSON
	// File is the body, as a file; Form an object of names and values that is sent as a
	// form; Multipart an object of texts and files.
	File      json.RawMessage `json:"file"`
	Form      json.RawMessage `json:"form"`
	Multipart json.RawMessage `json:"multipart"`
	// As is "file" to store a successful answer as a file.
	As string `json:"as"`
	// Charset is the charset of the answer's text, in place of the one that the
	// answer declares or that its byte order mark means; empty: those decide.
	Charset string  `json:"charset"`
	Body    *string `json:"body"` // the body, as it is
	// Auth is {"bearer": "…"} or {"user": "…", "password": "…"}.
	Auth *HTTPAuth `json:"auth"`
	// Timeout is a number of seconds or text such as "5s".
	Timeout Duration `json:"timeout"`
}

// HTTPAuth authorises a request to any address.
type HTTPAuth struct {
	Bearer   string `json:"bearer"`
	User     string `json:"user"`
	Password string `json:"password"`
}

// HTTPAnswer is what an address answered, whatever its status.
type HTTPAnswer struct {
	Status   int               `json:"status"`
	Headers  map[string]string `json:"headers"`               // names in lower case
	Body     string            `json:"body,omitempty"`        // text, in UTF-8
	Base64   string            `json:"body_base64,omitempty"` // what is not text
	File     json.RawMessage   `json:"file,omitempty"`        // the answer, stored as a file
	Sendings int               `json:"-"`                     // requests sent
	// RetryAfter and Refused are as in an Answer.
	RetryAfter time.Duration `json:"-"`
	Refused    *Circuit      `json:"-"`
}
