package call

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"
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
		DialContext:            counted((&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext),
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTimeout,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           4 * maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

// NewTokenHTTPClient makes the client that token requests are sent with. maySend
// is as in a Config.
func NewTokenHTTPClient(maySend func() error) *http.Client {
	return &http.Client{Transport: checkedTransport{newTransport(), maySend}}
}

// NewAddedTokenHTTPClient makes the client for token requests of apps that are not built
// in. It sends them to the addresses that the http library may reach: see Config.
func NewAddedTokenHTTPClient(maySend func() error, allowPrivate bool, allowHosts []string) *http.Client {
	return &http.Client{Transport: checkedTransport{guarded(allowPrivate, allowHosts), maySend}}
}

// checkedTransport sends a request only if maySend allows it.
type checkedTransport struct {
	*http.Transport
	maySend func() error
}

func (t checkedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.maySend != nil {
		if err := t.maySend(); err != nil {
			if r.Body != nil {
				r.Body.Close()
			}
			return nil, err
		}
	}
	return t.Transport.RoundTrip(r)
}

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
