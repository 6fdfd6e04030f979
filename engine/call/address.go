package call

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
)

// nextAddress is the address in the argument Pages.URL, empty where there is
// none. Credentials are sent with the request, so the address has to be below
// the connection's own.
func nextAddress(base string, pages *bindings.Pages, table gjson.Result) (string, error) {
	if pages == nil || pages.URL == "" {
		return "", nil
	}
	value := valueOf(table, pages.URL)
	if value.Type != gjson.String || value.Str == "" {
		return "", nil
	}
	if err := checkBelow(base, value.Str); err != nil {
		return "", fmt.Errorf("argument %q %w", pages.URL, err)
	}
	return value.Str, nil
}

// checkBelow returns what is wrong with an address that has to be below
// another. The error has no more of the address than scheme, host and path: the
// rest may be secret.
func checkBelow(base, address string) error {
	from, err := url.Parse(base)
	if err != nil {
		return fmt.Errorf("cannot be compared with %s", base)
	}
	to, err := url.Parse(address)
	if err != nil || to.Opaque != "" || to.Host == "" || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return fmt.Errorf("is not an address; expected one below %s", base)
	}
	dots := false
	for segment := range strings.SplitSeq(to.Path, "/") {
		dots = dots || segment == "." || segment == ".."
	}
	inside := to.Scheme == from.Scheme && strings.EqualFold(to.Host, from.Host) && strings.HasPrefix(to.Path, strings.TrimSuffix(from.Path, "/")+"/")
	if !inside || dots || to.User != nil || to.Fragment != "" {
		return fmt.Errorf("leads to %s://%s%s, expected an address below %s; is base_url right?", to.Scheme, to.Host, to.Path, base)
	}
	return nil
}

// checkReachable refuses an operation that the connection has no address or no
// credential for: one that goes to an address of its own where the connection
// has none, or, where it has only such an address, any other operation.
func checkReachable(app *bindings.App, op *bindings.Operation, conn *connection.Connection) *bindings.Error {
	e := &bindings.Error{Kind: bindings.Forbidden, App: app.Name, Operation: op.Name, Connection: conn.Name()}
	switch {
	case op.Address != "" && conn.Address(op.Address) == "":
		e.Message = fmt.Sprintf("connection %q has no %s, which this is sent to; it was not sent", conn.Name(), op.Address)
	case op.Address == "" && !conn.Authorizes():
		e.Message = fmt.Sprintf("connection %q has an address to post to and nothing that authorises other calls; it was not sent", conn.Name())
	default:
		return nil
	}
	return e
}

// checkBodySize refuses a body that is larger than the vendor accepts.
func checkBodySize(app *bindings.App, op *bindings.Operation, size int) *bindings.Error {
	if op.Body == nil || op.Body.Max == 0 || size <= op.Body.Max {
		return nil
	}
	return &bindings.Error{
		Kind: bindings.TooLarge, App: app.Name, Operation: op.Name,
		Message: fmt.Sprintf("the body has %d bytes and %s takes %d; it was not sent", size, app.Name, op.Body.Max),
	}
}
