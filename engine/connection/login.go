package connection

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
)

// LoginConfig is what a person is asked to authorise.
type LoginConfig struct {
	App  *bindings.App
	Auth *bindings.Auth // one of the app's, with OAuth
	// Settings are those that the connection will have; client_id at least is
	// among its credentials.
	Settings Settings
	// Redirect is the address that the browser is sent back to.
	Redirect string
	// Scopes are asked for beside those that the app always wants.
	Scopes []string
	// HTTP and AddedHTTP are as in a Config.
	HTTP, AddedHTTP *http.Client
	Clock           clock.Clock // nil: the machine's
}

// Login is an authorisation by a person that is under way (RFC 6749, section
// 4.1): the browser is sent to URL, and Redeem gets what it comes back with.
type Login struct {
	// Scopes are all that is asked for.
	Scopes []string

	client                    *tokenClient
	redirect, state, verifier string
}

// NewLogin begins an authorisation.
func NewLogin(c LoginConfig) *Login {
	filled := Config{HTTP: c.HTTP, AddedHTTP: c.AddedHTTP, Clock: c.Clock}.filled()
	draft := &Connection{settings: c.Settings, app: c.App, state: &state{}}
	l := &Login{client: newTokenClient(draft, c.Auth, filled.httpOf(c.App), filled.Clock), redirect: c.Redirect, state: rand.Text()}
	for _, scope := range slices.Concat(l.client.oauth.Scopes.Always, c.Scopes) {
		if !slices.Contains(l.Scopes, scope) {
			l.Scopes = append(l.Scopes, scope)
		}
	}
	if l.client.oauth.PKCE {
		l.verifier = oauth2.GenerateVerifier()
	}
	return l
}

// ScopeChoices are the scopes that an Auth of an app has for a kind of
// connection: the usual ones, and those that only read. Both may be empty.
func ScopeChoices(app *bindings.App, auth *bindings.Auth, as string) (usual, readOnly []string) {
	variant, _ := app.Variant(as)
	oauth := oauthOf(auth.OAuth, variant)
	return oauth.Scopes.Default, oauth.Scopes.ReadOnly
}

// URL is where the person's browser goes. It has no secret but the state of
// this login, which nobody else can use.
func (l *Login) URL() string {
	conf := l.client.conf
	conf.RedirectURL = l.redirect
	param := l.client.oauth.Scopes.Param
	if param == "" {
		param = "scope"
	}
	options := []oauth2.AuthCodeOption{oauth2.SetAuthURLParam(param, l.client.oauth.Scopes.Join(l.Scopes))}
	for name, value := range l.client.oauth.AuthorizeParams {
		options = append(options, oauth2.SetAuthURLParam(name, value))
	}
	if l.verifier != "" {
		options = append(options, oauth2.S256ChallengeOption(l.verifier))
	}
	return conf.AuthCodeURL(l.state, options...)
}

// Matches reports whether an answer belongs to this login.
func (l *Login) Matches(answer url.Values) bool {
	return l.state != "" && subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(l.state)) == 1
}

// ParseRedirect reads the address that a browser was sent back to, as a person
// copies it: whole, or what is behind the "?".
func ParseRedirect(text string) (url.Values, error) {
	text = strings.TrimSpace(text)
	if _, query, found := strings.Cut(text, "?"); found {
		text = query
	}
	text, _, _ = strings.Cut(text, "#")
	answer, err := url.ParseQuery(text)
	if err != nil || answer.Get("code") == "" && answer.Get("error") == "" {
		return nil, fmt.Errorf("that is not the address that the browser was sent to: it holds neither code=… nor error=…")
	}
	return answer, nil
}

// Redeem exchanges what the browser came back with for tokens. Where the answer
// has no scopes, those that were asked for count as granted.
func (l *Login) Redeem(ctx context.Context, answer url.Values) (TokenResponse, error) {
	switch {
	case !l.Matches(answer):
		return TokenResponse{}, fmt.Errorf("the answer is not to this request (its state is another); begin again")
	case answer.Get("error") != "":
		reason := answer.Get("error")
		if text := answer.Get("error_description"); text != "" {
			reason += ": " + text
		}
		return TokenResponse{}, fmt.Errorf("%s did not authorise it: %s", l.client.app.Title, oneLine(reason))
	case answer.Get("code") == "":
		return TokenResponse{}, fmt.Errorf("%s sent the browser back without a code", l.client.app.Title)
	}
	grant, err := l.client.exchange(ctx, answer.Get("code"), l.redirect, l.verifier)
	if err != nil {
		return TokenResponse{}, err
	}
	if grant.Scopes == nil {
		grant.Scopes = slices.Clone(l.Scopes)
	}
	return grant, nil
}
