package call

import (
	"crypto/x509"
	"net/http"
)

// NewTransport returns the transport of a Client that trusts roots, with
// connections of dial where it is not nil.
func NewTransport(roots *x509.CertPool, dial dialFunc) *http.Transport {
	t := newTransport()
	t.TLSClientConfig.RootCAs = roots
	if dial != nil {
		t.DialContext = counted(dial)
	}
	return t
}

// Guarded is the transport to addresses that are public or allowed.
var Guarded = guarded
