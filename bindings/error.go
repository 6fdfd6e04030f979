package bindings

import (
	"encoding/json"
	"strings"
)

// ErrorKind is the kind of an error; the kinds are the same for every app.
type ErrorKind string

// The kinds of error.
const (
	Invalid          ErrorKind = "invalid"
	Unauthorized     ErrorKind = "unauthorized"
	Forbidden        ErrorKind = "forbidden"
	NotFound         ErrorKind = "not_found"
	Conflict         ErrorKind = "conflict"
	RateLimited      ErrorKind = "rate_limited"
	Unavailable      ErrorKind = "unavailable"
	Timeout          ErrorKind = "timeout"
	Uncertain        ErrorKind = "uncertain"
	TooLarge         ErrorKind = "too_large"
	BrokenConnection ErrorKind = "broken_connection"
)

// Error is the error of a call to an app. Scripts get it as a table with these
// fields. It never contains a secret. Callers may share a value, so one that was
// returned is not changed: change a copy.
//
// A new field is added in engine/vm/apperror.go too, in appError and in
// appErrorWithoutBody, and to the list in section 4 of scripts/README.md.
type Error struct {
	Kind       ErrorKind       `json:"kind"`
	Status     int             `json:"status,omitempty"` // HTTP status, 0 if there was no answer
	Code       string          `json:"code,omitempty"`   // the vendor's own code
	Message    string          `json:"message"`
	App        string          `json:"app,omitempty"`
	Operation  string          `json:"operation,omitempty"` // group.operation
	Connection string          `json:"connection,omitempty"`
	RequestID  string          `json:"request_id,omitempty"`
	Retryable  bool            `json:"retryable"`
	Body       json.RawMessage `json:"body,omitempty"` // of the vendor's answer
}

// Error returns the error as one line, and after it the further lines of the
// message, such as an operation's signature.
func (e *Error) Error() string {
	var b strings.Builder
	if e.App != "" {
		b.WriteString(e.App)
		if e.Operation != "" {
			b.WriteString("." + e.Operation)
		}
		b.WriteString(": ")
	}
	first, rest, more := strings.Cut(e.Message, "\n")
	b.WriteString(first + " (" + string(e.Kind))
	if e.Code != "" && e.Code != first && e.Code != string(e.Kind) {
		b.WriteString(", " + e.Code)
	}
	b.WriteString(")")
	if more {
		b.WriteString("\n" + rest)
	}
	return b.String()
}
