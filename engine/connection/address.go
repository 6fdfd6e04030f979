package connection

import (
	"net/url"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// Address is the whole address that a setting holds; empty where it is not set.
// It is a secret.
func (c *Connection) Address(setting string) string { return c.credentials()[setting] }

// Authorizes reports whether there is anything to authorise a call with that
// goes below BaseURL, and not addresses alone.
func (c *Connection) Authorizes() bool {
	auth := c.auth
	if auth == nil && c.parent != nil {
		auth = c.parent.auth
	}
	return auth == nil || auth.Header != "" || auth.Query != ""
}

// isAddress reports whether a setting of an app holds a whole address.
func isAddress(app *bindings.App, setting string) bool {
	return slices.ContainsFunc(app.Auth, func(a bindings.Auth) bool { return slices.Contains(a.Addresses, setting) })
}

// addressProblem says what is wrong with a whole address, without telling it. It
// is held to what base_url is, but may have a query, where such addresses keep
// their secret.
func addressProblem(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Fragment != "" || u.User != nil || strings.ContainsAny(text, " \\"):
		return "expected a whole address such as https://host/path?query"
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return ""
	}
	return "expected https (http only on this machine)"
}

// addressSecrets are the parts of an address by which it could be told: an
// error may show it without its host.
func addressSecrets(address string) []string {
	u, err := url.Parse(address)
	if err != nil {
		return []string{address}
	}
	all := []string{address, u.RequestURI()}
	for _, values := range u.Query() {
		for _, value := range values {
			if len(value) >= minAddressSecret {
				all = append(all, value, url.QueryEscape(value))
			}
		}
	}
	return all
}

// minAddressSecret is what a value in an address has at least to be taken
// for a secret, and not for a version.
const minAddressSecret = 16
