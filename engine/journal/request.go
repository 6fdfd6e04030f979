package journal

import (
	"encoding/json"
	"strings"
)

// Request is what scripts get of an HTTP request to an address of their own,
// beside the data of the event.
type Request struct {
	Method string `json:"method"`
	// Headers are by their names in lower case, without credentials.
	Headers map[string]string `json:"headers"`
	// Query is an object of texts, and of lists of texts where a name is repeated.
	Query json.RawMessage `json:"query"`
	// Body is the body as text. BodyBase64 takes its place for bytes that are not
	// UTF-8. Both are empty unless a hook asks for the body.
	Body       string `json:"body,omitempty"`
	BodyBase64 string `json:"body_base64,omitempty"`
	// Files names the fields of the event's data that have files.
	Files []string `json:"files,omitempty"`
	// Stored are the hashes of those files whose content is not in the data. The
	// files are needed while the event is stored; scripts do not get the hashes.
	Stored []string `json:"stored,omitempty"`
}

// requestOf returns the request of an event as scripts get it; for an event of a
// script's address that did not come by HTTP it is empty, so that scripts can read
// its fields.
func requestOf(e *Event) *Request {
	switch {
	case e.Request == nil && strings.HasPrefix(e.Type, "in:"):
		return &Request{Headers: map[string]string{}, Query: json.RawMessage("{}")}
	case e.Request == nil || e.Request.Stored == nil:
		return e.Request
	}
	r := *e.Request
	r.Stored = nil
	return &r
}
