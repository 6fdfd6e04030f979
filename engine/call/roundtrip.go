package call

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"

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
	// begun is set when the begun record was written; beginErr is its error.
	begun    bool
	beginErr error
}

// roundTrip sends a job one time. It calls begin once a connection is there,
// before the first byte of the request is written; after an error of begin
// nothing is.
func (c *Client) roundTrip(ctx context.Context, j *job, begin func() error) (out result) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer time.AfterFunc(j.timeout, func() { cancel(errTimeout) }).Stop()
	connector := &connector{begin: begin, cancel: cancel}
	if !j.sender.traced { // it is not known when there is a connection
		if connector.connected(nil); connector.err != nil {
			return result{beginErr: connector.err}
		}
	}
	response, timings, err := c.execute(httptrace.WithClientTrace(ctx, connector.trace()), j)
	if out.timings = timings; err != nil {
		var sent bool
		if out.begun, out.beginErr, sent = connector.result(); sent {
			out.state = MaybeDone
		}
		out.err = cause(ctx, err)
		return out
	}
	out.begun = true
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
