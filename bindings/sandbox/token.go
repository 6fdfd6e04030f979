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
	grant := form.Get("grant_type")
	if grant == "" && a.rules.Lenient {
		grant = "authorization_code"
	}
	switch grant {
	case "client_credentials":
		return a.tokenReply(a.newToken(Grant{Account: a.Account}), "")
	case "authorization_code":
		return a.redeemCode(form)
	case "refresh_token":
		return a.renewToken(form)
	}
	return a.grantError(http.StatusBadRequest, "unsupported_grant_type", "expected authorization_code, refresh_token or client_credentials")
}

// redeemCode answers with the tokens of an authorization code, which is valid
// once.
func (a *App) redeemCode(form url.Values) Reply {
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
	return a.issue(c.Grant, c.offline)
}

// challengeOf is the code challenge of a verifier (RFC 7636, S256); empty for
// none.
func challengeOf(verifier string) string {
	if verifier == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// renewToken answers with a new access token. If the app rotates refresh tokens,
// the old one ends with its first use, or Rules.RefreshGrace later.
func (a *App) renewToken(form url.Values) Reply {
	value := form.Get("refresh_token")
	old := a.tokens.refresh[value]
	now := a.sandbox.now()
	if old == nil || !old.used.IsZero() && now.Sub(old.used) >= a.rules.RefreshGrace {
		return a.grantError(http.StatusBadRequest, "invalid_grant", "the refresh token is unknown or was used")
	}
	grant := old.Grant
	if v := a.Def.ParentVariant(); v != nil && grant.family == "" { // the refresh token from the start is valid for either
		grant.Parent = includes(form, v.TokenParams)
	}
	if !a.rotates() {
		return a.tokenReply(a.newToken(grant), value)
	}
	if old.used.IsZero() {
		old.used = now
	}
	return a.issue(grant, true)
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

// issue answers with a new access token, and a refresh token if offline is set.
func (a *App) issue(grant Grant, offline bool) Reply {
	again := ""
	if offline {
		again = "refresh-" + Letters(a.Random, 48, MixedAlphabet)
		a.tokens.refresh[again] = &refreshToken{Grant: grant}
	}
	return a.tokenReply(a.newToken(grant), again)
}

func (a *App) tokenLifetime() time.Duration {
	if lifetime := a.sandbox.config.TokenLifetime; lifetime > 0 {
		return lifetime
	}
	return a.rules.TokenLifetime
}

func (a *App) newToken(grant Grant) *token {
	t := &token{value: "access-" + Letters(a.Random, 48, MixedAlphabet), Grant: grant}
	if lifetime := a.tokenLifetime(); lifetime > 0 {
		t.expires = a.sandbox.now().Add(lifetime)
	}
	a.tokens.access[t.value] = t
	return t
}

// tokenReply is the answer that contains a token, with each field at the path that
// the app defines.
func (a *App) tokenReply(t *token, refresh string) Reply {
	inner := Object{"access_token": t.value, "token_type": "Bearer"}
	if lifetime := a.tokenLifetime(); lifetime > 0 {
		inner["expires_in"] = Number(int64(lifetime / time.Second))
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
	if a.rules.TokenFields != nil {
		for name, v := range a.rules.TokenFields(t.Grant) {
			body = place(body, name, v)
		}
	}
	return jsonReply(http.StatusOK, body)
}

// checkScopes refuses a token without the scopes that the operation needs.
func (r *Call) checkScopes() *Failure {
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

// revoke ends all tokens of the consent that a token belongs to. Without such a
// token it succeeds too (RFC 7009).
func (a *App) revoke(value string) Reply {
	family := ""
	if t := a.tokens.access[value]; t != nil {
		family = t.family
	}
	if t := a.tokens.refresh[value]; t != nil {
		family = t.family
	}
	if family != "" {
		a.revokeAll(func(g Grant) bool { return g.family == family })
	}
	var body any = Object{}
	if a.Def.Errors.OK != "" {
		body = place(body, a.Def.Errors.OK, true)
	}
	return jsonReply(http.StatusOK, body)
}

func (a *App) revokeAll(which func(Grant) bool) {
	for account, grant := range a.tokens.installed {
		if which(grant) {
			delete(a.tokens.installed, account)
		}
	}
	for value, t := range a.tokens.access {
		if which(t.Grant) && !t.expires.IsZero() {
			delete(a.tokens.access, value)
		}
	}
	for value, t := range a.tokens.refresh {
		if which(t.Grant) {
			delete(a.tokens.refresh, value)
		}
	}
}

// reconnect answers with a code for an account in which the app is installed.
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
	grant, installed := a.tokens.installed[account]
	if !installed {
		return a.grantError(http.StatusBadRequest, "invalid_request", "the app is not installed there")
	}
	value := Letters(a.Random, 40, MixedAlphabet)
	a.tokens.codes[value] = &code{Grant: grant, expires: a.sandbox.now().Add(codeLifetime), offline: true}
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

// Revoke ends all tokens of an app that came from OAuth, as when a customer
// uninstalls the app; configured tokens stay.
func (s *Sandbox) Revoke(app string) error {
	a := s.apps[app]
	if a == nil {
		return s.unknownApp(app)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revokeAll(func(Grant) bool { return true })
	return nil
}

// Expire ends every access token of an app that came from OAuth, as if its time
// were over; refresh tokens and configured tokens stay.
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
	if own := a.rules.OAuthCodes[code]; own != "" {
		code = own
	} else if code == "invalid_code" {
		code = "invalid_grant"
	}
	if ok := a.Def.Errors.OK; ok != "" {
		return jsonReply(http.StatusOK, place(Object{"error": code}, ok, false))
	}
	return jsonReply(status, Object{"error": code, "error_description": description})
}
