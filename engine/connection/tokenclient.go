package connection

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
)

// TokenResponse is the answer to a token request.
type TokenResponse struct {
	Token
	// Account is the account that the token is for, as far as the answer has
	// it; IsParent is set when it is one of the parent's kind.
	Account     string
	IsParent    bool
	DisplayName string
}

// tokenClient sends the token requests of one connection.
type tokenClient struct {
	app     *bindings.App
	name    string
	oauth   bindings.OAuth // with the values of the connection's variant
	conf    oauth2.Config
	http    *http.Client
	headers map[string]string
	clock   clock.Clock
	redact  func(string) string
	// account is the connection's, isParent is set when it is a parent's;
	// baseURL is where its calls go.
	account, baseURL string
	isParent         bool
}

// newTokenClient fills the connection's settings into the app's data.
func newTokenClient(c *Connection, auth *bindings.Auth, client *http.Client, clock clock.Clock) *tokenClient {
	oauth := oauthOf(auth.OAuth, c.variant())
	credentials := c.credentials()
	fill := func(own, ofApp string) string {
		if own != "" {
			return own
		}
		return format(ofApp, withDefaults(credentials, auth.Defaults), "")
	}
	oauth.AuthorizeURL = fill(c.settings.AuthorizeURL, oauth.AuthorizeURL)
	oauth.TokenURL = fill(c.settings.TokenURL, oauth.TokenURL)
	oauth.RevokeURL = revokeURL(c.settings, fill(c.settings.RevokeURL, oauth.RevokeURL))
	style := oauth2.AuthStyleInParams
	if oauth.TokenAuth == bindings.InHeader {
		style = oauth2.AuthStyleInHeader
	}
	return &tokenClient{
		app: c.app, name: c.Name(), oauth: oauth, http: client, headers: extraHeaders(auth, credentials), clock: clock, redact: c.Redact,
		account: c.Account(), baseURL: c.BaseURL(), isParent: c.IsParent(),
		conf: oauth2.Config{
			ClientID: credentials["client_id"], ClientSecret: credentials["client_secret"],
			Endpoint: oauth2.Endpoint{AuthURL: oauth.AuthorizeURL, TokenURL: oauth.TokenURL, AuthStyle: style},
		},
	}
}

// revokeURL is empty where only the token's address is configured: a token that
// another server issued is not sent to the vendor's.
func revokeURL(s Settings, ofApp string) string {
	if s.RevokeURL == "" && s.TokenURL != "" {
		return ""
	}
	return ofApp
}

// oauthOf is an app's OAuth, with the values of a variant in place of its own.
func oauthOf(oauth *bindings.OAuth, v *bindings.Variant) bindings.OAuth {
	varied := *oauth
	if v == nil {
		return varied
	}
	if v.ScopeParam != "" {
		varied.Scopes.Param = v.ScopeParam
	}
	if len(v.Scopes) > 0 {
		varied.Scopes.Default, varied.Scopes.ReadOnly = v.Scopes, v.ReadOnly
	}
	if v.Within != "" {
		varied.Answer.Within = v.Within
	}
	varied.TokenParams = map[string]string{}
	maps.Copy(varied.TokenParams, oauth.TokenParams)
	maps.Copy(varied.TokenParams, v.TokenParams)
	return varied
}

func withDefaults(credentials, defaults map[string]string) map[string]string {
	if len(defaults) == 0 {
		return credentials
	}
	all := map[string]string{}
	maps.Copy(all, defaults)
	maps.Copy(all, credentials)
	return all
}

// refresh requests the next token. Former is the one before it.
func (a *tokenClient) refresh(ctx context.Context, former Token) (TokenResponse, error) {
	g, err := a.do(ctx, func(ctx context.Context) (*oauth2.Token, error) {
		return a.conf.TokenSource(ctx, &oauth2.Token{RefreshToken: former.Refresh}).Token()
	})
	if len(g.Scopes) == 0 {
		g.Scopes = former.Scopes
	}
	return g, err
}

