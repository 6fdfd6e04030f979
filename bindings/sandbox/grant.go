package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// tokenAnswer answers the token endpoint.
func (a *App) tokenAnswer(h *http.Request, form url.Values) Reply {
	id, secret, basic := h.BasicAuth()
	if !basic {
		id, secret = form.Get("client_id"), form.Get("client_secret")
	}
	if id != ClientID || secret != ClientSecret {
		return a.grantError(http.StatusUnauthorized, "invalid_client", "client_id or client_secret is wrong")
	}
	switch form.Get("grant_type") {
	case "client_credentials":
		return a.tokenReply(a.newToken(Authority{Account: a.Account}), "")
	case "authorization_code":
		return a.redeem(form)
	case "refresh_token":
		return a.renew(form)
	}
	return a.grantError(http.StatusBadRequest, "unsupported_grant_type", "expected authorization_code, refresh_token or client_credentials")
}

// redeem gives the tokens that a code stands for, once.
func (a *App) redeem(form url.Values) Reply {
	c := a.tokens.codes[form.Get("code")]
	delete(a.tokens.codes, form.Get("code"))
	o := a.oauthDef()
	verifier := form.Get("code_verifier")
	switch {
	case c == nil || a.sandbox.now().After(c.expires):
		return a.grantError(http.StatusBadRequest, "invalid_code", "the code is unknown, was used or is too old")
	case form.Get("redirect_uri") != c.redirect:
		return a.grantError(http.StatusBadRequest, "invalid_code", "redirect_uri is not that of the authorisation")
	case !o.PKCE && verifier != "":
		return a.grantError(a.rules.InvalidStatus, "invalid_request", "property code_verifier should not exist")
	case c.challenge != challengeOf(verifier):
		return a.grantError(http.StatusBadRequest, "invalid_code", "code_verifier does not fit the code_challenge")
	}
	return a.give(c.Authority, c.offline)
}

