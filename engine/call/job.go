package call

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/tidewire/tidewire/bindings"
)

// job is a call ready to be sent, as often as it takes.
type job struct {
	app                         *bindings.App // nil: the http library
	operation, path, connection string
	script                      string // shares rate limits fairly with others
	wire                        *wire
	safety                      safety        // its key apart
	keyTTL                      time.Duration // how long the key that it carries is trusted; zero: it has none
	state                       SendState     // before the call: MaybeDone if an earlier one sent it
	record                      sentRecord    // what the marks are given
	recorder                    BegunRecorder
	timeout                     time.Duration
	asFile                      bool // a good answer is kept as a file
	sender                      *resty.Client
	limits                      []*bucket
	authorize                   func(context.Context, http.Header) (string, error)
	expire                      func(token string) bool
	query                       func() (name, value string) // that authorises too; nil: none
	expired                     func(code string) bool      // whether a code means that the token is over
	// read tells an answer from an error.
	read func(status int, header http.Header, body []byte) ([]byte, *bindings.Error)
}

// setKeyTTL says how long the key in the request keeps it from being done twice.
func (j *job) setKeyTTL(w *wire, app *bindings.App, keyed bool) {
	if keyed && app.KeyHeader != "" && w.header.Get(app.KeyHeader) != "" {
		j.keyTTL = app.KeyTTL
	}
}

// setRecord sets what the marks are given: what an earlier call sent first, if
// there was one. Then the request is sent although it may be done twice, for
// the caller asks for that.
func (j *job) setRecord(first sentRecord, again *sentRecord, now time.Time) {
	if j.record = first; again == nil {
		return
	}
	j.record, j.state = *again, MaybeDone
	if j.safetyAt(now) == unsafeRepeat {
		j.safety, j.keyTTL = forcedRepeat, 0
	}
}

// safetyAt is what sending it again at that time changes.
func (j *job) safetyAt(now time.Time) safety {
	if j.safety == unsafeRepeat && keyValid(now.Sub(j.record.At), j.keyTTL) {
		return keyed
	}
	return j.safety
}

// begin marks a job that may change something, before it is sent.
func (j *job) begin(ctx context.Context, at time.Time) error {
	if j.record.At.IsZero() {
		j.record.At = at
	}
	if j.safety == readOnly || j.recorder.Begin == nil {
		return nil
	}
	text, err := json.Marshal(j.record)
	if err == nil {
		err = j.recorder.Begin(ctx, text)
	}
	if err != nil {
		return fmt.Errorf("mark %s as begun: %w", j.name(), err)
	}
	return nil
}

// withdraw takes the mark away.
func (j *job) withdraw(ctx context.Context) error {
	if j.safety == readOnly || j.recorder.Withdraw == nil {
		return nil
	}
	if err := j.recorder.Withdraw(ctx); err != nil {
		return fmt.Errorf("withdraw the mark of %s: %w", j.name(), err)
	}
	return nil
}

// address is where the request goes, with what authorises it there. That is
// never kept.
func (j *job) address() string {
	if j.query == nil {
		return j.wire.url
	}
	name, value := j.query()
	if name == "" {
		return j.wire.url
	}
	joint := "?"
	if strings.Contains(j.wire.url, "?") {
		joint = "&"
	}
	return j.wire.url + joint + url.QueryEscape(name) + "=" + url.QueryEscape(value)
}

func (j *job) name() string {
	if j.app == nil {
		return j.operation
	}
	return j.app.Name + "." + j.operation
}

func (j *job) errorf(kind bindings.ErrorKind, retryable bool, message string, args ...any) *bindings.Error {
	e := &bindings.Error{
		Kind: kind, Operation: j.operation, Connection: j.connection, Retryable: retryable,
		Message: fmt.Sprintf(message, args...),
	}
	if j.app != nil {
		e.App = j.app.Name
	}
	return e
}

// uncertain is the error of a call of which nobody knows whether the vendor did
// it. It has the status, code, id and body of the error that it comes from.
func (j *job) uncertain(of *bindings.Error, message string) *bindings.Error {
	switch {
	case strings.HasPrefix(of.Message, message):
		message = of.Message
	case of.Message != "":
		message += " (" + of.Message + ")"
	}
	e := j.errorf(bindings.Uncertain, false, "%s; whether it was done is not known", message)
	e.Status, e.Code, e.RequestID, e.Body = of.Status, of.Code, of.RequestID, of.Body
	return e
}