// exchange requests the token for an authorisation code.
func (a *tokenClient) exchange(ctx context.Context, code, redirect, verifier string) (TokenResponse, error) {
	conf := a.conf
	conf.RedirectURL = redirect
	var options []oauth2.AuthCodeOption
	if verifier != "" {
		options = append(options, oauth2.VerifierOption(verifier))
	}
	return a.do(ctx, func(ctx context.Context) (*oauth2.Token, error) { return conf.Exchange(ctx, code, options...) })
}

// clientCredentials requests a token for client_id and client_secret alone.
func (a *tokenClient) clientCredentials(ctx context.Context, scopes []string) (TokenResponse, error) {
	conf := clientcredentials.Config{ClientID: a.conf.ClientID, ClientSecret: a.conf.ClientSecret, TokenURL: a.conf.Endpoint.TokenURL,
		Scopes: scopes, AuthStyle: a.conf.Endpoint.AuthStyle}
	return a.do(ctx, conf.Token)
}

// do sends one token request and reads its answer. An error is a
// *bindings.Error.
func (a *tokenClient) do(ctx context.Context, send func(context.Context) (*oauth2.Token, error)) (TokenResponse, error) {
	wire := &tokenTransport{params: a.oauth.TokenParams, headers: a.headers, within: a.oauth.Answer.Within}
	// A token is valid from when it was issued, which is not before the request.
	requested := a.clock.Now()
	token, err := send(context.WithValue(ctx, oauth2.HTTPClient, newTokenHTTPClient(a.http, wire)))
	if err != nil {
		return TokenResponse{}, a.requestError(err, wire.answer)
	}
	g := TokenResponse{Token: Token{Access: token.AccessToken, Refresh: token.RefreshToken}}
	g.setLifetime(requested, token.ExpiresIn)
	at := func(path string) string { return gjson.GetBytes(wire.answer, path).String() }
	within := a.oauth.Answer.Within
	if within != "" {
		within += "."
	}
	g.Scopes = bindings.SplitScopes(at(within + "scope"))
	if path := a.oauth.Answer.Account; path != "" {
		g.Account = at(path)
	}
	if path := a.oauth.Answer.Parent; path != "" && g.Account == "" {
		g.Account, g.IsParent = at(path), at(path) != ""
	}
	for _, path := range a.oauth.Answer.Name {
		if name := at(path); name != "" {
			g.DisplayName = name
			break
		}
	}
	return g, nil
}

// reportAccount sets the account that an answer has, where the settings have
// none and it is of the connection's kind.
func (a *tokenClient) reportAccount(given TokenResponse, s *state) {
	if given.Account != "" && given.IsParent == a.isParent {
		s.setAccount(given.Account)
	}
}

// requestError is the error of a token request: a refusal, after which a person
// has to act, or a failure that passes.
func (a *tokenClient) requestError(err error, answer []byte) *bindings.Error {
	host := hostOf(a.conf.Endpoint.TokenURL)
	var refusal *oauth2.RetrieveError
	if !errors.As(err, &refusal) {
		return unavailable(a.app.Name, a.name, "no token from %s: %s", host, a.redact(withoutURL(err)))
	}
	status := refusal.Response.StatusCode
	code, reason := refusal.ErrorCode, refusal.ErrorCode
	if text := refusal.ErrorDescription; text != "" {
		reason = strings.TrimPrefix(reason+": "+text, ": ")
	} else if text := firstText(answer, a.app.Errors.Message); text != "" && text != code {
		reason = strings.TrimPrefix(reason+": "+text, ": ")
	}
	if reason == "" {
		reason = http.StatusText(status)
	}
	reason = a.redact(oneLine(reason))
	kind := a.app.Errors.Kinds[code]
	passes := kind == bindings.RateLimited || kind == bindings.Unavailable || kind == bindings.Timeout
	var e *bindings.Error
	switch {
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500 || passes:
		e = unavailable(a.app.Name, a.name, "%s gives no token at the moment: status %d, %s", host, status, reason)
	case slices.Contains(invalidClientCodes, code):
		e = broken(a.app.Name, a.name, "%s refused client_id and client_secret (%s); correct them, or give others with: tidewire connect %s", host, reason, a.name)
	case code != "" || status == http.StatusBadRequest || status == http.StatusUnauthorized:
		e = broken(a.app.Name, a.name, "%s refused to give a token (%s); authorise again with: tidewire connect %s", host, reason, a.name)
	default: // a proxy may have answered
		e = unavailable(a.app.Name, a.name, "%s answered %d (%s) to the request for a token; is token_url right?", host, status, reason)
		e.Kind, e.Retryable = bindings.BrokenConnection, false
		e.Status = status
		return e
	}
	e.Status, e.Code = status, a.redact(oneLine(code))
	if e.Kind == bindings.BrokenConnection && code == "" {
		e.Code = "refused"
	}
	return e
}

