package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// token is an access token that was given out.
type token struct {
	value   string
	account string
	parent  bool // a company's: good for an exchange
	expires time.Time
}

// refresh is a refresh token.
type refresh struct {
	account string
	used    time.Time // zero: never
}

// tokens is what an app's authorisation server knows.
type tokens struct {
	access  map[string]*token
	refresh map[string]*refresh
	codes   map[string]string // code to account
}

func newTokens(a *app) *tokens {
	t := &tokens{access: map[string]*token{}, refresh: map[string]*refresh{}, codes: map[string]string{}}
	static, named := a.sandbox.config.Tokens[a.def.Name]
	if !named {
		static = []string{Token}
	}
	for _, value := range static {
		t.access[value] = &token{value: value, account: a.account, parent: true}
	}
	t.refresh[a.sandbox.config.Refresh] = &refresh{account: a.account}
	return t
}

// authorize finds the token of a request in any of the ways that the app
// takes it.
func (a *app) authorize(h *http.Request) (*token, *failure) {
	given := ""
	for _, auth := range a.def.Auth {
		value := h.Header.Get(auth.Header)
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
	case len(a.def.Auth) == 0:
		return nil, nil
	case given == "":
		return nil, &failure{status: http.StatusUnauthorized, kind: bindings.Unauthorized, code: a.authCode("not_authed"),
			message: "no access token was sent"}
	}
	return nil, &failure{status: http.StatusUnauthorized, kind: bindings.Unauthorized, code: a.authCode("invalid_auth"),
		message: "the access token is invalid or has expired"}
}

// addressed wants the secret that an address of its own has in its query.
func (a *app) addressed(h *http.Request) *failure {
	if t := a.tokens.access[h.URL.Query().Get("sig")]; t != nil {
		return nil
	}
	return &failure{status: http.StatusUnauthorized, kind: bindings.Unauthorized, message: "the address is not signed as it should be"}
}

// authCode keeps a code only where the vendor has it.
func (a *app) authCode(code string) string {
	if _, found := a.def.Errors.Kinds[code]; found {
		return code
	}
	return ""
}

