package call

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
)

func newError(app *bindings.App, op *bindings.Operation, kind bindings.ErrorKind, status int) *bindings.Error {
	return &bindings.Error{Kind: kind, App: app.Name, Operation: op.Name, Status: status}
}

// vendorError is the error that an answer reports.
func vendorError(app *bindings.App, op *bindings.Operation, status int, header http.Header, body []byte, isJSON bool) *bindings.Error {
	e := newError(app, op, kindOfStatus(status), status)
	meaning, special := app.Errors.Statuses[status]
	if special && meaning.Kind != "" {
		e.Kind = meaning.Kind
	}
	e.RequestID = requestID(app, header)
	if isJSON {
		e.Code = firstText(body, app.Errors.Code)
		e.Message = firstText(body, app.Errors.Message)
		if e.RequestID == "" {
			e.RequestID = firstText(body, app.Errors.Trace)
		}
	}
	if e.Code == "" {
		e.Code = meaning.Code
	}
	if kind, known := app.Errors.Kinds[e.Code]; known && e.Code != "" {
		e.Kind = kind
	}
	switch {
	case e.Message != "":
		e.Message = oneLine(e.Message)
	case isRedirect(status) && header.Get("Location") != "":
		e.Message = fmt.Sprintf("it answered with a redirect (%d) to %s, which is not followed; is base_url right?", status, redirectTarget(header, op))
	case e.Code != "":
		e.Message = e.Code
	case len(body) > 0 && !isJSON:
		e.Message = fmt.Sprintf("it answered %d %s: %s", status, http.StatusText(status), excerpt(body))
	default:
		e.Message = strings.TrimSpace(fmt.Sprintf("it answered %d %s", status, http.StatusText(status)))
	}
	if needed := append(append([]string{}, op.Scopes...), op.AnyScope...); status == http.StatusForbidden && len(needed) > 0 {
		e.Message += " (it needs the scope " + strings.Join(needed, ", ") + ")"
	}
	e.Retryable = e.Kind == bindings.RateLimited || !isRedirect(status) && (e.Kind == bindings.Unavailable || e.Kind == bindings.Timeout)
	e.Body = errorBody(body, isJSON)
	return e
}

// kindOfStatus is the kind of an error by the status alone.
func kindOfStatus(status int) bindings.ErrorKind {
	switch status {
	case http.StatusUnauthorized:
		return bindings.Unauthorized
	case http.StatusForbidden, http.StatusPaymentRequired, http.StatusPreconditionRequired, http.StatusUnavailableForLegalReasons:
		return bindings.Forbidden
	case http.StatusNotFound, http.StatusGone:
		return bindings.NotFound
	case http.StatusConflict, http.StatusPreconditionFailed, http.StatusLocked:
		return bindings.Conflict
	case http.StatusRequestTimeout:
		return bindings.Timeout
	case http.StatusRequestEntityTooLarge:
		return bindings.TooLarge
	case http.StatusTooManyRequests:
		return bindings.RateLimited
	}
	if status >= 500 || isRedirect(status) {
		return bindings.Unavailable
	}
	return bindings.Invalid
}

// firstText is the first text found at one of the paths; a list of texts counts
// as one, joined.
func firstText(body []byte, paths []string) string {
	for _, path := range paths {
		v := gjson.GetBytes(body, path)
		switch {
		case v.IsArray():
			var parts []string
			for _, item := range v.Array() {
				if item.Type == gjson.String {
					parts = append(parts, item.Str)
				}
			}
			if len(parts) > 0 {
				return strings.Join(parts, "; ")
			}
		case v.Type == gjson.String && v.Str != "", v.Type == gjson.Number:
			return v.String()
		}
	}
	return ""
}

const (
	maxMessage   = 500
	maxErrorBody = 64 << 10
)

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}

// errorBody is the body of an answer, for its error: JSON as it is, other text
// as a string, and of a very long one the beginning.
func errorBody(body []byte, isJSON bool) json.RawMessage {
	switch {
	case len(body) == 0:
		return nil
	case isJSON && len(body) <= maxErrorBody:
		return body
	}
	return json.RawMessage(quote(strings.ToValidUTF8(string(body[:min(len(body), maxErrorBody)]), "?")))
}

func requestID(app *bindings.App, header http.Header) string {
	for _, name := range app.Errors.RequestID {
		if id := header.Get(name); id != "" {
			return id
		}
	}
	return ""
}

func isRedirect(status int) bool { return status >= 300 && status < 400 }

// redirectTarget is the address that a redirect leads to, without the parts that
// may be secret: its user and query, and the path of an operation whose own
// address is a credential.
func redirectTarget(header http.Header, op *bindings.Operation) string {
	to, err := url.Parse(header.Get("Location"))
	if err != nil {
		return "an address that cannot be read"
	}
	to.User, to.RawQuery, to.Fragment = nil, "", ""
	if op.Address != "" {
		to.Path, to.RawPath, to.Opaque = "", "", ""
	}
	if *to == (url.URL{}) {
		return "another path"
	}
	return oneLine(to.String())
}

// redactor removes secrets from a text: those of the connection, and those in
// the arguments. Vendors repeat what they were sent.
type redactor struct {
	conn    *connection.Connection // nil: none
	secrets []string
}

// Redact takes secrets out of a text, also where they are escaped as in JSON.
func Redact(text string, secrets []string) string { return redactor{secrets: secrets}.redactText(text) }

func (r redactor) redactText(text string) string {
	for _, secret := range r.secrets {
		if len(secret) == 0 {
			continue
		}
		text = strings.ReplaceAll(text, secret, connection.Redacted)
		if inner := strings.Trim(quote(secret), `"`); inner != secret {
			text = strings.ReplaceAll(text, inner, connection.Redacted)
		}
	}
	if r.conn != nil {
		text = r.conn.Redact(text)
	}
	return text
}

// RedactRecord takes secrets out of a record of a vendor, which may repeat what other
// calls sent. The record stays valid JSON.
func RedactRecord(record json.RawMessage, secrets []string) json.RawMessage {
	return redactor{secrets: secrets}.redactAnswerJSON(record)
}

// minEchoLength is the length of the shortest secret that is removed from an
// answer: a shorter text may be in the answer by chance.
const minEchoLength = 6

// redactAnswer removes opened secrets from an answer that repeats what it was
// sent: answers are recorded, and scripts read them.
func (r redactor) redactAnswer(text string) string {
	long := redactor{secrets: slices.DeleteFunc(slices.Clone(r.secrets), func(s string) bool { return len(s) < minEchoLength })}
	if len(long.secrets) == 0 {
		return text
	}
	return long.redactText(text)
}

// redactAnswerJSON is redactAnswer for JSON, which stays valid.
func (r redactor) redactAnswerJSON(text []byte) []byte {
	if len(r.secrets) == 0 {
		return text
	}
	if redacted := []byte(r.redactAnswer(string(text))); json.Valid(redacted) {
		return redacted
	}
	return text
}

// redactError returns an error without secrets: a changed copy of the
// *bindings.Error in err, else err.
func (r redactor) redactError(err error) error {
	var e *bindings.Error
	if !errors.As(err, &e) {
		return err
	}
	redacted := *e
	redacted.Message, redacted.Code, redacted.RequestID = r.redactText(e.Message), r.redactText(e.Code), r.redactText(e.RequestID)
	if len(e.Body) > 0 {
		if redacted.Body = json.RawMessage(r.redactText(string(e.Body))); !json.Valid(redacted.Body) {
			redacted.Body = nil
		}
	}
	return &redacted
}
