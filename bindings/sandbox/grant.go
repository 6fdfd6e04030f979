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
func (a *app) tokenAnswer(h *http.Request, form url.Values) reply {
	id, secret, basic := h.BasicAuth()
	if !basic {
		id, secret = form.Get("client_id"), form.Get("client_secret")
	}
	if id != ClientID || secret != ClientSecret {
		return a.grantError(http.StatusUnauthorized, "invalid_client", "client_id or client_secret is wrong")
	}
	switch form.Get("grant_type") {
	case "client_credentials":
		return a.tokenReply(a.newToken(authority{account: a.account}), "")
	case "authorization_code":
		return a.redeem(form)
	case "refresh_token":
		return a.renew(form)
	}
	return a.grantError(http.StatusBadRequest, "unsupported_grant_type", "expected authorization_code, refresh_token or client_credentials")
}

// redeem gives the tokens that a code stands for, once.
func (a *app) redeem(form url.Values) reply {
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
		return a.grantError(a.rules.invalid, "invalid_request", "property code_verifier should not exist")
	case c.challenge != challengeOf(verifier):
		return a.grantError(http.StatusBadRequest, "invalid_code", "code_verifier does not fit the code_challenge")
	}
	return a.give(c.authority, c.offline)
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
func (a *app) renew(form url.Values) reply {
	value := form.Get("refresh_token")
	old := a.tokens.refresh[value]
	now := a.sandbox.now()
	if old == nil || !old.used.IsZero() && now.Sub(old.used) >= a.rules.refreshGrace {
		return a.grantError(http.StatusBadRequest, "invalid_grant", "the refresh token is unknown or was used")
	}
	by := old.authority
	if v := a.def.ParentVariant(); v != nil && by.family == "" { // the one from the start is good for either
		by.parent = includes(form, v.TokenParams)
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

func (a *app) rotates() bool {
	return slices.ContainsFunc(a.def.Auth, func(auth bindings.Auth) bool { return auth.OAuth != nil && auth.OAuth.Rotates })
}

// give answers a new access token, and a refresh token if it is to be renewed.
func (a *app) give(by authority, renewed bool) reply {
	again := ""
	if renewed {
		again = "refresh-" + letters(a.random, 48, mixedAlphabet)
		a.tokens.refresh[again] = &refresh{authority: by}
	}
	return a.tokenReply(a.newToken(by), again)
}

func (a *app) tokenLife() time.Duration {
	if life := a.sandbox.config.TokenLife; life > 0 {
		return life
	}
	return a.rules.tokenLife
}

func (a *app) newToken(by authority) *token {
	t := &token{value: "access-" + letters(a.random, 48, mixedAlphabet), authority: by}
	if life := a.tokenLife(); life > 0 {
		t.expires = a.sandbox.now().Add(life)
	}
	a.tokens.access[t.value] = t
	return t
}

// tokenReply is the answer that carries a token, with everything where the app
// says that it stands.
func (a *app) tokenReply(t *token, refresh string) reply {
	inner := object{"access_token": t.value, "token_type": "Bearer"}
	if life := a.tokenLife(); life > 0 {
		inner["expires_in"] = number(int64(life / time.Second))
	}
	if refresh != "" {
		inner["refresh_token"] = refresh
	}
	o := a.oauthDef()
	if o != nil && t.scopes != nil {
		inner["scope"] = o.Scopes.Join(t.scopes)
	}
	var body any = inner
	if t.within != "" {
		body = place(object{}, t.within, inner)
	}
	if o != nil {
		if path := o.Answer.Account; path != "" && !t.parent {
			body = place(body, path, t.account)
		}
		if path := o.Answer.Parent; path != "" && a.rules.parent != "" {
			body = place(body, path, a.rules.parent)
		}
	}
	if a.rules.grant != nil {
		for name, v := range a.rules.grant(t.authority) {
			body = place(body, name, v)
		}
	}
	return jsonReply(http.StatusOK, body)
}

// scoped refuses a token that was not given what the operation needs.
func (r *request) scoped() *failure {
	if r.token == nil || r.token.scopes == nil {
		return nil
	}
	has := func(scope string) bool { return slices.Contains(r.token.scopes, scope) }
	op := r.plan.op
	lacks := slices.ContainsFunc(op.Scopes, func(scope string) bool { return !has(scope) })
	if !lacks && (len(op.AnyScope) == 0 || slices.ContainsFunc(op.AnyScope, has)) {
		return nil
	}
	return &failure{status: r.app.rules.scopeStatus, kind: bindings.Forbidden, code: r.app.authCode("missing_scope"),
		message: "The token is not authorized for this scope."}
}

// revoke ends all tokens of the consent that one belongs to, as RFC 7009 says
// also where there is no such token.
func (a *app) revoke(value string) reply {
	family := ""
	if t := a.tokens.access[value]; t != nil {
		family = t.family
	}
	if t := a.tokens.refresh[value]; t != nil {
		family = t.family
	}
	if family != "" {
		a.revokeAll(func(by authority) bool { return by.family == family })
	}
	var body any = object{}
	if a.def.Errors.OK != "" {
		body = place(body, a.def.Errors.OK, true)
	}
	return jsonReply(http.StatusOK, body)
}

func (a *app) revokeAll(which func(authority) bool) {
	for account, by := range a.tokens.installed {
		if which(by) {
			delete(a.tokens.installed, account)
		}
	}
	for value, t := range a.tokens.access {
		if which(t.authority) && !t.expires.IsZero() {
			delete(a.tokens.access, value)
		}
	}
	for value, t := range a.tokens.refresh {
		if which(t.authority) {
			delete(a.tokens.refresh, value)
		}
	}
}

// reconnect answers a code for an account in which the app is installed.
func (a *app) reconnect(form url.Values) reply {
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
	value := letters(a.random, 40, mixedAlphabet)
	a.tokens.codes[value] = &code{authority: by, expires: a.sandbox.now().Add(codeLife), offline: true}
	return jsonReply(http.StatusOK, place(object{}, def.Code, value))
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
	a.revokeAll(func(authority) bool { return true })
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
func (a *app) grantError(status int, code, description string) reply {
	if own := a.rules.grantCodes[code]; own != "" {
		code = own
	} else if code == "invalid_code" {
		code = "invalid_grant"
	}
	if ok := a.def.Errors.OK; ok != "" {
		return jsonReply(http.StatusOK, place(object{"error": code}, ok, false))
	}
	return jsonReply(status, object{"error": code, "error_description": description})
}
