package sandbox

import (
	"bytes"
	htmltemplate "html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// code is an authorization code, which is redeemed for tokens.
type code struct {
	Grant
	redirect, challenge string
	expires             time.Time
	offline             bool // set if it is redeemed for a refresh token too
}

// codeLifetime is how long a code is valid.
const codeLifetime = 10 * time.Minute

// authorization is a valid request to the authorization endpoint.
type authorization struct {
	redirect *url.URL
	state    string
	scopes   []string
	within   string
}

// authorizePage shows a person what a client asks for, and redirects the browser
// with a code when the person agrees.
func (a *App) authorizePage(h *http.Request, form url.Values) Reply {
	o := a.oauthDef()
	if o == nil {
		return a.refuse(&Failure{Status: http.StatusNotFound, Kind: bindings.NotFound, Message: "the app has no OAuth"}, a.traceLocked())
	}
	q := h.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case q.Get("client_id") != ClientID:
		return showAuthorize(http.StatusBadRequest, authorizeView{Title: a.Def.Title, Problem: "The app is not known: client_id is wrong."})
	case err != nil || back.Host == "":
		return showAuthorize(http.StatusBadRequest, authorizeView{Title: a.Def.Title, Problem: "redirect_uri is missing."})
	case o.HTTPSRedirect && back.Scheme != "https":
		return showAuthorize(http.StatusBadRequest, authorizeView{Title: a.Def.Title, Problem: "redirect_uri must use https."})
	}
	want := authorization{redirect: back, state: q.Get("state")}
	if code := a.parseAuthorization(o, q, &want); code != "" {
		return want.redirectWith("error", code)
	}
	switch {
	case h.Method == http.MethodGet:
		view := authorizeView{Title: a.Def.Title, Scopes: want.scopes, Account: a.Account}
		if a.Def.ParentVariant() != nil {
			view.Parent, view.ParentNoun = a.rules.Parent, a.Def.ParentVariant().Name
		}
		return showAuthorize(http.StatusOK, view)
	case form.Get("decision") != "allow":
		return want.redirectWith("error", "access_denied")
	}
	value := Letters(a.Random, 40, MixedAlphabet)
	grant := Grant{Account: a.Account, scopes: want.scopes, Within: want.within, family: "family-" + value}
	if form.Get("account") == a.rules.Parent && a.rules.Parent != "" {
		grant.Account, grant.Parent = a.rules.Parent, true
	}
	a.tokens.installed[grant.Account] = grant
	a.tokens.codes[value] = &code{Grant: grant, redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"),
		expires: a.sandbox.now().Add(codeLifetime), offline: offline(o, q, want.scopes)}
	return want.redirectWith("code", value)
}

// parseAuthorization reads what a client asks for into want. It returns the
// OAuth error code of an invalid request, else "".
func (a *App) parseAuthorization(o *bindings.OAuth, q url.Values, want *authorization) string {
	param := o.Scopes.Param
	if param == "" {
		param = "scope"
	}
	want.scopes = bindings.SplitScopes(q.Get(param))
	for _, v := range a.Def.Variants {
		if v.ScopeParam != "" && len(want.scopes) == 0 && q.Get(v.ScopeParam) != "" {
			want.scopes, want.within = bindings.SplitScopes(q.Get(v.ScopeParam)), v.Within
		}
	}
	known := a.knownScopes(o)
	method, challenge := q.Get("code_challenge_method"), q.Get("code_challenge")
	switch {
	case q.Get("response_type") != "code" && (q.Has("response_type") || !a.rules.Lenient):
		return "unsupported_response_type"
	case len(want.scopes) == 0:
		return "invalid_scope"
	case len(known) > 0 && slices.ContainsFunc(want.scopes, func(scope string) bool { return !known[scope] }):
		return "invalid_scope"
	case challenge != "" && method != "S256", !o.PKCE && challenge != "":
		return "invalid_request"
	}
	return ""
}

// knownScopes are those of the catalogue and those that go with every consent.
func (a *App) knownScopes(o *bindings.OAuth) map[string]bool {
	known := map[string]bool{}
	for _, name := range a.Def.Operations() {
		if op, found := a.Def.Operation(name); found {
			for _, scope := range slices.Concat(op.Scopes, op.AnyScope) {
				known[scope] = true
			}
		}
	}
	for _, name := range a.Def.Catalogue.Triggers() {
		if trigger, found := a.Def.Catalogue.Trigger(name); found {
			for _, scope := range trigger.Scopes {
				known[scope] = true
			}
		}
	}
	for _, scope := range slices.Concat(o.Scopes.Always, o.Scopes.Default, o.Scopes.ReadOnly) {
		known[scope] = true
	}
	return known
}

// offline reports whether a refresh token was requested in the vendor's way:
// with a scope, or with parameters of its own.
func offline(o *bindings.OAuth, q url.Values, scopes []string) bool {
	for _, scope := range o.Scopes.Always {
		if !slices.Contains(scopes, scope) {
			return false
		}
	}
	for name, value := range o.AuthorizeParams {
		if q.Get(name) != value {
			return false
		}
	}
	return true
}

// redirectWith sends the browser back to the client.
func (w authorization) redirectWith(name, value string) Reply {
	back := *w.redirect
	q := back.Query()
	q.Set(name, value)
	if w.state != "" {
		q.Set("state", w.state)
	}
	back.RawQuery = q.Encode()
	return Reply{Status: http.StatusFound, Header: http.Header{"Location": {back.String()}}}
}

// authorizeView is what the page shows.
type authorizeView struct {
	Title, Problem              string
	Scopes                      []string
	Account, Parent, ParentNoun string
}

var authorizeTemplate = htmltemplate.Must(htmltemplate.New("consent").Funcs(htmltemplate.FuncMap{"first": func(s string) string { return strings.ToUpper(s[:1]) + s[1:] }}).Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{.Title}}: allow access?</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem}button{font:inherit;padding:.7rem 1.4rem}</style>
<main>
{{- if .Problem}}<h1>{{.Title}}</h1><p>{{.Problem}}</p>
{{- else}}<h1>Allow Tidewire to use {{.Title}}?</h1>
<p>This is the sandbox: nothing real is given away. It asks for:</p>
<ul>{{range .Scopes}}<li>{{.}}</li>{{end}}</ul>
<form method="post">
{{- if .Parent}}
<p><label><input type="radio" name="account" value="{{.Account}}" checked> {{.Account}}</label><br>
<label><input type="radio" name="account" value="{{.Parent}}"> {{first .ParentNoun}} {{.Parent}} with all its accounts</label></p>
{{- end}}
<p><button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></p>
</form>
{{- end}}
</main></html>
`))

func showAuthorize(status int, view authorizeView) Reply {
	var out bytes.Buffer
	if err := authorizeTemplate.Execute(&out, view); err != nil {
		status = http.StatusInternalServerError
	}
	return Reply{Status: status, Body: out.Bytes(), Header: http.Header{
		"Content-Type": {"text/html; charset=utf-8"}, "Cache-Control": {"no-store"},
		"Content-Security-Policy": {"default-src 'none'; style-src 'unsafe-inline'"},
	}}
}