// invalidClientCodes are the vendors' codes for a wrong client.
var invalidClientCodes = []string{"invalid_client", "unauthorized_client", "bad_client_secret", "invalid_client_id"}

// isCredentialRefusal reports whether a refusal is the vendor's, of the
// credentials, and not that of something in between.
func isCredentialRefusal(e *bindings.Error) bool {
	return e.Kind == bindings.BrokenConnection && e.Code != ""
}

func firstText(answer []byte, paths []string) string {
	for _, path := range paths {
		v := gjson.GetBytes(answer, path)
		if v.Type == gjson.String && v.Str != "" {
			return v.Str
		}
		if first := v.Get("0"); v.IsArray() && first.Type == gjson.String {
			return first.Str
		}
	}
	return ""
}

// maxQuoted bounds what is quoted of a vendor, in bytes.
const maxQuoted = 300

func oneLine(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if len(text) > maxQuoted {
		text = strings.ToValidUTF8(text[:maxQuoted], "") + "…"
	}
	return text
}

// newTokenHTTPClient makes the client of one token request: it sends nothing to
// another address than the request's.
func newTokenHTTPClient(base *http.Client, wire *tokenTransport) *http.Client {
	wire.RoundTripper = base.Transport
	if wire.RoundTripper == nil {
		wire.RoundTripper = http.DefaultTransport
	}
	return &http.Client{
		Transport:     wire,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// tokenTransport adds an app's parameters and headers to a token request. It
// stores the answer, and moves the token in it to where RFC 6749 has it.
type tokenTransport struct {
	http.RoundTripper
	params, headers map[string]string
	within          string
	answer          []byte // unchanged
}

// maxTokenAnswer bounds what is read of an answer, in bytes.
const maxTokenAnswer = 1 << 20

func (t *tokenTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	for name, value := range t.headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("Accept", "application/json")
	if err := t.addParams(request); err != nil {
		return nil, err
	}
	response, err := t.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxTokenAnswer))
	response.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("the answer was cut: %w", err)
	}
	t.answer = text
	if inner := gjson.GetBytes(text, t.within); t.within != "" && inner.Get("access_token").Exists() {
		text = []byte(inner.Raw)
	}
	response.Body = io.NopCloser(bytes.NewReader(text))
	response.ContentLength = int64(len(text))
	return response, nil
}

func (t *tokenTransport) addParams(request *http.Request) error {
	if len(t.params) == 0 || request.Body == nil {
		return nil
	}
	text, err := io.ReadAll(request.Body)
	request.Body.Close()
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return err
	}
	for name, value := range t.params {
		form.Set(name, value)
	}
	encoded := form.Encode()
	request.Body = io.NopCloser(strings.NewReader(encoded))
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(encoded)), nil }
	request.ContentLength = int64(len(encoded))
	request.Header.Set("Content-Length", strconv.Itoa(len(encoded)))
	return nil
}

func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}

// withoutURL is an HTTP error without its address, which may have secrets.
func withoutURL(err error) string {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}
