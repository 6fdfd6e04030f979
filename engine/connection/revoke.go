package connection

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
)

// Revoke revokes the tokens of a connection at the vendor (RFC 7009), where it
// has an address for that; done is false where there is nothing to revoke.
func (s *Set) Revoke(ctx context.Context, name string) (done bool, err error) {
	c, found := s.Get(name)
	if !found || c.tokens == nil {
		return false, nil
	}
	r, ok := c.tokens.grant.(*refreshGrant)
	if !ok {
		return false, nil
	}
	token := r.newest()
	if r.client.oauth.RevokeURL == "" || token.Access == "" && token.Refresh == "" {
		return false, nil
	}
	return true, r.client.revoke(ctx, token)
}

func (a *tokenClient) revoke(ctx context.Context, token Token) error {
	form := url.Values{"token": {token.Refresh}, "token_type_hint": {"refresh_token"}}
	if token.Refresh == "" || a.oauth.RevokeAccess {
		form = url.Values{"token": {token.Access}}
	}
	inHeader := a.oauth.TokenAuth == bindings.InHeader
	if !inHeader && !a.oauth.RevokeAccess {
		form.Set("client_id", a.conf.ClientID)
		form.Set("client_secret", a.conf.ClientSecret)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.oauth.RevokeURL, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if inHeader && !a.oauth.RevokeAccess {
		request.SetBasicAuth(url.QueryEscape(a.conf.ClientID), url.QueryEscape(a.conf.ClientSecret))
	}
	wire := &tokenTransport{headers: a.headers}
	answer, err := newTokenHTTPClient(a.http, wire).Do(request)
	if err != nil {
		return fmt.Errorf("%s: %s", hostOf(a.oauth.RevokeURL), a.redact(withoutURL(err)))
	}
	answer.Body.Close()
	ok := a.app.Errors.OK
	if answer.StatusCode > 299 || ok != "" && !gjson.GetBytes(wire.answer, ok).Bool() {
		reason := firstText(wire.answer, append([]string{"error"}, a.app.Errors.Message...))
		return fmt.Errorf("%s answered %d %s", hostOf(a.oauth.RevokeURL), answer.StatusCode, a.redact(oneLine(reason)))
	}
	return nil
}
