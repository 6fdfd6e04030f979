package sandbox

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// Grant is what a token or code permits.
type Grant struct {
	Account string
	Parent  bool // the account is a company's: the token can be exchanged for a child's
	// scopes are those that a person agreed to; nil: not asked, and not checked.
	scopes []string
	Within string // the object of a token answer that contains it
	family string // the same for all tokens of one consent, which are revoked together
}

// token is an access token.
type token struct {
	Grant
	value   string
	expires time.Time
}

// refreshToken is a refresh token.
type refreshToken struct {
	Grant
	used time.Time // zero: never
}

// tokens is the state of an app's authorisation server.
type tokens struct {
	access  map[string]*token
	refresh map[string]*refreshToken
	codes   map[string]*code
	// installed are the accounts in which the app is installed, with their grants.
	installed map[string]Grant
}

func newTokens(a *App) *tokens {
	t := &tokens{access: map[string]*token{}, refresh: map[string]*refreshToken{}, codes: map[string]*code{}, installed: map[string]Grant{}}
	static, named := a.sandbox.config.Tokens[a.Def.Name]
	if !named {
		static = []string{Token}
	}
	for _, value := range static {
		t.access[value] = &token{value: value, Grant: Grant{Account: a.Account, Parent: true}}
	}
	t.refresh[a.sandbox.config.Refresh] = &refreshToken{Grant: Grant{Account: a.Account}}
	t.installed[a.Account] = Grant{Account: a.Account}
	return t
}

// authenticate finds the token of a request in any of the ways that the app
// accepts.
func (a *App) authenticate(h *http.Request) (*token, *Failure) {
	given := ""
	for _, auth := range a.Def.Auth {
		value := h.Header.Get(auth.Header)
		if auth.Query != "" {
			value = h.URL.Query().Get(auth.Query)
		}
		if value == "" {
			continue
		}
		given = value
		if secret, ok := secretOf(auth.Format, value); ok {
			if t := a.tokens.access[secret]; t != nil && (t.expires.IsZero() || a.sandbox.now().Before(t.expires)) {
				return t, nil
			}
		}
	}
	switch {
	case len(a.Def.Auth) == 0:
		return nil, nil
	case given == "":
		return nil, &Failure{Status: http.StatusUnauthorized, Kind: bindings.Unauthorized, Code: a.authCode("not_authed"),
			Message: "no access token was sent"}
	}
	return nil, &Failure{Status: http.StatusUnauthorized, Kind: bindings.Unauthorized, Code: a.authCode("invalid_auth"),
		Message: "the access token is invalid or has expired"}
}

// checkAddressSecret refuses a request to an operation with its own address whose
// query does not have the secret.
func (a *App) checkAddressSecret(h *http.Request) *Failure {
	if t := a.tokens.access[h.URL.Query().Get("sig")]; t != nil {
		return nil
	}
	return &Failure{Status: http.StatusUnauthorized, Kind: bindings.Unauthorized, Message: "the address is not signed as it should be"}
}

// authCode returns a code if it is one of the vendor's, else "".
func (a *App) authCode(code string) string {
	if _, found := a.Def.Errors.Kinds[code]; found {
		return code
	}
	return ""
}

// secretOf reads the last setting from a header written as format:
// "Bearer {access_token}", "{login}:{secret_key}".
func secretOf(format, value string) (string, bool) {
	if before, _, encoded := strings.Cut(format, "{base64:"); encoded {
		pair, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(value, before))
		_, secret, found := strings.Cut(string(pair), ":")
		return secret, err == nil && found
	}
	for {
		before, rest, found := strings.Cut(format, "{")
		if !found {
			return "", false
		}
		_, after, _ := strings.Cut(rest, "}")
		value, found = strings.CutPrefix(value, before)
		if !found {
			return "", false
		}
		if after == "" {
			return value, true
		}
		literal, _, more := strings.Cut(after, "{")
		if !more {
			return strings.CutSuffix(value, literal)
		}
		i := strings.Index(value, literal)
		if i < 0 || literal == "" {
			return "", false
		}
		value, format = value[i:], after
	}
}

// oauthForm reads the arguments of a request to the authorisation server, from a
// form or from JSON.
func oauthForm(h *http.Request, raw []byte) url.Values {
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		form = url.Values{}
	}
	if strings.HasPrefix(h.Header.Get("Content-Type"), "application/json") {
		if v, err := Decode(raw); err == nil {
			form = url.Values{}
			if fields, ok := v.(Object); ok {
				for name, v := range fields {
					form.Set(name, Text(v))
				}
			}
		}
	}
	for name, values := range form { // an edition may write clientId
		form[snake(name)] = values
	}
	return form
}

// oauth answers the paths of the authorisation server.
func (a *App) oauth(h *http.Request, raw []byte, path string) (Reply, bool) {
	if !a.authorizes(path) {
		return Reply{}, false
	}
	form := oauthForm(h, raw)
	a.mu.Lock()
	defer a.mu.Unlock()
	post := h.Method == http.MethodPost
	switch {
	case path == "/oauth/authorize" && (post || h.Method == http.MethodGet):
		return a.authorizePage(h, form), true
	case (path == "/oauth/token" || path == a.tokenPath()) && post:
		return a.tokenAnswer(h, form), true
	case path == "/oauth/revoke" && post:
		return a.revoke(form.Get("token")), true
	case post && a.oauthDef() != nil && a.oauthDef().Reconnect != nil && path == a.oauthDef().Reconnect.URL:
		return a.reconnect(form), true
	case post && a.exchangePath() != "" && path == a.exchangePath():
		return a.exchange(h, form), true
	}
	return Reply{}, false
}

// authorizes reports whether a path is of the authorisation server.
func (a *App) authorizes(path string) bool {
	return strings.HasPrefix(path, "/oauth/") || path != "" && path == a.tokenPath()
}

// tokenPath is the vendor's own path of the token endpoint, where that is below the
// address of its API; else empty.
func (a *App) tokenPath() string {
	o := a.oauthDef()
	if o == nil {
		return ""
	}
	path, below := strings.CutPrefix(o.TokenURL, a.Def.BaseURL+"/")
	if !below {
		return ""
	}
	return "/" + path
}

// oauthDef is the app's OAuth with a person's consent; nil if it has none.
func (a *App) oauthDef() *bindings.OAuth {
	for i := range a.Def.Auth {
		if o := a.Def.Auth[i].OAuth; o != nil && !o.ClientCredentials {
			return o
		}
	}
	return nil
}

func (a *App) exchangePath() string {
	if o := a.oauthDef(); o != nil && o.Exchange != nil {
		return o.Exchange.URL
	}
	return ""
}

// exchange answers with a child account's token for its parent's.
func (a *App) exchange(h *http.Request, form url.Values) Reply {
	parent, failed := a.authenticate(h)
	if failed != nil {
		return a.refuse(failed, a.traceLocked())
	}
	account := ""
	for name, v := range a.oauthDef().Exchange.Fields {
		if v == "{account}" {
			account = form.Get(name)
		}
	}
	if account == "" || parent == nil || !parent.Parent {
		return a.refuse(&Failure{Status: a.rules.InvalidStatus, Kind: bindings.Invalid,
			Message: "expected the parent's token and the account to exchange it for"}, a.traceLocked())
	}
	child := Grant{Account: account, scopes: parent.scopes, family: parent.family}
	return a.tokenReply(a.newToken(child), "")
}

func jsonReply(status int, body any) Reply {
	return Reply{Status: status, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Cache-Control": {"no-store"}}, Body: Encode(body)}
}
