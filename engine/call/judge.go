package call

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// trial is the state of a job between its sendings.
type trial struct {
	client   *Client
	job      *job
	patience time.Duration // what is left of it
	first    time.Time     // of the sendings
	open     bool          // an earlier sending may have been done
	before   bool          // one of an earlier call may have been
	insist   bool          // the caller wants it sent again all the same
	failures int           // that make the next wait longer
	next     time.Duration // how long the rate limit wants us to wait
}

// verdict is what is to be done after a sending.
type verdict struct {
	body   []byte
	err    *bindings.Error
	undone bool // the vendor has not done it, for certain
	open   bool // the vendor may have done it
	again  bool // send again after wait
	wait   time.Duration
}

// admit waits for the rate limit.
func (t *trial) admit(ctx context.Context) error {
	c, j := t.client, t.job
	if c.Unlimited || len(j.limits) == 0 {
		return nil
	}
	place := c.limits.join(j.who, j.limits)
	defer c.limits.leave(place)
	for now := c.Now(); ; {
		wait, short := c.limits.turn(place, now)
		switch {
		case short == nil:
			return nil
		case wait > t.patience:
			t.next = wait
			if short.limit.Requests == 0 || wait > short.limit.Per {
				return j.fail(bindings.RateLimited, true, "%s wants no request for another %s%s", j.app.Name, rounded(wait), t.unsent())
			}
			return j.fail(bindings.RateLimited, true, "the %d requests in %s that %s allows are used up for another %s%s",
				short.limit.Requests, short.limit.Per, j.app.Name, rounded(wait), t.unsent())
		}
		t.patience -= wait
		if err := c.Sleep(ctx, wait); err != nil {
			return fmt.Errorf("%s: wait for the rate limit: %w", j.name(), err)
		}
		// Whoever came meanwhile may have an earlier turn.
		if now = now.Add(wait); c.Now().After(now) {
			now = c.Now()
		}
	}
}

// authorize sets the header that authorises the job, and asks again for a
// token that cannot be had at the moment. An error of the connection gets the
// operation's name.
func (t *trial) authorize(ctx context.Context) (string, error) {
	c, j := t.client, t.job
	if j.authorize == nil {
		return "", nil
	}
	for asked := 1; ; asked++ {
		token, err := j.authorize(ctx, j.wire.header)
		var e *bindings.Error
		switch {
		case err == nil:
			return token, nil
		case !errors.As(err, &e):
			return "", fmt.Errorf("%s: %w", j.name(), err)
		}
		wait := t.backoff(firstWait)
		if !e.Retryable || asked >= c.Sendings || wait > t.patience {
			named := *e
			named.Operation = j.operation
			return "", &named
		}
		t.patience -= wait
		if err := c.Sleep(ctx, wait); err != nil {
			return "", fmt.Errorf("%s: wait for a token: %w", j.name(), err)
		}
	}
}

// stopped is for a caller who gave up during a sending.
func (t *trial) stopped(ctx context.Context, out outcome) error {
	if !out.sent && !t.doubtful() {
		if err := t.job.withdraw(context.WithoutCancel(ctx)); err != nil {
			return fmt.Errorf("withdraw the mark of %s: %w", t.job.name(), err)
		}
	}
	return fmt.Errorf("%s: %w", t.job.name(), context.Cause(ctx))
}

// doubtful says that a sending before the present one may have been done.
func (t *trial) doubtful() bool { return t.open || t.before }

// conclude gives the error that a call ends with. What may have been done, and
// is kept from being done twice by nothing but its key, is uncertain: the key
// may have become too old when somebody tries again.
func (t *trial) conclude(e *bindings.Error, open bool) *bindings.Error {
	if t.job.harmless || !open && !t.doubtful() {
		return e
	}
	switch e.Kind {
	case bindings.Unavailable, bindings.Timeout, bindings.Unauthorized, bindings.Forbidden:
		return t.job.uncertain(e, "%s", e.Message)
	}
	return e
}

// unauthorized is for a request that did not get a token.
func (t *trial) unauthorized(err error) error {
	var e *bindings.Error
	if errors.As(err, &e) {
		return t.conclude(e, false)
	}
	return err
}

// judge decides what a sending came to.
func (t *trial) judge(out outcome, token string) verdict {
	j := t.job
	repeatable := j.repeatable(t.client.Now().Sub(t.first))
	switch {
	case out.large && out.status < 300:
		return verdict{err: j.fail(bindings.TooLarge, false, "the answer is larger than %d MiB%s",
			t.client.MaxAnswer>>20, doneAnyway(j, out.status))}
	case out.err != nil && (out.status == 0 || out.status < 300):
		return t.unanswered(out, repeatable)
	}
	body, e := j.read(out.status, out.header, out.body)
	if e == nil {
		return verdict{body: body}
	}
	if e.Connection = j.connection; e.Operation == "" {
		e.Operation = j.operation
	}
	asked := t.asked(out.header)
	switch {
	case e.Kind == bindings.RateLimited:
		e.Retryable = true
		wait := asked
		if wait == 0 {
			wait = t.backoff(time.Second)
		}
		t.hold(wait)
		return verdict{err: e, undone: true, again: true, wait: wait}
	case j.expire != nil && (out.status == http.StatusUnauthorized || j.expired(e.Code)) && j.expire(token):
		return verdict{err: e, undone: true, again: true}
	case out.status == http.StatusUnauthorized, e.Kind == bindings.BrokenConnection:
		return verdict{err: e, undone: true}
	case out.status == http.StatusRequestTimeout:
		e.Retryable = true
		return verdict{err: e, undone: true, again: true, wait: t.backoff(firstWait)}
	case inconclusive(out.status, e) && !repeatable:
		return verdict{err: j.uncertain(e, "it answered %d", out.status)}
	case out.status == 502 || out.status == 503 || out.status == 504:
		return verdict{err: e, again: true, open: true, wait: max(asked, t.backoff(firstWait))}
	}
	return verdict{err: e, open: inconclusive(out.status, e)}
}

