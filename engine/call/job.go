package call

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// job is a call that is ready to be sent, once or more often.
type job struct {
	app                         *bindings.App // nil: the http library
	operation, path, connection string
	caller                      Caller
	wire                        *wire
	safety                      safety        // without its key
	keyTTL                      time.Duration // how long its key is valid; zero: it has none
	state                       SendState     // before the call: MaybeDone if an earlier one sent it
	record                      sentRecord    // what Begin gets
	recorder                    BegunRecorder
	timeout                     time.Duration
	asFile                      bool // a successful answer is stored as a file
	sender                      *sender
	limits                      []*budget
	authorize                   func(context.Context, http.Header) (string, error)
	expire                      func(token string) bool
	query                       func() (name, value string) // a query parameter that authorises; nil: none
	expired                     func(code string) bool      // whether a code means that the token has expired
	// read returns the body of an answer, or the error that it reports.
	read func(status int, header http.Header, body []byte) ([]byte, *bindings.Error)
}

// setKeyTTL sets how long the key in the request prevents that it is done
// twice.
func (j *job) setKeyTTL(w *wire, app *bindings.App, keyed bool) {
	if keyed && app.KeyHeader != "" && w.header.Get(app.KeyHeader) != "" {
		j.keyTTL = app.KeyTTL
	}
}

// setRecord sets what Begin gets: the record of an earlier call, if there was
// one. Then the request is sent although it may be done twice: the caller asks
// for that.
func (j *job) setRecord(first sentRecord, again *sentRecord, now time.Time) {
	if j.record = first; again == nil {
		return
	}
	j.record, j.state = *again, MaybeDone
	if j.safetyAt(now) == unsafeRepeat {
		j.safety, j.keyTTL = forcedRepeat, 0
	}
}

// safetyAt is what sending it again at that time may do.
func (j *job) safetyAt(now time.Time) safety {
	if j.safety == unsafeRepeat && keyValid(now.Sub(j.record.At), j.keyTTL) {
		return keyed
	}
	return j.safety
}

// begin writes the begun record of a job that may change something, before it
// is sent.
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
		return fmt.Errorf("record %s as begun: %w", j.name(), err)
	}
	return nil
}

// withdraw reports to the recorder that the request was not done.
func (j *job) withdraw(ctx context.Context) error {
	if j.safety == readOnly || j.recorder.Withdraw == nil {
		return nil
	}
	if err := j.recorder.Withdraw(ctx); err != nil {
		return fmt.Errorf("withdraw the begun record of %s: %w", j.name(), err)
	}
	return nil
}

// address is the URL of the request, with the query parameter that authorises
// it. That parameter is never recorded.
func (j *job) address() string {
	if j.query == nil {
		return j.wire.url
	}
	name, value := j.query()
	if name == "" {
		return j.wire.url
	}
	separator := "?"
	if strings.Contains(j.wire.url, "?") {
		separator = "&"
	}
	return j.wire.url + separator + url.QueryEscape(name) + "=" + url.QueryEscape(value)
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

// uncertain is the error of a call that the vendor may or may not have done. It
// has the status, code, id and body of the error that it comes from.
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
