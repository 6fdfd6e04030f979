package call

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/go-resty/resty/v2"

	"github.com/tidewire/tidewire/engine/file"
)

// result is how one sending ended.
type result struct {
	status  int
	header  http.Header
	body    []byte
	err     error     // no complete answer, or one over the bound: errTooLarge
	state   SendState // Unsent, or MaybeDone once its headers were sent
	timings Timings
}

// roundTrip sends a job one time.
func (c *Client) roundTrip(ctx context.Context, j *job) (out result) {
	ctx, cancel := context.WithTimeoutCause(ctx, j.timeout, errTimeout)
	defer cancel()
	var sent atomic.Bool
	trace := &httptrace.ClientTrace{
		// net/http gets another connection only if nothing was sent on the one
		// before, or after a redirect, which is an answer.
		GetConn:      func(string) { sent.Store(false) },
		WroteHeaders: func() { sent.Store(true) },
	}
	response, timings, err := c.execute(httptrace.WithClientTrace(ctx, trace), j)
	if out.timings = timings; err != nil {
		out.err = cause(ctx, err)
		if sent.Load() {
			out.state = MaybeDone
		}
		return out
	}
	defer response.RawBody().Close()
	out.status, out.header, out.state = response.StatusCode(), response.Header(), MaybeDone
	if j.asFile && out.status < 300 {
		out.body, err = c.storeAnswer(response.RawResponse.Request.URL, out.header, response.RawBody())
		if errors.Is(err, file.ErrTooLarge) {
			err = errTooLarge
		}
	} else {
		out.body, err = c.readBody(response)
	}
	if out.err = err; !errors.Is(err, errTooLarge) {
		out.err = cause(ctx, err)
	}
	return out
}

// maxInitialBuffer bounds what is allocated for the length that the header of
// an answer declares.
const maxInitialBuffer = 64 << 10

// readBody reads an answer up to the bound. A larger one is errTooLarge.
func (c *Client) readBody(response *resty.Response) ([]byte, error) {
	var body bytes.Buffer
	body.Grow(int(min(max(response.RawResponse.ContentLength, 0), maxInitialBuffer)) + bytes.MinRead)
	_, err := body.ReadFrom(io.LimitReader(response.RawBody(), c.config.MaxAnswer+1))
	if int64(body.Len()) > c.config.MaxAnswer {
		return body.Bytes()[:c.config.MaxAnswer], errTooLarge
	}
	return body.Bytes(), err
}

var (
	errTimeout  = errors.New("timeout")
	errTooLarge = errors.New("the answer is too large")
	errRedirect = errors.New("a redirect is not followed") // of a request that reads
)

// cause returns errTimeout for a sending that ran out of its time, else the
// error itself.
func cause(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		return errTimeout
	}
	return err
}
