package call

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/go-resty/resty/v2"
)

const (
	dialTimeout = 10 * time.Second
	// idleTimeout is shorter than the vendors' own: a connection that they
	// close while we send leaves an unsafe request uncertain.
	idleTimeout = 20 * time.Second
	// maxIdle is one connection for each call that an engine makes at the same
	// time; with fewer, calls under load would dial and do TLS again.
	maxIdle        = 256
	maxHeaderBytes = 256 << 10
	maxRedirects   = 5
)

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTimeout,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           4 * maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

// NewTokenHTTPClient makes the client that token requests are sent with.
func NewTokenHTTPClient() *http.Client { return &http.Client{Transport: newTransport()} }

// newSender wraps an HTTP client. Retries and decoding are ours.
func newSender(client *http.Client) *resty.Client {
	return resty.NewWithClient(client).
		SetAllowGetMethodPayload(true). // some vendors want a body with DELETE
		SetDoNotParseResponse(true).
		SetPreRequestHook(setBody).
		SetDisableWarn(true).
		SetLogger(noLog{})
}

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

// noLog discards what resty logs; it would go to standard error.
type noLog struct{}

func (noLog) Errorf(string, ...any) {}
func (noLog) Warnf(string, ...any)  {}
func (noLog) Debugf(string, ...any) {}

// sameHost follows a redirect only of a request that reads, to the same host:
// the credentials go there too. Any other redirect is the answer.
func sameHost(next *http.Request, before []*http.Request) error {
	first := before[0]
	if len(before) > maxRedirects || first.Method != http.MethodGet && first.Method != http.MethodHead ||
		!sameOrigin(next.URL, first.URL) {
		return http.ErrUseLastResponse
	}
	return nil
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }
