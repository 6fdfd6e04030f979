package connection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/tidewire/tidewire/bindings"
)

// refresh gets access tokens for a refresh token and keeps what comes back in
// the vault before anybody uses it.
type refresh struct {
	c     *Connection
	conf  oauth2.Config
	http  *http.Client
	vault *Vault
	now   func() time.Time
	log   *slog.Logger
	seed  string

	mu      sync.Mutex // guards token against Secrets
	token   Token      // the newest
	unkept  bool       // token is not in the vault yet
	lost    string     // the refresh token that the vendor refused
	verdict error      // what it said
}

// newRefresh begins with the vault's token, or with the configured refresh
// token if the vault has none or began with another.
func newRefresh(c *Connection, oauth *bindings.OAuth, params map[string]string, v *Vault, config Config) (*refresh, error) {
	tokenURL := oauth.TokenURL
	if c.settings.TokenURL != "" {
		tokenURL = c.settings.TokenURL
	}
	r := &refresh{
		c: c, vault: v, now: config.Now, log: config.Log,
		conf: oauth2.Config{
			ClientID:     c.settings.Credentials["client_id"],
			ClientSecret: c.settings.Credentials["client_secret"],
			Endpoint:     oauth2.Endpoint{TokenURL: tokenURL, AuthStyle: oauth2.AuthStyleInParams},
		},
		http: tokenClient(config.HTTP, params, c.extra()),
	}
	configured := c.settings.Credentials[refreshToken]
	if configured != "" {
		sum := sha256.Sum256([]byte(configured))
		r.seed = hex.EncodeToString(sum[:])
	}
	kept, err := v.Load(c.Name())
	if err != nil {
		return nil, err
	}
	if kept != nil && (configured == "" || kept.Seed == r.seed) {
		r.token, r.seed = *kept, kept.Seed
		return r, nil
	}
	r.token = Token{Connection: c.Name(), Refresh: configured, Seed: r.seed}
	return r, nil
}

// Fetch gives the vault's token if that is good, else refreshes it.
func (r *refresh) Fetch(ctx context.Context, refused string) (Token, error) {
	if r.unkept {
		return r.keep()
	}
	// Another process, or a hand, may have put a newer one there.
	kept, err := r.vault.Load(r.c.Name())
	if err != nil {
		return Token{}, broken(r.c.app.Name, r.c.Name(), "%v", err)
	}
	if kept != nil && kept.Seed == r.seed {
		r.set(*kept)
	}
	if r.token.Access != refused && r.token.good(r.now()) {
		return r.token, nil
	}
	if r.lost != "" && r.lost == r.token.Refresh {
		return Token{}, r.verdict
	}
	given, err := r.conf.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, r.http),
		&oauth2.Token{RefreshToken: r.token.Refresh}).Token()
	if err != nil {
		return Token{}, r.refused(err)
	}
	next := Token{Connection: r.c.Name(), Access: given.AccessToken, Refresh: given.RefreshToken, Seed: r.seed}
	next.lived(r.now(), given.ExpiresIn)
	r.set(next)
	r.unkept = true
	return r.keep()
}

// keep makes the newest token durable. Until that is done it is not used: a
// token whose refresh token could be lost must not become the only one.
func (r *refresh) keep() (Token, error) {
	if err := r.vault.Save(r.token); err != nil {
		r.log.Error("new token not kept; it is tried again at the next call", "connection", r.c.Name(), "error", err)
		return Token{}, unavailable(r.c.app.Name, r.c.Name(), "its new token cannot be kept: %v", err)
	}
	r.unkept = false
	r.log.Debug("token refreshed", "connection", r.c.Name(), "expires", r.token.Expires)
	return r.token, nil
}

func (r *refresh) set(t Token) {
	r.mu.Lock()
	r.token = t
	r.mu.Unlock()
}

// Secrets are the texts that no error may show.
func (r *refresh) Secrets() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return []string{r.token.Access, r.token.Refresh}
}

// refused tells a refusal, which only a hand can mend, from trouble that passes.
func (r *refresh) refused(err error) error {
	app, name := r.c.app.Name, r.c.Name()
	host := hostOf(r.conf.Endpoint.TokenURL)
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) {
		return unavailable(app, name, "no token from %s: %s", host, r.c.Redact(plain(err)))
	}
	status := answer.Response.StatusCode
	said := answer.ErrorCode
	if said == "" {
		said = http.StatusText(status)
	}
	if answer.ErrorDescription != "" {
		said += ": " + answer.ErrorDescription
	}
	said = r.c.Redact(said)
	switch {
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500:
		e := unavailable(app, name, "%s gives no token at the moment: status %d, %s", host, status, said)
		e.Status = status
		return e
	case answer.ErrorCode == "invalid_client" || answer.ErrorCode == "unauthorized_client":
		return r.lose(broken(app, name, "%s refused client_id and client_secret (%s); correct them under connections.%s", host, said, name))
	case status == http.StatusBadRequest, status == http.StatusUnauthorized, answer.ErrorCode != "":
		return r.lose(broken(app, name, "%s refused the refresh token (%s); authorise the app again and put the new refresh_token under connections.%s", host, said, name))
	}
	e := broken(app, name, "%s answered %d (%s) to the request for a token; is token_url right?", host, status, said)
	e.Status = status
	return e
}

// lose remembers a refusal, so that the vendor is not asked the same again.
func (r *refresh) lose(e *bindings.Error) error {
	r.lost, r.verdict = r.token.Refresh, e
	r.log.Error("connection broken", "connection", r.c.Name(), "error", e.Message)
	return e
}

// tokenClient sends token requests: with the app's parameters and headers, and
// nowhere else than to the address it was given.
func tokenClient(base *http.Client, params, headers map[string]string) *http.Client {
	transport := base.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &http.Client{
		Transport:     formTransport{transport, params, headers},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// formTransport adds parameters to a form, and headers to its request.
type formTransport struct {
	http.RoundTripper
	params, headers map[string]string
}

func (t formTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	for name, value := range t.headers {
		request.Header.Set(name, value)
	}
	if len(t.params) == 0 {
		return t.RoundTripper.RoundTrip(request)
	}
	text, err := io.ReadAll(request.Body)
	request.Body.Close()
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, err
	}
	for name, value := range t.params {
		form.Set(name, value)
	}
	encoded := form.Encode()
	request.Body = io.NopCloser(strings.NewReader(encoded))
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(encoded)), nil }
	request.ContentLength = int64(len(encoded))
	return t.RoundTripper.RoundTrip(request)
}

func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}

// plain leaves the address, which may carry secrets, out of an HTTP error.
func plain(err error) string {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}
