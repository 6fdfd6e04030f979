package journal

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// StepRespond is the name of the step by which a run answers the request of its
// event; its arguments are an Answer.
const StepRespond = "respond"

// MaxAnswer bounds the body of an answer, in bytes.
const MaxAnswer = 1 << 20

// The bounds of an answer's headers: their number, and the bytes of a value.
const (
	maxAnswerHeaders = 64
	maxAnswerHeader  = 4 << 10
)

// Answer is what a run answers the sender of its event. A Status of zero means
// that there is no answer yet.
type Answer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	// Body is a text; any other value is sent as JSON.
	Body json.RawMessage `json:"body"`
}

// ownHeaders are headers of an answer that scripts cannot set: those of the
// connection, and those by which a page could use or weaken our address.
var ownHeaders = map[string]bool{
	"connection": true, "content-length": true, "transfer-encoding": true, "trailer": true, "upgrade": true,
	"set-cookie": true, "content-security-policy": true, "x-content-type-options": true, "service-worker-allowed": true,
	"clear-site-data": true, "strict-transport-security": true,
}

var headerName = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~-]+$`)

// ReadAnswer reads and checks the arguments of respond. A status that is left out
// is 200.
func ReadAnswer(args json.RawMessage) (Answer, error) {
	a := Answer{Status: 200}
	if err := json.Unmarshal(args, &a); err != nil {
		return a, fmt.Errorf("expected { status = number, headers = table of texts, body = text or table }: %w", err)
	}
	if a.Status < 200 || a.Status > 599 {
		return a, fmt.Errorf("status: expected 200 to 599, found %d", a.Status)
	}
	if len(a.Headers) > maxAnswerHeaders {
		return a, fmt.Errorf("headers: found %d, at most %d can be sent", len(a.Headers), maxAnswerHeaders)
	}
	for name, value := range a.Headers {
		switch {
		case len(value) > maxAnswerHeader:
			return a, fmt.Errorf("headers: the value of %.60s has %d bytes, at most %d can be sent", name, len(value), maxAnswerHeader)
		case !headerName.MatchString(name):
			return a, fmt.Errorf("headers: %.60q is no name of a header", name)
		case ownHeaders[strings.ToLower(name)]:
			return a, fmt.Errorf("headers: %s cannot be set by a script", name)
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			return a, fmt.Errorf("headers: the value of %s has a control character", name)
		}
	}
	if n := len(a.Text()); n > MaxAnswer {
		return a, fmt.Errorf("body: it has %d bytes, at most %d can be sent", n, MaxAnswer)
	}
	return a, nil
}

// Text returns the bytes of the body.
func (a Answer) Text() []byte {
	var text string
	if json.Unmarshal(a.Body, &text) == nil {
		return []byte(text)
	}
	return a.Body
}

// IsJSON reports whether the body is sent as JSON.
func (a Answer) IsJSON() bool { return len(a.Body) > 0 && a.Body[0] != '"' && string(a.Body) != "null" }
