package connection

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// exchange gets the token of an account for its parent's. It is not kept: the
// parent's token gives another.
type exchange struct {
	c    *Connection
	http *http.Client
	now  func() time.Time
}

// Secrets are none beside the parent's and the source's own.
func (x *exchange) Secrets() []string { return nil }

// Fetch asks with the parent's token, and once more with its next one.
func (x *exchange) Fetch(ctx context.Context, _ string) (Token, error) {
	for again := true; ; again = false {
		header := http.Header{}
		used, err := x.c.parent.Authorize(ctx, header)
		if err != nil {
			return Token{}, err
		}
		token, status, err := x.ask(ctx, header)
		if status == http.StatusUnauthorized && again && x.c.parent.Expire(used) {
			continue
		}
		return token, err
	}
}

func (x *exchange) ask(ctx context.Context, header http.Header) (Token, int, error) {
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
	answer, err := tokenClient(x.http, nil, nil).Do(request)
	if err != nil {
		return Token{}, 0, unavailable(app.Name, name, "no token from %s: %s", request.URL.Host, x.c.Redact(plain(err)))
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return Token{}, 0, unavailable(app.Name, name, "the token from %s was cut: %s", request.URL.Host, plain(err))
	}
	status := answer.StatusCode
	if status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500 {
		e := unavailable(app.Name, name, "%s gives no token at the moment: status %d", request.URL.Host, status)
		e.Status = status
		return Token{}, status, e
	}
	var given struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	if json.Unmarshal(text, &given) != nil || status > 299 || given.AccessToken == "" {
		e := broken(app.Name, name, "%s gives no token for the %s %q with that of %q: status %d; is the app installed there?",
			request.URL.Host, app.Account.Noun, x.c.Account(), x.c.parent.Name(), status)
		e.Status = status
		return Token{}, status, e
	}
	token := Token{Connection: name, Access: given.AccessToken}
	token.lived(x.now(), given.ExpiresIn)
	return token, status, nil
}
