package connection

import (
	"net/url"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// Address is the whole address in a setting; empty where it is not set. It is a
// secret.
func (c *Connection) Address(setting string) string { return c.credentials()[setting] }

// Authorizes reports whether the connection has something that authorises a
// call below BaseURL, and not addresses alone.
func (c *Connection) Authorizes() bool {
	auth := c.auth
	if auth == nil && c.parent != nil {
		auth = c.parent.auth
	}
	return auth == nil || auth.Header != "" || auth.Query != ""
}

// isAddress reports whether a setting of an app is a whole address.
func isAddress(app *bindings.App, setting string) bool {
	return slices.ContainsFunc(app.Auth, func(a bindings.Auth) bool { return slices.Contains(a.Addresses, setting) })
}

// addressProblem is what is wrong with a whole address; the text does not have
// the address. The rules are those of base_url, but a query is allowed, where
// such addresses have their secret.
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

// addressSecrets are the parts of an address that are secret each: an error may
// show an address without its host.
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

// minAddressSecret is the length of the shortest value in an address that
// counts as a secret; a shorter one may be a version.
const minAddressSecret = 16
