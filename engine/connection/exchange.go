package connection

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
)

// exchangeGrant gets the token of an account for its parent's. It is not saved:
// another can be had for the parent's token.
type exchangeGrant struct {
	c     *Connection
	http  *http.Client
	clock clock.Clock
}

// Secrets are none beside those of the parent and of the tokenSource.
func (x *exchangeGrant) Secrets() []string { return nil }

// Renews is true: another token can be had for the parent's.
func (x *exchangeGrant) Renews() bool { return true }

// Fetch sends the request with the parent's token, and once more with its next
// one.
func (x *exchangeGrant) Fetch(ctx context.Context, _ string) (Token, error) {
	for again := true; ; again = false {
		header := http.Header{}
		used, err := x.c.parent.Authorize(ctx, header)
		if err != nil {
			return Token{}, err
		}
		token, status, err := x.request(ctx, header)
		if status == http.StatusUnauthorized && again && x.c.parent.Expire(used) {
			continue
		}
		if e := (*bindings.Error)(nil); errors.As(err, &e) && e.Kind == bindings.BrokenConnection && status != 0 {
			err = x.c.state.setBroken(e, x.clock.Now())
		}
		return token, err
	}
}

func (x *exchangeGrant) request(ctx context.Context, header http.Header) (Token, int, error) {
	app, name, by := x.c.app, x.c.Name(), x.c.auth.OAuth.Exchange
	form := url.Values{}
	values := strings.NewReplacer("{parent}", x.c.parent.Account(), "{account}", x.c.Account())
	for field, value := range by.Fields {
		form.Set(field, values.Replace(value))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, x.c.BaseURL()+by.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return Token{}, 0, broken(app.Name, name, "%v", err)
	}
	request.Header = header
	for field, value := range by.Header {
		header.Set(field, value)
	}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	header.Set("Accept", "application/json")
	wire := &tokenTransport{}
	requested := x.clock.Now()
	answer, err := newTokenHTTPClient(x.http, wire).Do(request)
	if err != nil {
		return Token{}, 0, unavailable(app.Name, name, "no token from %s: %s", request.URL.Host, x.c.Redact(withoutURL(err)))
	}
	answer.Body.Close()
	status := answer.StatusCode
	// A 401 is about the parent's token; if that is revoked, its own refresh
	// returns that.
	if status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status == http.StatusUnauthorized || status >= 500 {
		e := unavailable(app.Name, name, "%s gives no token at the moment: status %d", request.URL.Host, status)
		e.Status = status
		return Token{}, status, e
	}
	access, seconds := gjson.GetBytes(wire.answer, "access_token").String(), gjson.GetBytes(wire.answer, "expires_in").Int()
	if status > 299 || access == "" {
		reason := firstText(wire.answer, app.Errors.Message)
		if reason != "" {
			reason = " (" + x.c.Redact(oneLine(reason)) + ")"
		}
		e := broken(app.Name, name, "%s gives no token for the %s %q with that of %q: status %d%s; is the app installed there?",
			request.URL.Host, app.Account.Noun, x.c.Account(), x.c.parent.Name(), status, reason)
		e.Status = status
		return Token{}, status, e
	}
	token := Token{Access: access, Scopes: bindings.SplitScopes(gjson.GetBytes(wire.answer, "scope").String())}
	token.setLifetime(requested, seconds)
	return token, status, nil
}