// challengeOf is the code challenge of a verifier (RFC 7636, S256), empty for
// none.
func challengeOf(verifier string) string {
	if verifier == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// renew gives a new access token; where the app rotates, the old refresh token
// ends with its first use, or soon after.
func (a *App) renew(form url.Values) Reply {
	value := form.Get("refresh_token")
	old := a.tokens.refresh[value]
	now := a.sandbox.now()
	if old == nil || !old.used.IsZero() && now.Sub(old.used) >= a.rules.RefreshGrace {
		return a.grantError(http.StatusBadRequest, "invalid_grant", "the refresh token is unknown or was used")
	}
	by := old.Authority
	if v := a.Def.ParentVariant(); v != nil && by.family == "" { // the one from the start is good for either
		by.Parent = includes(form, v.TokenParams)
	}
	if !a.rotates() {
		return a.tokenReply(a.newToken(by), value)
	}
	if old.used.IsZero() {
		old.used = now
	}
	return a.give(by, true)
}

func includes(form url.Values, params map[string]string) bool {
	for name, value := range params {
		if form.Get(name) != value {
			return false
		}
	}
	return len(params) > 0
}

func (a *App) rotates() bool {
	return slices.ContainsFunc(a.Def.Auth, func(auth bindings.Auth) bool { return auth.OAuth != nil && auth.OAuth.Rotates })
}

// give answers a new access token, and a refresh token if it is to be renewed.
func (a *App) give(by Authority, renewed bool) Reply {
	again := ""
	if renewed {
		again = "refresh-" + Letters(a.Random, 48, MixedAlphabet)
		a.tokens.refresh[again] = &refresh{Authority: by}
	}
	return a.tokenReply(a.newToken(by), again)
}

func (a *App) tokenLife() time.Duration {
	if life := a.sandbox.config.TokenLife; life > 0 {
		return life
	}
	return a.rules.TokenLife
}

func (a *App) newToken(by Authority) *token {
	t := &token{value: "access-" + Letters(a.Random, 48, MixedAlphabet), Authority: by}
	if life := a.tokenLife(); life > 0 {
		t.expires = a.sandbox.now().Add(life)
	}
	a.tokens.access[t.value] = t
	return t
}

// tokenReply is the answer that carries a token, with everything where the app
// says that it stands.
func (a *App) tokenReply(t *token, refresh string) Reply {
	inner := Object{"access_token": t.value, "token_type": "Bearer"}
	if life := a.tokenLife(); life > 0 {
		inner["expires_in"] = Number(int64(life / time.Second))
	}
	if refresh != "" {
		inner["refresh_token"] = refresh
	}
	o := a.oauthDef()
	if o != nil && t.scopes != nil {
		inner["scope"] = o.Scopes.Join(t.scopes)
	}
	var body any = inner
	if t.Within != "" {
		body = place(Object{}, t.Within, inner)
	}
	if o != nil {
		if path := o.Answer.Account; path != "" && !t.Parent {
			body = place(body, path, t.Account)
		}
		if path := o.Answer.Parent; path != "" && a.rules.Parent != "" {
			body = place(body, path, a.rules.Parent)
		}
	}
	if a.rules.Grant != nil {
		for name, v := range a.rules.Grant(t.Authority) {
			body = place(body, name, v)
		}
	}
	return jsonReply(http.StatusOK, body)
}

// scoped refuses a token that was not given what the operation needs.
func (r *Call) scoped() *Failure {
	if r.token == nil || r.token.scopes == nil {
		return nil
	}
	has := func(scope string) bool { return slices.Contains(r.token.scopes, scope) }
	op := r.plan.op
	lacks := slices.ContainsFunc(op.Scopes, func(scope string) bool { return !has(scope) })
	if !lacks && (len(op.AnyScope) == 0 || slices.ContainsFunc(op.AnyScope, has)) {
		return nil
	}
	return &Failure{Status: r.App.rules.ScopeStatus, Kind: bindings.Forbidden, Code: r.App.authCode("missing_scope"),
		Message: "The token is not authorized for this scope."}
}

// revoke ends all tokens of the consent that one belongs to, as RFC 7009 says
// also where there is no such token.
func (a *App) revoke(value string) Reply {
	family := ""
	if t := a.tokens.access[value]; t != nil {
		family = t.family
	}
	if t := a.tokens.refresh[value]; t != nil {
		family = t.family
	}
	if family != "" {
		a.revokeAll(func(by Authority) bool { return by.family == family })
	}
	var body any = Object{}
	if a.Def.Errors.OK != "" {
		body = place(body, a.Def.Errors.OK, true)
	}
	return jsonReply(http.StatusOK, body)
}

func (a *App) revokeAll(which func(Authority) bool) {
	for account, by := range a.tokens.installed {
		if which(by) {
			delete(a.tokens.installed, account)
		}
	}
	for value, t := range a.tokens.access {
		if which(t.Authority) && !t.expires.IsZero() {
			delete(a.tokens.access, value)
		}
	}
	for value, t := range a.tokens.refresh {
		if which(t.Authority) {
			delete(a.tokens.refresh, value)
		}
	}
}

// reconnect answers a code for an account in which the app is installed.
func (a *App) reconnect(form url.Values) Reply {
	def := a.oauthDef().Reconnect
	fields := def.Fields
	if _, of := parentField(def, form); of {
		fields = def.ParentFields
	}
	account := ""
	for name, value := range fields {
		given := form.Get(name)
		switch {
		case value == "{account}":
			account = given
		case value == "{client_id}" && given != ClientID, value == "{client_secret}" && given != ClientSecret:
			return a.grantError(http.StatusUnauthorized, "invalid_client", "the client is wrong")
		}
	}
	by, installed := a.tokens.installed[account]
	if !installed {
		return a.grantError(http.StatusBadRequest, "invalid_request", "the app is not installed there")
	}
	value := Letters(a.Random, 40, MixedAlphabet)
	a.tokens.codes[value] = &code{Authority: by, expires: a.sandbox.now().Add(codeLife), offline: true}
	return jsonReply(http.StatusOK, place(Object{}, def.Code, value))
}

// parentField reports whether a request names a parent's account.
func parentField(def *bindings.Reconnect, form url.Values) (string, bool) {
	for name, value := range def.ParentFields {
		if value == "{account}" && form.Get(name) != "" {
			return name, true
		}
	}
	return "", false
}

// Revoke ends all tokens of an app that came from OAuth, as a customer does
// who takes the app away; configured tokens stay.
func (s *Sandbox) Revoke(app string) error {
	a := s.apps[app]
	if a == nil {
		return s.unknownApp(app)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revokeAll(func(Authority) bool { return true })
	return nil
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
	for _, t := range a.tokens.access {
		if !t.expires.IsZero() {
			t.expires = s.now()
		}
	}
}

// grantError refuses in the vendor's shape.
func (a *App) grantError(status int, code, description string) Reply {
	if own := a.rules.GrantCodes[code]; own != "" {
		code = own
	} else if code == "invalid_code" {
		code = "invalid_grant"
	}
	if ok := a.Def.Errors.OK; ok != "" {
		return jsonReply(http.StatusOK, place(Object{"error": code}, ok, false))
	}
	return jsonReply(status, Object{"error": code, "error_description": description})
}
