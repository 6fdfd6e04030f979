package bindings

import (
	"encoding/json"
	"strings"
)

// ErrorKind says what went wrong in words that hold for every app.
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

// Error is what a call to an app ends with when it does not succeed. Scripts
// see it as a table with these fields. It never holds a secret.
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
	Body       json.RawMessage `json:"body,omitempty"` // the vendor's answer
}

// Error prints the error as one line. Where the message goes on over further
// lines, such as an operation's signature, they follow.
func (e *Error) Error() string {
	var b strings.Builder
	if e.App != "" {
		b.WriteString(e.App)
		if e.Operation != "" {
			b.WriteString("." + e.Operation)
		}
		b.WriteString(": ")
	}
	line, rest, more := strings.Cut(e.Message, "\n")
	b.WriteString(line + " (" + string(e.Kind))
	if e.Code != "" && e.Code != line {
		b.WriteString(", " + e.Code)
	}
	b.WriteString(")")
	if more {
		b.WriteString("\n" + rest)
	}
	return b.String()
}
