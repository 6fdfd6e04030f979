package call

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/file"
)

// job is a call ready to be sent, as often as it takes.
type job struct {
	app                         *bindings.App // nil: the http library
	operation, path, connection string
	who                         string // shares rate limits fairly with others
	wire                        *wire
	safe                        bool // it only reads
	harmless                    bool // doing it twice changes nothing more
	// keyTTL is how long the key that it carries is trusted; zero: it has none.
	keyTTL time.Duration
	marks  Marks
	// first is what the marks are told; again that of an earlier call whose
	// request is sent again, nil: none. The text of both is told.
	first, again *sent
	told         json.RawMessage
	timeout      time.Duration
	asFile       bool // a good answer is kept as a file
	sender       *resty.Client
	limits       []*bucket
	authorize    func(context.Context, http.Header) (string, error)
	expire       func(token string) bool
	query        func() (name, value string) // that authorises too; nil: none
	expired      func(code string) bool      // whether a code means that the token is over
	// read tells an answer from an error.
	read func(status int, header http.Header, body []byte) ([]byte, *bindings.Error)
}

// outcome is what one sending came to.
type outcome struct {
	status int
	header http.Header
	body   []byte
	err    error // no complete answer
	sent   bool  // something of the request may have reached the vendor
	large  bool  // the answer is over the bound
}

// send sends a job until it is decided, or may not be sent again.
func (c *Client) send(ctx context.Context, j *job) (answer Answer, err error) {
	started := c.Now()
	defer func() { answer.Took = c.Now().Sub(started) }()
	t := trial{client: c, job: j, patience: c.Patience}
	if j.again != nil {
		t.first, t.before = j.again.At, true
		t.insist = !j.repeatable(started.Sub(t.first))
	}
	for {
		if err := t.admit(ctx); err != nil {
			answer.RetryAfter = t.next
			return answer, err
		}
		token, err := t.authorize(ctx)
		if err != nil {
			return answer, t.unauthorized(err)
		}
		sentAt := c.Now()
		if t.first.IsZero() {
			t.first = sentAt
		}
		if err := j.begin(ctx, t.first); err != nil {
			return answer, fmt.Errorf("mark %s as begun: %w", j.name(), err)
		}
		out := c.once(ctx, j)
		answer.Attempts++
		answer.Status, answer.header = out.status, out.header
		if out.header != nil && j.app != nil {
			answer.RequestID = requestID(j.app, out.header)
			c.limits.learn(j.limits, j.app.Errors, out.header, sentAt)
		}
		if ctx.Err() != nil && out.err != nil {
			return answer, t.stopped(ctx, out)
		}
		v := t.judge(out, token)
		c.observe(ctx, j, answer, v, c.Now().Sub(sentAt))
		if v.undone && !t.doubtful() {
			if err := j.withdraw(ctx); err != nil {
				return answer, fmt.Errorf("withdraw the mark of %s: %w", j.name(), err)
			}
		}
		if v.err == nil {
			answer.Body = v.body
			return answer, nil
		}
		late := c.Now().Sub(started)+v.wait > j.timeout+c.Patience
		if !v.again || late || answer.Attempts >= c.Sendings || v.wait > t.patience {
			if v.err.Kind == bindings.RateLimited {
				answer.RetryAfter = v.wait
			}
			if v.err.RequestID == "" {
				v.err.RequestID = answer.RequestID
			}
			return answer, t.conclude(v.err, v.open)
		}
		t.open = t.open || v.open
		if v.wait > 0 {
			t.patience -= v.wait
			if err := c.Sleep(ctx, v.wait); err != nil {
				return answer, fmt.Errorf("%s: %w", j.name(), err)
			}
		}
		if (t.open || t.before && !t.insist) && !j.repeatable(c.Now().Sub(t.first)) {
			return answer, j.uncertain(v.err, "the time in which its key is trusted is over")
		}
	}
}

// trust says how long the key in the request keeps it from being done twice.
func (j *job) trust(w *wire, app *bindings.App, keyed bool) {
	if keyed && app.KeyHeader != "" && w.header.Get(app.KeyHeader) != "" {
		j.keyTTL = app.KeyTTL
	}
}

