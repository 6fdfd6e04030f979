package call

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"testing"
)

// The test is inside the package so that no address of another machine is dialled.
func TestPrivateReason(t *testing.T) {
	tests := map[string]string{
		"127.0.0.1": "loopback", "::1": "loopback", "10.1.2.3": "private", "192.168.1.1": "private", "172.16.0.1": "private",
		"169.254.169.254": "link-local", "fe80::1": "link-local", "fd00:ec2::254": "private", "fec0::1": "reserved",
		"100.100.100.200": "reserved", "168.63.129.16": "reserved", "198.18.0.1": "reserved", "255.255.255.255": "reserved",
		"0.1.2.3": "reserved", "0.0.0.0": "unspecified", "::": "unspecified", "224.0.0.1": "multicast", "ff02::1": "multicast",
		"64:ff9b::7f00:1": "loopback", "::ffff:0:127.0.0.1": "loopback", "::ffff:0:a00:1": "private", "64:ff9b::a00:1": "private", "2002:7f00:1::": "loopback", "::127.0.0.1": "loopback",
		"2001:0:1::1": "reserved", "2001:db8::1": "reserved",
		"1.1.1.1": "", "8.8.8.8": "", "172.32.0.1": "", "2606:4700::1111": "", "64:ff9b::101:101": "", "::ffff:0:101:101": "",
	}
	for text, want := range tests {
		if got := privateReason(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	g := guard{allowHosts: []string{"intranet", "10.0.0.0/8"}}
	for _, test := range []struct {
		address, resolved string
		fine              bool
	}{
		{"host:80", "10.9.8.7:80", true}, {"host:80", "192.168.0.1:80", false}, {"host:80", "1.1.1.1:80", true},
		{"host:80", "[fe80::1%eth0]:80", false}, {"host:80", "[::ffff:10.0.0.1]:80", true}, {"host:80", "nonsense", false},
	} {
		if err := g.check(test.address, test.resolved); (err == nil) != test.fine {
			t.Errorf("%s at %s: %v", test.address, test.resolved, err)
		}
	}
	if !g.allowsHost("Intranet:8080") || g.allowsHost("evil.intranet:80") {
		t.Error("a host is allowed by its whole name only")
	}
}

// The test is inside the package because net/http reads the variables of a proxy
// once in a process. A proxy would be dialled, and checked, in place of the address.
func TestHTTPLibraryUsesNoProxy(t *testing.T) {
	for _, private := range []bool{false, true} {
		if newWebClient(private, nil).Transport.(webTransport).Proxy != nil {
			t.Errorf("private addresses allowed %v: it has a proxy", private)
		}
	}
}

// The test is inside the package because no test server has both schemes on
// one port, nor the default ports.
func TestRedirectOfAWrite(t *testing.T) {
	tests := []struct {
		from, to string
		status   int
		follow   bool
	}{
		{"https://a.test/x", "https://a.test/y", 307, true},
		{"https://a.test/x", "https://A.test:443/y", 308, true},
		{"http://a.test/x", "https://a.test/x", 308, true},
		{"http://a.test:80/x", "https://a.test:443/x", 307, true},
		{"http://a.test:8080/x", "https://a.test:8080/x", 307, true},
		{"https://[2001:db8::1]/x", "https://[2001:db8::1]:443/y", 307, true},
		{"https://a.test/x", "http://a.test/x", 307, false},
		{"https://a.test:8080/x", "http://a.test:8080/x", 308, false},
		{"https://a.test/x", "https://a.test:8443/x", 307, false},
		{"http://a.test/x", "https://a.test:8443/x", 307, false},
		{"http://a.test:8080/x", "https://a.test/x", 307, false},
		{"https://a.test/x", "https://b.a.test/x", 307, false},
		{"https://a.test/x", "https://a.test.b/x", 307, false},
		{"https://a.test/x", "ftp://a.test/x", 307, false},
		{"https://a.test/x", "https://a.test/y", 301, false},
		{"https://a.test/x", "https://a.test/y", 302, false},
		{"https://a.test/x", "https://a.test/y", 303, false},
	}
	for _, test := range tests {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			before := request(t, method, test.from)
			next := request(t, method, test.to)
			next.Response = &http.Response{StatusCode: test.status}
			next.Header.Set("Authorization", "Bearer x")
			err := checkRedirect(next, []*http.Request{before})
			if test.follow != (err == nil) || err != nil && !errors.Is(err, http.ErrUseLastResponse) {
				t.Errorf("%s %d from %s to %s: %v", method, test.status, test.from, test.to, err)
			}
			if test.follow && next.Header.Get("Authorization") == "" {
				t.Errorf("%s %d from %s to %s: it leaves without its headers", method, test.status, test.from, test.to)
			}
		}
	}
	// After https, a redirect to http is not followed.
	back := request(t, "POST", "http://a.test/z")
	back.Response = &http.Response{StatusCode: http.StatusTemporaryRedirect}
	if err := checkRedirect(back, []*http.Request{request(t, "POST", "http://a.test/x"), request(t, "POST", "https://a.test/y")}); err == nil {
		t.Error("a redirect from https to http was followed")
	}
}

func request(t *testing.T, method, address string) *http.Request {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Request{Method: method, URL: u, Header: http.Header{}}
}
