package ingest

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the networks of proxies whose X-Forwarded-For is read.
type proxies []netip.Prefix

// sender returns the address that a request comes from: that of the connection,
// or, behind trusted proxies, the last one in X-Forwarded-For that is none of
// theirs. It is invalid if it cannot be read.
func (p proxies) sender(r *http.Request) netip.Addr {
	at := readAddr(r.RemoteAddr)
	forwarded := strings.Split(strings.Join(r.Header.Values(forwardedFor), ","), ",")
	for _, text := range slices.Backward(forwarded) {
		if !p.trust(at) {
			break
		}
		before := readAddr(text)
		if !before.IsValid() {
			break
		}
		at = before
	}
	return at
}

const forwardedFor = "X-Forwarded-For"

func (p proxies) trust(at netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(at) })
}

// readAddr reads an address with or without a port.
func readAddr(text string) netip.Addr {
	text = strings.TrimSpace(text)
	if both, err := netip.ParseAddrPort(text); err == nil {
		return both.Addr().Unmap().WithZone("")
	}
	at, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return at.Unmap().WithZone("")
}

// senderKey is what a sender's part of the budget is counted by: its address, and
// of IPv6 its network of 64 bits, in which one sender has all addresses.
func senderKey(at netip.Addr) string {
	if at.Is6() {
		if network, err := at.Prefix(64); err == nil {
			return network.String()
		}
	}
	return at.String()
}
