package call

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// errAddressRefused is the error for an address that the http library and apps which
// are not built in may not use.
var errAddressRefused = errors.New("the address is refused")

// newWebClient makes the client of the http library.
func newWebClient(private bool, hosts []string) *http.Client {
	return &http.Client{Transport: webTransport{guarded(private, hosts)}, CheckRedirect: checkRedirect}
}

// guarded makes a transport to addresses that are public or allowed. The address is
// checked when the connection is made, after the name was resolved, so that no name
// and no redirect leads to a private network.
func guarded(private bool, hosts []string) *http.Transport {
	g := guard{allowPrivate: private, allowHosts: hosts}
	transport := newTransport()
	transport.Proxy = nil // a proxy would be dialled in place of the address
	transport.DialContext = counted(g.dial)
	return transport
}

// webTransport hides from http.Client a Location that cannot be parsed, by
// writing its name in lower case: http.Client would return an error in place of
// the answer, and the write would be uncertain.
type webTransport struct{ *http.Transport }

func (t webTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.Transport.RoundTrip(request)
	if err != nil || isReadMethod(request.Method) {
		return response, err
	}
	if _, bad := request.URL.Parse(response.Header.Get("Location")); bad != nil {
		response.Header["location"] = response.Header["Location"]
		response.Header.Del("Location")
	}
	return response, nil
}

func isReadMethod(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// checkRedirect follows a few redirects, never from https to http, and removes
// headers that may be secret before another host gets them. A redirect of a
// write is not followed and is its answer, unless it asks for the same request
// on the same host: http.Client would make a GET of any other, whose answer
// would look as if the write was done.
func checkRedirect(next *http.Request, before []*http.Request) error {
	last := before[len(before)-1]
	if !isReadMethod(before[0].Method) {
		status := next.Response.StatusCode
		same := status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect
		secure := next.URL.Scheme == "https" || next.URL.Scheme == "http" && last.URL.Scheme == "http"
		if !same || !secure || !sameServer(next.URL, before[0].URL) || len(before) > maxRedirects {
			return http.ErrUseLastResponse
		}
		next.Header.Del("Referer") // http.Client adds it
		next.URL.User = nil        // http.Client makes a header of it
		return nil
	}
	if len(before) > maxRedirects {
		return fmt.Errorf("%w: more than %d redirects", errRedirect, maxRedirects)
	}
	if last.URL.Scheme == "https" && next.URL.Scheme != "https" {
		return fmt.Errorf("%w: from https to %s is not allowed", errRedirect, next.URL.Scheme)
	}
	if sameOrigin(next.URL, before[0].URL) {
		return nil
	}
	for name := range next.Header {
		if !slices.Contains([]string{"Accept", "Accept-Language", "Content-Type", "User-Agent"}, name) {
			next.Header.Del(name)
		}
	}
	return nil
}

// sameServer reports whether two addresses have the same host and port, which
// may be the default port of either scheme.
func sameServer(a, b *url.URL) bool {
	return strings.EqualFold(a.Host, b.Host) || strings.EqualFold(a.Hostname(), b.Hostname()) && nonDefaultPort(a) == nonDefaultPort(b)
}

// nonDefaultPort is the port of an address, empty if it is the default of its scheme.
func nonDefaultPort(u *url.URL) string {
	if u.Scheme == "http" && u.Port() == "80" || u.Scheme == "https" && u.Port() == "443" {
		return ""
	}
	return u.Port()
}

// guard decides which addresses may be dialled.
type guard struct {
	allowPrivate bool
	allowHosts   []string
}

func (g guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	if !g.allowPrivate && !g.allowsHost(address) {
		d.ControlContext = func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
			return g.check(address, resolved)
		}
	}
	return d.DialContext(ctx, network, address)
}

// allowsHost reports whether the configuration allows a host by its name.
func (g guard) allowsHost(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(g.allowHosts, func(allowed string) bool {
		return strings.EqualFold(allowed, host) || strings.EqualFold(allowed, address)
	})
}

// check refuses a resolved address unless it is public, or in an allowed network.
func (g guard) check(address, resolved string) error {
	at, err := netip.ParseAddrPort(resolved)
	if err != nil {
		return fmt.Errorf("%w: %s cannot be read", errAddressRefused, resolved)
	}
	ip := at.Addr().WithZone("").Unmap()
	why := privateReason(ip)
	if why == "" {
		return nil
	}
	for _, allowed := range g.allowHosts {
		if network, err := netip.ParsePrefix(allowed); err == nil && network.Contains(ip) {
			return nil
		}
	}
	host, _, _ := net.SplitHostPort(address)
	return fmt.Errorf("%w: %s is not on the public internet (%s, %s); list it under http.allow in the configuration if scripts and added apps may reach it", errAddressRefused, host, ip, why)
}

// privateReason is why an address is not on the public internet; empty if it
// is.
func privateReason(ip netip.Addr) string {
	switch {
	case ip.IsLoopback():
		return "loopback"
	case ip.IsPrivate():
		return "private"
	case ip.IsLinkLocalUnicast():
		return "link-local"
	case ip.IsMulticast():
		return "multicast"
	case ip.IsUnspecified():
		return "unspecified"
	}
	for _, r := range reserved {
		if r.Contains(ip) {
			return "reserved"
		}
	}
	if v4, embedded := embeddedIPv4(ip); embedded {
		return privateReason(v4)
	}
	return ""
}

// reserved are networks that are not on the public internet and that netip has
// no method for: this host, carrier NAT, protocol assignments, benchmarks,
// future use, documentation, a cloud's own agent, discard, Teredo.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("168.63.129.16/32"),
	netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("fec0::/10"),
}

// embeddedIPv4 is the IPv4 address to which an IPv6 address is translated.
func embeddedIPv4(ip netip.Addr) (netip.Addr, bool) {
	if !ip.Is6() {
		return netip.Addr{}, false
	}
	b := ip.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(ip), netip.MustParsePrefix("::/96").Contains(ip),
		netip.MustParsePrefix("::ffff:0:0:0/96").Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case netip.MustParsePrefix("64:ff9b:1::/48").Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case netip.MustParsePrefix("2002::/16").Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}
