package connection

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
)

// exchangeGrant gets the token of an account for its parent's. It is not kept: the
// parent's token gives another.
type exchangeGrant struct {
	c    *Connection
	http *http.Client
	now  func() time.Time
}

// Secrets are none beside the parent's and the source's own.
func (x *exchangeGrant) Secrets() []string { return nil }

// Renews says that the parent's token gives another.
func (x *exchangeGrant) Renews() bool { return true }

// Fetch asks with the parent's token, and once more with its next one.
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
			err = x.c.state.setBroken(e, x.now())
		}
		return token, err
	}
}

func (x *exchangeGrant) request(ctx context.Context, header http.Header) (Token, int, error) {
	app, name, by := x.c.app, x.c.Name(), x.c.auth.OAuth.Exchange
	form := url.Values{}
	words := strings.NewReplacer("{parent}", x.c.parent.Account(), "{account}", x.c.Account())
	for field, value := range by.Fields {
		form.Set(field, words.Replace(value))
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
	asked := x.now()
	answer, err := newTokenHTTPClient(x.http, wire).Do(request)
	if err != nil {
		return Token{}, 0, unavailable(app.Name, name, "no token from %s: %s", request.URL.Host, x.c.Redact(withoutURL(err)))
	}
	answer.Body.Close()
	status := answer.StatusCode
	// A 401 is about the parent's token; if that is dead its own refresh says so.
	if status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status == http.StatusUnauthorized || status >= 500 {
		e := unavailable(app.Name, name, "%s gives no token at the moment: status %d", request.URL.Host, status)
		e.Status = status
		return Token{}, status, e
	}
	access, seconds := gjson.GetBytes(wire.answer, "access_token").String(), gjson.GetBytes(wire.answer, "expires_in").Int()
	if status > 299 || access == "" {
		said := firstText(wire.answer, app.Errors.Message)
		if said != "" {
			said = " (" + x.c.Redact(oneLine(said)) + ")"
		}
		e := broken(app.Name, name, "%s gives no token for the %s %q with that of %q: status %d%s; is the app installed there?",
			request.URL.Host, app.Account.Noun, x.c.Account(), x.c.parent.Name(), status, said)
		e.Status = status
		return Token{}, status, e
	}
	token := Token{Access: access, Scopes: bindings.SplitScopes(gjson.GetBytes(wire.answer, "scope").String())}
	token.setLifetime(asked, seconds)
	return token, status, nil
}
