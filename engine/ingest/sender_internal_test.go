package ingest

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestSender(t *testing.T) {
	trusted := proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct {
		remote    string
		forwarded []string // headers
		want, key string
	}{
		{"192.0.2.1:5", nil, "192.0.2.1", "192.0.2.1"},
		{"192.0.2.1:5", []string{"198.51.100.1"}, "192.0.2.1", "192.0.2.1"},
		{"10.0.0.1:5", []string{"198.51.100.1"}, "198.51.100.1", "198.51.100.1"},
		{"[::ffff:10.0.0.1]:5", []string{"::ffff:198.51.100.1"}, "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:5", []string{"203.0.113.9, 198.51.100.1, 10.9.9.9"}, "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:5", []string{"203.0.113.9", "198.51.100.1", "10.9.9.9"}, "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3", "10.0.0.3"},
		{"10.0.0.1:5", []string{"198.51.100.1, unknown, 10.0.0.2"}, "10.0.0.2", "10.0.0.2"},
		{"10.0.0.1:5", []string{""}, "10.0.0.1", "10.0.0.1"},
		{"[::1]:5", []string{"198.51.100.1:443"}, "198.51.100.1", "198.51.100.1"},
		{"[::1]:5", []string{"[2001:db8:1:2:3::4]:443"}, "2001:db8:1:2:3::4", "2001:db8:1:2::/64"},
		{"[::1]:5", []string{"2001:db8:1:2:3::4"}, "2001:db8:1:2:3::4", "2001:db8:1:2::/64"},
		{"[fe80::1%eth0]:5", nil, "fe80::1", "fe80::/64"},
		{"@", []string{"198.51.100.1"}, "invalid IP", "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{forwardedFor: c.forwarded}}
		if got := trusted.sender(r); got.String() != c.want || senderKey(got) != c.key {
			t.Errorf("%s %q: got %s, %s; want %s, %s", c.remote, c.forwarded, got, senderKey(got), c.want, c.key)
		}
	}
}