// inconclusive says that an answer leaves open whether the vendor did it.
func inconclusive(status int, e *bindings.Error) bool {
	return status >= 500 && status != http.StatusNotImplemented || status < 300 && e.Kind == bindings.Unavailable
}

// unanswered judges a sending without a complete answer.
func (t *trial) unanswered(out outcome, repeatable bool) verdict {
	j := t.job
	reason := reasonOf(out.err)
	timeout := errors.Is(out.err, errTimeout)
	switch {
	case !out.sent && !passing(out.err):
		kind := bindings.Unavailable
		if errors.Is(out.err, errRefused) {
			kind = bindings.Forbidden
		}
		return verdict{err: j.fail(kind, false, "%s%s", reason, t.unsent()), undone: true}
	case !out.sent && timeout:
		return verdict{err: j.fail(bindings.Timeout, true, "no connection within %s%s", j.timeout, t.unsent()), undone: true}
	case !out.sent:
		return verdict{err: j.fail(bindings.Unavailable, true, "no connection: %s%s", reason, t.unsent()),
			undone: true, again: true, wait: t.backoff(firstWait)}
	case timeout && repeatable:
		return verdict{err: j.fail(bindings.Timeout, true, "no answer within %s", j.timeout), open: true}
	case timeout:
		return verdict{err: j.uncertain(nil, "it did not answer within %s", j.timeout)}
	case repeatable:
		return verdict{err: j.fail(bindings.Unavailable, true, "the connection was cut before the answer was complete: %s", reason),
			again: true, open: true, wait: t.backoff(firstWait)}
	}
	return verdict{err: j.uncertain(nil, "the connection was cut before the answer was complete: %s", reason)}
}

// unsent tells what it means that a request did not leave.
func (t *trial) unsent() string {
	if t.doubtful() {
		return "; an earlier sending of the same request may have been done"
	}
	return "; it was not sent"
}

// uncertain says that nobody knows whether the vendor did it. It keeps what an
// answer told.
func (j *job) uncertain(of *bindings.Error, message string, args ...any) *bindings.Error {
	text := fmt.Sprintf(message, args...)
	switch {
	case of == nil || of.Message == "":
	case strings.HasPrefix(of.Message, text):
		text = of.Message
	default:
		text += " (" + of.Message + ")"
	}
	e := j.fail(bindings.Uncertain, false, "%s; whether it was done is not known", text)
	if of != nil {
		e.Status, e.Code, e.RequestID, e.Body = of.Status, of.Code, of.RequestID, of.Body
	}
	return e
}

func doneAnyway(j *job, status int) string {
	if j.safe || status > 299 {
		return ""
	}
	return "; what was asked for is done"
}

func (t *trial) asked(header http.Header) time.Duration {
	var errors bindings.Errors
	if t.job.app != nil {
		errors = t.job.app.Errors
	}
	return retryAfter(errors, header, t.client.Now())
}

// hold keeps others from asking while the vendor wants nothing.
func (t *trial) hold(wait time.Duration) {
	if n := len(t.job.limits); n > 0 && !t.client.Unlimited {
		t.client.limits.hold(t.job.limits[n-1], t.client.Now().Add(wait))
	}
}

// The waits between sendings: the first, doubled each time, at most the last.
const (
	firstWait = 250 * time.Millisecond
	lastWait  = 5 * time.Second
)

// backoff doubles, and draws from the upper half so that many callers do not
// come back at once.
func (t *trial) backoff(first time.Duration) time.Duration {
	wait := min(first<<t.failures, lastWait)
	t.failures++
	return wait/2 + time.Duration(t.client.Random()*float64(wait/2))
}

// passing says that a failure to connect may pass by itself.
func passing(err error) bool {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.Is(err, errRefused), errors.As(err, &certificate), errors.As(err, &authority):
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	}
	return true
}

// reasonOf leaves the address out: it may hold what nobody is to read.
func reasonOf(err error) string {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	var dialled *net.OpError
	if errors.Is(err, errRefused) && errors.As(err, &dialled) {
		err = dialled.Err // it names the address itself
	}
	return err.Error()
}

func rounded(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(time.Second)
	}
	return d.Round(time.Millisecond)
}
