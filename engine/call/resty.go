package call

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-resty/resty/v2"
)

// newSender wraps an HTTP client. resty makes the HTTP request, passes it to
// setBody, sends it and measures the timings. What else it can do is switched
// off, because all sendings of a call must have the same bytes, and the rules of
// this package decide what an answer means and whether to send again:
//   - It does not read answers: they are read up to a bound, or stored as files.
//   - It does not retry, follow links of pages or decode; nothing of that is set.
//   - It does not drop a body from GET or DELETE; some vendors want one there.
//   - It does not log: errors are returned, and it would log to standard error.
func newSender(client *http.Client) *sender {
	s := &sender{Client: resty.NewWithClient(client).
		SetDoNotParseResponse(true).
		SetAllowGetMethodPayload(true).
		SetPreRequestHook(setBody).
		SetDisableWarn(true).
		SetLogger(noLog{})}
	switch client.Transport.(type) {
	case *http.Transport, webTransport:
		s.traced = true
	}
	return s
}

// sender sends requests. traced is set if its transport reports when a request
// has a connection, as that of net/http does.
type sender struct {
	*resty.Client
	traced bool
}

// execute sends the request of a job and reads the head of the answer.
func (c *Client) execute(ctx context.Context, j *job) (*resty.Response, Timings, error) {
	request := j.sender.R()
	switch {
	case j.wire.stream != nil:
		open := func() (io.ReadCloser, int64, error) { return j.wire.stream.open(c.config.Files) }
		ctx = context.WithValue(ctx, streamKey{}, openFunc(open))
	case j.wire.body != nil:
		request.SetBody(bytes.NewReader(j.wire.body))
	}
	if c.observes(ctx) {
		request.EnableTrace()
	}
	request.SetContext(ctx).Header = j.wire.header.Clone()
	response, err := request.Execute(j.wire.method, j.address())
	return response, timingsOf(request.TraceInfo()), err
}

// openFunc opens a body that is a stream, once for each request that has it,
// and returns its length in bytes.
type openFunc func() (io.ReadCloser, int64, error)

// streamKey is the context key of a request's openFunc.
type streamKey struct{}

// setBody sets a body that is a stream, which resty would read whole before it
// sends it. It also makes resty send "Content-Length: 0" where it would send an
// empty body in chunks, which some vendors refuse. Our bodies are of known length.
func setBody(_ *resty.Client, request *http.Request) error {
	if open, is := request.Context().Value(streamKey{}).(openFunc); is {
		body, size, err := open()
		if err != nil {
			return err
		}
		request.Body, request.ContentLength = body, size
		request.GetBody = func() (io.ReadCloser, error) {
			again, _, err := open()
			return again, err
		}
	}
	if request.ContentLength <= 0 {
		if request.Body != nil {
			request.Body.Close()
		}
		request.Body, request.GetBody, request.ContentLength = nil, nil, 0
	}
	return nil
}

// Timings is what the time of one sending was spent on. A part that did not
// occur is zero: nothing but FirstByte on a connection that was Reused.
type Timings struct {
	DNS, Connect, TLS time.Duration
	// FirstByte is from the end of these until the answer began; zero if it did
	// not begin.
	FirstByte time.Duration
	Reused    bool
}

func timingsOf(t resty.TraceInfo) Timings {
	return Timings{DNS: t.DNSLookup, Connect: t.TCPConnTime, TLS: t.TLSHandshake, FirstByte: t.ServerTime, Reused: t.IsConnReused}
}

// LogValue implements slog.LogValuer: a group of the parts that occurred.
func (t Timings) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Bool("reused", t.Reused)}
	for _, part := range []slog.Attr{
		slog.Duration("dns", t.DNS), slog.Duration("connect", t.Connect), slog.Duration("tls", t.TLS), slog.Duration("first_byte", t.FirstByte),
	} {
		if part.Value.Duration() > 0 {
			attrs = append(attrs, part)
		}
	}
	return slog.GroupValue(attrs...)
}

// noLog discards what resty logs.
type noLog struct{}

func (noLog) Errorf(string, ...any) {}
func (noLog) Warnf(string, ...any)  {}
func (noLog) Debugf(string, ...any) {}