// secretOf takes the last setting out of a header written as format:
// "Bearer {access_token}", "{login}:{secret_key}".
func secretOf(format, value string) (string, bool) {
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

// oauth answers the paths of the authorisation server.
func (a *app) oauth(h *http.Request, raw []byte, path string) (reply, bool) {
	if !strings.HasPrefix(path, "/oauth/") {
		return reply{}, false
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		form = url.Values{}
	}
	if strings.HasPrefix(h.Header.Get("Content-Type"), "application/json") {
		if v, err := decodeJSON(raw); err == nil {
			form = url.Values{}
			if fields, ok := v.(object); ok {
				for name, v := range fields {
					form.Set(name, text(v))
				}
			}
		}
	}
	for name, values := range form { // an edition may write clientId
		form[snake(name)] = values
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case path == "/oauth/authorize" && h.Method == http.MethodGet:
		return a.authorizePage(h), true
	case path == "/oauth/token" && h.Method == http.MethodPost:
		return a.tokenAnswer(h, form), true
	case h.Method == http.MethodPost && a.exchangePath() != "" && path == a.exchangePath():
		return a.exchange(h, form), true
	}
	return reply{}, false
}

func (a *app) exchangePath() string {
	for _, auth := range a.def.Auth {
		if auth.OAuth != nil && auth.OAuth.Exchange != nil {
			return auth.OAuth.Exchange.URL
		}
	}
	return ""
}

// authorizePage says yes at once and sends the browser back with a code.
func (a *app) authorizePage(h *http.Request) reply {
	q := h.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || back.Host == "" {
		return grantError(http.StatusBadRequest, "invalid_request", "redirect_uri is missing")
	}
	code := letters(a.random, 40, mixedAlphabet)
	a.tokens.codes[code] = a.account
	answer := back.Query()
	answer.Set("code", code)
	if state := q.Get("state"); state != "" {
		answer.Set("state", state)
	}
	back.RawQuery = answer.Encode()
	return reply{status: http.StatusFound, header: http.Header{"Location": {back.String()}}}
}

func (a *app) tokenAnswer(h *http.Request, form url.Values) reply {
	id, secret, basic := h.BasicAuth()
	if !basic {
		id, secret = form.Get("client_id"), form.Get("client_secret")
	}
	if id != ClientID || secret != ClientSecret {
		return grantError(http.StatusUnauthorized, "invalid_client", "client_id or client_secret is wrong")
	}
	switch form.Get("grant_type") {
	case "client_credentials":
		return a.give(a.account, "")
	case "authorization_code":
		account, found := a.tokens.codes[form.Get("code")]
		if !found {
			return grantError(http.StatusBadRequest, "invalid_grant", "the code is unknown or was used")
		}
		delete(a.tokens.codes, form.Get("code"))
		return a.give(account, a.newRefresh(account))
	case "refresh_token":
		return a.renew(form.Get("refresh_token"))
	}
	return grantError(http.StatusBadRequest, "unsupported_grant_type", "expected authorization_code, refresh_token or client_credentials")
}

// renew gives a new access token; where the app rotates, the old refresh token
// ends with its first use, or soon after.
func (a *app) renew(value string) reply {
	old := a.tokens.refresh[value]
	now := a.sandbox.now()
	if old == nil || !old.used.IsZero() && now.Sub(old.used) >= a.rules.refreshGrace {
		return grantError(http.StatusBadRequest, "invalid_grant", "the refresh token is unknown or was used")
	}
	if !a.rotates() {
		return a.give(old.account, value)
	}
	if old.used.IsZero() {
		old.used = now
	}
	return a.give(old.account, a.newRefresh(old.account))
}

func (a *app) rotates() bool {
	return slices.ContainsFunc(a.def.Auth, func(auth bindings.Auth) bool { return auth.OAuth != nil && auth.OAuth.Rotates })
}

func (a *app) newRefresh(account string) string {
	value := "refresh-" + letters(a.random, 48, mixedAlphabet)
	a.tokens.refresh[value] = &refresh{account: account}
	return value
}

// give makes an access token and the answer that carries it.
func (a *app) give(account, refresh string) reply {
	t := a.newToken(account, true)
	body := object{"access_token": t.value, "token_type": "Bearer"}
	if a.rules.tokenLife > 0 {
		body["expires_in"] = number(int64(a.rules.tokenLife / time.Second))
	}
	if refresh != "" {
		body["refresh_token"] = refresh
	}
	if a.rules.grant != nil {
		for name, v := range a.rules.grant(account) {
			body[name] = v
		}
	}
	return jsonReply(http.StatusOK, body)
}

// Expire ends every access token of an app that came from OAuth, as time
// would; refresh tokens and configured tokens stay.
func (s *Sandbox) Expire(app string) {
	a := s.apps[app]
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for value, t := range a.tokens.access {
		if strings.HasPrefix(value, "access-") {
			t.expires = s.now()
		}
	}
}

func (a *app) newToken(account string, parent bool) *token {
	t := &token{value: "access-" + letters(a.random, 48, mixedAlphabet), account: account, parent: parent}
	if a.rules.tokenLife > 0 {
		t.expires = a.sandbox.now().Add(a.rules.tokenLife)
	}
	a.tokens.access[t.value] = t
	return t
}

// exchange gives a child account's token for its parent's.
func (a *app) exchange(h *http.Request, form url.Values) reply {
	parent, failed := a.authorize(h)
	if failed != nil {
		return a.refuse(failed, a.traceLocked())
	}
	account := ""
	for _, auth := range a.def.Auth {
		if auth.OAuth == nil || auth.OAuth.Exchange == nil {
			continue
		}
		for name, v := range auth.OAuth.Exchange.Fields {
			if v == "{account}" {
				account = form.Get(name)
			}
		}
	}
	if account == "" || parent == nil || !parent.parent {
		return a.refuse(&failure{status: a.rules.invalid, kind: bindings.Invalid,
			message: "expected the parent's token and the account to exchange it for"}, a.traceLocked())
	}
	body := object{"access_token": a.newToken(account, false).value, "token_type": "Bearer"}
	if a.rules.tokenLife > 0 {
		body["expires_in"] = number(int64(a.rules.tokenLife / time.Second))
	}
	if a.rules.grant != nil {
		for name, v := range a.rules.grant(account) {
			body[name] = v
		}
	}
	return jsonReply(http.StatusOK, body)
}

func grantError(status int, code, description string) reply {
	return jsonReply(status, object{"error": code, "error_description": description})
}

func jsonReply(status int, body any) reply {
	return reply{status: status, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Cache-Control": {"no-store"}}, body: encode(body)}
}