// remember sets what the marks are told. What an earlier call sent stays as it
// was told then.
func (j *job) remember(first sent, again *sent, told json.RawMessage) {
	j.first = &first
	if again != nil {
		j.again, j.told = again, told
	}
}

// repeatable says whether it may be sent again although the vendor may have
// done it, so long after the first sending.
func (j *job) repeatable(age time.Duration) bool {
	return j.harmless || age >= 0 && age < j.keyTTL
}

// begin marks a job that may change something, before it is sent.
func (j *job) begin(ctx context.Context, at time.Time) error {
	if j.safe || j.marks.Begin == nil {
		return nil
	}
	if j.told == nil {
		j.first.At = at
		told, err := json.Marshal(j.first)
		if err != nil {
			return err
		}
		j.told = told
	}
	return j.marks.Begin(ctx, j.told)
}

// withdraw takes the mark away.
func (j *job) withdraw(ctx context.Context) error {
	if j.safe || j.marks.Withdraw == nil {
		return nil
	}
	return j.marks.Withdraw(ctx)
}

// once sends a job one time.
func (c *Client) once(ctx context.Context, j *job) (out outcome) {
	ctx, cancel := context.WithTimeoutCause(ctx, j.timeout, errTimeout)
	defer cancel()
	var sent atomic.Bool
	trace := &httptrace.ClientTrace{
		// A connection is asked for anew only if nothing was sent on the one
		// before, or after a redirect, which is an answer.
		GetConn:      func(string) { sent.Store(false) },
		WroteHeaders: func() { sent.Store(true) },
	}
	traced := httptrace.WithClientTrace(ctx, trace)
	request := j.sender.R()
	switch {
	case j.wire.stream != nil:
		traced = withStream(traced, func() (io.ReadCloser, int64, error) { return j.wire.stream.open(c.Files) })
	case j.wire.body != nil:
		request.SetBody(bytes.NewReader(j.wire.body))
	}
	request.SetContext(traced).Header = j.wire.header.Clone()
	response, err := request.Execute(j.wire.method, j.address())
	out.sent = sent.Load()
	if err != nil {
		out.err = cause(ctx, err)
		return out
	}
	defer response.RawBody().Close()
	out.status, out.header, out.sent = response.StatusCode(), response.Header(), true
	if j.asFile && out.status < 300 {
		out.body, err = c.store(response.RawResponse.Request.URL, out.header, response.RawBody())
		switch {
		case errors.Is(err, file.ErrTooLarge):
			out.large, out.err = true, err
		case err != nil:
			out.err = cause(ctx, err)
		}
		return out
	}
	var body bytes.Buffer
	body.Grow(int(min(max(response.RawResponse.ContentLength, 0), firstRead)) + bytes.MinRead)
	if _, err := body.ReadFrom(io.LimitReader(response.RawBody(), c.MaxAnswer+1)); err != nil {
		out.err = cause(ctx, err)
	}
	if out.body = body.Bytes(); int64(len(out.body)) > c.MaxAnswer {
		out.large, out.err, out.body = true, errLarge, out.body[:c.MaxAnswer]
	}
	return out
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

// firstRead bounds what is set aside for an answer because its header says
// that it will be so long.
const firstRead = 64 << 10

var (
	errTimeout = errors.New("timeout")
	errLarge   = errors.New("the answer is too large")
)

// cause gives errTimeout for a sending that ran out of its time.
func cause(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errTimeout) {
		return errTimeout
	}
	return err
}

func (j *job) name() string {
	if j.app == nil {
		return j.operation
	}
	return j.app.Name + "." + j.operation
}

func (j *job) fail(kind bindings.ErrorKind, retryable bool, message string, args ...any) *bindings.Error {
	e := &bindings.Error{
		Kind: kind, Operation: j.operation, Connection: j.connection, Retryable: retryable,
		Message: fmt.Sprintf(message, args...),
	}
	if j.app != nil {
		e.App = j.app.Name
	}
	return e
}
