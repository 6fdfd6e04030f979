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
	"slices"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// reply is a sending's result in the form that the rules and the caller need.
type reply struct {
	class  answerClass
	header http.Header
	body   []byte
	err    *bindings.Error
	cause  error // why the caller canceled the call
}

// receive reads the result of a sending.
func (d *delivery) receive(ctx context.Context, out result, token string) reply {
	j := d.job
	if ctx.Err() != nil && out.err != nil {
		class := canceledUnsent
		if out.state == MaybeDone {
			class = canceledSent
		}
		return reply{class: class, cause: context.Cause(ctx)}
	}
	if out.err != nil && out.status < 300 {
		class, e := d.classifyFailure(out)
		return reply{class: class, err: e}
	}
	body, refusal := j.read(out.status, out.header, out.body)
	if refusal == nil {
		return reply{class: succeeded, body: body}
	}
	e := *refusal
	if e.Connection = j.connection; e.Operation == "" {
		e.Operation = j.operation
	}
	if e.RequestID == "" {
		e.RequestID = d.answer.RequestID
	}
	r := reply{class: j.classify(out.status, &e, token), header: out.header, err: &e}
	if r.class == rateLimited || r.class == requestTimeout {
		e.Retryable = true
	}
	if wait := d.vendorWait(out.header); r.class == rateLimited && wait > 0 {
		e.Message += fmt.Sprintf("; it accepts no request for %s", rounded(wait))
	}
	return r
}

// classifyFailure returns the class and the error of a sending without a
// complete answer.
func (d *delivery) classifyFailure(out result) (answerClass, *bindings.Error) {
	j := d.job
	reason, timeout := reasonOf(out.err), errors.Is(out.err, errTimeout)
	switch {
	case errors.Is(out.err, errTooLarge):
		return answerTooLarge, j.errorf(bindings.TooLarge, false, "the answer is larger than %d MiB%s", d.client.config.MaxAnswer>>20, j.doneSuffix())
	case errors.Is(out.err, errRedirect):
		return refused, j.errorf(bindings.Unavailable, false, "%s", reason)
	case out.state == MaybeDone && timeout:
		return noAnswer, j.errorf(bindings.Timeout, true, "no answer within %s", j.timeout)
	case out.state == MaybeDone:
		return cutOff, j.errorf(bindings.Unavailable, true, "the connection was cut before the answer was complete: %s", reason)
	case errors.Is(out.err, errAddressRefused):
		return unreachable, j.errorf(bindings.Forbidden, false, "%s%s", reason, d.unsentSuffix())
	case !isTemporary(out.err):
		return unreachable, j.errorf(bindings.Unavailable, false, "%s%s", reason, d.unsentSuffix())
	case timeout:
		return unreachable, j.errorf(bindings.Timeout, true, "no connection within %s%s", j.timeout, d.unsentSuffix())
	}
	return noConnection, j.errorf(bindings.Unavailable, true, "no connection: %s%s", reason, d.unsentSuffix())
}

func (j *job) doneSuffix() string {
	if j.safety == readOnly {
		return ""
	}
	return "; what was asked for is done"
}

// classify returns the class of an answer that reports an error. It discards a
// token that the vendor no longer accepts.
func (j *job) classify(status int, e *bindings.Error, token string) answerClass {
	invalidToken := status == http.StatusUnauthorized || e.Kind == bindings.BrokenConnection
	switch {
	case e.Kind == bindings.RateLimited:
		return rateLimited
	case j.expire != nil && (status == http.StatusUnauthorized || j.expired(e.Code)) && j.expire(token):
		return tokenExpired
	case invalidToken && slices.Contains(aboutSending, e.Kind):
		return unauthorized
	case invalidToken:
		return connectionBroken
	case status == http.StatusTemporaryRedirect, status == http.StatusPermanentRedirect:
		return movedUnchanged
	case isRedirect(status):
		return redirected
	case status == http.StatusRequestTimeout:
		return requestTimeout
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return gatewayDown
	case status >= 500 && status != http.StatusNotImplemented, status < 300 && e.Kind == bindings.Unavailable:
		return serverFailed
	case slices.Contains(aboutSending, e.Kind):
		return denied
	}
	return refused
}

// aboutSending are the kinds of errors that apply only to the sending which
// they answer. All others apply to any sending of the same request.
var aboutSending = []bindings.ErrorKind{bindings.Unavailable, bindings.Timeout, bindings.Unauthorized, bindings.Forbidden}

// noTokenClass is the class of a request without a token, by the kind of the
// error.
func noTokenClass(kind bindings.ErrorKind) answerClass {
	if slices.Contains(aboutSending, kind) {
		return noToken
	}
	return connectionBroken
}

// waitBeforeNext is the wait before the next sending.
func (d *delivery) waitBeforeNext(r reply) time.Duration {
	switch r.class {
	case tokenExpired:
		return 0
	case rateLimited:
		wait := d.vendorWait(r.header)
		if wait == 0 {
			wait = d.backoff(time.Second)
		}
		d.pauseLimit(wait)
		return wait
	case gatewayDown:
		return max(d.vendorWait(r.header), d.backoff(minBackoff))
	}
	return d.backoff(minBackoff)
}

// vendorWait is how long the vendor accepts no request.
func (d *delivery) vendorWait(header http.Header) time.Duration {
	var errors bindings.Errors
	if d.job.app != nil {
		errors = d.job.app.Errors
	}
	return retryAfter(errors, header, d.client.config.Clock.Now())
}

// pauseLimit pauses the rate limit for all calls while the vendor wants no
// request.
func (d *delivery) pauseLimit(wait time.Duration) {
	if n := len(d.job.limits); n > 0 && !d.client.config.Unlimited {
		d.client.limits.pauseUntil(d.job.limits[n-1], d.client.config.Clock.Now().Add(wait))
	}
}

// The waits between sendings: the first, doubled each time, at most the last.
const (
	minBackoff = 250 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// backoff doubles with each failure, and is random in its upper half so that
// many callers do not send at the same moment.
func (d *delivery) backoff(first time.Duration) time.Duration {
	wait := min(first<<d.failures, maxBackoff)
	d.failures++
	return wait/2 + time.Duration(d.client.config.Random()*float64(wait/2))
}

// isTemporary reports whether a failure to connect may end without a change.
func isTemporary(err error) bool {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.Is(err, errAddressRefused), errors.As(err, &certificate), errors.As(err, &authority):
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	}
	return true
}

// reasonOf is an error without the address, which may be secret.
func reasonOf(err error) string {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	var dialled *net.OpError
	if errors.Is(err, errAddressRefused) && errors.As(err, &dialled) {
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
